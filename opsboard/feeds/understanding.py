"""From what Amazon did to what it means: which outcome, how sure, and what speaks for it.

Amazon says CANCELLED for three different things and gives no reason. They are told apart by what there
is: a reason document, our own request of a short while ago, what is already known of the days, and
whether Amazon had begun (only a report that still queues can be cancelled by somebody). Where that is
a conclusion rather than Amazon's word it is a guess, and called one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon.errors import (
    AmazonError,
    AuthRefused,
    BadRequest,
    DownloadFailed,
    Expired,
    NoCredentials,
    NotAmazon,
    NotFound,
    PageInstead,
    TemporarilyDown,
    Throttled,
    TooBig,
    Unreachable,
)
from opsboard.amazon.places import Place, place_of
from opsboard.amazon.reports import Status

from .models import Coverage, Fetch
from .outcomes import Outcome
from .registry import ReportSpec

#: Amazon makes a report anew after half an hour at the earliest, daily ones after four.
USUAL_REST = timedelta(minutes=30)
LONGEST_REST = timedelta(hours=24)
_TOO_SOON = re.compile(
    r"too soon|too (?:often|frequent)|recently|already (?:been )?(?:requested|submitted)|quota", re.I
)
_NO_DATA = re.compile(r"no (?:data|records?|rows?|content)|(?:not|un)\s?available|empty", re.I)


@dataclass(frozen=True, slots=True)
class Understood:
    outcome: Outcome
    #: A conclusion of ours, not Amazon's word.
    guess: bool = False
    #: Seconds until another try makes sense, where that is known.
    wait: float | None = None


def of_cancelled(fetch: Fetch, spec: ReportSpec, status: Status, said: str) -> Understood:
    """Cancelled: no data, asked again too soon, or stopped by somebody."""
    if _TOO_SOON.search(said):
        return Understood(Outcome.TOO_SOON, wait=_rest_left(fetch, spec) or _rest(spec).total_seconds())
    if _NO_DATA.search(said):
        return Understood(Outcome.NO_DATA)
    if spec.api == "ads":  # the Ads API cancels when it is told to, and opsboard never tells it
        return Understood(Outcome.CANCELLED_BY_SOMEONE)
    if left := _rest_left(fetch, spec):
        return Understood(Outcome.TOO_SOON, guess=True, wait=left)
    if _known_rows(fetch, spec):
        return Understood(Outcome.CANCELLED_BY_SOMEONE, guess=True)
    if not status.started and fetch.attempts < 2:  # a second time it is not likely to be somebody
        return Understood(Outcome.CANCELLED_BY_SOMEONE, guess=True)
    return Understood(Outcome.NO_DATA, guess=True)


def of_fatal(fetch: Fetch, spec: ReportSpec, said: str) -> Understood:
    """Not made: asked again too soon, or for a reason that Amazon gives or keeps to itself."""
    if _TOO_SOON.search(said):
        return Understood(Outcome.TOO_SOON, wait=_rest_left(fetch, spec) or _rest(spec).total_seconds())
    if said:
        return Understood(Outcome.FATAL_EXPLAINED)
    if spec.api == "sp" and (left := _rest_left(fetch, spec)):
        return Understood(Outcome.TOO_SOON, guess=True, wait=left)
    return Understood(Outcome.FATAL_UNEXPLAINED)


def of_error(error: Exception, scope: AccountMarketplace | None = None, api: str = "") -> Understood:
    """What an error of opsboard.amazon means; refused access is looked into, with one question to Amazon."""
    if isinstance(error, AuthRefused):
        return _of_refusal(error, scope, api)
    kinds: tuple[tuple[type[AmazonError], Outcome], ...] = (
        (Unreachable, Outcome.UNREACHABLE),
        (NotAmazon, Outcome.HTML_ANSWER),
        (TemporarilyDown, Outcome.AMAZON_DOWN),
        (NotFound, Outcome.FORGOTTEN),
        (BadRequest, Outcome.REQUEST_REFUSED),
        (Expired, Outcome.URL_EXPIRED),
        (PageInstead, Outcome.PAGE_INSTEAD),
        (TooBig, Outcome.TOO_BIG),
        (DownloadFailed, Outcome.CUT_OFF),
    )
    if isinstance(error, Throttled):
        return Understood(Outcome.THROTTLED if error.asked else Outcome.WAITING_TURN, wait=error.retry_after)
    return Understood(next((outcome for kind, outcome in kinds if isinstance(error, kind)), Outcome.UNEXPECTED))


_BY_WORD = {
    "invalid_client": Outcome.WRONG_SECRET,
    "unauthorized_client": Outcome.WRONG_SECRET,
    "invalid_grant": Outcome.ACCESS_REVOKED,
}


def _of_refusal(error: AuthRefused, scope: AccountMarketplace | None, api: str) -> Understood:
    if isinstance(error, NoCredentials):
        return Understood(Outcome.NO_CREDENTIALS)
    if error.code:
        return Understood(_BY_WORD.get(error.code, Outcome.SIGN_IN_REFUSED))
    if scope is None:
        return Understood(Outcome.SIGN_IN_REFUSED)
    place = place_of(scope, api)
    if place is Place.ELSEWHERE:
        return Understood(Outcome.WRONG_REGION)
    if place is Place.OTHER_PROFILE:
        return Understood(Outcome.WRONG_PROFILE)
    if error.status == 401:
        return Understood(Outcome.TOKEN_EXPIRED)
    # Known in this region: then it is this report. Known nowhere: a role most likely, or the authorisation.
    return Understood(Outcome.ROLE_MISSING, guess=place is not Place.HERE)


def _rest(spec: ReportSpec) -> timedelta:
    return min(LONGEST_REST, timedelta(hours=spec.rest_hours)) if spec.rest_hours else USUAL_REST


def _rest_left(fetch: Fetch, spec: ReportSpec) -> float:
    """Seconds that Amazon's rest since our own earlier request for the same still lasts; 0 when there was none."""
    before = last_request(fetch, spec, timezone.now() - _rest(spec))
    return max(0.0, (before + _rest(spec) - timezone.now()).total_seconds() + 60) if before else 0.0


def last_request(fetch: Fetch, spec: ReportSpec, since: datetime) -> datetime | None:
    """When we last asked Amazon for the same report, before this one and after `since`; None when we did not."""
    mine = Fetch.objects.filter(account=fetch.account_id, marketplace=fetch.marketplace_id, spec=spec.key)
    if spec.history:
        mine = mine.filter(window_start=fetch.window_start, window_end=fetch.window_end)
    asked = mine.filter(requested_at__gt=since).exclude(pk=fetch.pk).exclude(kind=Fetch.Kind.FOUND)
    if fetch.requested_at:
        asked = asked.filter(requested_at__lt=fetch.requested_at)
    return asked.order_by("-requested_at").values_list("requested_at", flat=True).first()


def _known_rows(fetch: Fetch, spec: ReportSpec) -> bool:
    """A document has said of one of these days that it has rows: then "no data" is no answer."""
    return (
        spec.history
        and Coverage.objects.filter(
            account=fetch.account_id,
            marketplace=fetch.marketplace_id,
            dataset__in=[dataset.key for dataset in spec.datasets],
            date__range=(fetch.window_start, fetch.window_end),
            rows__gt=0,
        ).exists()
    )
