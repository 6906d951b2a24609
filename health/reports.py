"""The seller performance report: every metric of the Account Health page, with its target.

Amazon's schema (accountHealthReport-2020-11-18) and its own example spell several keys
differently; both spellings are read. Rates are fractions there, as here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import MetricDay

#: metric -> (spellings in the payload, numerator keys, denominator keys)
RATES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "late_shipment": (("lateShipmentRate", "lateShipmentRateList"), ("lateShipmentCount",), ("orderCount",)),
    "cancellation": (
        ("preFulfillmentCancellationRate", "prefulfillmentCancelRate"),
        ("cancellationCount",),
        ("orderCount",),
    ),
    "valid_tracking": (("validTrackingRate",), ("validTrackingCount",), ("shipmentCount",)),
    "on_time_delivery": (("onTimeDeliveryRate",), ("onTimeDeliveryCount",), ("shipmentCountWithValidTracking",)),
    "unit_on_time_delivery": (("unitOnTimeDeliveryRate",), ("unitOnTimeDeliveryCount",), ("totalUnitCount",)),
    "invoice_defect": (("invoiceDefectRate",), ("invoiceDefect.count",), ("orderCount",)),
}
DEFECT_PARTS = {"negative_feedback": "negativeFeedback", "claims": "claims", "chargebacks": "chargebacks"}
COUNTERS: dict[str, tuple[str, ...]] = {
    "listing_policy": ("listingPolicyViolations",),
    "authenticity": ("productAuthenticityCustomerComplaints",),
    "condition": ("productConditionCustomerComplaints",),
    "safety": ("productSafetyCustomerComplaints",),
    "ip_received": ("receivedIntellectualPropertyComplaints",),
    "ip_suspected": ("suspectedIntellectualPropertyViolations",),
    "restricted_product": ("restrictedProductPolicyViolations",),
    "food_safety": ("foodAndProductSafetyIssues",),
    "other_policy": ("otherPolicyViolations",),
    "document_requests": ("documentRequests", "documentRequest"),
    # In neither Amazon's schema nor its example; seen by those who read real reports.
    "review_policy": ("customerProductReviewsPolicyViolations",),
    "policy_warnings": ("policyViolationWarnings",),
}
#: Before the name of a warning (spammingSellerMessaging), which is a metric of its own.
WARNING, LONGEST_METRIC = "warning_", 40
METRICS = ("odr_afn", "odr_mfn", *RATES, "account_health_rating", "account_status", *COUNTERS)


def performance_rows(document: Any) -> Iterator[dict[str, Any]]:
    """One flat row a metric and marketplace; BadDocument when it is not a performance report."""
    if not isinstance(document, dict) or not isinstance(document.get("performanceMetrics"), list):
        raise BadDocument(
            _("The part “performanceMetrics” is missing"),
            todo=_("Check that this is a seller performance report; nothing was changed."),
        )
    for account in _objects(document, "accountStatuses"):
        yield _row(account.get("marketplaceId"), "account_status", status=account.get("status") or "")
    for block in _objects(document, "performanceMetrics"):
        market = block.get("marketplaceId")
        defect: Any = block.get("orderDefectRate")
        if not isinstance(defect, dict):
            defect = {}
        for channel in ("afn", "mfn"):
            if isinstance(part := defect.get(channel), dict):
                yield from _order_defects(market, channel, part)
        for metric, (names, numerators, denominators) in RATES.items():
            if isinstance(part := _first(block, names), dict):
                yield _row(market, metric, part, _at(part, numerators), _at(part, denominators), part.get("rate"))
        for metric, names in COUNTERS.items():
            if isinstance(part := _first(block, names), dict):
                yield _row(market, metric, part, _at(part, ("defectsCount", "warningsCount")))
        yield from _warnings(market, _first(block, ("warningStates", "warningState")))
        if isinstance(part := block.get("accountHealthRating"), dict):
            status = part.get("ahrStatus") or part.get("accountHealthRatingStatus") or ""
            yield _row(market, "account_health_rating", {**part, "status": status}, part.get("ahrScore"))


def _warnings(market: str | None, found: Any) -> Iterator[dict[str, Any]]:
    """A row a warning Amazon has given: objects in its schema, bare names in some real reports."""
    for warning in found if isinstance(found, list) else []:
        name: Any = warning
        status: Any = ""
        if isinstance(warning, dict):
            name, status = warning.get("warningType"), warning.get("status")
        if isinstance(name, str) and name:
            yield _row(market, f"{WARNING}{name}"[:LONGEST_METRIC], status=status or "")


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list of the document; BadDocument names the first entry that is something else."""
    found = document.get(name) or []
    if not isinstance(found, list):
        found = [found]
    for number, entry in enumerate(found, start=1):
        if not isinstance(entry, dict):
            raise BadDocument(
                _("Entry %(number)d of “%(name)s” is not an object") % {"number": number, "name": name},
                todo=_("Check that this is a seller performance report; nothing was changed."),
            )
    return found


def _order_defects(market: str | None, channel: str, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    orders = part.get("orderCount")
    yield _row(market, f"odr_{channel}", part, _at(part, ("orderWithDefects.count",)), orders, part.get("rate"))
    for metric, key in DEFECT_PARTS.items():
        if isinstance(detail := part.get(key), dict):
            yield _row(market, f"odr_{channel}_{metric}", {**detail, **_window(part)}, detail.get("count"), orders)


def _row(
    market: str | None,
    metric: str,
    part: dict[str, Any] | None = None,
    numerator: Any = None,
    denominator: Any = None,
    rate: Any = None,
    status: str = "",
) -> dict[str, Any]:
    part = part or {}
    window: Any = part.get("reportingDateRange")
    if not isinstance(window, dict):
        window = {}
    return {
        "marketplaceId": market,
        "metric": metric,
        "numerator": numerator,
        "denominator": denominator,
        "rate": rate,
        "status": part.get("status") or status,
        "target": part.get("targetValue"),
        "target_condition": part.get("targetCondition") or "",
        "window_start": _day(window, "reportingDateFrom"),
        "window_end": _day(window, "reportingDateTo"),
    }


def _window(part: dict[str, Any]) -> dict[str, Any]:
    return {"reportingDateRange": part.get("reportingDateRange")}


def _day(window: dict[str, Any], key: str) -> str | None:
    value = window.get(key)
    return str(value)[:10] if value else None


def _first(block: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((block[name] for name in names if block.get(name) is not None), None)


def _at(part: dict[str, Any], paths: tuple[str, ...]) -> Any:
    for path in paths:
        value: Any = part
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


PERFORMANCE = Dataset(
    key="performance",
    label=gettext_lazy("Account health"),
    model=MetricDay,
    scope=Scope.DAY,
    rows=performance_rows,
    lag_days=0,
    mature_days=0,
    columns=(
        Column("metric", Kind.TEXT, ("metric",), required=True),
        Column("numerator", Kind.INTEGER, ("numerator",)),
        Column("denominator", Kind.INTEGER, ("denominator",)),
        Column("rate", Kind.RATE, ("rate",), high=1),
        Column("status", Kind.TEXT, ("status",), default=""),
        Column("target", Kind.RATE, ("target",)),
        Column("target_condition", Kind.TEXT, ("target_condition",), default=""),
        Column("window_start", Kind.DATE, ("window_start",)),
        Column("window_end", Kind.DATE, ("window_end",)),
    ),
)

register(
    ReportSpec(
        key="performance",
        label=gettext_lazy("Seller performance"),
        report_type="GET_V2_SELLER_PERFORMANCE_REPORT",
        reusable_minutes=60,
        api="sp",
        format="json",
        datasets=(PERFORMANCE,),
        every_hours=12,
        history=False,
        source_page="Performance > Account Health",
    ),
)

from . import reports_voice  # noqa: E402, F401 - declares what buyers say and send back
