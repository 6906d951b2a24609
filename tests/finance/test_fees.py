"""The referral fee preview and reimbursements."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from finance.models import ReferralFee, Reimbursement
from opsboard.feeds import backfill, schedule
from opsboard.feeds.models import Coverage, Fetch, Ingest
from opsboard.simulator.server import Running
from tests.factories import make_scope
from tests.feeds.test_fetching import advance, make_fetch
from tests.feeds.test_fetching_simulator import connect, run_dry, simulator
from tests.feeds.test_pipeline import Desk

from .conftest import tsv

__all__ = ["simulator"]
State = Ingest.State
FEES = "seller-sku\tasin\titem-name\tprice\testimated-referral-fee-per-item"
BACK = (
    "approval-date\treimbursement-id\tcase-id\tamazon-order-id\treason\tsku\tfnsku\tasin\tproduct-name\tcondition\t"
    "currency-unit\tamount-per-unit\tamount-total\tquantity-reimbursed-cash\tquantity-reimbursed-inventory\t"
    "quantity-reimbursed-total\toriginal-reimbursement-id\toriginal-reimbursement-type"
)
MONDAY = date(2026, 11, 2)


def test_a_fee_is_kept_for_the_day_it_was_previewed(desk: Desk) -> None:
    row = {"seller-sku": "MUG-1", "asin": "B000000001", "price": "19.99", "estimated-referral-fee-per-item": "3.00"}
    outcome = desk.ingest(tsv(FEES, [row, row | {"seller-sku": "LID-1", "price": "--"}]), "referral_fees",
                          window=(MONDAY, MONDAY))  # fmt: skip
    assert (outcome.state, outcome.changed, outcome.unknown_columns) == (State.APPLIED, 2, [])
    assert set(ReferralFee.objects.values_list("date", "sku", "price_minor", "fee_minor")) == {
        (MONDAY, "MUG-1", 1999, 300), (MONDAY, "LID-1", None, 300)}  # fmt: skip


def test_fees_with_decimal_commas_are_read_as_such(kept: None, db: None) -> None:
    desk = Desk(make_scope(marketplace="DE"))
    row = {"seller-sku": "MUG-1", "price": "1.019,99", "estimated-referral-fee-per-item": "153,00"}
    desk.ingest(tsv(FEES, [row]), "referral_fees", window=(MONDAY, MONDAY))
    assert ReferralFee.objects.values_list("price_minor", "fee_minor").get() == (101999, 15300)


def given_back(**more: str) -> dict[str, str]:
    row = {
        "approval-date": "2026-11-03T06:30:00+00:00",
        "reimbursement-id": "9001",
        "reason": "Lost_Warehouse",
        "sku": "MUG-1",
        "fnsku": "X001",
        "asin": "B000000001",
        "currency-unit": "USD",
        "amount-per-unit": "14.00",
        "amount-total": "28.00",
        "quantity-reimbursed-cash": "2",
        "quantity-reimbursed-inventory": "0",
        "quantity-reimbursed-total": "2",
    }
    return {**row, **{name.replace("_", "-"): value for name, value in more.items()}}


def test_a_reimbursement_counts_on_the_day_it_was_approved(desk: Desk) -> None:
    taken = given_back(reimbursement_id="9002", amount_total="-14.00", quantity_reimbursed_cash="-1",
                       original_reimbursement_id="9001")  # fmt: skip
    outcome = desk.ingest(tsv(BACK, [given_back(), given_back(sku="LID-1"), taken]), "reimbursements",
                          window=(MONDAY, MONDAY + timedelta(days=6)))  # fmt: skip
    assert (outcome.state, outcome.changed, outcome.unknown_columns) == (State.APPLIED, 3, [])
    assert set(Reimbursement.objects.values_list("date", "reimbursement_id", "sku", "amount_minor")) == {
        (MONDAY, "9001", "MUG-1", 2800), (MONDAY, "9001", "LID-1", 2800), (MONDAY, "9002", "MUG-1", -1400)}  # fmt: skip
    assert Coverage.objects.filter(dataset="reimbursements").count() == 7


# --- asking Amazon ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_report_made_once_a_day_is_not_asked_for_sooner(simulator: Running) -> None:
    scope = connect("NA")
    schedule.ask_now(scope, "referral_fees")
    run_dry()
    assert ReferralFee.objects.count() == 200

    again = make_fetch(scope, "referral_fees")
    assert advance(again).state == Fetch.State.EMPTY
    assert "Amazon makes this report once in 24 hours" in again.reason
    assert simulator.state.calls["createReport"] == 1


@pytest.mark.django_db
def test_a_slot_that_comes_a_little_early_waits_for_its_report(simulator: Running) -> None:
    scope = connect("NA")
    earlier = make_fetch(scope, "referral_fees", slot=datetime(2026, 1, 1, tzinfo=UTC))
    Fetch.objects.filter(pk=earlier.pk).update(
        state="done", finished_at=timezone.now(), requested_at=timezone.now() - timedelta(hours=23, minutes=30)
    )
    fetch = make_fetch(scope, "referral_fees")
    assert advance(fetch).state == Fetch.State.WAITING
    assert timedelta(minutes=25) < fetch.not_before - timezone.now() < timedelta(minutes=35)


@pytest.mark.django_db
def test_the_simulators_reimbursements_come_in(simulator: Running) -> None:
    scope = connect("EU")
    planned = backfill.ensure(scope, 30)
    assert planned
    Fetch.objects.exclude(spec="reimbursements").delete()
    run_dry()
    assert set(Ingest.objects.values_list("state", flat=True)) == {"applied"}
    assert Reimbursement.objects.count() > 0
    assert set(Reimbursement.objects.values_list("quantity_inventory", flat=True)) == {0}
