"""Dispatchers in numbers, dead for hours, and clocks that jump or change to summer."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Marketplace, SellerAccount
from opsboard.feeds import registry, schedule, slots
from opsboard.feeds.models import Feed, Fetch
from opsboard.watch.models import Heartbeat

from .conftest import Faulty
from .house import LEASE, OLDEST_MOVING, SALES, House, Tenant, wait_for
from .invariants import check
from .plant import limit
from .record import times

DISPATCH = "Schedule and clocks"
RECOVERED = LEASE + 60


def asked_of_amazon(house: House) -> Counter[tuple[str, ...]]:
    """How often each report was asked for: account, type, days, options."""
    return Counter(
        (
            one.account.key,
            one.kind,
            str(one.first),
            str(one.last),
            str(one.since),
            str(one.body.get("reportOptions")),
        )
        for one in list(house.simulator.state.reports.values())
        if not one.kind.startswith("GET_V2_SETTLEMENT")  # those Amazon makes by itself
    )


def slots_of(tenants: list[Tenant], asked: tuple[str, ...]) -> int:
    """How often it was due: more than once where the time of its schedule comes while the test runs."""
    key, kind, first, last, *_rest = asked
    specs = [spec.key for spec in registry.specs() if spec.report_type == kind]
    accounts = [tenant.account for tenant in tenants if tenant.key == key]
    if first == "None":
        return 1
    of_the_window = Fetch.objects.filter(account__in=accounts, spec__in=specs, window_start=first, window_end=last)
    return max(1, of_the_window.values("slot").distinct().count())


def test_five_dispatchers_ask_for_each_window_once(house: House, fault: Faulty) -> None:
    found = fault(DISPATCH, "Five dispatchers at once")
    house.simulator.state.reports.clear()
    specs = (SALES, "sales_and_traffic_asin", "orders", "ledger", "planning")
    tenants = [house.tenant(key, *specs) for key in ("NA", "EU", "FE")]
    beats = [house.beat() for _ in range(5)]
    house.worker()
    started = timezone.now()
    windows = 0
    for minutes in range(0, 10 * times(1, 6), 2):
        now = started + timedelta(minutes=minutes)
        Feed.objects.filter(account__active=True, enabled=True).update(next_due=started - timedelta(minutes=1))
        planned: list[int] = []

        def plan(at: datetime = now, into: list[int] = planned) -> None:
            try:
                into.append(schedule.plan_due(at))
            finally:
                connection.close()

        threads = [threading.Thread(target=plan) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.tried += 5
        house.settle(RECOVERED)
    windows = Fetch.objects.filter(account__in=[t.account for t in tenants]).count()
    assert windows and all(beat.alive for beat in beats)
    again = {key: count for key, count in asked_of_amazon(house).items() if count > slots_of(tenants, key)}
    found.doubled = sum(count - 1 for count in again.values())
    assert not again
    assert sum(asked_of_amazon(house).values()) <= windows
    for tenant in tenants:
        for fetch in Fetch.objects.filter(account=tenant.account, spec=SALES):
            span = (fetch.window_end - fetch.window_start).days + 1
            tenant.asked |= {fetch.window_start + timedelta(days=n) for n in range(span)}
        assert tenant.asked
    check(house, found, tenants)


def test_a_dispatcher_that_was_dead_for_six_hours_catches_up_once_a_window(house: House, fault: Faulty) -> None:
    found = fault(DISPATCH, "The dispatcher dead for six hours")
    house.simulator.state.reports.clear()
    tenant = house.tenant("NA", "planning", "orders")
    house.worker()
    Feed.objects.filter(account=tenant.account, enabled=True).update(next_due=timezone.now() - timedelta(hours=6))
    house.beat()
    found.tried = 1
    wait_for(lambda: Fetch.objects.filter(account=tenant.account).exists(), 30, "the missed slots to be planned")
    found.recovery.append(house.settle(RECOVERED))
    again = {key: count for key, count in asked_of_amazon(house).items() if count > 1}
    assert not again
    assert not Feed.objects.filter(account=tenant.account, enabled=True, next_due__lt=timezone.now()).exists()
    check(house, found, [tenant])


def test_a_dead_dispatcher_is_told_by_readyz_by_the_page_and_by_a_metric(house: House, fault: Faulty) -> None:
    found = fault(DISPATCH, "A dead dispatcher is told: page, /readyz, metric")
    tenant = house.tenant("NA", "planning")
    cookie = tenant.cookie()
    house.web()
    beat = house.beat()
    house.worker()
    wait_for(lambda: Heartbeat.objects.filter(kind__in=["clock", "tick"]).count() == 2, 60, "signs of life")
    wait_for(lambda: house.get("/readyz")[0] == 200, 60, "readyz to be content", 0.5)
    beat.kill()
    wait_for(lambda: not house.queued(), 60, "its last messages to be read")
    Feed.objects.filter(account=tenant.account, enabled=True).update(next_due=timezone.now() - timedelta(hours=6))
    found.tried = 1
    wait_for(lambda: "The dispatcher has not run since" in house.get("/", cookie=cookie)[1], 120, "a banner", 0.5)
    status, missing = house.get("/readyz")
    assert status == 503 and "dispatcher" in missing
    lag = re.search(r"^opsboard_dispatch_lag_seconds (\S+)$", house.get("/metrics")[1], re.M)
    assert lag is not None and float(lag[1]) >= 6 * 3600
    house.beat()
    wait_for(lambda: house.get("/readyz")[0] == 200, 60, "readyz to be content", 0.5)
    found.recovery.append(house.settle(RECOVERED))
    assert "The dispatcher has not run since" not in house.get("/", cookie=cookie)[1]
    check(house, found, [tenant])


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
def test_hosts_whose_clocks_are_wrong_neither_double_nor_stop(house: House, fault: Faulty, hours: int) -> None:
    found = fault(DISPATCH, f"A worker's and a dispatcher's clock wrong by {hours:+d} h")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    house.simulator.state.reports.clear()
    right, wrong = house.worker(slots=1), house.worker(slots=1, clock=hours * 3600)
    beats = [house.beat(), house.beat(clock=hours * 3600)]
    house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + times(12, 100)))
    found.tried = 1
    found.recovery.append(house.settle(RECOVERED))
    right.kill()
    beats[0].kill()  # now only those with the wrong clock are left
    house.ask(tenant, range(OLDEST_MOVING + 150, OLDEST_MOVING + 150 + times(6, 50)))
    found.tried += 1
    found.recovery.append(house.settle(RECOVERED))
    assert wrong.alive
    assert max(asked_of_amazon(house).values()) == 1
    check(house, found, [tenant])


def test_a_worker_whose_clock_alone_is_ahead_still_takes_work(house: House, fault: Faulty) -> None:
    found = fault(DISPATCH, "Every worker's clock an hour ahead of the dispatcher's")
    tenant = house.tenant()
    house.worker(slots=1, clock=3600)
    house.beat()
    house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + 6))
    found.tried = 1
    found.recovery.append(house.settle(RECOVERED))
    check(house, found, [tenant])


def changes(zone: ZoneInfo, first: int, last: int) -> list[date]:
    """The local days of these years on which the clocks change."""
    found = []
    day = date(first, 1, 1)
    while day.year <= last:
        begins = datetime(day.year, day.month, day.day, tzinfo=zone)
        following = day + timedelta(days=1)
        ends = datetime(following.year, following.month, following.day, tzinfo=zone)
        if ends.astimezone(UTC) - begins.astimezone(UTC) != timedelta(days=1):
            found.append(day)
        day = following
    return found


@pytest.mark.quick
def test_every_local_day_has_its_slots_once_whatever_the_clocks_do(house: House, fault: Faulty) -> None:
    """Every marketplace of Amazon's, every change of the clocks 2024 to 2030 and the days around it."""
    found = fault(DISPATCH, "Clocks that change: every marketplace, 2024 to 2030")
    specs = [spec for spec in registry.specs() if spec.api]
    hours = {23: 0, 24: 0, 25: 0}
    for marketplace in Marketplace.objects.all():
        scope = AccountMarketplace(account=SellerAccount(pk=7), marketplace=marketplace)
        daily = next(spec for spec in specs if spec.every_hours == 24)
        for changed in changes(marketplace.zone, 2024, 2030):
            found.tried += 1
            for day in (changed - timedelta(days=1), changed, changed + timedelta(days=1)):
                rhythm = slots.declared(daily, scope)
                (only,) = slots.of_day(rhythm, scope, day)
                assert marketplace.day_of(only) == day
                midnight = [
                    datetime.combine(d, datetime.min.time(), marketplace.zone).astimezone(UTC)
                    for d in (day, day + timedelta(days=1))
                ]
                hours[round((midnight[1] - midnight[0]).total_seconds() / 3600)] += 1
                seen = [
                    slots.before(rhythm, scope, midnight[0] + timedelta(minutes=10 * step)) for step in range(6 * 50)
                ]
                # Walking through two days in steps of ten minutes, each day's slot comes, once, in order.
                assert sorted(set(seen)) == list(dict.fromkeys(seen))
                assert only in seen
            for spec in specs:
                if 24 % spec.every_hours == 0:
                    those = slots.of_day(slots.declared(spec, scope), scope, changed)
                    # An hour that the clocks skip is one with the next; one that comes twice counts once.
                    skipped = spec.every_hours == 1 and len(those) == 23
                    assert len(those) + skipped == max(1, 24 // spec.every_hours), (spec.key, marketplace)
    assert hours[23] and hours[25] and found.tried > 100
    found.passed = True
