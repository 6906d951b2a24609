"""When to fetch what, worked out from rows.

Every routine fetch belongs to a slot (opsboard.feeds.slots): a wall-clock time in the marketplace's own
zone, kept as the UTC instant it falls on. Planning inserts the rows of the newest slot that has passed;
(scope, report, window, slot) is unique, so any number of dispatchers plan the same rows once, and after
an outage each window is asked for once rather than once for every slot that was missed. What a deep pull
missed is caught up at the next slot. Histories are planned in opsboard.feeds.backfill.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Credential

from . import finality, registry, slots
from .models import BackfillPlan, Feed, Fetch
from .registry import ReportSpec

ASKED_PRIORITY, FIRST_SCREEN_PRIORITY, ROUTINE_PRIORITY, BACKFILL_PRIORITY = 0, 5, 10, 20

#: How long an account's fetches rest when Amazon refused its credentials.
REFUSED_REST = timedelta(hours=1)
#: When a feed that cannot be fetched just now is looked at again.
LOOK_AGAIN = timedelta(minutes=10)

_KINDS = {"sp": Credential.Kind.SP_API, "ads": Credential.Kind.ADS}

Pair = tuple[int, int]  # account, marketplace

_LACKING = """
    SELECT DISTINCT scope.account_id, scope.marketplace_id
      FROM accounts_accountmarketplace scope
      JOIN accounts_selleraccount seller ON seller.id = scope.account_id AND seller.active
      JOIN accounts_marketplace shop ON shop.id = scope.marketplace_id
      JOIN accounts_credential credential ON credential.account_id = scope.account_id
      JOIN unnest(%s::text[], %s::text[], %s::text[]) AS spec(key, kind, not_in) ON spec.kind = credential.kind
     WHERE scope.active AND shop.code <> ALL(string_to_array(spec.not_in, ','))
       AND (spec.kind <> %s OR scope.ads_profile_id <> '')
       AND NOT EXISTS (SELECT 1 FROM feeds_feed feed
            WHERE feed.account_id = scope.account_id AND feed.marketplace_id = scope.marketplace_id
              AND feed.spec = spec.key)"""


def usable_specs(scope: AccountMarketplace, kinds: set[str] | None = None) -> list[ReportSpec]:
    """The reports this scope has the credentials (and, for Ads, the profile) for."""
    if not (scope.active and scope.account.active):
        return []
    if kinds is None:
        kinds = _kinds([scope.account_id]).get(scope.account_id, set())
    usable = {api for api, kind in _KINDS.items() if kind.value in kinds}
    if not scope.ads_profile_id:
        usable.discard("ads")
    return [spec for spec in registry.specs() if spec.api in usable and scope.marketplace.code not in spec.not_in]


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


# --- routine ------------------------------------------------------------------------------------


def plan_due(now: datetime | None = None) -> int:
    """Insert the fetches of every feed whose slot has come; how many rows that were."""
    now = now or timezone.now()
    _after_new_credentials(now)
    _create_missing_feeds(_usable(_scopes_lacking_feeds()).values(), now)
    due = list(Feed.objects.filter(enabled=True, next_due__lte=now).order_by("next_due"))
    usable = _usable({(feed.account_id, feed.marketplace_id) for feed in due})
    planned, resting = 0, []
    for feed in due:
        found = usable.get((feed.account_id, feed.marketplace_id))
        if found and feed.spec in found[1]:
            planned += _plan(feed, found[1][feed.spec], found[0], now)
        else:
            resting.append(feed.pk)
    if resting:  # Without credentials, or no longer declared: nothing is late, and what comes back is found soon.
        Feed.objects.filter(pk__in=resting, next_due__lte=now).update(next_due=now + LOOK_AGAIN)
    return planned


def _usable(pairs: set[Pair]) -> dict[Pair, tuple[AccountMarketplace, dict[str, ReportSpec]]]:
    """What can be fetched of some (account, marketplace)."""
    if not pairs:
        return {}
    accounts = {account for account, _shop in pairs}
    kinds = _kinds(accounts)
    scopes = AccountMarketplace.objects.filter(active=True, account__in=accounts)
    return {
        (scope.account_id, scope.marketplace_id): (
            scope,
            {spec.key: spec for spec in usable_specs(scope, kinds.get(scope.account_id, set()))},
        )
        for scope in scopes.select_related("account", "marketplace")
        if (scope.account_id, scope.marketplace_id) in pairs
    }


def _scopes_lacking_feeds() -> set[Pair]:
    """Where `usable_specs` has a report and there is no feed for it: mostly nowhere, so the server looks, not we.

    Leans on feed_once.
    """
    specs = [spec for spec in registry.specs() if spec.api]
    columns = [
        [spec.key for spec in specs],
        [_KINDS[spec.api].value for spec in specs],
        [",".join(spec.not_in) for spec in specs],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_LACKING, [*columns, Credential.Kind.ADS.value])
        return set(cursor.fetchall())


def _create_missing_feeds(usable: Iterable[tuple[AccountMarketplace, dict[str, ReportSpec]]], now: datetime) -> None:
    wanted = [(scope.account_id, scope.marketplace_id, key) for scope, specs in usable for key in specs]
    if not wanted:
        return
    theirs = Feed.objects.filter(account__in={account for account, _shop, _key in wanted})
    have = set(theirs.values_list("account_id", "marketplace_id", "spec"))
    Feed.objects.bulk_create(
        [
            Feed(account_id=account, marketplace_id=shop, spec=key, next_due=now, deep_planned_to=now)
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
    with transaction.atomic():
        # Whoever holds the row plans; who read it before somebody else had planned it finds it gone from here.
        same = Feed.objects.select_for_update(skip_locked=True).filter(pk=feed.pk, next_due=feed.next_due)
        if not same.exists():
            return 0
        rhythm = slots.rhythm_of(feed, spec, scope)
        slot = slots.before(rhythm, scope, now)
        deep = slots.deep_before(spec, rhythm, scope, now)
        if deep is not None and deep <= feed.deep_planned_to:
            deep = None
        windows = routine_windows(spec, scope, now, deep=deep is not None)
        _supersede(scope, spec, windows, slot)
        feed.next_due = slots.after(rhythm, scope, now)
        rows = insert(scope, spec, windows, slot, Fetch.Kind.ROUTINE, ROUTINE_PRIORITY, deadline=feed.next_due)
        feed.deep_planned_to = deep or feed.deep_planned_to
        feed.save(update_fields=["next_due", "deep_planned_to"])
    return rows


def _supersede(scope: AccountMarketplace, spec: ReportSpec, windows: list[tuple[date, date]], slot: datetime) -> None:
    """Drop what earlier slots planned and nobody could ask for yet, where the new windows ask the same days later.

    So days without Amazon end in one request for the newest days, not in one for every slot. A deep pull
    that waits is kept.
    """
    if spec.discovered or spec.until_final_days:
        return  # the one listing waits for all; days that wait are in no new window
    unasked = Fetch.objects.filter(
        account=scope.account_id,
        marketplace=scope.marketplace_id,
        spec=spec.key,
        kind=Fetch.Kind.ROUTINE,
        state=Fetch.State.WAITING,
        finished_at=None,
        lease_until=None,
        slot__lt=slot,
    )
    oldest = windows[-1][0]
    gone = [
        fetch.pk
        for fetch in unasked.select_for_update(skip_locked=True)
        if (fetch.window_start, fetch.window_end) not in windows
        and fetch.window_start >= oldest - timedelta(days=(slot - fetch.slot).days + 1)
    ]
    Fetch.objects.filter(pk__in=gone).delete()


def routine_windows(
    spec: ReportSpec, scope: AccountMarketplace, now: datetime, deep: bool = False
) -> list[tuple[date, date]]:
    """What a routine pull asks for, up to the marketplace's yesterday; today for a snapshot."""
    if spec.until_final_days:
        return finality.windows(spec, scope, now)
    return newest_windows(spec, scope, now, spec.deep_reask_days if deep else spec.reask_days)


def newest_windows(spec: ReportSpec, scope: AccountMarketplace, now: datetime, days: int) -> list[tuple[date, date]]:
    """The newest days, whatever is held of them."""
    today = scope.marketplace.day_of(now)
    if not spec.history or spec.discovered:
        return [(today, today)]
    last = today - timedelta(days=1)
    oldest = max(last - timedelta(days=max(1, days) - 1), earliest_day(spec, today))
    return spec.windows(oldest, last)


def insert(
    scope: AccountMarketplace,
    spec: ReportSpec,
    windows: list[tuple[date, date]],
    slot: datetime,
    kind: str,
    priority: int,
    plan: BackfillPlan | None = None,
    deadline: datetime | None = None,
) -> int:
    """Insert rows for the windows that nobody waits for already; how many are new.

    After `deadline` they are of less use: the next slot, or at once when a person asks; None for history.
    """
    if not windows:
        return 0
    same = Fetch.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec=spec.key)
    # What a paused back-fill holds back nobody waits for.
    waiting = Q(state=Fetch.State.WAITING, finished_at=None) & ~Q(plan__state__in=BackfillPlan.RESTING) | Q(slot=slot)
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
                plan=plan,
                deadline=deadline,
            )
            for first, last in fresh
        ],
        ignore_conflicts=True,
    )
    return len(fresh)


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
    windows = newest_windows(spec, scope, now, spec.reask_days)
    mine = Fetch.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec=spec.key)
    waiting = mine.filter(state=Fetch.State.WAITING, finished_at=None).exclude(plan__state__in=BackfillPlan.RESTING)
    moved = sum(
        waiting.filter(window_start=first, window_end=last).update(
            priority=ASKED_PRIORITY, not_before=Now(), deadline=now
        )
        for first, last in windows
    )
    return moved + insert(scope, spec, windows, now, Fetch.Kind.MANUAL, ASKED_PRIORITY, deadline=now)


def earliest_day(spec: ReportSpec, today: date) -> date:
    """The oldest day Amazon still answers for, with a day to spare for requests that wait past midnight."""
    return today - timedelta(days=max(1, spec.lookback_days - 1))
