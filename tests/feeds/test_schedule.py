"""What is asked for and when: once for every window, by the marketplace's own clock."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import AccountMarketplace, Credential, Marketplace
from opsboard.feeds import registry, schedule
from opsboard.feeds.models import Coverage, Document, Feed, Fetch
from tests.factories import make_scope

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 12:00 in Los Angeles


def connected(code: str = "US", ads: bool = True) -> AccountMarketplace:
    scope = make_scope(marketplace=code, ads_profile_id="1" if ads else "")
    for kind in ("sp_api", "ads") if ads else ("sp_api",):
        Credential.objects.create(account=scope.account, kind=kind, sealed=b"", key_id="k")
    return scope


def fetches(spec: str) -> list[tuple[date, date]]:
    rows = Fetch.objects.filter(spec=spec).order_by("-window_end")
    return list(rows.values_list("window_start", "window_end"))


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
        slots = schedule.slots_of_day(spec, scope, day)
        assert len(slots) == 24 // spec.every_hours
        assert all(slot.astimezone(ZoneInfo(zone)).date() == day for slot in slots)
        instants += slots
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
    before, after = schedule.slot_before(spec, scope, now), schedule.slot_after(spec, scope, now)
    assert before <= now < after
    assert schedule.slot_after(spec, scope, before) == after
    assert schedule.slot_before(spec, scope, after) == after


def test_shops_do_not_all_ask_in_the_same_second() -> None:
    assert available_timezones()
    spec = registry.spec("listings")
    seconds = {
        schedule.slots_of_day(
            spec,
            AccountMarketplace(account_id=account, marketplace=Marketplace(id=1, time_zone="UTC")),
            date(2026, 1, 1),
        )[0]
        for account in range(200)
    }
    assert len(seconds) > 180


# --- back-fill ------------------------------------------------------------------------------------


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_a_backfill_goes_as_far_as_each_report_does_and_no_further() -> None:
    scope = connected()
    schedule.plan_backfill(scope, 400)

    today = date(2026, 11, 23)
    for spec in registry.specs():
        windows = fetches(spec.key)
        if not (spec.api and spec.history) or spec.discovered:
            assert len(windows) == bool(spec.api)
            continue
        oldest, reach = windows[-1][0], today - timedelta(days=min(400, spec.lookback_days - 1))
        if spec.period is registry.Period.WEEK:  # whole ones, as many as there are
            assert all(first.isoweekday() == 7 and last - first == timedelta(days=6) for first, last in windows)
            assert [first - oldest for first, _last in windows[::-1]] == [timedelta(7 * n) for n in range(len(windows))]
            assert reach <= oldest < reach + timedelta(days=7)
            assert windows[0][1] < today <= windows[0][1] + timedelta(days=7)
            continue
        if spec.period is registry.Period.MONTH:
            assert all(first.day == 1 and (last + timedelta(days=1)).day == 1 for first, last in windows)
            assert all(newer[0] - older[1] == timedelta(days=1) for newer, older in itertools.pairwise(windows))
            assert reach <= oldest < reach + timedelta(days=31)
            assert windows[0][1] < today
            continue
        assert oldest == reach, spec.key
        days = [first + timedelta(days=n) for first, last in windows for n in range((last - first).days + 1)]
        assert len(days) == len(set(days)) == (today - oldest).days  # every day once, up to yesterday
        assert all((last - first).days < spec.max_days for first, last in windows)


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_the_first_screen_of_every_report_comes_before_older_days_of_any() -> None:
    scope = connected()
    schedule.plan_backfill(scope, 400)

    border = date(2026, 11, 23) - timedelta(days=60)
    rows = Fetch.objects.filter(kind=Fetch.Kind.BACKFILL)
    assert all(row.window_start >= border for row in rows.filter(priority=schedule.FIRST_SCREEN_PRIORITY))
    assert all(row.window_start < border for row in rows.filter(priority=schedule.BACKFILL_PRIORITY))
    assert set(rows.values_list("priority", flat=True)) == {5, 20}


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_planning_a_backfill_twice_asks_once() -> None:
    scope = connected()
    first = schedule.plan_backfill(scope, 90)
    assert first and schedule.plan_backfill(scope, 90) == 0
    assert Fetch.objects.count() == first


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_stored_days_are_not_asked_for_again_and_failed_ones_are() -> None:
    scope = connected(ads=False)
    document = Document.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec="sales_and_traffic_asin",
        source="sp_api",
        report_type="x",
        source_created_at=NOW,
        sha256="0" * 64,
        size=0,
    )
    stored = date(2026, 11, 20)
    for dataset in ("sales_by_date", "sales_by_asin"):
        Coverage.objects.create(
            account=scope.account,
            marketplace=scope.marketplace,
            dataset=dataset,
            date=stored,
            document=document,
            source_created_at=NOW,
        )
    schedule.plan_backfill(scope, 5)
    assert [first.day for first, _last in fetches("sales_and_traffic_asin")] == [22, 21, 19, 18]

    failed = Fetch.objects.get(spec="sales_and_traffic_asin", window_start=date(2026, 11, 19))
    Fetch.objects.filter(pk=failed.pk).update(state=Fetch.State.FAILED, finished_at=NOW, attempts=3, report_id="R")
    assert schedule.plan_backfill(scope, 5) == 1
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.finished_at, failed.report_id) == (Fetch.State.WAITING, 0, None, "")


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_progress_tells_what_is_done_what_failed_and_how_far_the_first_screen_is() -> None:
    scope = connected(ads=False)
    assert schedule.backfill_progress([scope.account_id]) == []
    schedule.plan_backfill(scope, 100)
    rows = Fetch.objects.filter(spec="sales_and_traffic_asin").order_by("-window_end")
    done, failed = list(rows[:3].values_list("pk", flat=True)), rows[3].pk
    Fetch.objects.filter(pk__in=done).update(state=Fetch.State.DONE, finished_at=timezone.now())
    Fetch.objects.filter(pk=failed).update(state=Fetch.State.FAILED, finished_at=timezone.now())

    by_spec = {progress.spec: progress for progress in schedule.backfill_progress([scope.account_id])}

    assert set(by_spec) == set(Fetch.objects.filter(kind="backfill").values_list("spec", flat=True))
    assert {"sales_and_traffic", "sales_and_traffic_asin"} <= set(by_spec)
    found = by_spec["sales_and_traffic_asin"]
    assert (found.total, found.done, found.failed, found.waiting) == (100, 3, 1, 96)
    assert (found.first_total, found.first_done) == (60, 3)


@pytest.mark.django_db
def test_what_a_person_asks_for_comes_first_and_is_asked_anew() -> None:
    scope = connected()
    schedule.plan_due(NOW)
    rows = schedule.ask_now(scope, "sales_and_traffic_asin")
    assert rows == 4
    asked = Fetch.objects.filter(spec="sales_and_traffic_asin", priority=0)
    assert asked.count() == 4
