"""Carrying one fetch as far as it will go now: ask, look, download, keep.

    WAITING -> REQUESTED -> READY -> DONE            EMPTY, CANCELLED, FAILED, QUARANTINED end it as well

A listing of what Amazon made by itself goes from WAITING to DONE, and what it found begins as REQUESTED.
Each step is written under the claim's fence before the next begins, so a worker may die anywhere:
the next one goes on with the same report of Amazon's. (One gap is left, between Amazon's accepting
a request and our writing its id; the Ads API answers the repeat with 425 and the id, which is
adopted, and a report without options is found again in Amazon's list, reuse.py.) When Amazon is quick,
one call does all of it; when it is not, the row is parked until `not_before` and no worker waits.

Whatever goes otherwise has an outcome (understanding.py), and what is then done is declared with it
(outcomes.py): ended with what to do about it, tried again three times in all, or waited for.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import uniform
from typing import Any, BinaryIO

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import DurationField, Max, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.amazon.download import downloaded
from opsboard.amazon.errors import AmazonError, AuthRefused, BadRequest, Duplicate, Expired, NotFound, Throttled
from opsboard.amazon.reports import Link, Progress, Reports, Request, Status, reports_for

from . import discovery, explanation, leases, outcomes, pipeline, registry, reuse, schedule, turns, understanding
from .decode import decode
from .errors import BadDocument, Truncated
from .models import Document, Feed, Fetch
from .outcomes import Outcome
from .registry import Period, ReportSpec
from .understanding import Understood

#: The longest wait between two looks at a report, in units of settings.POLL_SECONDS (20 s).
LONGEST_POLL = 15
#: From here on Amazon is slow: it makes most reports in minutes, those of the Ads API in up to three hours.
SLOW = {"sp": timedelta(hours=1), "ads": timedelta(hours=3)}
#: A report Amazon has not finished after this long is given up.
PATIENCE = timedelta(hours=48)
#: So many entries of a fetch's journal are kept.
JOURNAL = 30
#: What Amazon's own rest between two reports may lack for a fetch to wait for it.
SHORT_REST = timedelta(hours=2)
#: What Amazon allows few of: when one is refused, the account's others in the same state would be as well.
_SCARCE = {"createReport", "getReportDocument", "ads.createReport"}
_MADE = (Fetch.State.REQUESTED, Fetch.State.READY, Fetch.State.DONE, Fetch.State.EMPTY)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Advanced:
    """What one look at a fetch led to."""

    state: str
    #: A kept document waits to be ingested.
    ingest_id: int | None = None


class _Lost(Exception):
    """Another worker has the fetch now; nothing more may be written."""


def advance(fetch_id: int) -> Advanced | None:
    """Claim a fetch and carry it on; None when it is not to be had (held, not due, over)."""
    fence = leases.claim(Fetch, fetch_id)
    return None if fence is None else carry_on(fetch_id, fence)


def carry_on(fetch_id: int, fence: int) -> Advanced:
    """Carry on a fetch that is claimed under `fence`. Raises only when the database is away."""
    fetch = Fetch.objects.select_related("account", "marketplace").get(pk=fetch_id)
    work = _Work(fetch, fence)
    try:
        with leases.held(Fetch, fetch_id, fence):
            return work.run()
    except _Lost:
        return Advanced(fetch.state)


def tell_feed(fetch_id: int) -> None:
    """Show on its feed why a fetch was set aside."""
    Fetch.objects.filter(pk=fetch_id).update(outcome=Outcome.SET_ASIDE, outcome_since=Now(), guessed=False)
    fetch = Fetch.objects.get(pk=fetch_id)
    scope = {"account": fetch.account_id, "marketplace": fetch.marketplace_id}
    Feed.objects.filter(**scope, spec=fetch.spec).update(last_error=fetch.reason)


def without_rows(ingest_id: int) -> None:
    """The document of an ingest turned out to hold nothing: its fetch says so."""
    fetches = Document.objects.filter(ingests=ingest_id).values("fetch")
    Fetch.objects.filter(pk__in=fetches, outcome=Outcome.DONE).update(outcome=Outcome.DONE_EMPTY)


class _Work:
    """One claim on one fetch."""

    def __init__(self, fetch: Fetch, fence: int) -> None:
        self.fetch = fetch
        self.fence = fence
        self.spec: ReportSpec
        self.scope: AccountMarketplace
        self.reports: Reports

    def run(self) -> Advanced:
        try:
            self.spec = registry.spec(self.fetch.spec)
            self.scope = AccountMarketplace.objects.select_related("account", "marketplace").get(
                account=self.fetch.account_id, marketplace=self.fetch.marketplace_id
            )
            urgent = self.fetch.priority <= schedule.ASKED_PRIORITY
            self.reports = reports_for(self.scope, self.spec.api, urgent)
            return self.steps()
        except Throttled as error:
            return self.throttled(error)
        except AuthRefused as error:
            understood = understanding.of_error(error, self.scope, self.spec.api)
            self.rest_siblings(error, understood)
            return self.told(understood, str(error), error.detail)
        except (BadDocument, Truncated) as error:
            cut = isinstance(error, Truncated)
            return self.told(Understood(Outcome.CUT_OFF if cut else Outcome.BAD_DOCUMENT), str(error))
        except NotFound as error:
            if self.fetch.state == Fetch.State.WAITING or self.fetch.kind == Fetch.Kind.FOUND:
                return self.over(Understood(Outcome.FORGOTTEN), Fetch.State.FAILED, str(error), error.detail)
            return self.told(Understood(Outcome.FORGOTTEN), str(error), error.detail)
        except AmazonError as error:
            understood = understanding.of_error(error)
            if self.broke_off() and outcomes.MEANINGS[understood.outcome].waits == outcomes.SOON:
                understood = Understood(Outcome.LIST_INCOMPLETE)
            return self.told(understood, str(error), error.detail)
        except (_Lost, OperationalError, InterfaceError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                reason = _("The disk is full. Free some space; it goes on by itself.")
                return self.told(Understood(Outcome.DISK_FULL), reason)
            log.exception("fetch_failed", fetch=self.fetch.pk)
            reason = _("Something unexpected happened (%(kind)s); see the log.") % {"kind": type(error).__name__}
            return self.told(Understood(Outcome.UNEXPECTED), reason)

    def steps(self) -> Advanced:
        fetch = self.fetch
        if self.spec.discovered and fetch.kind != Fetch.Kind.FOUND:
            return self.find()
        if fetch.state == Fetch.State.WAITING and (ended := self.rest() or self.request()):
            return ended
        status = self.reports.look(fetch.report_id)
        if status.progress is Progress.WORKING:
            return self.wait_for_amazon()
        if status.progress is Progress.DONE:
            return self.download(status)
        said = explanation.of(self.reports, fetch.report_id, status)
        told = _("Amazon says: %(detail)s") % {"detail": said} if said else _("Amazon gave no reason.")
        if status.progress is Progress.CANCELLED:
            understood = understanding.of_cancelled(fetch, self.spec, status, said)
            reason = _("Amazon's answer is: cancelled.")
        else:
            understood = understanding.of_fatal(fetch, self.spec, said)
            reason = _("Amazon could not make this report.")
        if fetch.kind == Fetch.Kind.FOUND and outcomes.MEANINGS[understood.outcome].anew:
            return self.over(understood, Fetch.State.FAILED, f"{reason} {told}", said)  # nobody can ask for it anew
        return self.told(understood, f"{reason} {told}", said)

    # --- steps -----------------------------------------------------------------------------------

    def find(self) -> Advanced:
        """Note every report of the type that Amazon has, page after page; a page and its token in one commit."""
        fetch = self.fetch
        new = int(fetch.options.get("new", 0))
        token = str(fetch.options.get("token", ""))
        while True:
            try:
                page = self.reports.find(
                    self.spec.report_type, fetch.marketplace.amazon_id, discovery.since(timezone.now()), token
                )
            except BadRequest as error:
                if not token:
                    raise
                self.write(options={})  # a token that has become old: from the first page
                return self.told(Understood(Outcome.FORGOTTEN), str(error))
            with transaction.atomic():
                new += discovery.note(fetch, page.reports)
                self.write(options={"token": page.token, "new": new})
            if not page.token or page.token == token:
                break
            token = page.token
        reason = ngettext("Amazon has %(count)d new report.", "Amazon has %(count)d new reports.", new) % {"count": new}
        self.end(Fetch.State.DONE, Understood(Outcome.DONE), reason)
        self.feed(last_success_at=Now(), last_error="")
        return Advanced(Fetch.State.DONE)

    def broke_off(self) -> bool:
        """Whether some pages of Amazon's list have been noted, and not all."""
        return self.fetch.kind != Fetch.Kind.FOUND and bool(self.spec.discovered and self.fetch.options.get("token"))

    def rest(self) -> Advanced | None:
        """An outcome when Amazon would refuse because it made this report a short while ago."""
        if not self.spec.rest_hours:
            return None
        rest = timedelta(hours=self.spec.rest_hours)
        mine = Fetch.objects.filter(account=self.fetch.account_id, marketplace=self.fetch.marketplace_id)
        last = (
            mine.filter(spec=self.spec.key, requested_at__gt=timezone.now() - rest, state__in=_MADE)
            .exclude(pk=self.fetch.pk)
            .aggregate(last=Max("requested_at"))["last"]
        )
        if last is None:
            return None
        reason = _("Amazon makes this report once in %(hours)d hours; it was asked for at %(time)s UTC.") % {
            "hours": self.spec.rest_hours,
            "time": f"{last:%Y-%m-%d %H:%M}",
        }
        left = last + rest - timezone.now()
        # Daily slots are never exactly a day apart: the short rest is waited for.
        if left >= SHORT_REST:
            return self.over(Understood(Outcome.TOO_SOON), Fetch.State.EMPTY, reason)
        return self.park(Understood(Outcome.TOO_SOON), left.total_seconds() + 60, reason)

    def request(self) -> Advanced | None:
        """Ask for the report and note its id; an outcome only when there is nothing to ask for."""
        asked_at = timezone.now()
        window = self.window(asked_at)
        if window is None:
            reason = _("Amazon keeps only %(days)d days of this report.") % {"days": self.spec.lookback_days}
            return self.told(Understood(Outcome.TOO_OLD), reason)
        dated = self.spec.history
        options = dict(self.spec.options)
        if self.spec.ask is not None:
            asked = self.spec.ask(self.fetch.account_id, self.fetch.marketplace_id, *window)
            if asked is None:
                reason = _("There is nothing to ask Amazon about for these days yet.")
                return self.told(Understood(Outcome.NOTHING_TO_ASK), reason)
            options |= asked
        wanted = Request(
            report_type=self.spec.report_type,
            marketplace_id=self.fetch.marketplace.amazon_id,
            first=window[0] if dated else None,
            last=window[1] if dated else None,
            since=asked_at - timedelta(hours=self.spec.since_hours) if self.spec.since_hours else None,
            options=options,
            zone=self.fetch.marketplace.zone if self.spec.moments else None,
            configuration=self.spec.ads_configuration,
        )
        first_try = self.fetch.attempts <= 1
        found = reuse.made_already(self.fetch, self.spec, self.reports, wanted) if first_try else None
        if found is not None:
            made = found.created_at or asked_at
            note = _("made by Amazon at %(time)s UTC and taken over") % {"time": f"{made:%Y-%m-%d %H:%M}"}
            outcome, report_id = Outcome.TAKEN_OVER, found.report_id
        else:
            note, outcome = "", Outcome.IN_QUEUE
            try:
                report_id = self.reports.request(wanted)
            except Duplicate as error:
                outcome, report_id = Outcome.DUPLICATE_ADOPTED, error.report_id
                note = _("Amazon was making it already; taken over")
        self.write(
            state=Fetch.State.REQUESTED,
            report_id=report_id,
            report_document_id="",
            requested_at=asked_at,
            options=options,
            reason="",
            said="",
            **self.outcome_fields(Understood(outcome), note, report_id),
        )
        return None

    def window(self, asked_at: datetime) -> tuple[date, date] | None:
        """The days to ask for at an instant: what Amazon still has of the fetch's window."""
        first, last = self.fetch.window_start, self.fetch.window_end
        if not self.spec.history or self.spec.discovered:
            return first, last
        earliest = self.fetch.marketplace.day_of(asked_at) - timedelta(days=self.spec.lookback_days)
        if self.spec.period is not Period.DAY:  # half a week is no week
            return (first, last) if first >= earliest else None
        return (max(first, earliest), last) if last >= earliest else None

    def wait_for_amazon(self) -> Advanced:
        """Look again later, the later the longer it has taken."""
        asked_at = self.fetch.requested_at or timezone.now()
        age = timezone.now() - asked_at
        if age > PATIENCE:
            reason = _("Amazon did not finish this report in two days. Ask for it again.")
            return self.told(Understood(Outcome.NEVER_FINISHED), reason)
        unit = settings.POLL_SECONDS
        wait = min(max(unit, age.total_seconds() / 4), unit * LONGEST_POLL)
        slow = age > SLOW.get(self.spec.api, PATIENCE)
        reason = _("Waiting for Amazon since %(time)s UTC.") % {"time": f"{asked_at:%Y-%m-%d %H:%M}"}
        return self.park(Understood(Outcome.IN_QUEUE_LONG if slow else Outcome.IN_QUEUE), wait, reason)

    def download(self, status: Status) -> Advanced:
        """Fetch the document and keep it; an address that expired is asked for anew, the report is not."""
        fetch = self.fetch
        if fetch.state != Fetch.State.READY:
            fetch.state, fetch.report_document_id = Fetch.State.READY, status.document_id
        link: Link | None = status.link
        for last_chance in (False, True):
            link = link or self.reports.locate(fetch.report_id, status.document_id)
            try:
                return self.keep(link, status)
            except Expired:
                if last_chance:
                    raise
                link = None
        raise AssertionError  # the loop returns or raises

    def keep(self, link: Link, status: Status) -> Advanced:
        fetch = self.fetch
        made_at = status.created_at or fetch.requested_at or timezone.now()
        if self.spec.history:
            window = self.window(fetch.requested_at or made_at) or (fetch.window_start, fetch.window_end)
        else:
            day = fetch.marketplace.day_of(made_at)
            window = (day, day)
        with downloaded(link) as file, transaction.atomic():
            raw = file.content
            try:
                marketplace = self.whose(raw, file.charset)
            except discovery.NotOurs as error:
                self.end(Fetch.State.EMPTY, Understood(Outcome.NOT_OURS), str(error))
                return Advanced(Fetch.State.EMPTY)
            except discovery.Unclear as error:
                self.write(options={**fetch.options, "unclear": True})
                return self.told(Understood(Outcome.UNCLEAR), str(error))
            document = pipeline.keep(
                raw,
                spec_key=self.spec.key,
                account=fetch.account,
                marketplace=marketplace,
                source=self.reports.source,
                source_created_at=made_at,
                report_id=fetch.report_id,
                options=fetch.options or dict(self.spec.options),
                window=window,
                fetch=fetch,
                declared_charset=file.charset,
            )
            # Under the fence and in the same commit: a worker that lost its claim keeps nothing.
            self.end(Fetch.State.DONE, Understood(Outcome.DONE), "")
            if fetch.kind != Fetch.Kind.BACKFILL:
                self.feed(last_success_at=Now(), last_error="")
        ingest = document.ingests.order_by("-id").values_list("id", flat=True).first()
        return Advanced(Fetch.State.DONE, ingest_id=ingest)

    def whose(self, raw: BinaryIO, charset: str) -> Marketplace:
        """The marketplace a downloaded document is about; the fetch is its own from now on."""
        fetch = self.fetch
        if self.spec.whose is None:
            return fetch.marketplace
        listed = [str(name) for name in fetch.options.get("marketplaces", [])]
        with decode(raw, declared_charset=charset, marketplace_code=fetch.marketplace.code) as decoded:
            found = discovery.marketplace_of(self.spec, decoded, fetch.account, listed)
        raw.seek(0)
        self.write(marketplace=found)
        return found

    # --- outcomes ---------------------------------------------------------------------------------

    def told(self, understood: Understood, reason: str, said: str = "") -> Advanced:
        """Do what is declared for an outcome: end it, try again and count that, or wait."""
        meaning = outcomes.MEANINGS[understood.outcome]
        tries = self.fetch.attempts
        if not meaning.waits and understood.wait is None or meaning.counts and tries >= leases.MAX_ATTEMPTS:
            return self.over(understood, meaning.ends, reason, said)
        wait = understood.wait
        if wait is None:
            wait = settings.POLL_SECONDS * meaning.waits[max(0, min(tries, len(meaning.waits)) - 1)]
        if meaning.counts:
            return self.retry(understood, wait, reason, said, meaning.anew)
        return self.park(understood, wait, reason, said, tell=True)

    def throttled(self, error: Throttled) -> Advanced:
        if error.operation in _SCARCE:
            turns.rest(self.fetch, self.spec.api, error.retry_after)
        return self.park(understanding.of_error(error), error.retry_after + uniform(0, 0.1), str(error))

    def park(self, understood: Understood, seconds: float, reason: str, said: str = "", tell: bool = False) -> Advanced:
        """Later, and not counted as a failure; `tell`: the feed shows why."""
        kept = {**self.progress_fields(), "said": said, **self.outcome_fields(understood)}
        self.sure(leases.park(Fetch, self.fetch.pk, self.fence, seconds, reason=reason, **kept))
        if tell:
            self.feed(last_error=reason)
        return Advanced(self.fetch.state)

    def retry(self, understood: Understood, wait: float, reason: str, said: str, anew: bool) -> Advanced:
        """A failure that counts: once more after a while, `anew`: with a new report."""
        fetch = self.fetch
        noted = self.outcome_fields(understood, said, fetch.report_id)
        if anew:
            fetch.state, fetch.report_id, fetch.report_document_id = Fetch.State.WAITING, "", ""
        fields = {**self.progress_fields(), "report_id": fetch.report_id, "reason": reason, "said": said, **noted}
        self.sure(leases.strike(Fetch, fetch.pk, self.fence, wait, **fields))
        self.feed(last_error=reason)
        return Advanced(fetch.state)

    def over(self, understood: Understood, state: str, reason: str, said: str = "") -> Advanced:
        """It ends here; a feed that has its answer is fresh, of another it is shown why not."""
        self.end(state, understood, reason, said)
        if outcomes.MEANINGS[understood.outcome].fresh:
            self.feed(last_success_at=Now(), last_error="")
        elif self.fetch.kind != Fetch.Kind.BACKFILL or state != Fetch.State.EMPTY:
            self.feed(last_error=reason)
        return Advanced(state)

    def rest_siblings(self, error: AuthRefused, understood: Understood) -> None:
        """Let the account's waiting fetches rest, rather than have each be refused in turn.

        New credentials wake them (schedule.plan_due).
        A missing role is that of one report, a wrong profile that of one marketplace, anything else that of the API.
        """
        specs = [spec.key for spec in registry.specs() if spec.api == self.spec.api]
        if understood.outcome is Outcome.ROLE_MISSING:
            specs = [self.spec.key]
        rest = Now() + Value(schedule.REFUSED_REST, output_field=DurationField())
        siblings = Fetch.objects.filter(
            account=self.fetch.account_id,
            spec__in=specs,
            state=Fetch.State.WAITING,
            finished_at=None,
            lease_until=None,
            priority__gt=0,
        )
        if understood.outcome is Outcome.WRONG_PROFILE:
            siblings = siblings.filter(marketplace=self.fetch.marketplace_id)
        siblings.exclude(pk=self.fetch.pk).update(
            not_before=rest,
            reason=str(error),
            said=error.detail,
            outcome=understood.outcome,
            outcome_since=Now(),
            guessed=understood.guess,
        )

    # --- writing ----------------------------------------------------------------------------------

    def progress_fields(self) -> dict[str, Any]:
        return {"state": self.fetch.state, "report_document_id": self.fetch.report_document_id}

    def write(self, **fields: Any) -> None:
        self.sure(leases.write(Fetch, self.fetch.pk, self.fence, **fields))
        for name, value in fields.items():
            setattr(self.fetch, name, value)

    def outcome_fields(self, understood: Understood, note: str = "", report: str = "") -> dict[str, Any]:
        """What is written of an outcome: since when, and a line in the journal when it is news or has a note."""
        fetch = self.fetch
        news = fetch.outcome != understood.outcome
        if news or note:
            fetch.journal = [
                *fetch.journal,
                {
                    "at": timezone.now().isoformat(timespec="seconds"),
                    "outcome": str(understood.outcome),
                    "report": report or fetch.report_id,
                    "note": note,
                },
            ][-JOURNAL:]
        fetch.outcome, fetch.guessed = str(understood.outcome), understood.guess
        fields: dict[str, Any] = {"outcome": fetch.outcome, "guessed": fetch.guessed, "journal": fetch.journal}
        # Amazon is waited for since it was asked, not since that became long.
        since = fetch.requested_at if understood.outcome is Outcome.IN_QUEUE_LONG else Now()
        return {**fields, "outcome_since": since or Now()} if news else fields

    def end(self, state: str, understood: Understood, reason: str, said: str = "") -> None:
        fields = {**self.progress_fields(), "state": state, "reason": reason, "said": said}
        self.sure(leases.finish(Fetch, self.fetch.pk, self.fence, **fields, **self.outcome_fields(understood, said)))

    def sure(self, written: bool) -> None:
        if not written:
            raise _Lost

    def feed(self, **fields: Any) -> None:
        scope = {"account": self.fetch.account_id, "marketplace": self.fetch.marketplace_id}
        Feed.objects.filter(**scope, spec=self.fetch.spec).update(**fields)
