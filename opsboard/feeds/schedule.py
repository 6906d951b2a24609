"""When to fetch what, worked out from rows.

Every routine fetch belongs to a slot: a wall-clock time in the marketplace's own zone, kept as the
UTC instant it falls on. A local day has the same slots whether it lasts 23, 24 or 25 hours. Planning
inserts the rows of the newest slot that has passed; (scope, report, window, slot) is unique, so any
number of dispatchers plan the same rows once, and after an outage each window is asked for once
rather than once for every slot that was missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Credential

from . import registry
from .models import Coverage, Feed, Fetch
from .registry import Period, ReportSpec

#: The first slot of a marketplace's day, hours after its midnight: by then Amazon has closed the day before.
FIRST_HOUR = 5
#: What the first look at a new account shows; these days are fetched before any older ones.
FIRST_SCREEN_DAYS = 60
ASKED_PRIORITY, FIRST_SCREEN_PRIORITY, ROUTINE_PRIORITY, BACKFILL_PRIORITY = 0, 5, 10, 20

#: How long an account's fetches rest when Amazon refused its credentials.
REFUSED_REST = timedelta(hours=1)

_KINDS = {"sp": Credential.Kind.SP_API, "ads": Credential.Kind.ADS}


def usable_specs(scope: AccountMarketplace, kinds: set[str] | None = None) -> list[ReportSpec]:
    """The reports this scope has the credentials (and, for Ads, the profile) for."""
    if not (scope.active and scope.account.active):
        return []
    if kinds is None:
        kinds = _kinds([scope.account_id]).get(scope.account_id, set())
    usable = {api for api, kind in _KINDS.items() if kind.value in kinds}
    if not scope.ads_profile_id:
        usable.discard("ads")
    return [spec for spec in registry.specs() if spec.api in usable]


def _kinds(accounts: Iterable[int] | None = None) -> dict[int, set[str]]:
    """Which kinds of credentials each account has."""
    rows = Credential.objects.all() if accounts is None else Credential.objects.filter(account__in=accounts)
    found: dict[int, set[str]] = {}
    for account, kind in rows.values_list("account_id", "kind"):
        found.setdefault(account, set()).add(kind)
    return found


def ensure_feeds(scope: AccountMarketplace) -> list[Feed]:
    """The scope's feeds, one for each usable report; missing ones are created and due at once."""
    specs = {spec.key: spec for spec in usable_specs(scope)}
    _create_missing_feeds([(scope, specs)], timezone.now())
    return list(Feed.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec__in=specs))


# --- slots --------------------------------------------------------------------------------------


def slots_of_day(spec: ReportSpec, scope: AccountMarketplace, day: date) -> list[datetime]:
    """The slots of one local day as UTC instants, in order.

    A stable hash of the scope spreads them over the hour, so that a thousand shops do not ask in
    the same second. A wall-clock time that the clocks skip falls an hour later, one that comes
    twice is its first coming.
    """
    late = timedelta(seconds=_spread(spec, scope))
    found = []
    for hours in range(0, 24, max(1, min(24, spec.every_hours))):
        wall = datetime.combine(day, time((FIRST_HOUR + hours) % 24)) + late
        found.append(wall.replace(tzinfo=scope.marketplace.zone).astimezone(UTC))
    return sorted(found)


def _spread(spec: ReportSpec, scope: AccountMarketplace) -> int:
    name = f"{scope.account_id}:{scope.marketplace_id}:{spec.key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 3600


def slot_before(spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> datetime:
    """The newest slot at or before an instant."""
    return max(slot for slot in _around(spec, scope, now) if slot <= now)


def slot_after(spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> datetime:
    """The first slot after an instant."""
    return min(slot for slot in _around(spec, scope, now) if slot > now)


def _around(spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> list[datetime]:
    today = scope.marketplace.day_of(now)
    days = (today + timedelta(days=offset) for offset in (-2, -1, 0, 1, 2))
    return [slot for day in days for slot in slots_of_day(spec, scope, day)]


# --- routine ------------------------------------------------------------------------------------


def plan_due(now: datetime | None = None) -> int:
    """Insert the fetches of every feed whose slot has come; how many rows that were."""
    now = now or timezone.now()
    _after_new_credentials(now)
    kinds = _kinds()
    usable: dict[tuple[int, int], tuple[AccountMarketplace, dict[str, ReportSpec]]] = {}
    for scope in AccountMarketplace.objects.filter(active=True).select_related("account", "marketplace"):
        specs = {spec.key: spec for spec in usable_specs(scope, kinds.get(scope.account_id, set()))}
        usable[(scope.account_id, scope.marketplace_id)] = scope, specs
    _create_missing_feeds(usable.values(), now)
    planned = 0
    for feed in Feed.objects.filter(enabled=True, next_due__lte=now).order_by("next_due"):
        found = usable.get((feed.account_id, feed.marketplace_id))
        if found and feed.spec in found[1]:
            planned += _plan(feed, found[1][feed.spec], found[0], now)
    return planned


def _create_missing_feeds(usable: Iterable[tuple[AccountMarketplace, dict[str, ReportSpec]]], now: datetime) -> None:
    have = set(Feed.objects.values_list("account_id", "marketplace_id", "spec"))
    wanted = ((scope.account_id, scope.marketplace_id, key) for scope, specs in usable for key in specs)
    Feed.objects.bulk_create(
        [
            Feed(account_id=account, marketplace_id=shop, spec=key, next_due=now)
            for account, shop, key in wanted
            if (account, shop, key) not in have
        ],
        ignore_conflicts=True,
    )


def _after_new_credentials(now: datetime) -> None:
    """What was refused, and what rested because of it, is tried at once when credentials were entered anew."""
    since = now - REFUSED_REST
    for account, entered_at in Credential.objects.filter(updated_at__gt=since).values_list("account_id", "updated_at"):
        mine = Fetch.objects.filter(account=account)
        reopen(mine.filter(finished_at__range=(entered_at - timedelta(days=7), entered_at)))
        resting = mine.filter(state=Fetch.State.WAITING, finished_at=None, lease_until=None, attempts=0)
        # Those that wait for a token are due within minutes; they stay where they are.
        soon = now + timedelta(minutes=10)
        _update(resting.filter(not_before__range=(soon, entered_at + REFUSED_REST)), not_before=Now())


def _plan(feed: Feed, spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> int:
    slot = slot_before(spec, scope, now)
    following = slot_after(spec, scope, now)
    windows = routine_windows(spec, scope, now)
    with transaction.atomic():
        rows = _insert(scope, spec, windows, slot, Fetch.Kind.ROUTINE, ROUTINE_PRIORITY, deadline=following)
        Feed.objects.filter(pk=feed.pk, next_due=feed.next_due).update(next_due=following)
    return rows


def routine_windows(spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> list[tuple[date, date]]:
    """The newest days a routine pull asks again, up to the marketplace's yesterday; today for a snapshot."""
    today = scope.marketplace.day_of(now)
    if not spec.history or spec.discovered:
        return [(today, today)]
    last = today - timedelta(days=1)
    return spec.windows(last - timedelta(days=max(1, spec.reask_days) - 1), last)


def _insert(
    scope: AccountMarketplace,
    spec: ReportSpec,
    windows: list[tuple[date, date]],
    slot: datetime,
    kind: str,
    priority: int,
    deadline: datetime | None = None,
) -> int:
    """Insert rows for the windows that nobody waits for already; how many are new.

    After `deadline` they are of less use: the next slot, or at once when a person asks; None for history.
    """
    if not windows:
        return 0
    same = Fetch.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec=spec.key)
    waiting = Q(state=Fetch.State.WAITING, finished_at=None) | Q(slot=slot)
    taken = set(same.filter(waiting).exclude(kind=Fetch.Kind.FOUND).values_list("window_start", "window_end"))
    # One listing finds all there is: a second one waits for nothing.
    fresh = [] if spec.discovered and taken else [window for window in windows if window not in taken]
    Fetch.objects.bulk_create(
        [
            Fetch(
                account_id=scope.account_id,
                marketplace_id=scope.marketplace_id,
                spec=spec.key,
                window_start=first,
                window_end=last,
                slot=slot,
                kind=kind,
                priority=priority,
                deadline=deadline,
            )
            for first, last in fresh
        ],
        ignore_conflicts=True,
    )
    return len(fresh)


# --- back-fill ------------------------------------------------------------------------------------


def plan_backfill(scope: AccountMarketplace, days: int, first_days: int = FIRST_SCREEN_DAYS) -> int:
    """Plan the fetches for the last `days` days (as far as each report goes back); how many rows.

    Newest first, and the newest `first_days` of every report before anything older of any. Days that
    are already stored are not asked for again, those that failed are, and planning twice changes
    nothing. Reports without a past get one routine fetch.
    """
    ensure_feeds(scope)
    now = timezone.now()
    today = scope.marketplace.day_of(now)
    slot = datetime.combine(today, time(), UTC)
    mine = Fetch.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id)
    planned = reopen(mine.filter(kind=Fetch.Kind.BACKFILL))
    for spec in usable_specs(scope):
        if not spec.history or spec.discovered:
            at = slot_before(spec, scope, now)
            planned += _insert(scope, spec, [(today, today)], at, Fetch.Kind.ROUTINE, FIRST_SCREEN_PRIORITY)
            continue
        last = today - timedelta(days=1)
        oldest = max(today - timedelta(days=days), earliest_day(spec, today))
        older = last - timedelta(days=first_days)
        for first, end, priority in (
            (max(oldest, older + timedelta(days=1)), last, FIRST_SCREEN_PRIORITY),
            (oldest, older, BACKFILL_PRIORITY),
        ):
            windows = spec.windows(first, end) if first <= end else []
            if spec.period is not Period.DAY and priority == BACKFILL_PRIORITY:
                # The week or month across the border is whole in neither half.
                windows = [window for window in spec.windows(oldest, last) if window[0] <= older]
            planned += _insert(scope, spec, _not_stored(scope, spec, windows), slot, Fetch.Kind.BACKFILL, priority)
    return planned


def reopen(fetches: QuerySet[Fetch], **fields: object) -> int:
    """Start those that failed or were set aside once more from the beginning; how many.

    For a report that Amazon made by itself the beginning is where it was found.
    """
    ended = fetches.filter(state__in=[Fetch.State.FAILED, Fetch.State.QUARANTINED])
    anew = {
        "attempts": 0,
        "not_before": Now(),
        "lease_until": None,
        "finished_at": None,
        "report_document_id": "",
        "reason": "",
        "said": "",
        "outcome": "",
        "guessed": False,
        **fields,
    }
    found = _update(ended.filter(kind=Fetch.Kind.FOUND), state=Fetch.State.REQUESTED, requested_at=Now(), **anew)
    others = ended.exclude(kind=Fetch.Kind.FOUND)
    return found + _update(others, state=Fetch.State.WAITING, report_id="", **anew)


def _update(fetches: QuerySet[Fetch], **fields: object) -> int:
    """Update fetches that no other process holds just now; how many.

    Several dispatchers do the same here at the same time: rows are locked in one order and those that
    another has are left to it, so that they cannot wait for each other in a circle.
    """
    with transaction.atomic():
        mine = list(fetches.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
        return Fetch.objects.filter(pk__in=mine).update(**fields)


def ask_now(scope: AccountMarketplace, spec_key: str) -> int:
    """A person wants the routine days of a report now: ahead of everything else; how many fetches.

    What already waits for these days is moved to the front rather than asked for twice.
    """
    spec, now = registry.spec(spec_key), timezone.now()
    windows = routine_windows(spec, scope, now)
    mine = Fetch.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec=spec.key)
    waiting = mine.filter(state=Fetch.State.WAITING, finished_at=None)
    moved = sum(
        waiting.filter(window_start=first, window_end=last).update(
            priority=ASKED_PRIORITY, not_before=Now(), deadline=now
        )
        for first, last in windows
    )
    return moved + _insert(scope, spec, windows, now, Fetch.Kind.MANUAL, ASKED_PRIORITY, deadline=now)


def earliest_day(spec: ReportSpec, today: date) -> date:
    """The oldest day Amazon still answers for, with a day to spare for requests that wait past midnight."""
    return today - timedelta(days=max(1, spec.lookback_days - 1))


def _not_stored(
    scope: AccountMarketplace, spec: ReportSpec, windows: list[tuple[date, date]]
) -> list[tuple[date, date]]:
    """The windows with a day that one of the report's datasets does not hold."""
    if not windows:
        return []
    stored: dict[str, set[date]] = {dataset.key: set() for dataset in spec.datasets}
    rows = Coverage.objects.filter(
        account=scope.account_id,
        marketplace=scope.marketplace_id,
        dataset__in=stored,
        date__range=(windows[-1][0], windows[0][1]),
    )
    for dataset, day in rows.values_list("dataset", "date"):
        stored[dataset].add(day)
    whole = set.intersection(*stored.values())
    told = spec.period.first_days  # a week or a month is held under its first day
    return [(first, last) for first, last in windows if any(day not in whole for day in told(first, last))]


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far the back-fill of one report is, over all asked-for accounts (in fetches)."""

    spec: str
    label: str
    total: int
    done: int  # fetched, or Amazon has no data for it
    failed: int
    #: The part that the first screen needs.
    first_total: int
    first_done: int

    @property
    def waiting(self) -> int:
        return self.total - self.done - self.failed


def backfill_progress(accounts: Iterable[int]) -> list[BackfillProgress]:
    """Progress by report, in the order the reports are declared; empty when nothing was asked for."""
    ended = Q(state__in=[Fetch.State.DONE, Fetch.State.EMPTY])
    wrong = Q(state__in=[Fetch.State.FAILED, Fetch.State.QUARANTINED, Fetch.State.CANCELLED])
    first = Q(priority__lte=FIRST_SCREEN_PRIORITY)
    counted = (
        Fetch.objects.filter(kind=Fetch.Kind.BACKFILL, account__in=list(accounts))
        .order_by()
        .values_list("spec")
        .annotate(
            total=Count("id"),
            done=Count("id", filter=ended),
            failed=Count("id", filter=wrong),
            first_total=Count("id", filter=first),
            first_done=Count("id", filter=first & ended),
        )
    )
    by_spec = {row[0]: row[1:] for row in counted}
    return [
        BackfillProgress(spec.key, str(spec.label), *by_spec[spec.key])
        for spec in registry.specs()
        if spec.key in by_spec
    ]
