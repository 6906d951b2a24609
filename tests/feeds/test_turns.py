"""Whose turn it is: fair between accounts, urgent first, earliest deadline first, nobody asked in vain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import backfill, leases, schedule, turns
from opsboard.feeds.models import Fetch, Rest
from tests.amazon.scripted import Says, ScriptedAmazon
from tests.factories import make_scope

from .test_fetching import LISTINGS, REPORTS, advance, make_fetch

pytestmark = pytest.mark.django_db


def take() -> int | None:
    """The next fetch; it is then out of the way."""
    claimed = turns.claim(on_set_aside=int)
    if claimed is None:
        return None
    Fetch.objects.filter(pk=claimed[0]).update(state="done", finished_at=timezone.now())
    return claimed[0]


def account_of(pk: int | None) -> int:
    assert pk is not None
    return Fetch.objects.get(pk=pk).account_id


def test_of_fifty_sellers_one_with_four_hundred_reports_waits_like_the_others() -> None:
    noisy = make_scope()
    day = timezone.now()
    Fetch.objects.bulk_create(
        Fetch(
            account=noisy.account,
            marketplace=noisy.marketplace,
            spec="sales_and_traffic",
            window_start=(day - timedelta(days=age)).date(),
            window_end=(day - timedelta(days=age)).date(),
            slot=day,
            deadline=day - timedelta(days=1),  # and overdue, every one of them
        )
        for age in range(400)
    )
    quiet = [make_scope().account_id for _ in range(49)]
    for account in quiet:
        make_fetch(AccountMarketplace.objects.get(account=account))
        make_fetch(AccountMarketplace.objects.get(account=account), "stock")

    served = [account_of(take()) for _ in range(100)]

    assert {account: served.count(account) for account in quiet} == dict.fromkeys(quiet, 2)
    assert served.count(noisy.account_id) == 2


def test_the_turn_is_remembered_by_all_workers() -> None:
    one, other = make_scope(), make_scope()
    for scope in (one, other):
        for spec in ("listings", "stock"):
            make_fetch(scope, spec)
    # Each claim as a worker of its own: nothing is kept between them but the rows.
    assert [account_of(take()) for _ in range(4)] == [one.account_id, other.account_id] * 2


def test_the_earliest_deadline_goes_first_then_what_has_none_and_priority_before_both() -> None:
    scope, now = make_scope(), timezone.now()
    history = make_fetch(scope, "stock", priority=20)
    late = make_fetch(scope, "listings", deadline=now + timedelta(hours=20))
    none = make_fetch(scope, "performance")
    soon = make_fetch(scope, "planning", deadline=now + timedelta(hours=2))
    asked = make_fetch(scope, "sales_and_traffic", priority=0, deadline=now)
    assert [take() for _ in range(5)] == [one.pk for one in (asked, soon, late, none, history)]
    assert take() is None


def test_what_a_person_asks_for_goes_before_anybodys_routine() -> None:
    routine, asking = make_scope(), make_scope()
    make_fetch(routine)
    take()
    waiting = make_fetch(routine, "stock")
    take()
    make_fetch(asking)
    take()  # this seller was served last
    asked = make_fetch(asking, "stock", priority=0)
    waiting = make_fetch(routine, "planning")
    assert [take(), take()] == [asked.pk, waiting.pk]


def test_routine_has_to_be_there_by_its_next_slot_and_what_a_person_asks_for_now(scope: AccountMarketplace) -> None:
    now = timezone.now()
    schedule.plan_due(now)
    stock = Fetch.objects.get(spec="stock")
    assert stock.deadline and stock.slot < now < stock.deadline <= now + timedelta(hours=6)
    schedule.ask_now(scope, "stock")
    stock.refresh_from_db()
    assert stock.deadline <= timezone.now() and stock.priority == 0
    backfill.ensure(scope, 200)
    assert set(Fetch.objects.filter(kind="backfill").values_list("deadline", flat=True)) == {None}


def rested(scope: AccountMarketplace, state: str, seconds: float = 60, **fields: Any) -> None:
    turns.rest(Fetch(account=scope.account, marketplace=scope.marketplace, state=state, **fields), "sp", seconds)


def test_what_amazon_would_refuse_is_left_alone_without_a_claim_and_hints_at_no_work(scope: AccountMarketplace) -> None:
    waiting = make_fetch(scope)
    ready = make_fetch(scope, "stock", state="ready", report_id="R1")
    of_ads = make_fetch(scope, "sp_campaigns")
    rested(scope, "waiting")
    rested(scope, "ready")
    assert turns.due(10) == 1 and take() == of_ads.pk and take() is None
    assert not turns.soon(1)
    for one in (waiting, ready):
        one.refresh_from_db()
        assert (one.fence, one.attempts, one.outcome) == (0, 0, "")  # nobody touched it

    Rest.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert turns.due(10) == 2 and {take(), take()} == {waiting.pk, ready.pk}


def test_the_reserve_is_for_what_a_person_waits_for_until_that_is_gone_too(scope: AccountMarketplace) -> None:
    make_fetch(scope)
    asked = make_fetch(scope, "stock", priority=0)
    rested(scope, "waiting", priority=10)
    assert turns.due(10) == 1
    rested(scope, "waiting", priority=0)
    assert turns.due(10) == 0
    Rest.objects.update(urgent_until=timezone.now() - timedelta(seconds=1))
    assert take() == asked.pk and take() is None


def test_one_profile_that_is_slowed_down_holds_up_no_other_of_the_seller(scope: AccountMarketplace) -> None:
    other = make_scope(scope.account, "CA")
    make_fetch(scope, "sp_campaigns")
    free = make_fetch(other, "sp_campaigns")
    turns.rest(Fetch(account=scope.account, marketplace=scope.marketplace, state="waiting"), "ads", 60)
    assert take() == free.pk and take() is None


def test_a_refused_download_lets_the_other_finished_reports_rest_and_not_the_requests(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    amazon.on("GET", "/reports/2021-06-30/documents/", Says(b"", 429, {"x-amzn-RateLimit-Limit": "0.0167"}))
    fetch = make_fetch(scope)
    advance(fetch)
    assert fetch.state == "ready" and Rest.objects.get().state == "ready"
    make_fetch(scope, "stock", state="ready", report_id="R2", requested_at=timezone.now())
    asking = make_fetch(scope, "planning")
    assert take() == asking.pk and take() is None
    assert amazon.count("POST", REPORTS) == 1


def rows_read() -> int:
    """Fetches that this transaction has read by an index so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'feeds_fetch'"
        )
        return int(cursor.fetchone()[0])


def history(scope: AccountMarketplace, days: int) -> None:
    now = timezone.now()
    Fetch.objects.bulk_create(
        Fetch(
            account=scope.account,
            marketplace=scope.marketplace,
            spec="sales_and_traffic",
            window_start=now.date() - timedelta(days=age),
            window_end=now.date() - timedelta(days=age),
            slot=now,
            priority=20,
        )
        for age in range(days)
    )


def test_histories_that_rest_are_not_read_through_to_find_what_does_not() -> None:
    scopes = [make_scope() for _ in range(3)]
    for scope in scopes:
        history(scope, 2000)
        rested(scope, "waiting")
    under_way = make_fetch(scopes[0], "stock", state="requested", report_id="R1", requested_at=timezone.now())
    asked = make_fetch(scopes[1], "planning", priority=0)
    of_ads = make_fetch(scopes[2], "sp_campaigns")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE feeds_fetch")
    before = rows_read()

    assert turns.due(10) == 3 and turns.soon(1)
    assert take() == asked.pk
    assert {take(), take()} == {under_way.pk, of_ads.pk}

    assert rows_read() - before < 200


def test_the_claim_reads_an_index_and_not_the_whole_history() -> None:
    scope = make_scope()
    history(scope, 3000)
    condition, params = turns.workable()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE feeds_fetch")
        cursor.execute(
            f"EXPLAIN SELECT id FROM feeds_fetch WHERE account_id = %s AND {condition} AND {leases.CLAIMABLE} "
            f"ORDER BY {turns.ORDER} LIMIT 1",
            [scope.account_id, *params],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "fetch_turn" in plan and "Sort" not in plan, plan
