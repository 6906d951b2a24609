"""Every way a fetch can go, told apart: one declaration each.

What ended or holds up a fetch is one `Outcome`, kept on its row. The table below says for each how it
looks, what it means in a seller's words, what to do about it and where, and whether, when and how it is
tried again. fetching.py follows the table; the Data page reads from it. What only seems to be so is kept
as a guess (`Fetch.guessed`) and said to be one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from .models import Fetch

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_State = Fetch.State


class Outcome(StrEnum):
    # It came, or there is nothing to come.
    DONE = "done"
    DONE_EMPTY = "done_empty"
    NO_DATA = "no_data"
    TOO_OLD = "too_old"
    NOTHING_TO_ASK = "nothing_to_ask"
    NOT_OURS = "not_ours"
    # It takes its time.
    IN_QUEUE = "in_queue"
    IN_QUEUE_LONG = "in_queue_long"
    WAITING_TURN = "waiting_turn"
    DUPLICATE_ADOPTED = "duplicate_adopted"
    TAKEN_OVER = "taken_over"
    TOO_SOON = "too_soon"
    # Amazon, or the way there, is not well.
    THROTTLED = "throttled"
    AMAZON_DOWN = "amazon_down"
    UNREACHABLE = "unreachable"
    HTML_ANSWER = "html_answer"
    LIST_INCOMPLETE = "list_incomplete"
    FORGOTTEN = "forgotten"
    NEVER_FINISHED = "never_finished"
    CANCELLED_BY_SOMEONE = "cancelled_by_someone"
    FATAL_EXPLAINED = "fatal_explained"
    FATAL_UNEXPLAINED = "fatal_unexplained"
    REQUEST_REFUSED = "request_refused"
    # The document.
    URL_EXPIRED = "url_expired"
    CUT_OFF = "cut_off"
    PAGE_INSTEAD = "page_instead"
    TOO_BIG = "too_big"
    BAD_DOCUMENT = "bad_document"
    UNCLEAR = "unclear"
    EMPTIED = "emptied"
    SUSPICIOUS = "suspicious"
    # The connection.
    NO_CREDENTIALS = "no_credentials"
    WRONG_SECRET = "wrong_secret"
    ACCESS_REVOKED = "access_revoked"
    SIGN_IN_REFUSED = "sign_in_refused"
    TOKEN_EXPIRED = "token_expired"
    ROLE_MISSING = "role_missing"
    WRONG_REGION = "wrong_region"
    WRONG_PROFILE = "wrong_profile"
    # Here.
    DISK_FULL = "disk_full"
    UNEXPECTED = "unexpected"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an outcome is to a person and to the worker."""

    #: The chip: ok, provisional (it takes its time), warn (tried again by itself), breach (needs somebody), no_limit.
    severity: str
    word: _StrPromise
    sentence: _StrPromise
    #: What to do; "" when there is nothing to do.
    todo: _StrPromise | str = ""
    #: Where to do it: "account" (its settings), "upload".
    link: str = ""
    #: The state it ends in, at once or when its tries are used up.
    ends: str = _State.FAILED
    #: Waits before the next tries, in units of settings.POLL_SECONDS (20 s); the last one repeats. (): no other try.
    waits: tuple[float, ...] = ()
    #: A try counts, and after the third it ends; otherwise it is waited for without end.
    counts: bool = True
    #: The next try asks Amazon for a new report; otherwise it goes on with the same.
    anew: bool = False
    #: The feed has its answer and counts as fresh.
    fresh: bool = False


#: One minute; five minutes and half an hour.
SOON: tuple[float, ...] = (3,)
_SPACED: tuple[float, ...] = (15, 90)
_CONNECTION = _("Open the account's settings and check the connection: it names what is wrong.")

MEANINGS: dict[Outcome, Meaning] = {
    Outcome.DONE: Meaning("ok", _("done"), _("The report came."), ends=_State.DONE, fresh=True),
    Outcome.DONE_EMPTY: Meaning(
        "ok",
        _("done, without rows"),
        _("The report came, and there is not one row in it."),
        _("Nothing, unless you know of something it should hold: then look at the same days in Seller Central."),
        ends=_State.DONE,
        fresh=True,
    ),
    Outcome.NO_DATA: Meaning(
        "no_limit",
        _("no data"),
        _("Amazon made no report because it has no data for these days. The days stay unknown, they are not zero."),
        _("Nothing, unless you know of something it should hold."),
        ends=_State.EMPTY,
        fresh=True,
    ),
    Outcome.TOO_OLD: Meaning(
        "no_limit",
        _("too old"),
        _("Amazon does not keep this report for days so long ago."),
        _("If you have the file from that time, upload it."),
        "upload",
        ends=_State.EMPTY,
    ),
    Outcome.NOTHING_TO_ASK: Meaning(
        "no_limit",
        _("nothing to ask"),
        _("There is nothing to ask Amazon about for these days yet."),
        ends=_State.EMPTY,
    ),
    Outcome.NOT_OURS: Meaning(
        "no_limit",
        _("another marketplace"),
        _("The report is about a marketplace that is not among those of this account here; nothing of it was kept."),
        _("Add the marketplace in the account's settings if you want its figures."),
        "account",
        ends=_State.EMPTY,
    ),
    Outcome.IN_QUEUE: Meaning(
        "provisional", _("waiting for Amazon"), _("Amazon has the request and is making the report."), counts=False
    ),
    Outcome.IN_QUEUE_LONG: Meaning(
        "warn",
        _("Amazon is slow"),
        _("Amazon has had the request for hours and has not finished. The same report is waited for, up to two days."),
        _("Nothing: asking again would only put it at the end of Amazon's queue."),
        counts=False,
    ),
    Outcome.WAITING_TURN: Meaning(
        "provisional",
        _("waiting for its turn"),
        _("Amazon allows only so many reports at a time; this one is asked for as soon as it may be."),
        counts=False,
    ),
    Outcome.DUPLICATE_ADOPTED: Meaning(
        "provisional",
        _("waiting for Amazon"),
        _("Amazon was making the same report already; that one is taken, no second one was asked for."),
        counts=False,
    ),
    Outcome.TAKEN_OVER: Meaning(
        "provisional",
        _("taken over"),
        _("Amazon had made the same report a short while ago; that one is taken, no second one was asked for."),
        counts=False,
    ),
    Outcome.TOO_SOON: Meaning(
        "provisional",
        _("asked too soon"),
        _("Amazon makes this report only once in a while, and it was asked for again before that was over."),
        _("Nothing: it is asked for when Amazon makes it again."),
        ends=_State.EMPTY,
        waits=_SPACED,
        anew=True,
    ),
    Outcome.THROTTLED: Meaning(
        "provisional",
        _("slowed down"),
        _("Amazon said: not so many at a time. It is asked again when Amazon allows it."),
        _("Nothing, unless it lasts for hours: then see whether another program asks Amazon for the same seller."),
        counts=False,
    ),
    Outcome.AMAZON_DOWN: Meaning(
        "warn",
        _("Amazon is down"),
        _("Amazon answers with an error of its own. What was asked for stays asked for."),
        _("Nothing: it is tried every minute. If it lasts, look at Amazon's service health page."),
        waits=SOON,
        counts=False,
    ),
    Outcome.UNREACHABLE: Meaning(
        "warn",
        _("no connection"),
        _("This machine gets no answer from Amazon at all."),
        _("It is tried every minute. If it lasts, check this machine's internet connection, name server and proxy."),
        waits=SOON,
        counts=False,
    ),
    Outcome.HTML_ANSWER: Meaning(
        "warn",
        _("a web page answers"),
        _("A web page came where Amazon's answer should be; it was not taken for data."),
        _("It is tried every minute. If it lasts, see what stands between: a proxy, a firewall, a sign-in page."),
        waits=SOON,
        counts=False,
    ),
    Outcome.LIST_INCOMPLETE: Meaning(
        "warn",
        _("list not complete"),
        _("Amazon's list of its reports broke off. What it named so far is kept; more may be to come."),
        _("Nothing: the rest of the list is asked for every minute."),
        waits=SOON,
        counts=False,
    ),
    Outcome.FORGOTTEN: Meaning(
        "warn",
        _("forgotten by Amazon"),
        _("Amazon no longer knows the report that was asked for."),
        _("Nothing: it is asked for anew, three times in all."),
        waits=_SPACED,
        anew=True,
    ),
    Outcome.NEVER_FINISHED: Meaning(
        "breach",
        _("never finished"),
        _("Amazon did not finish this report in two days, and it was given up."),
        _("Download it from Seller Central and upload it, or wait for the next run."),
        "upload",
    ),
    Outcome.CANCELLED_BY_SOMEONE: Meaning(
        "warn",
        _("cancelled"),
        _("The report was cancelled before it was made, and not by opsboard. Nothing is known about these days."),
        _("See whether somebody, or another program of yours, cancels reports. It is asked for anew, three times."),
        ends=_State.CANCELLED,
        waits=_SPACED,
        anew=True,
    ),
    Outcome.FATAL_EXPLAINED: Meaning(
        "breach",
        _("not made"),
        _("Amazon could not make this report and says why."),
        _("Read Amazon's reason. It is asked for anew, three times in all, later each time."),
        waits=_SPACED,
        anew=True,
    ),
    Outcome.FATAL_UNEXPLAINED: Meaning(
        "breach",
        _("not made"),
        _("Amazon could not make this report and gave no reason."),
        _(
            "It is asked for anew, three times in all. If it goes on, try the same report in Seller Central; "
            "a file from there can be uploaded."
        ),
        "upload",
        waits=_SPACED,
        anew=True,
    ),
    Outcome.REQUEST_REFUSED: Meaning(
        "breach",
        _("refused"),
        _("Amazon does not accept this request as it stands."),
        _("Read Amazon's words. If they do not help, check the connection and the marketplaces of the account."),
        "account",
    ),
    Outcome.URL_EXPIRED: Meaning(
        "warn",
        _("address expired"),
        _("The address of the finished document had expired twice in a row before it could be downloaded."),
        _("Nothing: a new address is asked for. If it goes on, check this machine's clock."),
        waits=_SPACED,
    ),
    Outcome.CUT_OFF: Meaning(
        "warn",
        _("cut off"),
        _("The document did not arrive whole; nothing of it was kept."),
        _("Nothing: it is downloaded again, three times in all."),
        waits=_SPACED,
    ),
    Outcome.PAGE_INSTEAD: Meaning(
        "warn",
        _("a web page answers"),
        _("A web page came where the document should be; nothing of it was kept."),
        _("It is downloaded again. If it goes on, see what stands between: a proxy, a firewall, a sign-in page."),
        waits=_SPACED,
    ),
    Outcome.TOO_BIG: Meaning(
        "breach",
        _("too large"),
        _("The document is larger than opsboard accepts."),
        _("Download a shorter period from Seller Central and upload it."),
        "upload",
    ),
    Outcome.BAD_DOCUMENT: Meaning(
        "breach",
        _("unreadable"),
        _("The document cannot be read as what it should be; what was stored stays as it was."),
        _("Download the same report from Seller Central and upload it; the page says what is wrong with a file."),
        "upload",
    ),
    Outcome.UNCLEAR: Meaning(
        "breach",
        _("whose is it?"),
        _("Only you can say which marketplace this report is about."),
        _("Download it from Seller Central and upload it for the right marketplace."),
        "upload",
    ),
    Outcome.EMPTIED: Meaning(
        "warn",
        _("suddenly empty"),
        _("The report came with most of what is stored missing. It was not applied; what is stored stays."),
        _("Nothing: it is asked for once more. If it comes like that again, somebody has to look."),
        waits=(90,),
        counts=False,
        anew=True,
    ),
    Outcome.SUSPICIOUS: Meaning(
        "breach",
        _("suspicious"),
        _("The report came twice with most of what is stored missing. It was not applied; what is stored stays."),
        _(
            "Compare it with Seller Central. If it is right, open the document below and apply it by hand; "
            "a file from there can be uploaded."
        ),
        "upload",
        ends=_State.DONE,
    ),
    Outcome.NO_CREDENTIALS: Meaning(
        "breach",
        _("not connected"),
        _("No credentials that open are stored for this account, or its advertising profile is missing."),
        _("Connect the account to Amazon in its settings."),
        "account",
    ),
    Outcome.WRONG_SECRET: Meaning(
        "breach",
        _("wrong client secret"),
        _("Amazon does not accept the application's client id and secret. Secrets end after 180 days."),
        _("Make a new secret in the developer console and enter it in the account's settings."),
        "account",
    ),
    Outcome.ACCESS_REVOKED: Meaning(
        "breach",
        _("access revoked"),
        _("Amazon does not accept the refresh token: the seller took the authorisation back, or it ran out."),
        _("Authorise the application again in Seller Central and enter the new refresh token."),
        "account",
    ),
    Outcome.SIGN_IN_REFUSED: Meaning(
        "breach", _("sign-in refused"), _("Amazon refuses to sign opsboard in."), _CONNECTION, "account"
    ),
    Outcome.TOKEN_EXPIRED: Meaning(
        "warn",
        _("token refused"),
        _("Amazon refuses the access token it has only just given."),
        _("It is tried three times. Then check the connection in the account's settings."),
        "account",
        waits=_SPACED,
    ),
    Outcome.ROLE_MISSING: Meaning(
        "breach",
        _("role missing"),
        _("The application may not have this report: it lacks the role for it, or the seller did not consent to it."),
        _(
            "Add the role to the application in the developer console, authorise it again and enter the new refresh "
            "token. The connection check names the role."
        ),
        "account",
    ),
    Outcome.WRONG_REGION: Meaning(
        "breach",
        _("wrong region"),
        _("These credentials belong to a seller in another region of Amazon's."),
        _("Add the account again under the right region; the connection check names it."),
        "account",
    ),
    Outcome.WRONG_PROFILE: Meaning(
        "breach",
        _("wrong profile"),
        _("The advertising profile of this marketplace is not among those that the credentials open."),
        _("Enter the right profile id in the account's settings; the connection check lists them."),
        "account",
    ),
    Outcome.DISK_FULL: Meaning(
        "breach",
        _("disk full"),
        _("This machine's disk is full; nothing was lost."),
        _("Free some space: it goes on by itself within five minutes."),
        waits=(15,),
        counts=False,
    ),
    Outcome.UNEXPECTED: Meaning(
        "breach",
        _("an error of ours"),
        _("Something happened here that opsboard does not know how to handle."),
        _("It is tried three times. The log has the details; please report them."),
        waits=_SPACED,
    ),
    Outcome.SET_ASIDE: Meaning(
        "breach",
        _("set aside"),
        _("It failed or stopped its worker three times and is not tried again by itself."),
        _("The log has the details. The next run asks anew."),
        ends=_State.QUARANTINED,
    ),
}


def meaning(outcome: str) -> Meaning | None:
    """The declaration of a stored outcome; None for none, or one that a newer version wrote."""
    try:
        return MEANINGS[Outcome(outcome)]
    except ValueError:
        return None
