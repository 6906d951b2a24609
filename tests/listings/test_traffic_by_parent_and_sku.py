"""Sales and traffic of parents, children and SKUs: from the API, and as Business Reports are downloaded."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from listings.models import AsinDay, ParentDay, SalesDay, SkuDay
from opsboard.feeds.models import Coverage, Ingest
from tests.feeds.reading import Read, read
from tests.feeds.test_pipeline import DAY, Desk, desk, kept
from tests.feeds.test_pipeline_reports import asin, money, sales_day, traffic
from tests.feeds.test_wild_files import BY_CHILD, ZH_BY_CHILD, child_row, table, workbook

__all__ = ["desk", "kept", "read"]
pytestmark = pytest.mark.django_db
State = Ingest.State
DATED = ("--day", "2026-10-05")


def parent(code: str, sales: float = 10.0, **more: Any) -> dict[str, Any]:
    row = asin("", sales) | {"parentAsin": code}
    del row["childAsin"]
    row["salesByAsin"] |= more
    return row


def by_sku(sku: str, child: str, sales: float = 10.0) -> dict[str, Any]:
    return asin(child, sales) | {"sku": sku}


# --- from the API -----------------------------------------------------------------------------------


def test_one_day_by_parent_feeds_the_day_and_its_parents(desk: Desk) -> None:
    rows = [parent("B0PARENT01", 100), parent("B0PARENT02", 23.45)]
    outcome = desk.ingest(traffic([sales_day()], rows, "PARENT"), "sales_and_traffic_parent")
    assert (outcome.state, sorted(outcome.datasets)) == (State.APPLIED, ["sales_by_date", "sales_by_parent"])
    found = {row.parent_asin: (row.date, row.ordered_sales_minor, row.sessions) for row in ParentDay.objects.all()}
    assert found == {"B0PARENT01": (DAY, 10000, 20), "B0PARENT02": (DAY, 2345, 20)}
    assert not AsinDay.objects.exists()


def test_one_day_by_sku_keeps_a_row_of_each_asin_a_sku_had(desk: Desk) -> None:
    rows = [by_sku("MUG-1", "B000000001", 100), by_sku("MUG-1", "B000000009", 5), by_sku("MUG-2", "B000000002")]
    assert desk.ingest(traffic([sales_day()], rows, "SKU"), "sales_and_traffic_sku").state == State.APPLIED
    found = {(row.sku, row.asin, row.parent_asin): row.ordered_sales_minor for row in SkuDay.objects.all()}
    assert found == {
        ("MUG-1", "B000000001", "B0PARENT00"): 10000,
        ("MUG-1", "B000000009", "B0PARENT00"): 500,
        ("MUG-2", "B000000002", "B0PARENT00"): 1000,
    }


def test_what_business_buyers_ordered_is_kept_beside_the_whole(desk: Desk) -> None:
    day = sales_day()
    day["salesByDate"] |= {"unitsOrderedB2B": 3, "orderedProductSalesB2B": money(30.5)}
    row = parent("B0PARENT01", 100, unitsOrderedB2B=1, orderedProductSalesB2B=money(9.99))
    outcome = desk.ingest(traffic([day], [row], "PARENT"), "sales_and_traffic_parent")
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, [])
    whole, part = SalesDay.objects.get(), ParentDay.objects.get()
    assert (whole.units_ordered_b2b, whole.ordered_sales_b2b_minor, whole.units_ordered) == (3, 3050, 12)
    assert (part.units_ordered_b2b, part.ordered_sales_b2b_minor, part.ordered_sales_minor) == (1, 999, 10000)


def test_where_amazon_does_not_tell_business_buyers_apart_nothing_is_known_of_them(desk: Desk) -> None:
    desk.ingest(traffic([sales_day()], [parent("B0PARENT01")], "PARENT"), "sales_and_traffic_parent")
    assert (ParentDay.objects.get().units_ordered_b2b, SalesDay.objects.get().ordered_sales_b2b_minor) == (None, None)


def test_totals_of_several_days_are_no_parents_of_a_day(desk: Desk) -> None:
    later = DAY + timedelta(days=1)
    report = traffic([sales_day(), sales_day(later)], [parent("B0PARENT01")], "PARENT")
    outcome = desk.ingest(report, "sales_and_traffic_parent", window=(DAY, later))
    assert (outcome.state, outcome.datasets) == (State.APPLIED, ["sales_by_date"])
    assert not Coverage.objects.filter(dataset="sales_by_parent").exists()


@pytest.mark.parametrize("spec, grain", [("parent", "CHILD"), ("parent", "SKU"), ("sku", "PARENT"), ("sku", "CHILD")])
def test_rows_of_another_grain_are_refused(desk: Desk, spec: str, grain: str) -> None:
    row = by_sku("MUG-1", "B000000001")
    outcome = desk.ingest(traffic([sales_day()], [row], grain), f"sales_and_traffic_{spec}")
    assert outcome.state == State.REFUSED
    assert f"by {grain.lower()}" in outcome.reason
    assert not SalesDay.objects.exists()


GRAINS = {
    "PARENT": ("sales_and_traffic_parent", parent("B0PARENT01"), ParentDay),
    "CHILD": ("sales_and_traffic_asin", asin("B000000001"), AsinDay),
    "SKU": ("sales_and_traffic_sku", by_sku("MUG-1", "B000000001"), SkuDay),
}


@pytest.mark.parametrize("grain", GRAINS)
def test_a_saved_report_of_one_day_is_known_by_its_grain(read: Read, grain: str) -> None:
    kind, row, model = GRAINS[grain]
    report = traffic([sales_day("2026-10-05")], [row], grain)
    report["reportSpecification"] |= {"dataStartTime": "2026-10-05", "dataEndTime": "2026-10-05"}
    said = read(json.dumps(report), name="report.json").json
    assert (said["type"], said["rows_in"]) == (kind, 2)
    assert model.objects.count() == SalesDay.objects.count() == 1


def test_a_saved_report_of_more_days_is_one_of_days(read: Read) -> None:
    report = traffic([sales_day("2026-10-05"), sales_day("2026-10-06")], [by_sku("MUG-1", "B000000001")], "SKU")
    report["reportSpecification"] |= {"dataStartTime": "2026-10-05", "dataEndTime": "2026-10-06"}
    said = read(json.dumps(report), name="report.json").json
    assert (said["type"], said["rows_in"]) == ("sales_and_traffic", 2)
    assert not SkuDay.objects.exists()


# --- Business Reports -------------------------------------------------------------------------------

BY_PARENT = [name for name in BY_CHILD if name != "(Child) ASIN"]
BY_SKU = [*BY_CHILD[:3], "SKU", *BY_CHILD[3:]]
ZH_BY_PARENT = [name for name in ZH_BY_CHILD if name != "（子）ASIN"]


def parent_row(sales: str = "$7,274.35") -> list[object]:
    return [cell for index, cell in enumerate(child_row(sales)) if index != 1]


def sku_row(sku: str, sales: str = "$7,274.35") -> list[object]:
    row = child_row(sales)
    return [*row[:3], sku, *row[3:]]


@pytest.mark.parametrize("wrap", [table, lambda *rows: workbook(a=list(rows))], ids=["csv", "xlsx"])
def test_a_business_report_by_parent(read: Read, wrap: Any) -> None:
    said = read(wrap(BY_PARENT, parent_row()), "US", *DATED, name="report").json
    assert (said["type"], said["unknown_columns"]) == ("business_report_parent", [])
    fact = ParentDay.objects.get()
    assert (fact.parent_asin, str(fact.date), fact.ordered_sales_minor) == ("B0PARENT01", "2026-10-05", 727435)
    assert (fact.units_ordered, fact.sessions, fact.page_views) == (528, 6744, 9409)
    assert fact.buy_box_rate == Decimal("0.9991")


def test_a_business_report_by_parent_in_chinese(read: Read) -> None:
    row = ["B0PARENT01", "杯", "6,744", 1, "9,409", "99%", 528, "7.83%", "US$7,274.35", 509]
    assert read(table(ZH_BY_PARENT, row), "US", *DATED).json["type"] == "business_report_parent"
    assert ParentDay.objects.get().ordered_sales_minor == 727435


def test_a_business_report_by_sku(read: Read) -> None:
    said = read(table(BY_SKU, sku_row("MUG-1"), sku_row("0042", "$1.00")), "US", *DATED).json
    assert (said["type"], said["unknown_columns"]) == ("business_report_sku", [])
    found = {row.sku: (row.asin, row.parent_asin, row.ordered_sales_minor) for row in SkuDay.objects.all()}
    assert found == {"MUG-1": ("B0CHILD001", "B0PARENT01", 727435), "0042": ("B0CHILD001", "B0PARENT01", 100)}


#: language -> the header's names of business buyers' units and sales
B2B = {
    "English": (BY_PARENT, "Units Ordered - B2B", "Ordered Product Sales - B2B", "$7,274.35", "$1,000.50"),
    "Chinese": (ZH_BY_PARENT, "已订购商品数量 - B2B", "已订购商品销售额 - B2B", "US$7,274.35", "US$1,000.50"),
}


@pytest.mark.parametrize("language", B2B)
def test_the_columns_of_business_buyers_are_read(read: Read, language: str) -> None:
    header, units, sales, whole, part = B2B[language]
    said = read(table([*header, units, sales], [*parent_row(whole), 45, part]), "US", *DATED).json
    assert said["unknown_columns"] == []
    fact = ParentDay.objects.get()
    assert (fact.units_ordered, fact.units_ordered_b2b, fact.ordered_sales_b2b_minor) == (528, 45, 100050)


def test_totals_of_parents_are_asked_for_their_day(read: Read) -> None:
    said = read(table(BY_PARENT, parent_row()))
    assert said.code == 2
    assert "cannot tell which day these totals belong to" in said.err


#: A child or SKU column in a language nobody declared must not turn its rows into parents.
STRANGERS = ["ASIN (secondario)", "ASIN hijo", "（子商品）ASIN", "Code SKU"]


@pytest.mark.parametrize("name", STRANGERS)
def test_rows_of_children_are_never_taken_for_parents(read: Read, name: str) -> None:
    header = [BY_CHILD[0], name, *BY_CHILD[2:]]
    for asked in ((), ("--type", "business_report_parent")):
        said = read(table(header, child_row()), "US", *DATED, *asked)
        assert said.code == 2, said.out
    assert not ParentDay.objects.exists()
    assert "has no column" in said.err


def test_rows_of_skus_are_never_taken_for_children(read: Read) -> None:
    said = read(table(BY_SKU, sku_row("MUG-1")), "US", *DATED, "--type", "business_report_asin")
    assert (said.code, "has no column “SKU”" in said.err) == (2, True)
    assert not AsinDay.objects.exists()
