"""Whatever a page said on a day can be asked for again, and what changed after it was final is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import transaction

from opsboard.feeds import registry, withdrawal
from opsboard.feeds.models import Document
from opsboard.feeds.pipeline import run_ingest
from opsboard.kpis import judge, rollup, vintages
from opsboard.kpis.models import AccountDay, AccountDayVintage, ManualValue
from opsboard.kpis.registry import Kpi, kpis, measures
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports import advertising, flat_files, performance, sales
from tests.feeds.test_pipeline import Desk, campaign, desk, kept
from tests.simulator.seller import ANCHOR

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db
US, TRUTH = ACCOUNTS["NA"], Truth(1, ANCHOR)
#: Days on which documents come in; what is far apart restates what was said before.
CALLS = (ANCHOR - timedelta(days=9), ANCHOR - timedelta(days=6), ANCHOR)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 20, tzinfo=UTC)  # noon in Los Angeles


def hand_in(mine: Desk, day: date) -> None:
    """All reports that KPIs are made of, as Amazon makes them on this day."""
    first, last = day - timedelta(days=45), day - timedelta(days=1)
    columns = list(registry.spec("sp_campaigns").ads_configuration["columns"])
    campaigns = advertising.rows(TRUTH, US, "spCampaigns", first, last, columns, day, daily=True)
    mine.ingest(campaigns, "sp_campaigns", (first, last), noon(day))
    sold = sales.sales_and_traffic(TRUTH, US, first, last, {"dateGranularity": "DAY"}, day)
    mine.ingest(sold, "sales_and_traffic", (first, last), noon(day))
    mine.ingest(flat_files.planning(TRUTH, US, day), "planning", (day, day), noon(day))
    mine.ingest(performance.performance(TRUTH, US, day), "performance", (day, day), noon(day))
    if day == CALLS[1]:  # and Amazon counts the stock of the first day again
        lines = flat_files.planning(TRUTH, US, CALLS[0]).splitlines(keepends=True)
        mine.ingest(b"".join(lines[: len(lines) * 2 // 3]), "planning", (CALLS[0], CALLS[0]), noon(day))
    typed, _new = ManualValue.objects.update_or_create(
        account=mine.scope.account,
        marketplace=mine.scope.marketplace,
        measure="inventory.ipi",
        date=day,
        defaults={"value": 400 + day.day, "entered_at": noon(day)},
    )
    vintages.typed(typed)


def now_shown(mine: Desk, kpi: Kpi, day: date) -> judge.Reading:
    """What the roll-up says on the marketplace's day."""
    figures = judge.Figures(mine.scope.account_id, mine.scope.marketplace, day - timedelta(days=120), day)
    return judge.reading(kpi, figures, judge.last_mature_day(kpi, day))


@pytest.fixture
def replayed(desk: Desk) -> Iterator[tuple[Desk, dict[date, dict[str, judge.Reading]]]]:
    """A shop after three days of documents, and what each KPI said on each of them."""
    shown: dict[date, dict[str, judge.Reading]] = {}
    for day in CALLS:
        with time_machine.travel(noon(day), tick=False):
            hand_in(desk, day)
        shown[day] = {kpi.key: now_shown(desk, kpi, day) for kpi in kpis().values()}
    yield desk, shown


def test_every_kpi_is_known_again_as_it_was_on_each_day(
    replayed: tuple[Desk, dict[date, dict[str, judge.Reading]]],
) -> None:
    mine, shown = replayed
    scope = (mine.scope.account_id, mine.scope.marketplace)
    for day, then in shown.items():
        for kpi in kpis().values():
            assert judge.as_known_on(kpi, *scope, day) == then[kpi.key], (kpi.key, day)
            # Nothing came in on the next day: what was known is what the day before knew.
            again = judge.as_known_on(kpi, *scope, day + timedelta(days=1), judge.last_mature_day(kpi, day))
            assert again == then[kpi.key], (kpi.key, day)
    handed_in = {"sp_campaigns", "sales_by_date", "planning", "performance", ""}
    fed = {kpi.key for kpi in kpis().values() if {measures()[name].dataset for name in kpi.parts} <= handed_in}
    assert len(fed) > 25
    # The in-stock rate takes a month of stock reports.
    assert {key for then in shown.values() for key in fed if then[key].value is None} <= {"ipi", "in_stock_rate"}
    moved = [key for key in shown[CALLS[0]] if len({shown[day][key].value for day in CALLS}) > 1]
    assert len(moved) > 10  # or the days would say the same whatever was asked
    # The same window, too, said something else at first.
    end = CALLS[0] - timedelta(days=2)
    acos = [judge.as_known_on(kpis()["acos"], *scope, day, end).value for day in (CALLS[0], CALLS[1])]
    supply = [judge.as_known_on(kpis()["days_of_supply"], *scope, day, CALLS[0]).value for day in CALLS[:2]]
    assert len(set(acos)) == len(set(supply)) == 2


def test_before_the_first_document_every_kpi_is_missing_and_not_zero(
    replayed: tuple[Desk, dict[date, dict[str, judge.Reading]]],
) -> None:
    mine, _shown = replayed
    for kpi in kpis().values():
        found = judge.as_known_on(
            kpi, mine.scope.account_id, mine.scope.marketplace, CALLS[0] - timedelta(days=1), CALLS[0]
        )
        assert (found.value, found.reason) == (None, "no_data"), kpi.key


def at(moment: datetime, mine: Desk, *rows: dict[str, Any], **more: Any) -> Document:
    with time_machine.travel(moment, tick=False):
        ingest = mine.keep(list(rows), made=moment, **more)
        run_ingest(ingest.pk)
    return ingest.document


DAY = date(2026, 3, 2)
#: Spend is final three days after its day: at midnight in Los Angeles.
FINAL = datetime(2026, 3, 6, 8, tzinfo=UTC)


def spend(mine: Desk) -> list[vintages.Restated]:
    return vintages.restated(mine.scope.account_id, mine.scope.marketplace, ["ads.spend"], DAY, DAY)


def test_what_moves_before_it_is_final_is_no_restatement_and_what_moves_after_is(desk: Desk) -> None:
    at(FINAL - timedelta(days=2), desk, campaign(1, 10, DAY), window=(DAY, DAY))
    at(FINAL - timedelta(hours=1), desk, campaign(1, 11, DAY), window=(DAY, DAY))
    assert spend(desk) == []
    late = at(FINAL + timedelta(hours=1), desk, campaign(1, 12.5, DAY), window=(DAY, DAY))
    (found,) = spend(desk)
    assert (found.was, found.now, found.document_id) == (1100, 1250, late.pk)
    assert found.known_at == FINAL + timedelta(hours=1)

    at(FINAL + timedelta(days=1), desk, campaign(1, 11, DAY), window=(DAY, DAY))
    assert spend(desk) == []  # it says again what it said when it was final


def test_a_day_first_told_long_after_is_restated_only_by_what_comes_later(desk: Desk) -> None:
    at(FINAL + timedelta(days=30), desk, campaign(1, 10, DAY), window=(DAY, DAY))
    assert spend(desk) == []
    at(FINAL + timedelta(days=31), desk, campaign(1, 9, DAY), window=(DAY, DAY))
    assert [(one.was, one.now) for one in spend(desk)] == [(1000, 900)]


def test_two_documents_between_two_judgements_both_leave_their_value(desk: Desk) -> None:
    for hours, cost in ((1, 10), (2, 11), (3, 12)):
        at(FINAL + timedelta(hours=hours), desk, campaign(1, cost, DAY), window=(DAY, DAY))
    with transaction.atomic():
        assert rollup.refresh(desk.scope.account_id, desk.scope.marketplace_id) == 0
    known = AccountDayVintage.objects.filter(measure="ads.spend").order_by("known_at")
    assert [int(one.value or 0) for one in known] == [1000, 1100, 1200]
    assert [one.document_id for one in known] == list(Document.objects.order_by("pk").values_list("pk", flat=True))


def test_an_older_document_that_comes_late_leaves_no_vintage(desk: Desk) -> None:
    at(FINAL, desk, campaign(1, 10, DAY), window=(DAY, DAY))
    with time_machine.travel(FINAL + timedelta(hours=2), tick=False):
        desk.ingest([campaign(1, 7, DAY)], "sp_campaigns", (DAY, DAY), FINAL - timedelta(days=1))
    assert AccountDayVintage.objects.filter(measure="ads.spend").count() == 1


def test_a_document_taken_back_is_a_restatement_to_what_was_known_or_to_missing(desk: Desk) -> None:
    first = at(FINAL - timedelta(days=1), desk, campaign(1, 10, DAY), window=(DAY, DAY))
    second = at(FINAL + timedelta(days=1), desk, campaign(1, 12, DAY), window=(DAY, DAY))
    scope, shop = desk.scope.account_id, desk.scope.marketplace

    with time_machine.travel(FINAL + timedelta(days=2), tick=False):
        run_ingest(withdrawal.withdraw(first, user=None, why="other shop").pk)
    assert [(one.was, one.now) for one in spend(desk)] == [(1000, 1200)]
    with time_machine.travel(FINAL + timedelta(days=3), tick=False):
        run_ingest(withdrawal.withdraw(second, user=None, why="other shop").pk)
    (gone,) = spend(desk)
    assert (gone.was, gone.now, gone.document_id) == (1000, None, second.pk)

    def known(days: int) -> Any:
        on = (FINAL + timedelta(days=days)).date()
        return vintages.as_known_on(scope, shop, ["ads.spend"], DAY, DAY, on)

    assert known(2) == {"ads.spend": {DAY: Decimal(1200)}}
    assert known(3) == {}  # missing, not zero


def test_what_is_known_belongs_to_one_account(desk: Desk, kept: None) -> None:
    from tests.factories import make_scope

    at(FINAL, desk, campaign(1, 10, DAY), window=(DAY, DAY))
    other = make_scope()
    assert vintages.as_known_on(other.account_id, other.marketplace, None, DAY, DAY, FINAL.date()) == {}


def test_what_was_stored_before_counts_as_known_since_its_download(desk: Desk) -> None:
    document = at(FINAL, desk, campaign(1, 10, DAY), window=(DAY, DAY))
    Document.objects.update(received_at=FINAL - timedelta(hours=3))
    AccountDay.objects.all().delete()
    AccountDayVintage.objects.all().delete()

    call_command("rebuild_measures")

    known = AccountDayVintage.objects.get(measure="ads.spend")
    assert (known.value, known.known_at, known.document_id) == (1000, FINAL - timedelta(hours=3), document.pk)
    AccountDayVintage.objects.update(document_id=None)
    call_command("rebuild_measures")
    assert set(AccountDayVintage.objects.values_list("document_id", flat=True)) == {document.pk}
    assert AccountDayVintage.objects.filter(measure="ads.spend").count() == 1


def test_a_value_typed_anew_leaves_the_one_before(desk: Desk) -> None:
    day = CALLS[0]
    for hours, value in ((0, 480), (30, 495)):
        item, _new = ManualValue.objects.update_or_create(
            account=desk.scope.account,
            marketplace=desk.scope.marketplace,
            measure="inventory.ipi",
            date=day,
            defaults={"value": value, "entered_at": noon(day) + timedelta(hours=hours)},
        )
        vintages.typed(item)
    ipi = kpis()["ipi"]
    scope = (desk.scope.account_id, desk.scope.marketplace)
    assert judge.as_known_on(ipi, *scope, day).value == 480
    assert judge.as_known_on(ipi, *scope, day + timedelta(days=2), day).value == 495
