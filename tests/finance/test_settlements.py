"""Settlements: every amount a line, all of them together what the header states, to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db.models import Sum

from finance.models import Settlement, SettlementLine
from opsboard.feeds import pipeline, withdrawal
from opsboard.feeds.models import Coverage, Document, Ingest
from opsboard.feeds.pipeline import Outcome
from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk

from .conftest import tsv

State = Ingest.State
START, END, PAID = "2026-10-19 08:00:00 UTC", "2026-11-02 08:00:00 UTC", "2026-11-04 08:00:00 UTC"
V2 = (
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\t"
    "order-id\tmerchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tamount-type\tamount-description\tamount\t"
    "fulfillment-id\tposted-date\tposted-date-time\torder-item-code\tmerchant-order-item-id\t"
    "merchant-adjustment-item-id\tsku\tquantity-purchased\tpromotion-id"
)
WIDE = (
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\t"
    "order-id\tmerchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tshipment-fee-type\tshipment-fee-amount\t"
    "order-fee-type\torder-fee-amount\tfulfillment-id\tposted-date\torder-item-code\tmerchant-order-item-id\t"
    "merchant-adjustment-item-id\tsku\tquantity-purchased\tprice-type\tprice-amount\titem-related-fee-type\t"
    "item-related-fee-amount\tmisc-fee-amount\tother-fee-amount\tother-fee-reason-description\tpromotion-id\t"
    "promotion-type\tpromotion-amount\tdirect-payment-type\tdirect-payment-amount\tother-amount"
)


def head(total: str = "15.25", settlement: str = "7001", **more: Any) -> dict[str, Any]:
    row = {
        "settlement-id": settlement,
        "settlement-start-date": START,
        "settlement-end-date": END,
        "deposit-date": PAID,
        "total-amount": total,
        "currency": "USD",
    }
    return {**row, **dashed(more)}


def line(description: str, amount: str, settlement: str = "7001", **more: Any) -> dict[str, Any]:
    row = {
        "settlement-id": settlement,
        "currency": "USD",
        "transaction-type": "Order",
        "order-id": "111-1",
        "marketplace-name": "Amazon.com",
        "amount-type": "ItemPrice" if description == "Principal" else "ItemFees",
        "amount-description": description,
        "amount": amount,
        "fulfillment-id": "AFN",
        "posted-date": "2026-10-21",
        "posted-date-time": "2026-10-21 05:23:19 UTC",
        "sku": "MUG-1",
        "quantity-purchased": "1",
    }
    return {**row, **dashed(more)}


def dashed(more: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in more.items()}


SALE = (line("Principal", "19.98"), line("Commission", "-3.00"), line("FBAPerUnitFulfillmentFee", "-1.73"))


def hand_in(desk: Desk, *rows: dict[str, Any], header: str = V2, spec: str = "settlements", **about: Any) -> Outcome:
    return desk.ingest(tsv(header, rows), spec, **{"window": None, **about})


def test_every_amount_is_a_line_and_the_header_a_settlement(desk: Desk) -> None:
    outcome = hand_in(desk, head(), *SALE)

    assert (outcome.state, outcome.rows_in, outcome.changed) == (State.APPLIED, 4, 4)
    assert outcome.unknown_columns == []
    assert list(SettlementLine.objects.order_by("line").values_list("amount_description", "amount_minor")) == [
        ("Principal", 1998), ("Commission", -300), ("FBAPerUnitFulfillmentFee", -173)]  # fmt: skip
    row = SettlementLine.objects.get(amount_description="Principal")
    assert (row.order_id, row.sku, row.quantity, row.transaction_type) == ("111-1", "MUG-1", 1, "Order")
    assert row.posted_at == datetime(2026, 10, 21, 5, 23, 19, tzinfo=UTC)
    assert row.date == date(2026, 10, 20)  # still Tuesday in Los Angeles
    paid = Settlement.objects.get()
    assert (paid.date, paid.first_day, paid.last_day) == (date(2026, 11, 4), date(2026, 10, 19), date(2026, 11, 2))
    assert paid.total_minor == 1525


def test_the_same_settlement_again_is_as_many_rows_as_it_was(desk: Desk) -> None:
    """The header is no line, and the lines are no settlements."""
    hand_in(desk, head(), *SALE)
    again = hand_in(desk, head(), *SALE)
    assert (again.state, again.rows_in, again.changed, again.unchanged) == (State.UNCHANGED, 4, 0, 4)


def test_a_header_whose_total_is_no_amount_is_told_with_its_line(desk: Desk) -> None:
    outcome = hand_in(desk, *SALE, head("fifteen"))
    assert (outcome.state, outcome.errors[0]["line"]) == (State.HELD, 5)
    assert not SettlementLine.objects.exists() and not Settlement.objects.exists()


@pytest.mark.parametrize("total", ["15.26", "15.24", "-15.25", "1525"])
def test_lines_that_miss_the_total_by_a_cent_hold_the_document(desk: Desk, total: str) -> None:
    outcome = hand_in(desk, head(total), *SALE)
    assert outcome.state == State.HELD
    assert "7001" in outcome.reason and "$15.25" in outcome.reason and " off" in outcome.reason
    assert not SettlementLine.objects.exists() and not Settlement.objects.exists()


def test_a_settlement_that_asks_for_money_is_one_too(desk: Desk) -> None:
    outcome = hand_in(desk, head("-39.99"), line("Subscription Fee", "-39.99", transaction_type="ServiceFee"))
    assert outcome.state == State.APPLIED
    assert Settlement.objects.get().total_minor == -3999


def test_several_settlements_in_a_file_are_counted_each_for_itself(desk: Desk) -> None:
    other = line("Principal", "5.00", "7002")
    assert hand_in(desk, head(), *SALE, head("5.00", "7002"), other).state == State.APPLIED
    assert Settlement.objects.count() == 2
    # Together they would add up, each for itself they do not.
    assert hand_in(desk, head("20.25"), *SALE, head("0.00", "7002"), other).state == State.HELD


def test_a_file_without_its_first_line_is_refused(desk: Desk) -> None:
    outcome = hand_in(desk, *SALE)
    assert outcome.state == State.REFUSED and "no line that states its total" in outcome.reason


def test_the_same_settlement_again_changes_nothing_and_a_restated_one_replaces_it(desk: Desk) -> None:
    hand_in(desk, head(), *SALE)
    again = hand_in(desk, head(), *SALE)
    assert (again.state, again.changed, SettlementLine.objects.count()) == (State.UNCHANGED, 0, 3)

    restated = hand_in(desk, head("16.98"), *SALE[:2])
    assert (restated.state, restated.deleted) == (State.APPLIED, 1)
    assert SettlementLine.objects.aggregate(sum=Sum("amount_minor"))["sum"] == 1698


def test_two_equal_lines_are_two_amounts(desk: Desk) -> None:
    fee = line("Removal", "-0.50", transaction_type="other-transaction", order_id="", sku="")
    assert hand_in(desk, head("-1.00"), fee, fee).state == State.APPLIED
    assert sorted(SettlementLine.objects.values_list("ordinal", "amount_minor")) == [(1, -50), (2, -50)]


def test_a_line_without_a_day_counts_on_the_settlements_last(desk: Desk) -> None:
    carried = line("Previous Reserve Amount Balance", "1.00", posted_date="", posted_date_time="", order_id="", sku="")
    hand_in(desk, head("1.00"), carried)
    assert SettlementLine.objects.get().date == date(2026, 11, 2)


def test_a_line_with_a_day_and_no_moment_keeps_its_day(desk: Desk) -> None:
    hand_in(desk, head("1.00"), line("Principal", "1.00", posted_date_time=""))
    assert SettlementLine.objects.get().date == date(2026, 10, 21)


# --- other countries --------------------------------------------------------------------------------


def german(rows: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        row = row | {"currency": "EUR", "marketplace-name": "Amazon.de" if row.get("amount") else ""}
        for name in ("amount", "total-amount"):
            if row.get(name):
                row[name] = f"{float(row[name]):,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")
        for name in row:
            if "date" in name and row[name]:
                year, month, day = row[name][:10].split("-")
                row[name] = f"{day}.{month}.{year}{row[name][10:]}"
        found.append(row)
    return found


def test_a_german_settlement_is_read_with_its_points_and_commas(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="DE"))
    rows = german((head("1215.25"), line("Principal", "1219.98"), *SALE[1:]))
    assert rows[0]["total-amount"] == "1.215,25" and rows[1]["posted-date-time"] == "21.10.2026 05:23:19 UTC"

    outcome = hand_in(desk, *rows)

    assert (outcome.state, outcome.refused) == (State.APPLIED, 0), outcome.reason
    assert list(SettlementLine.objects.order_by("line").values_list("amount_minor", flat=True)) == [121998, -300, -173]
    row = SettlementLine.objects.order_by("line")[0]
    assert row.posted_at == datetime(2026, 10, 21, 5, 23, 19, tzinfo=UTC) and row.date == date(2026, 10, 21)
    assert Settlement.objects.get().date == date(2026, 11, 4)


def test_yen_have_no_cents_and_their_thousands_are_grouped(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="JP"))
    yen = {"currency": "JPY"}
    rows = (head("12,058", **yen), line("Principal", "12,691", **yen, marketplace_name="Amazon.jp"),
            line("Commission", "-633", **yen, marketplace_name="Amazon.jp"))  # fmt: skip
    assert hand_in(desk, *rows).state == State.APPLIED
    assert Settlement.objects.get().total_minor == 12058


def test_a_settlement_of_another_marketplace_is_the_wrong_file(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="DE"))
    euros = {"currency": "EUR", "marketplace_name": "Amazon.fr"}
    outcome = hand_in(desk, head("1.00", currency="EUR"), line("Principal", "1.00", **euros))
    assert outcome.state == State.REFUSED and "It is about marketplace FR, and this is DE" in outcome.reason


def test_a_settlement_in_another_currency_is_the_wrong_file(desk: Desk) -> None:
    outcome = hand_in(desk, head("1.00", currency="CAD"), line("Principal", "1.00", currency="CAD"))
    assert outcome.state == State.REFUSED and "CAD" in outcome.reason


# --- the older, wide file ---------------------------------------------------------------------------


def test_a_wide_line_becomes_a_line_for_each_of_its_amounts(desk: Desk) -> None:
    sold = {"settlement-id": "7001", "transaction-type": "Order", "order-id": "111-1", "marketplace-name": "Amazon.com",
            "posted-date": "2026-10-21T05:23:19+00:00", "sku": "MUG-1"}  # fmt: skip
    rows = (
        head("-210.81"),
        sold | {"quantity-purchased": "1"},
        sold | {"price-type": "Principal", "price-amount": "19.98", "item-related-fee-type": "Commission",
                "item-related-fee-amount": "-3.00"},
        sold | {"promotion-type": "Shipping", "promotion-amount": "-0.69"},
        sold | {"transaction-type": "ServiceFee", "order-id": "", "sku": "",
                "item-related-fee-type": "Cost of Advertising", "item-related-fee-amount": "-205.41",
                "other-fee-amount": "-24.65", "other-fee-reason-description": "TaxAmount"},
        sold | {"transaction-type": "WAREHOUSE_DAMAGE", "order-id": "", "other-amount": "2.96    "},
    )  # fmt: skip

    outcome = hand_in(desk, *rows, header=WIDE, spec="settlements_wide")

    assert (outcome.state, outcome.rows_in) == (State.APPLIED, 6), outcome.reason
    assert list(
        SettlementLine.objects.order_by("line", "amount_type").values_list(
            "amount_type", "amount_description", "amount_minor", "quantity"
        )
    ) == [
        ("", "", None, 1),
        ("ItemFees", "Commission", -300, None),
        ("ItemPrice", "Principal", 1998, None),
        ("Promotion", "Shipping", -69, None),
        ("ItemFees", "Cost of Advertising", -20541, None),
        ("OtherFee", "TaxAmount", -2465, None),
        ("Other", "WAREHOUSE_DAMAGE", 296, None),
    ]
    assert Settlement.objects.get().total_minor == -21081


def test_a_wide_file_that_does_not_add_up_is_held(desk: Desk) -> None:
    sold = {"settlement-id": "7001", "transaction-type": "Order", "posted-date": "2026-10-21T05:23:19+00:00",
            "price-type": "Principal", "price-amount": "19.98"}  # fmt: skip
    assert hand_in(desk, head("20.00"), sold, header=WIDE, spec="settlements_wide").state == State.HELD
    assert not SettlementLine.objects.exists()


def test_a_settlement_knows_all_of_its_days_also_those_without_a_line(desk: Desk) -> None:
    hand_in(desk, head(), *SALE)
    assert list(Coverage.objects.filter(dataset="settlements").values_list("date", flat=True)) == [date(2026, 11, 4)]
    lines = Coverage.objects.filter(dataset="settlement_lines").order_by("date")
    assert [(one.date.day, one.rows) for one in lines][:4] == [(19, 0), (20, 3), (21, 0), (22, 0)]
    assert lines.count() == 15


def test_a_settlement_taken_back_is_gone_and_a_restated_one_falls_back_to_what_was_told_before(desk: Desk) -> None:
    hand_in(desk, head(), *SALE)
    hand_in(desk, head("16.98"), *SALE[:2])
    for left, total in ((3, 1525), (0, None)):
        newest = Document.objects.filter(withdrawn_at=None).latest("pk")
        outcome = pipeline.run_ingest(withdrawal.withdraw(newest, user=None, why="wrong file").pk)
        assert outcome is not None and outcome.state == State.WITHDRAWN
        assert SettlementLine.objects.count() == left
        assert SettlementLine.objects.aggregate(sum=Sum("amount_minor"))["sum"] == total
        assert list(Settlement.objects.values_list("total_minor", flat=True)) == ([total] if total else [])


def test_a_held_settlement_can_be_applied_by_hand(desk: Desk) -> None:
    ingest = desk.keep(tsv(V2, [head("15.26"), *SALE]), "settlements", window=None)
    held = pipeline.run_ingest(ingest.pk)
    assert held is not None and held.state == State.HELD
    outcome = pipeline.run_ingest(withdrawal.replay(ingest.document, user=None, why="Amazon's own cent", force=True).pk)
    assert outcome is not None and outcome.state == State.APPLIED
    assert Settlement.objects.get().total_minor == 1526 and SettlementLine.objects.count() == 3
