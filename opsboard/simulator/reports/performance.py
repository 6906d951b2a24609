"""GET_V2_SELLER_PERFORMANCE_REPORT: in the spelling of Amazon's schema, with ahrScore as seen in the wild."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ..business import Account
from ..truth import Rate, Truth

_COUNTERS = (
    "listingPolicyViolations",
    "productAuthenticityCustomerComplaints",
    "productConditionCustomerComplaints",
    "productSafetyCustomerComplaints",
    "receivedIntellectualPropertyComplaints",
    "restrictedProductPolicyViolations",
    "suspectedIntellectualPropertyViolations",
    "foodAndProductSafetyIssues",
    "otherPolicyViolations",
    "documentRequests",
)


def performance(truth: Truth, account: Account, today: date) -> dict[str, Any]:
    h = truth.health(account.key, today)
    block: dict[str, Any] = {
        "marketplaceId": account.marketplace_id,
        "orderDefectRate": {
            "afn": _defects(h.odr_afn, "afn", h.odr_afn.count, 0, today),
            "mfn": _defects(h.odr_mfn, "mfn", h.negative_mfn, h.claims_mfn, today),
        },
        "lateShipmentRate": _rate(h.late, "orderCount", "lateShipmentCount", 0.04, today, 30),
        "preFulfillmentCancellationRate": _rate(h.cancelled, "orderCount", "cancellationCount", 0.025, today, 7),
        "validTrackingRate": _rate(h.tracked, "shipmentCount", "validTrackingCount", 0.95, today, 30, above=True),
        "onTimeDeliveryRate": _rate(
            h.on_time, "shipmentCountWithValidTracking", "onTimeDeliveryCount", 0.9, today, 30, above=True
        ),
        "unitOnTimeDeliveryRate": _rate(
            h.on_time, "totalUnitCount", "unitOnTimeDeliveryCount", 0.9, today, 30, above=True
        ),
        "invoiceDefectRate": {
            **_window(today, 7),
            "orderCount": h.cancelled.of,
            "invoiceDefect": {"count": 3, "status": "GOOD"},
            "missingInvoice": {"count": 2, "status": "NONE"},
            "lateInvoice": {"count": 1, "status": "NONE"},
            "status": "GOOD",
            "rate": round(3 / h.cancelled.of, 6),
            "targetValue": 0.05,
            "targetCondition": "LESS_THAN",
        },
        "accountHealthRating": {
            **_window(today, 180),
            "ahrStatus": "GREAT",
            "accountHealthRatingStatus": "GREAT",
            "ahrScore": 312 if account.key != "EU" else 236,
        },
        "warningStates": [],
    }
    for name in _COUNTERS:
        count = 1 if name == "listingPolicyViolations" and account.key == "EU" else 0
        block[name] = {
            **_window(today, 180),
            "defectsCount": count,
            "status": "BAD" if count else "GOOD",
            "targetValue": 0,
            "targetCondition": "EQUALS",
        }
    return {
        "accountStatuses": [{"marketplaceId": account.marketplace_id, "status": "NORMAL"}],
        "performanceMetrics": [block],
    }


def _window(today: date, days: int) -> dict[str, Any]:
    first = today - timedelta(days=days)
    return {
        "reportingDateRange": {
            "reportingDateFrom": f"{first}T00:00:00Z",
            "reportingDateTo": f"{today - timedelta(days=1)}T23:59:59Z",
        }
    }


def _rate(
    rate: Rate, of: str, count: str, target: float, today: date, days: int, *, above: bool = False
) -> dict[str, Any]:
    good = rate.value > target if above else rate.value < target
    return {
        **_window(today, days),
        of: rate.of,
        count: rate.count,
        "status": "GOOD" if good else "BAD",
        "rate": round(rate.value, 6),
        "targetValue": target,
        "targetCondition": "GREATER_THAN" if above else "LESS_THAN",
    }


def _defects(rate: Rate, channel: str, negative: int, claims: int, today: date) -> dict[str, Any]:
    status = "GOOD" if rate.value < 0.01 else "BAD"
    return {
        **_window(today, 60),
        "orderCount": rate.of,
        "orderWithDefects": {"count": rate.count, "status": status},
        "claims": {"count": claims, "status": "NONE"},
        "chargebacks": {"count": 0, "status": "NONE"},
        "negativeFeedback": {"count": negative, "status": "NONE"},
        "fulfillmentType": channel,
        "status": status,
        "rate": round(rate.value, 6),
        "targetValue": 0.01,
        "targetCondition": "LESS_THAN",
    }
