"""Histories: how far back, what is asked for, what it takes, and what a person can do with it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from ads.reports import SP_CAMPAIGNS
from opsboard.accounts.models import AccountMarketplace, AuditEvent
from opsboard.amazon.models import Bucket
from opsboard.feeds import backfill, dispatch, pace, reach, registry, schedule, turns
from opsboard.feeds.models import BackfillPlan, Feed, Fetch
from tests.feeds.shops import connected, end, fetches, hold

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 12:00 in Los Angeles


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_a_backfill_goes_as_far_as_each_report_does_and_no_further() -> None:
    scope = connected()
    backfill.ensure(scope, 400)

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
    backfill.ensure(scope, 400)

    border = date(2026, 11, 23) - timedelta(days=60)
    rows = Fetch.objects.filter(kind=Fetch.Kind.BACKFILL)
    assert all(row.window_start >= border for row in rows.filter(priority=schedule.FIRST_SCREEN_PRIORITY))
    assert all(row.window_start < border for row in rows.filter(priority=schedule.BACKFILL_PRIORITY))
    assert set(rows.values_list("priority", flat=True)) == {5, 20}


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_planning_a_backfill_twice_asks_once() -> None:
    scope = connected()
    first = backfill.ensure(scope, 90)
    assert first and backfill.ensure(scope, 90) == 0
    assert Fetch.objects.count() == first


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_stored_days_are_not_asked_for_again_and_failed_ones_are() -> None:
    scope = connected(ads=False)
    for dataset in ("sales_by_date", "sales_by_asin"):
        hold(scope, dataset, date(2026, 11, 20))
    backfill.ensure(scope, 5)
    assert [first.day for first, _last in fetches("sales_and_traffic_asin")] == [22, 21, 19, 18]

    for fetch in Fetch.objects.all():
        end(fetch, Fetch.State.DONE)
    for day in (22, 21, 18):
        hold(scope, "sales_by_date", date(2026, 11, day))
        hold(scope, "sales_by_asin", date(2026, 11, day))
    failed = Fetch.objects.get(spec="sales_and_traffic_asin", window_start=date(2026, 11, 19))
    Fetch.objects.filter(pk=failed.pk).update(state=Fetch.State.FAILED)
    backfill.sweep()
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        again = backfill.start(scope, date(2026, 11, 18), [registry.spec("sales_and_traffic_asin")])
    assert list(again.fetches.values_list("window_start", flat=True)) == [date(2026, 11, 19)]


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_what_amazon_said_there_is_nothing_of_is_not_asked_again_unless_it_said_so_too_early() -> None:
    scope = connected(ads=False)
    spec = registry.spec("sales_and_traffic_asin")
    backfill.start(scope, date(2026, 11, 13), [spec])
    for fetch in Fetch.objects.all():
        end(fetch, Fetch.State.EMPTY, asked=NOW)
    backfill.sweep()

    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        again = backfill.start(scope, date(2026, 11, 13), [spec])
    assert sorted(again.fetches.values_list("window_start__day", flat=True)) == [20, 21, 22]


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(("key", "days"), [("sb_campaigns", 60), ("sp_search_terms", 65), ("sp_campaigns", 95)])
def test_asked_for_a_day_too_far_back_a_back_fill_stops_at_amazons_limit_and_says_so(key: str, days: int) -> None:
    scope, today = connected(), date(2026, 11, 23)
    spec = registry.spec(key)
    assert spec.lookback_days == days

    part = reach.part(spec, scope, today - timedelta(days=days + 1), timezone.now())
    plan = backfill.start(scope, today - timedelta(days=days + 1), [spec])

    from_day = today - timedelta(days=days - 1)
    assert part.reach == from_day and min(first for first, _last in fetches(key)) == from_day
    assert reach.limit_words(part, scope) == f"Amazon keeps {days} days, so from {from_day:%-d %b}."
    assert plan.requests == len(part.windows)
    assert any(one.key.startswith("console_") for one in part.uploads)

    within = reach.part(spec, scope, from_day, timezone.now())
    assert within.reach is None and not within.uploads and reach.limit_words(within, scope) == ""


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_states_of_now_and_what_amazon_makes_by_itself_are_no_history() -> None:
    assert not reach.has_past(registry.spec("stock")) and not reach.has_past(registry.spec("settlements"))
    scope = connected()
    with pytest.raises(backfill.NothingToAsk):
        backfill.start(scope, date(2026, 1, 1), [registry.spec("stock"), registry.spec("settlements")])
    assert not BackfillPlan.objects.exists()


# --- a plan's life --------------------------------------------------------------------------------


def small_plan(scope: AccountMarketplace, days: int = 3) -> BackfillPlan:
    first = scope.marketplace.today() - timedelta(days=days)
    return backfill.start(scope, first, [registry.spec("sales_and_traffic_asin")])


def claimable() -> set[int | None]:
    """The plans of the fetches a worker would take now."""
    condition, params = turns.workable()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT plan_id FROM feeds_fetch WHERE {condition}", params)
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_a_paused_plan_is_not_asked_for_and_the_routine_goes_on() -> None:
    scope = connected(ads=False)
    plan = small_plan(scope, 30)
    schedule.plan_due()
    routine = Fetch.objects.filter(plan=None).count()
    assert routine and claimable() == {plan.pk, None}

    assert backfill.pause(scope, plan, None)
    assert claimable() == {None} and dispatch.due_count(1000) == routine
    assert not backfill.pause(scope, plan, None)  # once is enough

    schedule.plan_due(timezone.now() + timedelta(days=1))
    backfill.sweep()
    plan.refresh_from_db()
    assert plan.state == "paused" and claimable() == {None}

    assert backfill.resume(scope, plan, None)
    assert claimable() == {plan.pk, None}
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "backfill.started",
        "backfill.paused",
        "backfill.resumed",
    ]


@pytest.mark.django_db
def test_what_amazon_works_on_already_is_finished_though_the_plan_is_paused() -> None:
    scope = connected(ads=False)
    plan = small_plan(scope)
    asked = plan.fetches.order_by("id").first()
    assert asked
    Fetch.objects.filter(pk=asked.pk).update(state=Fetch.State.REQUESTED, report_id="R", requested_at=timezone.now())
    backfill.pause(scope, plan, None)
    assert dispatch.due_count(10) == 1


@pytest.mark.django_db
def test_a_stopped_plan_forgets_what_was_never_asked_even_if_a_worker_held_it_just_then() -> None:
    scope = connected(ads=False)
    plan = small_plan(scope, 5)
    ids = list(plan.fetches.order_by("id").values_list("pk", flat=True))
    end(Fetch.objects.get(pk=ids[0]), Fetch.State.DONE)
    Fetch.objects.filter(pk=ids[1]).update(lease_until=timezone.now() + timedelta(minutes=1))

    assert backfill.cancel(scope, plan, None)
    assert set(plan.fetches.values_list("pk", flat=True)) == set(ids[:2])
    Fetch.objects.filter(pk=ids[1]).update(lease_until=None)  # Amazon throttled it: given back
    assert claimable() == set()
    backfill.sweep()
    assert list(plan.fetches.values_list("pk", flat=True)) == ids[:1]
    plan.refresh_from_db()
    told = backfill.progress(plan, scope)
    assert plan.state == "cancelled" and (told.done, told.total, told.days_left) == (1, 5, 0)
    small_plan(scope, 5)  # and another may begin


@pytest.mark.django_db
def test_one_back_fill_at_a_time_for_an_account_and_marketplace() -> None:
    scope = connected(ads=False)
    small_plan(scope)
    with pytest.raises(backfill.AlreadyOpen):
        small_plan(scope, 9)
    assert BackfillPlan.objects.count() == 1
    small_plan(connected("DE", ads=False))


@pytest.mark.django_db
def test_a_plan_whose_last_request_has_ended_is_done() -> None:
    scope = connected(ads=False)
    plan = small_plan(scope)
    *most, last = plan.fetches.all()
    for fetch in most:
        end(fetch, Fetch.State.DONE)
    backfill.sweep()
    assert backfill.open_plan(scope) == plan
    end(last, Fetch.State.FAILED)
    backfill.sweep()
    plan.refresh_from_db()
    told = backfill.progress(plan, scope)
    assert plan.state == "done" and (told.done, told.failed, told.left, told.percent) == (2, 1, 0, 66)


@pytest.mark.django_db
def test_a_paused_back_fill_keeps_its_old_days_and_the_routine_takes_the_newest_all_the_same() -> None:
    scope = connected(ads=False)
    today = scope.marketplace.today()
    plan = small_plan(scope, 20)
    backfill.pause(scope, plan, None)
    for dataset in ("sales_by_date", "sales_by_asin"):
        hold(scope, dataset, today - timedelta(days=20))
    schedule.plan_due()
    routine = Fetch.objects.filter(spec="sales_and_traffic_asin", plan=None).order_by("-window_start")
    assert [(today - fetch.window_start).days for fetch in routine] == [1, 2, 3, 4]
    Fetch.objects.filter(plan=None).delete()
    assert schedule.ask_now(scope, "sales_and_traffic_asin") == 4
    assert not plan.fetches.filter(priority=schedule.ASKED_PRIORITY).exists()


@pytest.mark.django_db
def test_what_failed_and_is_tried_again_does_not_move_the_bar_back() -> None:
    scope = connected(ads=False)
    plan = small_plan(scope, 4)
    first, second, *_rest = plan.fetches.order_by("pk")
    end(first, Fetch.State.DONE)
    end(second, Fetch.State.FAILED)
    before = backfill.progress(plan, scope)
    schedule.reopen(plan.fetches.all())  # new credentials were entered
    after = backfill.progress(plan, scope)
    assert (before.done, before.failed, before.left) == (1, 1, 2)
    assert (after.done, after.failed, after.left) == (1, 0, 3) and after.percent == before.percent == 25


# --- how long it takes ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_estimate_counts_the_burst_the_rate_the_routine_and_the_accounts_other_back_fills() -> None:
    scope = connected(ads=False)
    making = pace.USUAL_MAKING["sp"]
    assert pace.estimate(scope, {"sp": 15}) == making  # the first fifteen at once
    assert pace.estimate(scope, {"sp": 75}) == pytest.approx(60 / 0.0167 + making, abs=2)
    assert pace.estimate(scope, {}) == 0

    schedule.ensure_feeds(scope)
    share = sum(pace.requests_a_day(scope.account_id)["sp"].values()) / (0.0167 * 86400)
    assert 0.01 < share < 0.1
    assert pace.estimate(scope, {"sp": 75}) == pytest.approx(60 / 0.0167 / (1 - share) + making, abs=2)

    Feed.objects.update(enabled=False)
    backfill.start(connected("CA", ads=False, account=scope.account), *_sixty_days(scope))
    assert pace.estimate(scope, {"sp": 75}) == pytest.approx((60 + 60) / 0.0167 + making, abs=2)


def _sixty_days(scope: AccountMarketplace) -> tuple[date, list[registry.ReportSpec]]:
    return scope.marketplace.today() - timedelta(days=60), [registry.spec("sales_and_traffic_asin")]


@pytest.mark.django_db
@pytest.mark.parametrize("stretch", [1.0, 1.6], ids=["as published", "Amazon slower than it says"])
def test_the_time_left_is_right_within_a_third_and_the_bar_never_goes_back(stretch: float) -> None:
    """A run of hours in virtual time: a burst of fifteen, one request a minute after it, a pause on the way."""
    with time_machine.travel(NOW, tick=False) as clock:
        scope = connected(ads=False)
        plan = backfill.start(scope, date(2026, 7, 26), [registry.spec("sales_and_traffic_asin")])
        assert plan.requests == 120
        rate, making = 0.0167 / stretch, 150.0
        waiting = list(plan.fetches.order_by("priority", "-window_end"))
        now = NOW
        shown: list[tuple[datetime, int]] = []
        bar = -1
        free = NOW  # when the next token is there
        under_way: list[tuple[datetime, Fetch]] = []
        burst = 15
        resumed = None
        while waiting or under_way:
            now += timedelta(seconds=10)
            clock.move_to(now)
            if len(waiting) == 60 and resumed is None:
                backfill.pause(scope, plan, None)
                resumed = now + timedelta(hours=5)
            if resumed and now == resumed:
                plan.refresh_from_db()
                backfill.resume(scope, plan, None)
                free, burst = now, 15  # tokens came back meanwhile
                Bucket.objects.update(tokens=15, filled_at=now)
                shown.clear()
            plan.refresh_from_db()
            while waiting and plan.state == "running" and (burst or free <= now):
                fetch = waiting.pop(0)
                fetch.requested_at = now
                Fetch.objects.filter(pk=fetch.pk).update(state=Fetch.State.REQUESTED, requested_at=now)
                if burst:
                    burst -= 1
                else:
                    free = max(free, now - timedelta(seconds=10)) + timedelta(seconds=1 / rate)
                under_way.append((now + timedelta(seconds=making), fetch))
                partner = f"account-{scope.account_id}"
                kept = {"tokens": float(burst), "rate": 0.0167, "burst": 15.0, "filled_at": now}
                Bucket.objects.update_or_create(
                    partner=partner, application="a", operation="createReport", defaults=kept
                )
            for over in [one for one in under_way if one[0] <= now]:
                under_way.remove(over)
                end(over[1], Fetch.State.DONE, asked=over[1].requested_at)
            if now.minute % 5 or now.second:
                continue
            told = backfill.progress(plan, scope)
            assert told.done >= bar and told.total == 120
            bar = told.done
            if told.seconds_left is not None:
                shown.append((now, told.seconds_left))
        backfill.sweep()
        plan.refresh_from_db()
        assert plan.state == "done"
        judged = [(at, said, (now - at).total_seconds()) for at, said in shown if (now - at).total_seconds() > 600]
        # The published rate is believed until enough requests have shown the real one.
        settled = judged if stretch == 1.0 else judged[len(judged) // 3 :]
        assert len(settled) > 5
        wrong = [(at, said, real) for at, said, real in settled if abs(said - real) > 0.3 * real]
        assert not wrong, wrong


def test_the_words_of_an_estimate_are_as_exact_as_it_is() -> None:
    assert [pace.words(seconds) for seconds in (30, 600, 9700, 400_000)] == [
        "a few minutes",
        "about 10 minutes",
        "about 2 h 40 min",
        "about 5 days",
    ]


def test_the_ads_reports_that_come_from_the_console_fill_the_same_table() -> None:
    assert SP_CAMPAIGNS.model in {
        d.model for one in reach.uploads_for(registry.spec("sp_campaigns")) for d in one.datasets
    }
