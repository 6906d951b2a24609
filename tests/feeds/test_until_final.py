"""Routine: asked again until final and no more; deeper once a week; once for every window after an outage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import checks, dispatch, finality, registry, schedule, slots
from opsboard.feeds.models import Coverage, Feed, Fetch
from tests.feeds.shops import connected, end, fetches, hold

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Los Angeles
BOTH = ("sales_by_date", "sales_by_asin")


def asked(key: str, scope: AccountMarketplace, now: datetime = NOW) -> list[tuple[date, date]]:
    return schedule.routine_windows(registry.spec(key), scope, now)


def hold_both(scope: AccountMarketplace, day: date, made: datetime) -> None:
    for dataset in BOTH:
        hold(scope, dataset, day, made)


# --- until final ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_day_of_sales_is_asked_for_on_four_days_and_then_left_alone() -> None:
    scope = connected(ads=False)
    spec = registry.spec("sales_and_traffic_asin")
    day = date(2026, 11, 10)
    times = 0
    for age in range(1, 21):
        now = datetime(2026, 11, 10, 20, tzinfo=UTC) + timedelta(days=age)
        if (day, day) in finality.windows(spec, scope, now):
            times += 1
            hold_both(scope, day, now)
    assert times == spec.datasets[0].mature_days + 1 == 4


@pytest.mark.django_db
def test_a_gap_is_asked_for_as_far_back_as_something_older_is_held() -> None:
    scope = connected(ads=False)
    final = NOW - timedelta(days=4)  # the newest of them were over for more than three days then
    for n in (20, 19, 18, 15, 14, 13, 12, 11, 10, 9, 8):
        hold_both(scope, date(2026, 11, 25) - timedelta(days=n), final)
    days = [first for first, _last in asked("sales_and_traffic_asin", scope)]
    assert [(date(2026, 11, 25) - day).days for day in days] == [1, 2, 3, 4, 5, 6, 7, 16, 17]


@pytest.mark.django_db
def test_what_one_dataset_lacks_is_asked_for_though_the_other_has_it() -> None:
    scope = connected(ads=False)
    for n in range(1, 11):
        hold_both(scope, date(2026, 11, 25) - timedelta(days=n), NOW)
    Coverage.objects.filter(dataset="sales_by_asin", date=date(2026, 11, 17)).delete()
    days = [first.day for first, _last in asked("sales_and_traffic_asin", scope)]
    assert days == [24, 23, 22, 17]


@pytest.mark.django_db
def test_days_far_apart_share_a_request_where_it_may_cover_both() -> None:
    scope = connected(ads=False)
    for n in range(1, 21):
        if n != 12:
            hold(scope, "sales_by_date", date(2026, 11, 25) - timedelta(days=n), NOW)
    assert asked("sales_and_traffic", scope) == [(date(2026, 11, 13), date(2026, 11, 24))]


@pytest.mark.django_db
def test_when_all_is_final_nothing_is_asked_for() -> None:
    scope = connected(ads=False)
    for n in range(1, 60):
        hold(scope, "sales_by_date", date(2026, 11, 25) - timedelta(days=n), NOW + timedelta(days=30))
    assert asked("sales_and_traffic", scope) == []


@pytest.mark.django_db
def test_what_amazon_said_is_empty_counts_once_it_could_know() -> None:
    scope = connected(ads=False)
    spec = registry.spec("sales_and_traffic_asin")
    schedule.plan_due(NOW)
    for fetch in Fetch.objects.filter(spec=spec.key):
        end(fetch, Fetch.State.EMPTY, asked=NOW)
    days = [first.day for first, _last in asked(spec.key, scope)]
    assert days == [24, 23, 22]  # the 21st was over for more than three days when Amazon said so

    Fetch.objects.filter(spec=spec.key).update(report_id="", requested_at=None)  # nothing was asked of Amazon
    assert len(asked(spec.key, scope)) == 4


@pytest.mark.django_db
def test_a_week_of_brand_analytics_is_asked_for_when_it_is_out_and_once() -> None:
    scope = connected(ads=False)
    spec = registry.spec("search_query_performance") if "search_query_performance" in _keys() else _brand_spec()
    week = date(2026, 11, 8)  # Sunday to Saturday the 14th
    days = []
    for n in range(25):
        now = datetime(2026, 11, 10, 20, tzinfo=UTC) + timedelta(days=n)
        if (week, week + timedelta(days=6)) in finality.windows(spec, scope, now):
            days.append(now.date())
            for dataset in spec.datasets:
                hold(scope, dataset.key, week, now)
    assert days == [week + timedelta(days=spec.datasets[0].lag_days + 1)]


def _keys() -> set[str]:
    return {spec.key for spec in registry.specs()}


def _brand_spec() -> registry.ReportSpec:
    return next(spec for spec in registry.specs() if spec.report_type.endswith("SEARCH_QUERY_PERFORMANCE_REPORT"))


@pytest.mark.django_db
def test_a_month_of_storage_fees_is_asked_for_from_the_day_amazon_charges_it_until_the_fifteenth_is_over() -> None:
    scope = connected(ads=False)
    spec = registry.spec("storage_fees")
    month = (date(2026, 9, 1), date(2026, 9, 30))
    days = []
    for n in range(40):
        now = datetime(2026, 10, 1, 20, tzinfo=UTC) + timedelta(days=n)
        if month in finality.windows(spec, scope, now):
            days.append(now.date())
            hold(scope, spec.datasets[0].key, month[0], now)
    assert days[0] == date(2026, 10, 9) and days[-1] == date(2026, 10, 17)
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


# --- deeper once a week -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_ads_ask_the_last_thirty_days_daily_and_forty_two_on_sundays() -> None:
    scope = connected()
    with time_machine.travel(NOW, tick=False):
        schedule.ensure_feeds(scope)
    deep: list[date] = []
    daily: list[date] = []
    for hours in range(24 * 21):
        now = NOW + timedelta(hours=hours)
        schedule.plan_due(now)
        new = Fetch.objects.filter(spec="sp_campaigns", finished_at=None)
        days = sum((fetch.window_end - fetch.window_start).days + 1 for fetch in new)
        if days:
            (deep if days == 42 else daily).append(now.astimezone(ZoneInfo("America/Los_Angeles")).date())
            assert days in {30, 42}
        Fetch.objects.update(finished_at=now, state=Fetch.State.DONE)
    assert [day.isoweekday() for day in deep] == [7, 7, 7]
    assert len(daily) + len(deep) == len({*daily, *deep}) >= 21


@pytest.mark.django_db
def test_a_deep_pull_that_an_outage_swallowed_is_caught_up_once() -> None:
    scope = connected()
    with time_machine.travel(NOW, tick=False):
        schedule.ensure_feeds(scope)
    schedule.plan_due(NOW)
    Fetch.objects.update(finished_at=NOW, state=Fetch.State.DONE)
    back = NOW + timedelta(days=6)  # a Tuesday: Sunday's is missed
    spans = []
    for now in (back, back + timedelta(days=1)):
        schedule.plan_due(now)
        rows = Fetch.objects.filter(spec="sp_campaigns", finished_at=None)
        spans.append(sum((fetch.window_end - fetch.window_start).days + 1 for fetch in rows))
        Fetch.objects.update(finished_at=now, state=Fetch.State.DONE)
    assert spans == [42, 30]


# --- dispatchers and outages ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_five_dispatchers_plan_every_report_and_window_once_for_every_slot() -> None:
    """Work is done between the rounds, so that nothing but the plan itself keeps a window from being asked twice."""
    scopes = [connected(code) for code in ("US", "DE", "JP")]
    with time_machine.travel(NOW, tick=False):
        for scope in scopes:
            schedule.ensure_feeds(scope)

    def plan(now: datetime) -> None:
        try:
            schedule.plan_due(now)
        finally:
            connection.close()

    for hours in range(0, 120, 6):
        with ThreadPoolExecutor(5) as dispatchers:
            list(dispatchers.map(plan, [NOW + timedelta(hours=hours)] * 5))
        Fetch.objects.filter(finished_at=None).update(finished_at=NOW, state=Fetch.State.DONE)

    rows = list(Fetch.objects.values_list("account", "spec", "window_start", "window_end", "slot"))
    assert len(rows) == len(set(rows)) > 100
    for scope in scopes:
        spec = registry.spec("stock")
        rhythm = slots.declared(spec, scope)
        mine = set(Fetch.objects.filter(account=scope.account_id, spec="stock").values_list("slot", flat=True))
        due, slot = set(), slots.before(rhythm, scope, NOW)
        while slot <= NOW + timedelta(hours=114):
            due.add(slot)
            slot = slots.after(rhythm, scope, slot)
        assert mine == due


@pytest.mark.django_db
@pytest.mark.parametrize("away", [timedelta(hours=6), timedelta(days=3)], ids=["six hours", "three days"])
def test_after_an_outage_every_window_is_caught_up_once_and_the_rhythm_goes_on(away: timedelta) -> None:
    scope = connected()
    with time_machine.travel(NOW, tick=False):
        schedule.ensure_feeds(scope)
    schedule.plan_due(NOW)
    Fetch.objects.update(finished_at=NOW, state=Fetch.State.DONE)
    back = NOW + away
    before = Fetch.objects.count()

    planned = schedule.plan_due(back)

    new = list(Fetch.objects.filter(finished_at=None).values_list("spec", "window_start", "window_end"))
    assert planned == len(new) == len(set(new)) == Fetch.objects.count() - before > 0
    assert [spec for spec, _first, _last in new].count("stock") == 1
    if away > timedelta(days=1):
        # Missed days are all there, each in one request.
        days = {first for spec, first, _last in new if spec == "sales_and_traffic_asin"}
        assert {date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 27)} <= days
    assert schedule.plan_due(back) == 0
    for feed in Feed.objects.all():
        rhythm = slots.rhythm_of(feed, registry.spec(feed.spec), scope)
        assert feed.next_due == slots.after(rhythm, scope, back)


@pytest.mark.django_db
def test_a_report_amazon_does_not_make_for_a_marketplace_is_not_asked_for() -> None:
    for code, made in (("DE", True), ("NL", False)):
        keys = {spec.key for spec in schedule.usable_specs(connected(code))}
        assert ("planning" in keys) is made and "stock" in keys


@pytest.mark.django_db
def test_a_person_who_asks_now_gets_the_newest_days_whatever_is_held_of_them() -> None:
    scope = connected(ads=False)
    for n in range(1, 5):
        hold_both(scope, scope.marketplace.today() - timedelta(days=n), datetime(2030, 1, 1, tzinfo=UTC))
    assert schedule.ask_now(scope, "sales_and_traffic_asin") == len(fetches("sales_and_traffic_asin")) == 4


@pytest.mark.django_db
def test_days_without_amazon_end_in_one_request_for_the_newest_days_and_keep_the_deep_one() -> None:
    scope = connected()
    with time_machine.travel(NOW, tick=False):
        schedule.ensure_feeds(scope)
    for hours in range(24 * 6):  # the dispatcher lives, nobody gets through to Amazon; a Sunday is among them
        schedule.plan_due(NOW + timedelta(hours=hours))
    today = scope.marketplace.day_of(NOW + timedelta(hours=143))
    assert fetches("stock") == [(today, today)] and fetches("listings") == [(today, today)]
    sunday = date(2026, 11, 29)
    assert fetches("sp_campaigns") == [
        (today - timedelta(days=30), today - timedelta(days=1)),
        (sunday - timedelta(days=42), sunday - timedelta(days=32)),
    ]
    assert len(fetches("sales_and_traffic_asin")) == 4 + 6  # each missed day once


@pytest.mark.django_db
def test_feeds_that_lost_their_credentials_are_not_late_and_are_found_soon_when_they_are_back() -> None:
    scope = connected()
    with time_machine.travel(NOW, tick=False):
        schedule.ensure_feeds(scope)
    credentials = list(scope.account.credentials.all())
    scope.account.credentials.all().delete()
    for hours in range(3):
        assert schedule.plan_due(NOW + timedelta(hours=hours)) == 0
        assert dispatch.lag(NOW + timedelta(hours=hours)) == timedelta(0)
    for credential in credentials:
        credential.save(force_insert=True)
    assert schedule.plan_due(NOW + timedelta(hours=2, minutes=10)) > 0


# --- what Amazon allows -----------------------------------------------------------------------------

#: Report type -> hours between two of it, by Amazon's documentation (FBA: 30 minutes or four hours by kind).
AMAZONS_PACE = {
    "GET_MERCHANT_LISTINGS_ALL_DATA": 6,
    "GET_MERCHANTS_LISTINGS_FYP_REPORT": 6,
    "GET_FBA_INVENTORY_PLANNING_DATA": 4,
    "GET_LEDGER_SUMMARY_VIEW_DATA": 4,
    "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA": 4,
    "GET_FBA_REIMBURSEMENTS_DATA": 4,
    "GET_FBA_STORAGE_FEE_CHARGES_DATA": 4,
    "GET_FBA_ESTIMATED_FBA_FEES_TXT_DATA": 24,
    "GET_REFERRAL_FEE_PREVIEW_REPORT": 24,
    "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA": 1,
    "GET_RESTOCK_INVENTORY_RECOMMENDATIONS_REPORT": 1,
    "GET_STRANDED_INVENTORY_UI_DATA": 1,
}


def test_no_schedule_can_be_faster_than_amazon_makes_the_report() -> None:
    declared = {spec.report_type: spec for spec in registry.specs() if spec.api}
    for kind, hours in AMAZONS_PACE.items():
        assert declared[kind].every_hours >= declared[kind].shortest_hours >= hours, kind
    assert declared["GET_FBA_ESTIMATED_FBA_FEES_TXT_DATA"].since_hours >= 72
    assert declared["GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"].discovered


def test_every_ads_report_asks_thirty_days_daily_and_forty_two_weekly() -> None:
    ads = [spec for spec in registry.specs() if spec.api == "ads"]
    assert len(ads) >= 11
    assert {(s.every_hours, s.reask_days, s.deep_reask_days, s.deep_every_days) for s in ads} == {(24, 30, 42, 7)}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"every_hours": 5}, "feeds.E021"),
        ({"every_hours": 6, "rest_hours": 24}, "feeds.E022"),
        ({"deep_reask_days": 96}, "feeds.E023"),
        ({"until_final_days": 30}, "feeds.E023"),
    ],
)
def test_a_declaration_that_no_clock_or_no_limit_allows_stops_the_start(wrong: dict[str, int], error: str) -> None:
    spec = registry.spec("sp_campaigns")
    assert not list(checks._spec_errors(spec))
    assert [found.id for found in checks._spec_errors(replace(spec, **wrong))] == [error]  # type: ignore[arg-type]
