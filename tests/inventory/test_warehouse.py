"""What the warehouses say: advice, stranded stock, movements, fees, returns; to the unit and to the cent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from inventory.models import (
    CustomerReturn,
    FeePreviewDay,
    Item,
    LedgerDay,
    PlanningDay,
    RestockDay,
    StorageFeeMonth,
    StrandedDay,
)
from opsboard.feeds import rawstore
from opsboard.feeds.models import Coverage, Document, Ingest
from opsboard.feeds.shops import code_of
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports import warehouse
from opsboard.simulator.reports.flat_files import PLANNING
from tests.factories import make_scope
from tests.feeds.reading import Read, read
from tests.feeds.test_pipeline import DAY, Desk, desk, kept
from tests.feeds.test_wild_files import tabs
from tests.simulator.seller import ANCHOR

__all__ = ["desk", "kept", "read"]
pytestmark = pytest.mark.django_db
State = Ingest.State
MARKETS = {"NA": "US", "EU": "DE", "FE": "JP"}


@pytest.fixture
def desk_of(kept: None) -> Callable[[str], Desk]:
    return lambda key: Desk(make_scope(marketplace=MARKETS[key]))


def a_row(header: list[str], **cells: Any) -> list[str]:
    given = {name.replace("_", "-"): str(cell) for name, cell in cells.items()}
    return [given.get(name.replace(" ", "-").replace("_", "-"), "") for name in header]


# --- advice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", MARKETS)
def test_restock_advice_is_stored_as_amazon_gives_it(desk_of: Callable[[str], Desk], key: str) -> None:
    truth = Truth(1, ANCHOR)
    outcome = desk_of(key).ingest(warehouse.restock(truth, ACCOUNTS[key], ANCHOR), "restock", (ANCHOR, ANCHOR))
    stock = {item.sku.sku: item for item in truth.stock(key, ANCHOR)}
    assert (outcome.state, outcome.changed, outcome.unknown_columns) == (State.APPLIED, len(stock), [])
    for row in RestockDay.objects.all():
        item = stock[row.sku]
        assert (row.available, row.inbound, row.units_30) == (item.available, item.inbound, item.shipped[30])
        assert row.price_minor == round(item.sku.price * 10 ** ACCOUNTS[key].digits)
        assert (row.alert == "out_of_stock") == (not item.available)
    assert Item.objects.get(sku=row.sku).asin == stock[row.sku].sku.asin


def test_a_restock_file_that_tells_of_several_countries_gives_each_its_own(desk: Desk) -> None:
    header = warehouse.RESTOCK_HEADER
    cells = {"Merchant-SKU": "MUG", "Available": 5, "Recommended-replenishment-qty": 3, "Currency-code": "USD"}
    content = tabs(
        header, a_row(header, Country="US", **cells), a_row(header, Country="CA", **{**cells, "Available": 9})
    )
    outcome = desk.ingest(content.encode(), "restock")
    assert outcome.state == State.APPLIED and "CA" in outcome.reason
    assert [row.available for row in RestockDay.objects.all()] == [5]


def test_older_restock_files_are_read_too(desk: Desk) -> None:
    header = [n for n in warehouse.RESTOCK_HEADER if n not in {"Recommended action", "Unit storage size"}]
    header = ["Total Days of Supply" if n.startswith("Total Days") else n for n in header]
    cells = {"Merchant-SKU": "MUG", "Available": 5, "Recommended-replenishment-qty": 3, "Total-Days-of-Supply": 41}
    outcome = desk.ingest(tabs(header, a_row(header, **cells)).encode(), "restock")
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, [])
    assert RestockDay.objects.get().days_of_supply == 41


def test_stranded_stock_and_the_day_there_is_none(desk: Desk) -> None:
    truth = Truth(1, ANCHOR)
    content = warehouse.stranded(truth, ACCOUNTS["NA"], ANCHOR)
    assert desk.ingest(content, "stranded").state == State.APPLIED
    told = {item.sku.sku: item.available for item in warehouse.stranded_stock(truth, ACCOUNTS["NA"], ANCHOR)}
    assert told and dict(StrandedDay.objects.values_list("sku", "fulfillable")) == told
    outcome = desk.ingest(content.partition(b"\n")[0] + b"\n", "stranded")
    assert (outcome.state, outcome.deleted) == (State.APPLIED, len(told))
    assert Coverage.objects.get(dataset="stranded", date=DAY).rows == 0


# --- movements ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", MARKETS)
def test_every_day_of_the_ledger_begins_with_what_the_day_before_ended_with(
    desk_of: Callable[[str], Desk], key: str
) -> None:
    truth, first, last = Truth(1, ANCHOR), ANCHOR - timedelta(days=9), ANCHOR - timedelta(days=1)
    content = warehouse.ledger(truth, ACCOUNTS[key], first, last, ANCHOR)
    outcome = desk_of(key).ingest(content, "ledger", (first, last))
    assert (outcome.state, outcome.unknown_columns, len(outcome.days)) == (State.APPLIED, [], 9)
    ends: dict[str, int] = {}
    for row in LedgerDay.objects.order_by("date"):
        assert ends.get(row.sku, row.starting) == row.starting
        assert row.starting + row.receipts + row.customer_shipments == row.ending
        ends[row.sku] = row.ending
    skus = {item.sku.index for item in truth.stock(key, ANCHOR)}
    for day in (first, last):
        units = sum(item.units for item in truth.asins(key, day) if item.sku.index in skus)
        told = LedgerDay.objects.filter(date=day).aggregate(sum=Sum("customer_shipments"))["sum"]
        assert told == -units


@pytest.mark.parametrize("spaces", [True, False])
def test_both_spellings_of_the_ledger_are_one(read: Read, spaces: bool) -> None:
    header = [name if spaces else name.replace(" ", "") for name in warehouse.LEDGER_HEADER]
    row = ["12/22/2025", "X001", "B000000001", "MUG", "A mug", "SELLABLE", "10", "0", "5", "-4", "1", "0", "-2"]
    row += ["1", "-1", "0", "0", "0", "10", "0", "US", ""]
    found = read(tabs(header, row), name="ledger.txt").json
    assert (found["type"], found["unknown_columns"], found["first_day"]) == ("ledger", [], "2025-12-22")
    stored = LedgerDay.objects.get()
    assert (stored.starting, stored.customer_shipments, stored.transfers, stored.found) == (10, -4, -2, 1)
    assert (stored.lost, stored.ending, stored.location) == (-1, 10, "US")


def test_returns_are_of_the_marketplaces_own_day_and_without_the_buyers_words(desk: Desk) -> None:
    header = warehouse.RETURNS_HEADER
    cells = {"order-id": "112-1-1", "sku": "MUG", "quantity": 1, "detailed-disposition": "SELLABLE"}
    rows = [
        # Half past four in the morning of the third in London is the evening of the second in Los Angeles.
        a_row(header, return_date="2026-11-03T04:30:00+00:00", **cells, customer_comments="I am Jo Doe"),
        a_row(header, return_date="2026-11-02T20:00:00+00:00", **cells, customer_comments="call 555 0100"),
        a_row(header, return_date="2026-11-02", **{**cells, "order-id": "112-1-2"}),
    ]
    outcome = desk.ingest(tabs(header, *rows).encode(), "customer_returns")
    assert (outcome.state, outcome.changed, outcome.unknown_columns) == (State.APPLIED, 3, [])
    assert {(row.order_id, row.ordinal, row.date) for row in CustomerReturn.objects.all()} == {
        ("112-1-1", 1, DAY),
        ("112-1-1", 2, DAY),
        ("112-1-2", 1, DAY),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM inventory_customerreturn")
        assert "Doe" not in str(cursor.fetchall())
    with rawstore.open_raw(Document.objects.get().sha256) as raw:
        kept_bytes = raw.read()
    assert b"Doe" not in kept_bytes and b"555" not in kept_bytes and b"112-1-2" in kept_bytes


@pytest.mark.parametrize("day", ["11/02/2026", "02.11.2026", "2026-11-02T20:00:00", "2026-13-40"])
def test_a_day_of_a_return_that_may_be_another_is_refused(desk: Desk, day: str) -> None:
    header = warehouse.RETURNS_HEADER
    cells = {"order-id": "112-1-1", "sku": "MUG", "quantity": 1, "detailed-disposition": "SELLABLE"}
    outcome = desk.ingest(tabs(header, a_row(header, return_date=day, **cells)).encode(), "customer_returns")
    assert outcome.state == State.REFUSED and not CustomerReturn.objects.exists()


def test_returns_of_the_simulator_can_be_asked_again(desk: Desk) -> None:
    truth, window = Truth(1, ANCHOR), (ANCHOR - timedelta(days=29), ANCHOR)
    content = warehouse.returns(truth, ACCOUNTS["NA"], *window, ANCHOR)
    first = desk.ingest(content, "customer_returns", window)
    assert first.state == State.APPLIED and first.changed == content.count(b"\n") - 1 > 0
    assert b"Jo Doe" in content
    again = desk.ingest(content + b"", "customer_returns", window)
    assert again.state == State.UNCHANGED


# --- fees --------------------------------------------------------------------------------------------


def test_storage_fees_of_a_month_are_told_as_a_whole(desk: Desk) -> None:
    truth = Truth(1, ANCHOR)
    first = (ANCHOR.replace(day=1) - timedelta(days=40)).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    content = warehouse.storage_fees(truth, ACCOUNTS["NA"], first, last, ANCHOR)
    outcome = desk.ingest(content, "storage_fees", (first, last))
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, [])
    rows = [line.split("\t") for line in content.decode().splitlines()[1:]]
    at = warehouse.STORAGE_HEADER.index("estimated_monthly_storage_fee")
    assert StorageFeeMonth.objects.aggregate(sum=Sum("fee"))["sum"] == sum(Decimal(row[at]) for row in rows) > 0
    assert set(StorageFeeMonth.objects.values_list("date", flat=True)) == {first}
    less = "\n".join(content.decode().splitlines()[:3]) + "\n"
    outcome = desk.ingest(less.encode(), "storage_fees", (first, last))
    assert (outcome.state, StorageFeeMonth.objects.count()) == (State.APPLIED, 2)


@pytest.mark.parametrize("month", ["07-2026", "2026-7", "2026-13", "Jul 2026"])
def test_a_month_that_is_written_otherwise_is_refused(desk: Desk, month: str) -> None:
    header = warehouse.STORAGE_HEADER
    cells = {"fnsku": "X1", "currency": "USD", "month-of-charge": month, "estimated-monthly-storage-fee": "1.5"}
    outcome = desk.ingest(tabs(header, a_row(header, **cells)).encode(), "storage_fees", None)
    assert outcome.state == State.REFUSED and "month like 2026-07" in outcome.reason
    assert not StorageFeeMonth.objects.exists()


@pytest.mark.parametrize("key", MARKETS)
def test_the_fee_preview_of_america_and_of_europe_say_the_same(desk_of: Callable[[str], Desk], key: str) -> None:
    truth, account = Truth(1, ANCHOR), ACCOUNTS[key]
    outcome = desk_of(key).ingest(warehouse.fees(truth, account, ANCHOR), "fee_preview", (ANCHOR, ANCHOR))
    assert (outcome.state, outcome.refused, outcome.unknown_columns) == (State.APPLIED, 0, [])
    assert outcome.changed == len(truth.stock(key, ANCHOR))
    for row in FeePreviewDay.objects.all():
        assert row.referral_fee_minor + row.fulfillment_fee_minor == row.fee_total_minor
        assert row.fulfillment_fee_minor > 0 and row.size_tier


def test_a_fee_that_is_not_known_is_not_zero(desk: Desk) -> None:
    header = warehouse.fees_header(ACCOUNTS["NA"])
    cells = {"sku": "MUG", "estimated-fee-total": "--", "estimated-referral-fee-per-unit": "1.20"}
    outcome = desk.ingest(tabs(header, a_row(header, **cells)).encode(), "fee_preview")
    assert outcome.state == State.APPLIED
    row = FeePreviewDay.objects.get()
    assert (row.fee_total_minor, row.referral_fee_minor) == (None, 120)


# --- what was there before ---------------------------------------------------------------------------


@pytest.mark.parametrize("generation", ["2022", "2024", "2026"])
def test_the_three_generations_of_planning_agree_about_old_stock(desk: Desk, generation: str) -> None:
    header = list(PLANNING)
    cells = {"snapshot-date": DAY, "sku": "MUG", "available": 50, "units-shipped-t7": 1, "units-shipped-t30": 2}
    cells |= {"units-shipped-t60": 3, "units-shipped-t90": 4, "inv-age-271-to-365-days": 5}
    if generation == "2026":
        cells |= {"inv-age-366-to-455-days": 4, "inv-age-456-plus-days": 3}
    else:
        header = [n for n in header if "366-to-455" not in n and "456-plus" not in n and "ais" not in n]
        header.append("inv-age-365-plus-days")
        if generation == "2022":
            header += ["qty-to-be-charged-ltsf-11-mo", "projected-ltsf-11-mo", "reserved-quantity"]
        else:
            header += ["quantity-to-be-charged-ais-365-plus-days", "estimated-ais-365-plus-days"]
        cells |= {"inv-age-365-plus-days": 7}
    outcome = desk.ingest(tabs(header, a_row(header, **cells)).encode(), "planning")
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, [])
    row = PlanningDay.objects.get()
    assert (row.age_over_365, row.age_271_365) == (7, 5)


def test_a_country_alone_names_a_marketplace_and_other_words_do_not() -> None:
    assert [code_of(name) for name in ("US", "de", "GB", "Amazon.de", "Mexico", "", "Amazon")] == [
        "US", "DE", "UK", "DE", "", "", ""]  # fmt: skip
