"""The read side of Health: Amazon's own figures as it last stated them, and one metric's days."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsboard.ui.entities import rows
from opsboard.ui.tables import Column, Table

#: Metrics by their stored names, in the order of Amazon's page; the first group are rates, the second counters.
RATES: dict[str, str | Promise] = {
    "odr_mfn": _("Order defect rate, seller-fulfilled"),
    "odr_afn": _("Order defect rate, FBA"),
    "late_shipment": _("Late shipment rate"),
    "cancellation": _("Pre-fulfilment cancel rate"),
    "valid_tracking": _("Valid tracking rate"),
    "on_time_delivery": _("On-time delivery rate"),
    "unit_on_time_delivery": _("Unit on-time delivery rate"),
    "invoice_defect": _("Invoice defect rate"),
}
COUNTERS: dict[str, str | Promise] = {
    "listing_policy": _("Listing policy violations"),
    "authenticity": _("Product authenticity complaints"),
    "condition": _("Product condition complaints"),
    "safety": _("Product safety complaints"),
    "ip_received": _("Received intellectual property complaints"),
    "ip_suspected": _("Suspected intellectual property violations"),
    "restricted_product": _("Restricted product violations"),
    "food_safety": _("Food and product safety issues"),
    "other_policy": _("Other policy violations"),
    "document_requests": _("Document requests"),
    "review_policy": _("Customer product review violations"),
    "policy_warnings": _("Policy warnings"),
}
NAMES: dict[str, str | Promise] = {
    **RATES,
    **COUNTERS,
    "account_health_rating": _("Account health rating"),
    "account_status": _("Account status"),
}

# Leans on coverage_once (account, marketplace, dataset, date), read backwards.
_NEWEST = """
    SELECT date FROM feeds_coverage
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND dataset = 'performance'
       AND date <= %(snapshot_last)s
     ORDER BY date DESC LIMIT 1
"""

# Leans on the primary key (account, marketplace, date, metric): the rows of one day.
_METRICS = """
    SELECT metric AS key, metric, numerator, denominator,
           coalesce(rate, numerator::numeric / nullif(denominator, 0)) AS rate,
           target, target_condition, status, window_start, window_end, document_id, line
      FROM health_metricday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date = %(day)s
"""

METRICS = Table(
    name="metrics",
    title=_("Account health"),
    rows_sql=_METRICS,
    sums=(),
    texts=("target_condition",),
    columns=(
        Column("metric", _("Metric"), "text", "metric"),
        Column("rate", _("Rate"), "rate", total=False),
        Column("numerator", _("Count"), "count", total=False),
        Column("denominator", _("Of"), "count", total=False),
        Column("target", _("Amazon's target"), "number", total=False),
        Column("status", _("Amazon says"), "text", "status"),
        Column("window_start", _("From"), "text", "window_start::text"),
        Column("window_end", _("To"), "text", "window_end::text"),
    ),
    sort="metric",
)

# Leans on the primary key: one range of days, filtered by metric (some twenty rows a day).
_METRIC_DAYS = """
    SELECT date, numerator, denominator, coalesce(rate, numerator::numeric / nullif(denominator, 0)) AS rate, target,
           status, document_id, line
      FROM health_metricday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND metric = %(metric)s
       AND date BETWEEN %(first)s AND %(snapshot_last)s
     ORDER BY date DESC
"""


def newest_day(params: dict[str, Any]) -> date | None:
    return next((row["date"] for row in rows(_NEWEST, params)), None)


def metrics(params: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every metric of the newest performance report of the period, by name."""
    return {row["metric"]: row for row in rows(_METRICS, params)}


def metric_days(params: dict[str, Any], metric: str) -> list[dict[str, Any]]:
    return rows(_METRIC_DAYS, {**params, "metric": metric})
