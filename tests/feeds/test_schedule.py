"""What is asked for and when: once for every window, by the marketplace's own clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import AccountMarketplace, Credential, Marketplace
from opsboard.feeds import registry, schedule, slots
from opsboard.feeds.models import Feed, Fetch
from tests.factories import make_scope
from tests.feeds.shops import connected, fetches

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 12:00 in Los Angeles


# --- feeds ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_feed_for_every_report_the_credentials_open() -> None:
    scope = connected(ads=False)
    assert {feed.spec for feed in schedule.ensure_feeds(scope)} == {s.key for s in registry.specs() if s.api == "sp"}

    Credential.objects.create(account=scope.account, kind="ads", sealed=b"", key_id="k")
    assert all(registry.spec(feed.spec).api == "sp" for feed in schedule.ensure_feeds(scope))  # no profile yet
    scope.ads_profile_id = "1"
    scope.save()
    assert {feed.spec for feed in schedule.ensure_feeds(scope)} == {s.key for s in registry.specs() if s.api}


@pytest.mark.django_db
def test_without_credentials_nothing_is_planned() -> None:
    make_scope()
    assert schedule.plan_due(NOW) == 0 and not Feed.objects.exists()


@pytest.mark.django_db
def test_the_server_finds_the_shops_that_lack_feeds_just_as_they_are_worked_out() -> None:
    whole, no_profile, no_ads, asleep = connected("US"), connected("DE"), connected("BE", ads=False), connected("FR")
    no_profile.ads_profile_id = ""
    asleep.active = False
    for scope in (no_profile, asleep):
        scope.save()
    make_scope(marketplace="JP")  # nothing is connected

    for one in (whole, no_profile, no_ads):
        here = (one.account_id, one.marketplace_id)
        assert here in schedule._scopes_lacking_feeds()
        feeds = schedule.ensure_feeds(one)
        assert here not in schedule._scopes_lacking_feeds()
        for feed in feeds:  # whichever is missing is seen
            feed.delete()
            assert here in schedule._scopes_lacking_feeds()
            Feed.objects.create(account=one.account, marketplace=one.marketplace, spec=feed.spec)
    assert schedule._scopes_lacking_feeds() == set()


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_a_tick_at_which_nothing_is_due_asks_and_reads_no_more_for_many_shops_than_for_one() -> None:
    def tick() -> tuple[int, int]:
        """Statements of planning, and rows that came back."""
        rows = 0

        def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal rows
            found = execute(sql, params, many, context)
            rows += max(0, context["cursor"].rowcount)
            return found

        with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(count):
            assert schedule.plan_due(NOW) == 0
        return len(queries), rows

    def idle_shop() -> None:
        schedule.ensure_feeds(connected("US"))
        Feed.objects.update(next_due=NOW + timedelta(hours=1))
        Credential.objects.update(updated_at=NOW - timedelta(days=1))

    idle_shop()
    with_one = tick()
    for _ in range(4):
        idle_shop()
    assert with_one == (3, 0) and tick() == with_one


# --- routine --------------------------------------------------------------------------------------


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_the_newest_days_up_to_the_marketplaces_yesterday() -> None:
    connected("US")
    schedule.plan_due()

    assert fetches("sales_and_traffic_asin") == [(date(2026, 11, d), date(2026, 11, d)) for d in (22, 21, 20, 19)]
    assert fetches("sp_campaigns") == [(date(2026, 10, 24), date(2026, 11, 22))]
    assert fetches("listings") == [(date(2026, 11, 23), date(2026, 11, 23))]


@pytest.mark.django_db
def test_yesterday_is_the_marketplaces_own() -> None:
    late = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # the 24th, 1:00, in Tokyo
    connected("JP")
    schedule.plan_due(late)
    assert fetches("sp_campaigns")[0][1] == date(2026, 11, 23)


@pytest.mark.django_db
def test_planning_again_before_the_next_slot_changes_nothing() -> None:
    connected()
    first = schedule.plan_due(NOW)
    assert first and schedule.plan_due(NOW) == 0 and schedule.plan_due(NOW + timedelta(minutes=1)) == 0
    assert Fetch.objects.count() == first


@pytest.mark.django_db(transaction=True)
def test_five_dispatchers_ask_once_for_every_window() -> None:
    for code in ("US", "DE", "JP"):
        connected(code)

    def plan(_: int) -> None:
        try:
            for hours in range(0, 48, 6):
                schedule.plan_due(NOW + timedelta(hours=hours))
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as dispatchers:
        list(dispatchers.map(plan, range(5)))

    # A waiting window is not asked for a second time, whoever plans and however often.
    keys = list(Fetch.objects.values_list("account", "spec", "window_start", "window_end"))
    assert len(keys) == len(set(keys)) > 0


@pytest.mark.django_db
def test_after_an_outage_a_window_is_asked_for_once_not_once_for_every_missed_slot() -> None:
    connected()
    schedule.plan_due(NOW)
    Fetch.objects.update(state=Fetch.State.DONE, finished_at=NOW)

    schedule.plan_due(NOW + timedelta(days=5))

    assert Fetch.objects.filter(finished_at=None, spec="stock").count() == 1
    assert Fetch.objects.filter(finished_at=None, spec="sales_and_traffic_asin").count() == 4


@pytest.mark.django_db
def test_a_feed_that_is_switched_off_or_lost_its_credentials_rests() -> None:
    scope = connected()
    schedule.ensure_feeds(scope)
    Feed.objects.update(enabled=False)
    assert schedule.plan_due(NOW + timedelta(days=1)) == 0
    Feed.objects.update(enabled=True)
    Credential.objects.all().delete()
    assert schedule.plan_due(NOW + timedelta(days=1)) == 0


# --- slots and the clocks that change -------------------------------------------------------------

ZONES = sorted({fact.time_zone for fact in MARKETPLACES})


def shop(zone: str) -> AccountMarketplace:
    return AccountMarketplace(account_id=7, marketplace=Marketplace(id=3, time_zone=zone))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("key", ["sp_campaigns", "listings", "stock"])
def test_every_local_day_has_its_slots_once_through_every_change_of_the_clocks(zone: str, key: str) -> None:
    spec, scope = registry.spec(key), shop(zone)
    instants: list[datetime] = []
    day = date(2024, 1, 1)
    while day < date(2031, 1, 1):
        found = slots.of_day(slots.declared(spec, scope), scope, day)
        assert len(found) == 24 // spec.every_hours
        assert all(slot.astimezone(ZoneInfo(zone)).date() == day for slot in found)
        instants += found
        day += timedelta(days=1)
    gaps = {later - earlier for earlier, later in pairwise(instants)}
    assert instants == sorted(set(instants))
    hour = timedelta(hours=1)
    assert all(abs(gap - spec.every_hours * hour) <= hour for gap in gaps), gaps


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Africa/Cairo"])
@settings(max_examples=150, deadline=None)
@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)))
def test_the_slot_before_and_after_an_instant_are_neighbours(zone: str, now: datetime) -> None:
    spec, scope = registry.spec("stock"), shop(zone)
    rhythm = slots.declared(spec, scope)
    before, after = slots.before(rhythm, scope, now), slots.after(rhythm, scope, now)
    assert before <= now < after
    assert slots.after(rhythm, scope, before) == after
    assert slots.before(rhythm, scope, after) == after


def test_shops_do_not_all_ask_in_the_same_second() -> None:
    assert available_timezones()
    spec = registry.spec("listings")
    shops = [AccountMarketplace(account_id=n, marketplace=Marketplace(id=1, time_zone="UTC")) for n in range(200)]
    seconds = {slots.of_day(slots.declared(spec, shop), shop, date(2026, 1, 1))[0] for shop in shops}
    assert len(seconds) > 180


# --- asked by a person --------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_a_person_asks_for_comes_first_and_is_asked_anew() -> None:
    scope = connected()
    schedule.plan_due(NOW)
    rows = schedule.ask_now(scope, "sales_and_traffic_asin")
    assert rows == 4
    asked = Fetch.objects.filter(spec="sales_and_traffic_asin", priority=0)
    assert asked.count() == 4
