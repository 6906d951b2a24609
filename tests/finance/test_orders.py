"""All orders by last update: each line once, in its own currency, as it was last told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from finance.models import OrderLine
from opsboard.feeds.models import Coverage, Ingest
from opsboard.feeds.pipeline import Outcome
from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk

from .conftest import tsv

State = Ingest.State
MONDAY = date(2026, 11, 2)
WEEK = (MONDAY, MONDAY + timedelta(days=6))
#: The header lines of the generations there are.
NOW = (
    "amazon-order-id\tmerchant-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel\t"
    "sales-channel\torder-channel\tship-service-level\tproduct-name\tsku\tasin\titem-status\tquantity\tcurrency\t"
    "item-price\titem-tax\tshipping-price\tshipping-tax\tgift-wrap-price\tgift-wrap-tax\titem-promotion-discount\t"
    "ship-promotion-discount\tship-city\tship-state\tship-postal-code\tship-country\tpromotion-ids\t"
    "is-business-order\tpurchase-order-number\tprice-designation"
)
OLD = NOW.replace("\torder-channel\t", "\torder-channel\turl\t").partition("\tis-business-order")[0]
BY_DATE = NOW.replace("is-business-order", "cpf\tis-business-order") + "\tsignature-confirmation-recommended"


def line(order: str = "111-1", sku: str = "MUG-1", **more: Any) -> dict[str, Any]:
    row = {
        "amazon-order-id": order,
        "purchase-date": "2026-11-02T18:30:00+00:00",
        "last-updated-date": "2026-11-03T09:00:00+00:00",
        "order-status": "Shipped",
        "fulfillment-channel": "Amazon",
        "sales-channel": "Amazon.com",
        "sku": sku,
        "asin": "B000000001",
        "item-status": "Shipped",
        "quantity": 2,
        "currency": "USD",
        "item-price": "19.98",
        "item-tax": "1.40",
        "item-promotion-discount": "2.00",
        "ship-city": "Springfield",
        "ship-postal-code": "62701",
    }
    return {**row, **{name.replace("_", "-"): value for name, value in more.items()}}


def hand_in(desk: Desk, *rows: dict[str, Any], header: str = NOW, **about: Any) -> Outcome:
    return desk.ingest(tsv(header, rows), "orders", **{"window": WEEK, **about})


@pytest.mark.parametrize("header", [NOW, OLD, BY_DATE], ids=["now", "old", "by date"])
def test_a_line_is_stored_to_the_cent_whatever_the_generation(desk: Desk, header: str) -> None:
    outcome = hand_in(desk, line(), header=header)

    assert (outcome.state, outcome.rows_in, outcome.changed, outcome.refused) == (State.APPLIED, 1, 1, 0)
    assert outcome.unknown_columns == []
    row = OrderLine.objects.get()
    assert (row.date, row.order_id, row.sku, row.ordinal) == (MONDAY, "111-1", "MUG-1", 1)
    assert (row.quantity, row.price_minor, row.tax_minor, row.discount_minor) == (2, 1998, 140, 200)
    assert row.shipping_minor is None and row.is_business is None
    assert row.purchased_at == datetime(2026, 11, 2, 18, 30, tzinfo=UTC)


def test_the_day_of_an_order_is_the_marketplaces_own(desk: Desk) -> None:
    hand_in(desk, line(purchase_date="2026-11-03T07:59:59+00:00"))
    assert OrderLine.objects.get().date == MONDAY  # 23:59:59 in Los Angeles


def test_a_pending_order_has_no_amounts_yet_and_they_are_not_zero(desk: Desk) -> None:
    hand_in(desk, line(order_status="Pending", currency="", item_price="", item_tax="", item_promotion_discount=""))
    row = OrderLine.objects.get()
    assert (row.status, row.quantity, row.price_minor, row.tax_minor) == ("Pending", 2, None, None)


def test_a_cancelled_order_stays_with_nothing_bought(desk: Desk) -> None:
    hand_in(desk, line())
    hand_in(desk, line(order_status="Cancelled", quantity=0, currency="", item_price="", item_tax="",
                       last_updated_date="2026-11-04T09:00:00+00:00"))  # fmt: skip
    row = OrderLine.objects.get()
    assert (row.status, row.quantity, row.price_minor) == ("Cancelled", 0, None)


def test_the_same_sku_twice_in_an_order_is_two_lines(desk: Desk) -> None:
    outcome = hand_in(desk, line(), line(item_price="9.99", quantity=1), line(sku="LID-1"))
    assert outcome.changed == 3
    assert set(OrderLine.objects.values_list("sku", "ordinal", "price_minor")) == {
        ("MUG-1", 1, 1998), ("MUG-1", 2, 999), ("LID-1", 1, 1998)}  # fmt: skip


def test_an_older_document_never_overwrites_a_newer_order(desk: Desk) -> None:
    hand_in(desk, line(last_updated_date="2026-11-05T09:00:00+00:00", item_price="15.00"), line("111-2"))
    # Made later, of the days before: as a back-fill is. It has the order as it was.
    outcome = hand_in(
        desk, line(order_status="Pending", item_price="", currency=""), window=(MONDAY, MONDAY + timedelta(days=1))
    )
    assert outcome.state == State.SUPERSEDED
    assert OrderLine.objects.get(order_id="111-1").price_minor == 1500
    assert OrderLine.objects.filter(order_id="111-2").exists()


def test_an_order_of_last_month_that_changes_is_replaced_where_it_stands(desk: Desk) -> None:
    october = {"purchase_date": "2026-10-20T12:00:00+00:00"}
    hand_in(desk, line(**october, last_updated_date="2026-10-21T00:00:00+00:00"), line("111-2"),
            window=(date(2026, 10, 19), date(2026, 10, 25)))  # fmt: skip
    hand_in(desk, line(**october, last_updated_date="2026-11-04T00:00:00+00:00", item_promotion_discount="5.00"))
    row = OrderLine.objects.get(order_id="111-1")
    assert (row.date, row.discount_minor) == (date(2026, 10, 20), 500)
    assert OrderLine.objects.count() == 2


def test_days_without_an_order_are_known_to_be_empty(desk: Desk) -> None:
    outcome = hand_in(desk)
    assert outcome.state == State.APPLIED
    assert set(Coverage.objects.values_list("dataset", "rows")) == {("order_lines", 0)}
    assert Coverage.objects.count() == 7


def test_a_file_of_what_changed_is_complete_for_no_day_before_the_first_change(desk: Desk) -> None:
    spring = line("111-2", purchase_date="2026-04-01T12:00:00+00:00", last_updated_date="2026-11-04T12:00:00+00:00")
    outcome = hand_in(desk, line(), spring, line("111-3", purchase_date="2026-11-05T12:00:00+00:00",
                                                 last_updated_date="2026-11-05T12:00:00+00:00"),
                      window=None)  # fmt: skip
    assert outcome.changed == 3
    # The oldest change is of the 3rd: an order of the 2nd that did not change since is not in the file.
    assert list(Coverage.objects.values_list("date", flat=True)) == [date(2026, 11, 5)]


# --- other marketplaces, other money ---------------------------------------------------------------


def test_rows_of_another_marketplace_are_left_out_and_said_to_be(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="DE"))
    german, french = (
        {"sales_channel": name, "currency": "EUR", "purchase_date": "2026-11-02T12:00:00+00:00"}
        for name in ("Amazon.de", "Amazon.fr")
    )
    outcome = hand_in(
        desk, line("302-1", **german), line("302-2", **french), line("302-3", **french | {"sales_channel": "Amazon.se",
                                                                                         "currency": "SEK"})
    )  # fmt: skip

    assert (outcome.state, outcome.rows_in) == (State.APPLIED, 1)
    assert outcome.reason == "2 rows are about other marketplaces (Amazon.fr 1, Amazon.se 1) and were left out"
    assert [row.order_id for row in OrderLine.objects.all()] == ["302-1"]


def test_orders_fba_only_ships_are_kept_apart_by_their_channel(desk: Desk) -> None:
    ours = {"currency": "", "item_price": "", "item_tax": ""}
    outcome = hand_in(
        desk,
        line("S01-1", sales_channel="Non-Amazon", **ours),
        line("S01-2", sales_channel="Non-Amazon US", **ours),
        line("S01-3", sales_channel="Non-Amazon CA", **ours),
        line("S01-4", sales_channel="Non-Amazon", **ours | {"currency": "CAD", "item_price": "5.00"}),
    )
    assert outcome.state == State.APPLIED and "(Non-Amazon CA 1, Non-Amazon 1)" in outcome.reason
    assert set(OrderLine.objects.values_list("order_id", "sales_channel", "price_minor")) == {
        ("S01-1", "Non-Amazon", None), ("S01-2", "Non-Amazon US", None)}  # fmt: skip


def test_our_own_shop_in_another_currency_is_refused(desk: Desk) -> None:
    outcome = hand_in(desk, line(currency="EUR"))
    assert outcome.state == State.REFUSED and "EUR" in outcome.reason and "USD" in outcome.reason
    assert not OrderLine.objects.exists()


def test_a_file_about_another_marketplace_only_is_the_wrong_file(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="IT"))
    outcome = hand_in(desk, line(sales_channel="Amazon.es", currency="EUR"))
    assert outcome.state == State.REFUSED
    assert "None of its rows is about marketplace IT; they are about Amazon.es 1" in outcome.reason


# --- what cannot be read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ({"purchase_date": "2026-11-02 18:30"}, "does not say its time zone"),
        ({"purchase_date": "02.11.2026"}, "is not a moment like"),
        ({"item_price": "19,98"}, "is not a number"),
        ({"quantity": "two"}, "is not a number"),
    ],
)
def test_a_cell_that_cannot_be_read_holds_the_document_with_its_line(
    desk: Desk, cell: dict[str, str], why: str
) -> None:
    outcome = hand_in(desk, line(), line("111-2", **cell))
    assert outcome.state == State.HELD and why in outcome.reason and "line 3" in outcome.reason
    assert not OrderLine.objects.exists()


def test_without_the_order_status_nothing_is_stored(desk: Desk) -> None:
    outcome = hand_in(desk, header=NOW.replace("order-status", "state of the order"))
    assert outcome.state == State.REFUSED and "“order-status”" in outcome.reason
