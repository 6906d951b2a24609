"""Deals and coupons of the made-up seller: one of each a month, for its best sellers, from what was sold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ..business import Account
from ..truth import Truth

PROMOTIONS, COUPONS = "GET_PROMOTION_PERFORMANCE_REPORT", "GET_COUPON_PERFORMANCE_REPORT"
#: Options a request must have.
NEEDS = {
    PROMOTIONS: ("promotionStartDateFrom", "promotionStartDateTo"),
    COUPONS: ("couponStartDateFrom", "couponStartDateTo"),
}
_EVERY = 28
_DEAL_DAYS, _COUPON_DAYS = 4, 10
_PRODUCTS = 3


def promotions(truth: Truth, account: Account, since: datetime, until: datetime, now: datetime) -> dict[str, Any]:
    """Deals that start from `since` to `until`, as known at `now`."""
    found = [_promotion(truth, account, day, now) for day in _starts(account, since, min(until, now), 3)]
    return {"promotions": found}


def coupons(truth: Truth, account: Account, since: datetime, until: datetime, now: datetime) -> dict[str, Any]:
    """Coupons that start from `since` to `until`, as known at `now`."""
    found = [_coupon(truth, account, day, now) for day in _starts(account, since, min(until, now), 17)]
    return {"coupons": found}


def _starts(account: Account, since: datetime, until: datetime, phase: int) -> Iterator[date]:
    day = since.astimezone(account.zone).date()
    while _moment(account, day) <= until:
        if day.toordinal() % _EVERY == phase and _moment(account, day) >= since:
            yield day
        day += timedelta(days=1)


def sold(truth: Truth, account: Account, start: date, days: int, today: date) -> list[tuple[str, int, float, int]]:
    """(ASIN, units, sales, views) of each product of a deal, of the days that are over."""
    units: dict[str, list[float]] = {sku.asin: [0, 0.0, 0] for sku in truth.skus(account.key)[:_PRODUCTS]}
    for offset in range(days):
        if start + timedelta(days=offset) >= today:
            break
        for item in truth.asins(account.key, start + timedelta(days=offset)):
            if (found := units.get(item.sku.asin)) is not None:
                found[0] += item.units
                found[1] += item.sales
                found[2] += item.page_views
    return [(asin, int(u), round(s, account.digits), int(v)) for asin, (u, s, v) in units.items()]


def _promotion(truth: Truth, account: Account, start: date, now: datetime) -> dict[str, Any]:
    today = now.astimezone(account.zone).date()
    products = sold(truth, account, start, _DEAL_DAYS, today)
    over = start + timedelta(days=_DEAL_DAYS) <= today
    return {
        "promotionId": f"{start.toordinal()}{ord(account.key[0])}01",
        "promotionName": f"Northwind {start:%B}",
        "merchantId": account.selling_partner_id,
        "marketplaceId": account.marketplace_id,
        "unitsSold": sum(product[1] for product in products),
        "revenue": round(sum(product[2] for product in products), account.digits),
        "revenueCurrencyCode": account.currency,
        "startDateTime": _iso(account, start),
        "endDateTime": _iso(account, start + timedelta(days=_DEAL_DAYS)),
        "type": "BEST_DEAL",
        "status": "ENDED" if over else "RUNNING",
        "creationChannel": "SELF-SERVICE",
        "glanceViews": sum(product[3] for product in products),
        "createdDateTime": _iso(account, start - timedelta(days=30)),
        "lastUpdatedDateTime": _iso(account, start - timedelta(days=30)),
        "includedProducts": [
            {
                "asin": asin,
                "productName": "",
                "productGlanceViews": views,
                "productUnitsSold": units,
                "productRevenue": sales,
                "productRevenueCurrencyCode": account.currency,
            }
            for asin, units, sales, views in products
        ],
    }


def _coupon(truth: Truth, account: Account, start: date, now: datetime) -> dict[str, Any]:
    today = now.astimezone(account.zone).date()
    products = sold(truth, account, start, _COUPON_DAYS, today)
    units, sales = sum(product[1] for product in products), sum(product[2] for product in products)
    redeemed = int(units * 0.3)
    discount = round(sales * 0.3 * 0.1, account.digits)
    fees = round(redeemed * 0.6 * (150 if account.digits == 0 else 1), account.digits)
    budget = round(account.price * 400, account.digits)
    spent = round(discount + fees, account.digits)
    return {
        "couponId": f"C{start.toordinal()}{account.key}",
        "merchantId": account.selling_partner_id,
        "marketplaceId": account.marketplace_id,
        "currencyCode": account.currency,
        "name": "Northwind 10%",
        "websiteMessage": "10%",
        "startDateTime": _iso(account, start),
        "endDateTime": _iso(account, start + timedelta(days=_COUPON_DAYS)),
        "customerSegment": "All (Default)",
        "discountType": "PERCENT_OFF_LIST_PRICE",
        "discountAmount": 10,
        "clips": redeemed * 4,
        "redemptions": redeemed,
        "budget": budget,
        "totalDiscount": discount,
        "budgetSpent": spent,
        "budgetRemaining": round(budget - spent, account.digits),
        "budgetPercentageUsed": round(100 * spent / budget, 2),
        "sales": round(sales * 0.3 * 0.9, account.digits),
        "asins": [{"asin": product[0]} for product in products],
    }


def _moment(account: Account, day: date) -> datetime:
    return datetime.combine(day, time(6), account.zone).astimezone(UTC)


def _iso(account: Account, day: date) -> str:
    return f"{_moment(account, day):%Y-%m-%dT%H:%M:%SZ}"
