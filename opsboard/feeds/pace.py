"""How long requests take: by what Amazon allows, and by how fast they have been coming.

Amazon lets an account ask for about one SP-API report a minute after the first fifteen, whichever of
its marketplaces they are for, so the routine and other back-fills of the account count too. Ads reports
are hardly limited, and Amazon takes its time to make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon.allowance import allowance

from . import registry, slots
from .models import BackfillPlan, Feed, Fetch
from .registry import ReportSpec

#: How long Amazon makes a report, in seconds, until the account's own ones tell.
USUAL_MAKING = {"sp": 120.0, "ads": 900.0}
#: The newest ended requests that the measured pace is taken from, and how few say nothing. The first ones of a
#: run are left out: Amazon lets them through at once.
MEASURED, TOO_FEW, AT_ONCE = 20, 8, 15
#: Routine never counts for more than this share of what Amazon allows.
MOST_ROUTINE = 0.8
_SECONDS_A_DAY = 86400.0


def estimate(scope: AccountMarketplace, requests: Mapping[str, int], now: datetime | None = None) -> int:
    """Seconds until so many new requests an API are fetched, behind what the account's back-fills wait for."""
    now = now or timezone.now()
    queued = _open_backfill(scope)
    return ceil(max((_by_rate(scope, api, n + queued.get(api, 0), now) for api, n in requests.items() if n), default=0))


def left(plan: BackfillPlan, scope: AccountMarketplace, now: datetime) -> int:
    """Seconds until a running plan is fetched: the slower of what Amazon allows and of the measured pace."""
    waiting = _open_backfill(scope)
    open_here = _count(Fetch.objects.filter(plan=plan, finished_at=None))
    longest = 0.0
    for api, count in open_here.items():
        by_rate = _by_rate(scope, api, waiting.get(api, 0), now)
        each = _measured(plan, api, now)
        longest = max(longest, by_rate, count * each if each else 0.0)
    return ceil(longest)


def _by_rate(scope: AccountMarketplace, api: str, requests: int, now: datetime) -> float:
    allowed = allowance(scope.account, api, now)
    daily = sum(requests_a_day(scope.account_id).get(api, {}).values())
    share = min(MOST_ROUTINE, daily / (allowed.rate * _SECONDS_A_DAY))
    return max(0.0, requests - allowed.tokens) / (allowed.rate * (1 - share)) + _making(scope, api, now)


def _making(scope: AccountMarketplace, api: str, now: datetime) -> float:
    """How long Amazon and the download took for the account's newest reports (median)."""
    ended = Fetch.objects.filter(
        account=scope.account_id,
        spec__in=_keys(api),
        state=Fetch.State.DONE,
        requested_at__isnull=False,
        finished_at__gt=now - timedelta(days=2),
    )
    newest = ended.order_by("-finished_at").values_list("requested_at", "finished_at")[:MEASURED]
    times = [(finished - asked).total_seconds() for asked, finished in newest if asked and finished]
    return median(times) if len(times) >= TOO_FEW else USUAL_MAKING[api]


def _measured(plan: BackfillPlan, api: str, now: datetime) -> float | None:
    """Seconds a request by the newest ones that ended since the plan runs; None while they are too few."""
    ended = Fetch.objects.filter(plan=plan, spec__in=_keys(api), finished_at__range=(plan.state_at, now))
    moments = ended.order_by("finished_at").values_list("finished_at", flat=True)
    times = [moment for moment in moments if moment][AT_ONCE:][-MEASURED:]
    return (now - times[0]).total_seconds() / (len(times) - 1) if len(times) >= TOO_FEW else None


def _open_backfill(scope: AccountMarketplace) -> dict[str, int]:
    """What the running back-fills of the whole account have still to ask for, by API."""
    mine = Fetch.objects.filter(account=scope.account_id, plan__state=BackfillPlan.State.RUNNING)
    return _count(mine.filter(state=Fetch.State.WAITING, finished_at=None))


def _count(fetches: QuerySet[Fetch]) -> dict[str, int]:
    apis = {spec.key: spec.api for spec in registry.specs()}
    found: dict[str, int] = {}
    for key, count in fetches.filter(spec__in=apis).order_by().values_list("spec").annotate(Count("id")):
        found[apis[key]] = found.get(apis[key], 0) + count
    return found


def _keys(api: str) -> list[str]:
    return [spec.key for spec in registry.specs() if spec.api == api]


# --- routine --------------------------------------------------------------------------------------


def requests_a_day(account_id: int) -> dict[str, dict[int, float]]:
    """Routine requests on a usual day, by API and marketplace, of an account's feeds that are on."""
    known = {spec.key: spec for spec in registry.specs()}
    scopes = {
        scope.marketplace_id: scope
        for scope in AccountMarketplace.objects.filter(account=account_id, active=True).select_related(
            "account", "marketplace"
        )
    }
    found: dict[str, dict[int, float]] = {}
    for feed in Feed.objects.filter(account=account_id, enabled=True):
        spec, scope = known.get(feed.spec), scopes.get(feed.marketplace_id)
        if spec and spec.api and scope:
            here = found.setdefault(spec.api, {})
            rhythm = slots.rhythm_of(feed, spec, scope)
            here[feed.marketplace_id] = here.get(feed.marketplace_id, 0.0) + daily_requests(spec, rhythm)
    return found


def daily_requests(spec: ReportSpec, rhythm: slots.Rhythm) -> float:
    """Requests a pull makes, times pulls a day; deep pulls spread over their days."""
    usual = _requests(spec, _days_asked(spec))
    deep = _requests(spec, spec.deep_reask_days) - usual if spec.deep_reask_days else 0
    return rhythm.runs_a_day * usual + deep / spec.deep_every_days


def _days_asked(spec: ReportSpec) -> int:
    """Days a usual pull asks: where it stops at what is final, those that are not yet."""
    if not spec.history or spec.discovered:
        return 1
    if spec.until_final_days:
        return max(dataset.mature_days for dataset in spec.datasets) + 1
    return spec.reask_days


def _requests(spec: ReportSpec, days: int) -> int:
    if spec.period is not registry.Period.DAY:
        return 1
    return ceil(days / spec.max_days)


def words(seconds: int) -> str:
    """ "about 2 h 40 min": as exact as an estimate deserves."""
    minutes = ceil(seconds / 60)
    if minutes <= 2:
        return _("a few minutes")
    if minutes < 90:
        return ngettext("about %(n)d minute", "about %(n)d minutes", minutes) % {"n": minutes}
    if minutes < 36 * 60 and minutes % 60 < 10:
        return ngettext("about %(n)d hour", "about %(n)d hours", minutes // 60) % {"n": minutes // 60}
    if minutes < 36 * 60:
        return _("about %(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60 // 10 * 10}
    days = round(minutes / (24 * 60))
    return ngettext("about %(n)d day", "about %(n)d days", days) % {"n": days}
