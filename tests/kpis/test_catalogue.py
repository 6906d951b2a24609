"""What the KPIs of the catalogue come to, from facts as reports leave them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import models, transaction
from django.utils import timezone

from ads.models import BrandsCampaignDay, DisplayCampaignDay
from finance.models import Reimbursement, SettlementLine
from health.models import Feedback, MetricDay
from inventory.models import LedgerDay, PlanningDay, StockDay, StrandedDay
from listings.models import SuppressedDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import partitions
from opsboard.feeds.models import Coverage, Document
from opsboard.kpis import rollup
from opsboard.kpis.periods import PeriodValue, period_value
from opsboard.kpis.registry import kpis

pytestmark = pytest.mark.django_db
FIRST = date(2026, 9, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]


def facts(scope: AccountMarketplace, model: type[models.Model], dataset: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows of a report that covers DAYS; a row without a day is of the first."""
    partitions.ensure(model, DAYS[0], DAYS[-1])
    pair = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    document = Document.objects.create(
        **pair, spec=dataset, source=Document.Source.SP_API, source_created_at=timezone.now(), sha256="0" * 64, size=1
    )
    common = {**pair, "document_id": document.pk, "date": FIRST}
    model._default_manager.bulk_create(
        model(**{**common, "line": line, **row}) for line, row in enumerate(rows, start=2)
    )
    Coverage.objects.bulk_create(
        Coverage(**pair, dataset=dataset, date=day, document=document, source_created_at=timezone.now(), rows=1)
        for day in DAYS
    )
    with transaction.atomic():
        rollup.rebuild(scope.account_id, scope.marketplace_id)


def found(scope: AccountMarketplace, key: str) -> PeriodValue:
    (value,) = period_value(kpis()[key], [scope], DAYS[0], DAYS[-1]).values()
    return value


def value(scope: AccountMarketplace, key: str) -> Decimal | None:
    figure = found(scope, key).value
    return None if figure is None else round(figure, 4)


def line(kind: str, about: str, what: str, amount: int, number: int) -> dict[str, Any]:
    return {
        "settlement_id": "1",
        "ordinal": number,
        "transaction_type": kind,
        "amount_type": about,
        "amount_description": what,
        "amount_minor": amount,
    }


def test_what_amazon_keeps_of_settled_sales(scope: AccountMarketplace) -> None:
    amounts = (
        ("Order", "ItemPrice", "Principal", 10000),
        ("Order", "ItemPrice", "Tax", 700),
        ("Order", "ItemFees", "Commission", -1500),
        ("Order", "ItemFees", "FBAPerUnitFulfillmentFee", -800),
        ("Order", "ItemFees", "MarketplaceFacilitatorVAT-Principal", -700),
        ("Refund", "ItemPrice", "Principal", -2000),
        ("Refund", "ItemFees", "Commission", 300),
        ("Refund", "ItemFees", "RefundCommission", -60),
        ("ServiceFee", "ItemFees", "Cost of Advertising", -900),
        ("other-transaction", "other-transaction", "Subscription Fee", -3999),
    )
    facts(
        scope,
        SettlementLine,
        "settlement_lines",
        [line(kind, about, what, amount, n) for n, (kind, about, what, amount) in enumerate(amounts, start=1)],
    )

    assert value(scope, "referral_share") == Decimal("0.126")  # 1500 - 300 + 60
    assert value(scope, "fee_share") == Decimal("0.206")  # and 800: no tax, no advertising, no subscription
    assert value(scope, "fba_fee_share") == Decimal("0.08")
    assert value(scope, "refund_share") == Decimal("0.2")


def test_a_settled_day_without_sales_is_zero_and_a_day_nobody_settled_is_missing(scope: AccountMarketplace) -> None:
    facts(scope, Reimbursement, "reimbursements", [
        {"reimbursement_id": str(n), "ordinal": 1, "approved_at": timezone.now(), "amount_minor": amount}
        for n, amount in enumerate((1250, -250))
    ])  # fmt: skip

    assert found(scope, "reimbursed") == PeriodValue(Decimal(1000), 0)
    assert found(scope, "fee_share").reason == "no_data"


def test_brands_and_display_keep_their_own_fourteen_days(scope: AccountMarketplace) -> None:
    row = {"campaign_id": 1, "spend_minor": 300, "sales_minor": 1000, "new_to_brand_sales_minor": 400}
    facts(scope, BrandsCampaignDay, "sb_campaigns", [row])
    facts(scope, DisplayCampaignDay, "sd_campaigns", [{**row, "spend_minor": 500}])

    assert (value(scope, "brands_acos"), value(scope, "display_acos")) == (Decimal("0.3"), Decimal("0.5"))
    assert (value(scope, "brands_new"), value(scope, "display_new")) == (Decimal("0.4"), Decimal("0.4"))
    assert value(scope, "acos") is None  # they are never added to the seven days of Sponsored Products
    assert kpis()["brands_acos"].mature_days == 14 and kpis()["acos"].mature_days == 7


def test_what_moves_the_ipi(scope: AccountMarketplace) -> None:
    def stock(sku: str, available: int, shipped: int, day: date = DAYS[-1]) -> dict[str, Any]:
        return {"sku": sku, "date": day, "available": available, "shipped_60": shipped, "shipped_90": shipped}

    days = [stock("A", 100, 90), stock("B", 0, 30), stock("A", 100, 90, DAYS[0]), stock("B", 20, 30, DAYS[0])]
    facts(scope, PlanningDay, "planning", [{**row, "excess": 10, "storage_cost_minor": 250} for row in days])
    facts(scope, StockDay, "stock", [{"date": DAYS[-1], "sku": "A", "fulfillable": 200}])
    facts(scope, StrandedDay, "stranded", [{"date": DAYS[-1], "sku": "A", "ordinal": 1, "fulfillable": 5}])

    # 90 of the last day, 120 of the first, of 120 each; a day without any row says nothing of stock.
    assert value(scope, "in_stock_rate") == Decimal("0.875")
    assert value(scope, "excess_share") == Decimal("0.2")
    assert value(scope, "stranded_share") == Decimal("0.025")
    assert value(scope, "storage_cost") == Decimal(500)


def test_historical_days_of_supply_and_returns_come_from_the_ledger(scope: AccountMarketplace) -> None:
    keys = {"sku": "A", "fnsku": "X", "location": "US", "disposition": "SELLABLE"}
    moved = [{**keys, "date": day, "ending": 90, "customer_shipments": -3, "customer_returns": 1} for day in DAYS]
    damaged = [{**keys, "date": DAYS[0], "disposition": "CUSTOMER_DAMAGED", "ending": 1000}]
    facts(scope, LedgerDay, "ledger", [*moved, *damaged])

    assert value(scope, "historical_supply_30") == Decimal(30)
    assert value(scope, "return_rate") == Decimal("0.3333")


def test_two_stars_are_negative_and_three_are_not(scope: AccountMarketplace) -> None:
    facts(scope, Feedback, "seller_feedback", [
        {"order_id": str(n), "ordinal": 1, "rating": stars, "comment_withheld": False, "answered": False}
        for n, stars in enumerate((1, 2, 3, 1))
    ])  # fmt: skip

    assert found(scope, "negative_feedback") == PeriodValue(Decimal(3), 0)


def test_a_listing_suppressed_for_two_reasons_is_one(scope: AccountMarketplace) -> None:
    rows = [{"date": DAYS[-1], "sku": sku, "ordinal": n, "reason": "x"} for sku, n in (("A", 1), ("A", 2), ("B", 1))]
    facts(scope, SuppressedDay, "suppressed_listings", rows)

    assert value(scope, "suppressed") == Decimal(2)


def test_a_report_of_no_suppressed_listing_says_zero(scope: AccountMarketplace) -> None:
    facts(scope, SuppressedDay, "suppressed_listings", [])

    assert value(scope, "suppressed") == Decimal(0)


def test_health_is_told_part_by_part(scope: AccountMarketplace) -> None:
    counts = {
        "odr_mfn": (6, 420),
        "odr_mfn_claims": (2, 420),
        "on_time_delivery": (360, 400),
        "account_health_rating": (248, None),
        "listing_policy": (2, None),
        "safety": (1, None),
        "document_requests": (9, None),
    }
    facts(scope, MetricDay, "performance", [
        {"date": DAYS[-1], "metric": metric, "numerator": top, "denominator": bottom}
        for metric, (top, bottom) in counts.items()
    ])  # fmt: skip

    assert value(scope, "odr_mfn_claims") == Decimal("0.0048")
    assert value(scope, "on_time_delivery") == Decimal("0.9")
    assert value(scope, "account_rating") == Decimal(248)
    assert value(scope, "policy_violations") == Decimal(3)  # a request for a document is no violation
    assert value(scope, "odr_mfn_chargebacks") is None  # the report does not speak of them: missing, not zero
