"""GET_SALES_AND_TRAFFIC_REPORT: complete records of Amazon's schema, percentages 0-100."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from ..business import Account
from ..truth import AsinDay, Truth, known_share

Known = list[tuple[AsinDay, float]]


def sales_and_traffic(
    truth: Truth, account: Account, first: date, last: date, options: dict[str, str], today: date
) -> dict[str, Any]:
    """The report for first..last as Amazon knows it on `today`; days it has not counted are absent."""
    by_date = options.get("dateGranularity", "DAY")
    by_asin = options.get("asinGranularity", "PARENT")
    first, last = _expand(first, last, by_date)
    days: dict[date, Known] = {}
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        share = known_share((today - day).days)
        if share:
            days[day] = [(item, share) for item in truth.asins(account.key, day)]
    periods: dict[date, Known] = defaultdict(list)
    for day, items in days.items():
        periods[_period(day, by_date)] += items
    return {
        "reportSpecification": {
            "reportType": "GET_SALES_AND_TRAFFIC_REPORT",
            "reportOptions": {"dateGranularity": by_date, "asinGranularity": by_asin},
            "dataStartTime": first.isoformat(),
            "dataEndTime": last.isoformat(),
            "marketplaceIds": [account.marketplace_id],
        },
        "salesAndTrafficByDate": [_date_row(account, day, items) for day, items in sorted(periods.items()) if items],
        "salesAndTrafficByAsin": _asin_rows(account, by_asin, [item for items in days.values() for item in items]),
    }


def _expand(first: date, last: date, granularity: str) -> tuple[date, date]:
    """Amazon widens a request to whole weeks (Sunday to Saturday) or months."""
    if granularity == "WEEK":
        return first - timedelta(days=(first.weekday() + 1) % 7), last + timedelta(days=(5 - last.weekday()) % 7)
    if granularity == "MONTH":
        following = (last.replace(day=28) + timedelta(days=4)).replace(day=1)
        return first.replace(day=1), following - timedelta(days=1)
    return first, last


def _period(day: date, granularity: str) -> date:
    return _expand(day, day, granularity)[0]


def _money(account: Account, amount: float) -> dict[str, Any]:
    return {"amount": round(amount, account.digits), "currencyCode": account.currency}


def _percent(part: float, whole: float) -> float:
    return round(part / whole * 100, 2) if whole else 0.0


class _Sums:
    def __init__(self, items: Iterable[tuple[AsinDay, float]]) -> None:
        self.sessions = self.views = self.units = self.refunded = self.items = 0
        self.b2b_units = 0
        self.sales = self.won = self.b2b_sales = 0.0
        for item, share in items:
            units = int(item.units * share)
            views = int(item.page_views * share)
            self.sessions += int(item.sessions * share)
            self.views += views
            self.units += units
            self.items += units - units // 12
            self.b2b_units += units // 9
            self.b2b_sales += units // 9 * item.sku.price
            self.refunded += item.refunded if share > 0.9 else 0
            self.sales += units * item.sku.price
            self.won += views * item.buy_box

    def mobile(self, count: int) -> int:
        return count * 3 // 5


def _date_row(account: Account, day: date, items: Known) -> dict[str, Any]:
    s = _Sums(items)
    orders = s.items - s.items // 20
    browser = s.sessions - s.mobile(s.sessions)
    return {
        "date": day.isoformat(),
        "salesByDate": {
            "orderedProductSales": _money(account, s.sales),
            "orderedProductSalesB2B": _money(account, s.b2b_sales),
            "unitsOrdered": s.units,
            "unitsOrderedB2B": s.b2b_units,
            "totalOrderItems": s.items,
            "averageSalesPerOrderItem": _money(account, s.sales / s.items if s.items else 0),
            "averageUnitsPerOrderItem": round(s.units / s.items, 2) if s.items else 0.0,
            "averageSellingPrice": _money(account, s.sales / s.units if s.units else 0),
            "unitsRefunded": s.refunded,
            "refundRate": _percent(s.refunded, s.units),
            "claimsGranted": s.units // 900,
            "claimsAmount": _money(account, s.units // 900 * account.price),
            "shippedProductSales": _money(account, s.sales * 0.98),
            "unitsShipped": s.units - s.units // 50,
            "ordersShipped": orders - orders // 50,
        },
        "trafficByDate": {
            "browserPageViews": s.views - s.mobile(s.views),
            "mobileAppPageViews": s.mobile(s.views),
            "pageViews": s.views,
            "browserSessions": browser,
            "mobileAppSessions": s.mobile(s.sessions),
            "sessions": s.sessions,
            "buyBoxPercentage": _percent(s.won, s.views),
            "orderItemSessionPercentage": _percent(s.items, s.sessions),
            "unitSessionPercentage": _percent(s.units, s.sessions),
            "averageOfferCount": len({item.sku.sku for item, _share in items}),
            "averageParentItems": len({item.sku.parent_asin for item, _share in items}),
            "feedbackReceived": s.units // 60,
            "negativeFeedbackReceived": s.units // 900,
            "receivedNegativeFeedbackRate": _percent(s.units // 900, s.units // 60),
        },
    }


def _asin_rows(account: Account, granularity: str, items: Known) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], Known] = defaultdict(list)
    for item, share in items:
        sku = item.sku
        key = {"PARENT": (sku.parent_asin,), "CHILD": (sku.parent_asin, sku.asin)}.get(
            granularity, (sku.parent_asin, sku.asin, sku.sku)
        )
        groups[key].append((item, share))
    whole = _Sums(items)
    rows = []
    for key, group in groups.items():
        s = _Sums(group)
        if not s.sessions and not s.units:
            continue
        mobile_sessions, mobile_views = s.mobile(s.sessions), s.mobile(s.views)
        rows.append(
            {
                **dict(zip(("parentAsin", "childAsin", "sku"), key, strict=False)),
                "salesByAsin": {
                    "unitsOrdered": s.units,
                    "unitsOrderedB2B": s.b2b_units,
                    "orderedProductSales": _money(account, s.sales),
                    "orderedProductSalesB2B": _money(account, s.b2b_sales),
                    "totalOrderItems": s.items,
                },
                "trafficByAsin": {
                    "browserSessions": s.sessions - mobile_sessions,
                    "mobileAppSessions": mobile_sessions,
                    "sessions": s.sessions,
                    "browserSessionPercentage": _percent(s.sessions, whole.sessions),
                    "mobileAppSessionPercentage": _percent(s.sessions, whole.sessions),
                    "sessionPercentage": _percent(s.sessions, whole.sessions),
                    "browserPageViews": s.views - mobile_views,
                    "mobileAppPageViews": mobile_views,
                    "pageViews": s.views,
                    "browserPageViewsPercentage": _percent(s.views, whole.views),
                    "mobileAppPageViewsPercentage": _percent(s.views, whole.views),
                    "pageViewsPercentage": _percent(s.views, whole.views),
                    "buyBoxPercentage": _percent(s.won, s.views),
                    "unitSessionPercentage": _percent(s.units, s.sessions),
                },
            }
        )
    return rows
