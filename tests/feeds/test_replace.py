"""Several workers at once on one shop: whoever is faster, the newest document stands."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from ads.models import Campaign, CampaignDay
from listings.models import SalesDay
from opsboard.feeds import pipeline
from opsboard.feeds.models import Coverage, DirtyDay, Ingest
from opsboard.feeds.pipeline import Outcome
from opsboard.kpis.models import AccountDay
from tests.factories import make_scope

from .test_pipeline import DAY, NOON, Desk, campaign, days, kept
from .test_pipeline_reports import asin, sales_day, traffic

__all__ = ["kept"]
State = Ingest.State
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    def worked(item: Any) -> Any:
        try:
            return work(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(worked, items))


def test_of_versions_ingested_at_once_the_newest_stands_and_no_worker_fails(kept: None) -> None:
    desk = Desk(make_scope())
    span = days(DAY, 3)
    versions = [
        desk.keep(
            [campaign(n, version, day, campaignName=f"v{version}") for day in span for n in range(1, 60)],
            window=(span[0], span[-1]),
            made=NOON + timedelta(minutes=version),
        ).pk
        for version in range(1, 9)
    ]
    random.Random(5).shuffle(versions)
    outcomes: list[Outcome] = at_once(pipeline.run_ingest, versions)
    assert {outcome.state for outcome in outcomes} <= {State.APPLIED, State.SUPERSEDED}
    assert set(desk.spend().values()) == {800}
    assert set(Campaign.objects.values_list("name", flat=True)) == {"v8"}
    assert Coverage.objects.values("source_created_at").distinct().count() == 1


def test_overlapping_windows_at_once_do_not_lock_each_other_out(kept: None) -> None:
    desk = Desk(make_scope())
    span = days(DAY, 8)
    work = []
    for number in range(8):
        first, last = span[number % 5], span[number % 5 + 3]
        rows = [campaign(n, number + 1, day) for day in span if first <= day <= last for n in range(40, 0, -1)]
        work.append(desk.keep(rows, window=(first, last), made=NOON + timedelta(minutes=number)).pk)
    outcomes = at_once(pipeline.run_ingest, work)
    assert all(outcome.state in {State.APPLIED, State.SUPERSEDED} for outcome in outcomes)
    wanted: dict[date, int] = {}
    for number in range(8):
        wanted |= dict.fromkeys(span[number % 5 : number % 5 + 4], (number + 1) * 100)
    assert {day: cents for (day, _campaign), cents in desk.spend().items()} == wanted


def test_two_reports_that_share_a_dataset_wait_for_each_other(kept: None) -> None:
    desk = Desk(make_scope())
    work = []
    for number in range(6):
        made = NOON + timedelta(minutes=number)
        spec, rows = (
            ("sales_and_traffic_asin", [asin(f"B00000000{n}") for n in range(9)])
            if number % 2
            else ("sales_and_traffic", [])
        )
        work.append(desk.keep(traffic([sales_day(sales=number + 1.0)], rows), spec, made=made).pk)
    outcomes = at_once(pipeline.run_ingest, work)
    fine = {State.APPLIED, State.SUPERSEDED, State.UNCHANGED}  # the same ASINs again are no news
    assert all(outcome.state in fine for outcome in outcomes), outcomes
    assert SalesDay.objects.get().ordered_sales_minor == 600


def test_one_ingest_offered_to_many_workers_is_done_by_one(kept: None) -> None:
    ingest = Desk(make_scope()).keep([campaign()])
    done = at_once(pipeline.run_ingest, [ingest.pk] * 6)
    assert len([outcome for outcome in done if outcome is not None]) == 1
    assert CampaignDay.objects.count() == 1


def test_judges_and_ingests_at_once_lose_no_dirty_day(kept: None) -> None:
    from opsboard.alerts.tasks import judge_scope

    desk = Desk(make_scope())
    span = days(DAY, 6)
    work: list[tuple[str, int]] = []
    for number, day in enumerate(span * 2):
        made = NOON + timedelta(minutes=number)
        work += [("ingest", desk.keep([campaign(1, number + 1, day)], window=(day, day), made=made).pk), ("judge", 0)]

    def turn(item: tuple[str, int]) -> object:
        if item[0] == "ingest":
            return pipeline.run_ingest(item[1])
        return judge_scope(desk.scope.account_id, desk.scope.marketplace_id)

    at_once(turn, work)
    judge_scope(desk.scope.account_id, desk.scope.marketplace_id)
    assert not DirtyDay.objects.exists()
    rolled = AccountDay.objects.filter(measure="ads.spend").values_list("date", "value")
    assert dict(rolled) == {day: (number + 7) * 100 for number, day in enumerate(span)}
    assert {day: cents for (day, _campaign), cents in desk.spend().items()} == dict(rolled)
