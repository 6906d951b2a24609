"""Campaigns, terms and products over windows of days, and which of them break a limit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from ads.models import CampaignDay, CampaignWindow
from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds import partitions, withdrawal
from opsboard.feeds.models import Coverage, Document
from opsboard.feeds.pipeline import run_ingest
from opsboard.kpis import entities, snapshots
from opsboard.kpis.entities import EntityChange
from opsboard.kpis.limits import in_force, status_of
from opsboard.kpis.models import EntityVerdict, SnapshotWindow, ThresholdOverride
from opsboard.kpis.registry import kpis
from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk, campaign, desk, kept

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db
CAMPAIGNS = snapshots.snapshots()["campaigns"]
Row = dict[str, Any]


def row(number: int, day: date, *, clicks: int = 10, cost: int = 10, sales: int = 100) -> Row:
    return campaign(number, cost, day) | {"clicks": clicks, "impressions": 1000, "sales7d": sales}


def last_days(scope: AccountMarketplace, count: int, *, until: int = 1) -> list[date]:
    """The `count` marketplace days that end `until` days ago."""
    today = scope.marketplace.today()
    return [today - timedelta(days=n) for n in range(until + count - 1, until - 1, -1)]


def hand_in(desk: Desk, days: list[date], rows: list[Row]) -> Document:
    ingest = desk.keep(rows, window=(days[0], days[-1]))
    outcome = run_ingest(ingest.pk)
    assert outcome is not None and not outcome.refused
    return ingest.document


def judged(desk: Desk) -> list[EntityChange]:
    with transaction.atomic():
        snapshots.refresh(desk.scope.account_id, desk.scope.marketplace_id)
        return entities.judge([(desk.scope.account_id, desk.scope.marketplace_id)])


def acos(changes: list[EntityChange]) -> dict[str, tuple[str, str]]:
    return {
        change.entity: (change.before, change.status)
        for change in changes
        if change.kpi == "acos" and int(change.entity) < 100
    }


def params(desk: Desk, period: str) -> dict[str, Any]:
    days, before = CAMPAIGNS.days(period, desk.scope.marketplace)
    scope = {"account": desk.scope.account_id, "marketplace": desk.scope.marketplace_id}
    return {**scope, "first": days.first, "last": days.last, "pfirst": before.first, "plast": before.last}


def summed(desk: Desk, first: date, last: date) -> dict[int, tuple[int, int]]:
    """Spend and sales by campaign, day by day in Python."""
    found: dict[int, tuple[int, int]] = {}
    for fact in CampaignDay.objects.filter(account_id=desk.scope.account_id, date__range=(first, last)):
        spend, sales = found.get(fact.campaign_id, (0, 0))
        found[fact.campaign_id] = (spend + fact.spend_minor, sales + fact.sales_minor)
    return found


def test_every_window_holds_what_the_facts_add_up_to(desk: Desk) -> None:
    chance = random.Random(3)
    days = last_days(desk.scope, 100)
    rows = [
        row(number, day, cost=chance.randint(0, 50), sales=chance.randint(0, 200))
        for day in days
        for number in range(1, 6)
        if chance.random() < 0.8
    ]
    hand_in(desk, days, rows)
    judged(desk)

    for period in CAMPAIGNS.periods:
        span = params(desk, period)
        assert snapshots.holds("campaigns", period, span)
        now, before = (summed(desk, span[f"{p}first"], span[f"{p}last"]) for p in ("", "p"))
        kept = {
            w.campaign_id: ((w.spend_minor, w.sales_minor), (w.p_spend_minor, w.p_sales_minor))
            for w in CampaignWindow.objects.filter(account_id=desk.scope.account_id, period=period)
        }
        assert kept == {number: (sums, before.get(number, (None, None))) for number, sums in now.items()}, period


def test_a_document_marks_only_windows_it_touches_and_only_those_are_built_again(desk: Desk) -> None:
    days = last_days(desk.scope, 60)
    document = hand_in(desk, days, [row(1, day) for day in days])
    judged(desk)
    yesterday = days[-1]

    hand_in(desk, [yesterday], [row(1, yesterday, cost=77)])

    assert not snapshots.holds("campaigns", "7d", params(desk, "7d"))
    assert snapshots.holds("campaigns", "judged", params(desk, "judged"))  # yesterday is not mature
    with transaction.atomic():
        rebuilt = snapshots.refresh(desk.scope.account_id, desk.scope.marketplace_id)
        assert "campaigns:7d" in rebuilt and "campaigns:judged" not in rebuilt
        assert snapshots.refresh(desk.scope.account_id, desk.scope.marketplace_id) == []
    assert CampaignWindow.objects.get(period="7d").spend_minor == 6 * 1000 + 7700

    run_ingest(withdrawal.withdraw(document, user=None, why="another shop").pk)
    judged(desk)
    assert CampaignWindow.objects.get(period="7d").spend_minor == 7700


def test_windows_that_ended_yesterday_are_not_todays(desk: Desk, time_machine: Any) -> None:
    days = last_days(desk.scope, 40)
    hand_in(desk, days, [row(1, day) for day in days])
    judged(desk)
    asked = params(desk, "7d")

    time_machine.move_to(timezone.now() + timedelta(days=1))

    assert not snapshots.holds("campaigns", "7d", params(desk, "7d"))
    judged(desk)
    assert snapshots.holds("campaigns", "7d", params(desk, "7d")) and not snapshots.holds("campaigns", "7d", asked)


@pytest.fixture
def history(desk: Desk) -> Iterator[list[date]]:
    """Thirty mature days of three campaigns: within the limit, close to it, over it."""
    days = last_days(desk.scope, 30, until=8)
    rows = [row(n, day, cost=cost) for day in days for n, cost in ((1, 10), (2, 24), (3, 40))]
    hand_in(desk, days, rows)
    yield days


def test_a_campaign_is_held_against_the_limit_of_its_account(desk: Desk, history: list[date]) -> None:
    assert acos(judged(desk)) == {"2": ("", "warn"), "3": ("", "breach")}

    ThresholdOverride.objects.create(
        account=desk.scope.account, kpi="acos", high=Decimal("0.45"), valid_from=desk.scope.marketplace.today()
    )
    assert acos(judged(desk)) == {"2": ("warn", "ok"), "3": ("breach", "ok")}


def test_nothing_is_written_when_nothing_changed(desk: Desk, history: list[date]) -> None:
    judged(desk)

    def versions() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT xmin, ctid::text, kpi, entity FROM kpis_entityverdict ORDER BY 2")
            return list(cursor.fetchall())

    before = versions()
    assert before and judged(desk) == [] and versions() == before


def test_a_breach_of_which_too_little_is_known_is_unknown_and_then_recovers(desk: Desk, history: list[date]) -> None:
    judged(desk)
    hand_in(desk, history, [row(3, day, clicks=0, cost=40) for day in history])
    assert acos(judged(desk)) == {"2": ("warn", "unknown"), "3": ("breach", "unknown")}
    assert acos(judged(desk)) == {}

    hand_in(desk, history, [row(n, day) for day in history for n in (2, 3)])
    assert acos(judged(desk)) == {"2": ("unknown", "ok"), "3": ("unknown", "ok")}


def test_a_window_with_missing_days_judges_nobody(desk: Desk) -> None:
    days = last_days(desk.scope, 20, until=8)
    hand_in(desk, days, [row(3, day, cost=40) for day in days])

    assert judged(desk) == []


def test_days_that_are_not_mature_judge_nobody(desk: Desk, history: list[date]) -> None:
    judged(desk)
    young = last_days(desk.scope, 7)
    hand_in(desk, young, [row(1, day, cost=900) for day in young])

    assert acos(judged(desk)) == {}


def test_it_says_since_which_window_the_status_lasts(desk: Desk, history: list[date], time_machine: Any) -> None:
    day = history[-1] + timedelta(days=1)
    hand_in(desk, [day], [row(3, day, cost=50)])
    judged(desk)  # by the days before: that one is not mature
    first = EntityVerdict.objects.get(kpi="acos", entity="3")

    time_machine.move_to(timezone.now() + timedelta(days=1))
    judged(desk)

    found = EntityVerdict.objects.get(kpi="acos", entity="3")
    assert (first.since, first.last) == (history[-1], history[-1])
    assert (found.since, found.last) == (history[-1], day) and found.value != first.value


def test_the_neighbours_campaigns_are_left_alone(desk: Desk, history: list[date]) -> None:
    other = Desk(make_scope())
    hand_in(other, history, [row(3, day, cost=40) for day in history])
    judged(other)
    judged(desk)
    hand_in(desk, history, [row(3, day) for day in history])
    judged(desk)

    left = EntityVerdict.objects.filter(account_id=other.scope.account_id, kpi="acos")
    assert [(item.entity, item.status) for item in left] == [("3", "breach")]


def test_the_judge_of_a_scope_judges_its_campaigns(desk: Desk, history: list[date]) -> None:
    judge_scope(desk.scope.account_id, desk.scope.marketplace_id)

    standing = entities.standing(desk.scope.account_id, desk.scope.marketplace_id, "campaigns")
    assert standing[("acos", "3")] == "breach" and ("acos", "1") not in standing


def test_a_thousand_campaigns_are_judged_as_one_by_one(scope: AccountMarketplace) -> None:
    chance = random.Random(11)
    day = scope.marketplace.today() - timedelta(days=8)
    partitions.ensure(CampaignDay, day, day)
    made = [
        CampaignDay(
            account_id=scope.account_id,
            marketplace_id=scope.marketplace_id,
            date=day,
            campaign_id=number,
            document_id=1,
            line=number,
            impressions=chance.choice([0, 500, 1000, 25000]),
            clicks=chance.choice([0, 19, 20, 100, 112]),
            spend_minor=chance.choice([0, 2300, 2301, 2500, 2501, 9000]),
            sales_minor=chance.choice([0, 1, 10000]),
        )
        for number in range(1000)
    ]
    CampaignDay.objects.bulk_create(made)
    cover(scope, 30)
    snapshots.mark_all(scope.account_id, scope.marketplace_id)
    with transaction.atomic():
        snapshots.refresh(scope.account_id, scope.marketplace_id)
        entities.judge([(scope.account_id, scope.marketplace_id)])

    stored = {(v.kpi, v.entity): (v.status, v.value) for v in EntityVerdict.objects.filter(snapshot="campaigns")}
    expected = {}
    for item in made:
        for kpi, top, bottom, enough in (
            ("acos", item.spend_minor, item.sales_minor, item.clicks >= 20),
            ("ctr", item.clicks, item.impressions, item.impressions >= 1000),
        ):
            if not enough or not bottom:
                continue
            value = Decimal(top) / bottom
            status = status_of(value, in_force(kpis()[kpi], scope.marketplace, scope.marketplace.today()))
            if status in {"warn", "breach"}:
                expected[(kpi, str(item.campaign_id))] = (status, round(value, 6))
    assert stored == expected and len(expected) > 300


def cover(scope: AccountMarketplace, count: int) -> None:
    """Say that a document covers the judged window, whatever is in it."""
    document = Document.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        spec="sp_campaigns",
        source=Document.Source.SP_API,
        source_created_at="2026-11-01T00:00Z",
        sha256="0" * 64,
        size=1,
    )
    Coverage.objects.bulk_create(
        Coverage(
            account_id=scope.account_id,
            marketplace_id=scope.marketplace_id,
            dataset="sp_campaigns",
            date=day,
            document=document,
            source_created_at=document.source_created_at,
            rows=1,
        )
        for day in last_days(scope, count, until=8)
    )
    assert not SnapshotWindow.objects.filter(account_id=scope.account_id).exists()
