"""Promotions and coupons: what each brought, whole and by product, as Amazon last told."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from finance.models import Coupon, CouponProduct, Promotion, PromotionProduct
from finance.reports_promotions import starting
from opsboard.feeds import schedule
from opsboard.feeds.models import Coverage, Document, Fetch, Ingest
from opsboard.simulator.business import ACCOUNTS
from opsboard.simulator.reports import promotions as made_up
from opsboard.simulator.server import Running
from tests.factories import make_scope
from tests.feeds.test_fetching_simulator import connect, run_dry, simulator
from tests.feeds.test_pipeline import Desk

__all__ = ["simulator"]
State = Ingest.State
US, CANADA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
AUTUMN = (date(2026, 9, 1), date(2026, 10, 30))


def product(asin: str, units: int, sales: float) -> dict[str, Any]:
    return {"asin": asin, "productUnitsSold": units, "productRevenue": sales, "productRevenueCurrencyCode": "USD"}


def deal(number: str = "P1", **more: Any) -> dict[str, Any]:
    return {
        "promotionId": number,
        "promotionName": "Autumn deal",
        "merchantId": "A1",
        "unitsSold": 12,
        "revenue": 239.88,
        "revenueCurrencyCode": "USD",
        "startDateTime": "2026-10-02T05:30:00Z",
        "endDateTime": "2026-10-09T05:30:00Z",
        "type": "LIGHTNING_DEAL",
        "status": "APPROVED",
        "marketplaceId": US,
        "glanceViews": 900,
        "includedProducts": [
            {
                "asin": "B000000001",
                "productUnitsSold": 7,
                "productRevenue": 139.93,
                "productRevenueCurrencyCode": "USD",
            },
            {"asin": "B000000002", "productUnitsSold": 5, "productRevenue": 99.95, "productRevenueCurrencyCode": "USD"},
        ],
        **more,
    }


def coupon(**more: Any) -> dict[str, Any]:
    return {
        "couponId": "C1",
        "marketplaceId": US,
        "currencyCode": "USD",
        "name": "10% off",
        "startDateTime": "2026-10-02T05:30:00Z",
        "endDateTime": "2026-10-09T05:30:00Z",
        "discountType": "PERCENT_OFF_LIST_PRICE",
        "discountAmount": 10,
        "clips": 40,
        "redemptions": 6,
        "budget": 500.0,
        "totalDiscount": 11.99,
        "budgetSpent": 15.59,
        "sales": 107.95,
        "asins": [{"asin": "B000000001"}],
        **more,
    }


def about(kind: str, **parts: Any) -> dict[str, Any]:
    return {"reportSpecification": {"reportType": kind, "reportOptions": {}, "marketplaceIds": [US]}, **parts}


def deals(desk: Desk, *found: dict[str, Any]) -> Any:
    return desk.ingest(about("GET_PROMOTION_PERFORMANCE_REPORT", promotions=list(found)), "promotions", window=AUTUMN)


def test_a_promotion_is_stored_whole_and_by_product(desk: Desk) -> None:
    outcome = deals(desk, deal())
    assert (outcome.state, outcome.unknown_columns) == (State.APPLIED, [])
    row = Promotion.objects.get()
    assert row.date == date(2026, 10, 1)  # half past ten in the evening in Los Angeles
    assert (row.kind, row.units, row.sales_minor, row.glance_views) == ("LIGHTNING_DEAL", 12, 23988, 900)
    assert list(PromotionProduct.objects.order_by("asin").values_list("asin", "units", "sales_minor")) == [
        ("B000000001", 7, 13993), ("B000000002", 5, 9995)]  # fmt: skip


def test_a_running_promotion_is_told_again_as_a_whole(desk: Desk) -> None:
    deals(desk, deal(), deal("P2"))
    deals(desk, deal(unitsSold=15, includedProducts=[{"asin": "B000000001", "productUnitsSold": 15}]))
    assert dict(Promotion.objects.values_list("promotion_id", "units")) == {"P1": 15, "P2": 12}
    assert PromotionProduct.objects.filter(promotion_id="P1").count() == 1
    assert PromotionProduct.objects.filter(promotion_id="P2").count() == 2


def test_months_without_a_promotion_are_known_to_be_empty(desk: Desk) -> None:
    assert deals(desk).state == State.APPLIED
    assert Coverage.objects.filter(dataset="promotions").count() == 60
    assert not Promotion.objects.exists()


def test_promotions_of_another_marketplace_are_not_ours(desk: Desk) -> None:
    deals(desk, deal(), deal("P2", marketplaceId=CANADA, revenueCurrencyCode="CAD"))
    assert [row.promotion_id for row in Promotion.objects.all()] == ["P1"]
    outcome = deals(desk, deal("P3", marketplaceId=CANADA))
    assert outcome.state == State.REFUSED and "nothing about marketplace US" in outcome.reason


def test_amounts_in_another_currency_are_refused(desk: Desk) -> None:
    outcome = deals(desk, deal(revenueCurrencyCode="EUR"))
    assert outcome.state == State.REFUSED and "EUR" in outcome.reason


def test_a_coupon_knows_its_cost_and_its_products(desk: Desk) -> None:
    kind = "GET_COUPON_PERFORMANCE_REPORT"
    fixed = coupon(couponId="C2", discountType="AMOUNT_OFF_LIST_PRICE", discountAmount=2.5, asins=[])
    outcome = desk.ingest(about(kind, coupons=[coupon(), fixed]), "coupons", window=AUTUMN)
    assert outcome.state == State.APPLIED
    row = Coupon.objects.get(coupon_id="C1")
    assert (row.clips, row.redemptions, row.discount) == (40, 6, Decimal("0.1"))
    assert (row.budget_minor, row.spent_minor, row.discount_minor, row.sales_minor) == (50000, 1559, 1199, 10795)
    assert Coupon.objects.get(coupon_id="C2").discount == Decimal("2.5")
    assert list(CouponProduct.objects.values_list("coupon_id", "asin")) == [("C1", "B000000001")]


def test_the_products_of_a_coupon_are_told_again_as_a_whole(desk: Desk) -> None:
    """They are facts with a key and nothing else."""
    for asins in (["B000000001", "B000000002"], ["B000000002", "B000000003"]):
        told = coupon(asins=[{"asin": asin} for asin in asins])
        outcome = desk.ingest(about("GET_COUPON_PERFORMANCE_REPORT", coupons=[told]), "coupons", window=AUTUMN)
        assert outcome.state == State.APPLIED
        assert sorted(CouponProduct.objects.values_list("asin", flat=True)) == asins


def test_the_vendors_report_of_the_same_type_is_refused(desk: Desk) -> None:
    outcome = desk.ingest(about("GET_COUPON_PERFORMANCE_REPORT", campaigns=[]), "coupons", window=AUTUMN)
    assert outcome.state == State.REFUSED and "The part “coupons” is missing" in outcome.reason


@pytest.mark.django_db
def test_days_are_asked_for_from_midnight_to_midnight_of_the_marketplace() -> None:
    scope = make_scope(marketplace="DE")
    asked = starting("promotion")(scope.account_id, scope.marketplace_id, date(2026, 10, 1), date(2026, 10, 25))
    assert asked == {
        "promotionStartDateFrom": "2026-09-30T22:00:00Z",
        "promotionStartDateTo": "2026-10-25T22:59:59Z",  # winter time since that morning
    }


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["NA", "FE"])
def test_the_simulators_promotions_are_what_was_sold(simulator: Running, key: str) -> None:
    scope = connect(key)
    today = scope.marketplace.today()
    for spec in ("promotions", "coupons"):
        schedule.ask_now(scope, spec)
    run_dry()

    assert set(Ingest.objects.values_list("state", flat=True)) == {"applied"}
    truth = simulator.state.truth
    rows = Promotion.objects.filter(date__lt=today - timedelta(days=5))
    assert rows.count() in {1, 2}
    for row in rows:
        products = made_up.sold(truth, ACCOUNTS[key], row.date, 4, today)
        assert row.units == sum(product[1] for product in products) > 0
        assert PromotionProduct.objects.filter(promotion_id=row.promotion_id).count() == 3
    assert Coupon.objects.count() in {1, 2, 3}
    assert Fetch.objects.exclude(state="done").count() == 0 and Document.objects.count() == Fetch.objects.count()
