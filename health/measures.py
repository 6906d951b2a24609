"""Measures of account health: what the performance report counts, and what buyers say.

Each rate of the report is six measures: what was counted, of how many, Amazon's own rate (rounded, and not always
of the same counts), its target, and the days it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from opsboard.kpis.registry import Measure, Unit, register_measures

from .models import Feedback, MetricDay
from .reports import COUNTERS, DEFECT_PARTS

if TYPE_CHECKING:
    from opsboard.kpis.registry import Label


def _measure(key: str, label: Label, unit: Unit, sql: str) -> Measure:
    return Measure(f"health.{key}", label, unit, "performance", MetricDay, sql, 0)


def _rate(name: str, numerator: Label, denominator: Label) -> None:
    """The measures of one rate of the performance report."""
    only = f"FILTER (WHERE metric = '{name}')"
    register_measures(
        _measure(name, numerator, Unit.COUNT, f"sum(numerator) {only}"),
        _measure(f"{name}_of", denominator, Unit.COUNT, f"sum(denominator) {only}"),
        _measure(f"{name}_stated", _("Amazon's own rate"), Unit.RATE, f"max(rate) {only}"),
        _measure(f"{name}_target", _("Amazon's target"), Unit.RATE, f"max(target) {only}"),
        _measure(f"{name}_days", _("Days Amazon counted"), Unit.DAYS, f"max(window_end - window_start + 1) {only}"),
        _measure(f"{name}_lag", _("Days Amazon lags behind"), Unit.DAYS, f"max(date - window_end) {only}"),
    )


_FBM, _FBA = _("Orders (seller-fulfilled)"), _("Orders (FBA)")
_rate("odr_afn", _("Orders with defects (FBA)"), _FBA)
_rate("odr_mfn", _("Orders with defects (seller-fulfilled)"), _FBM)
_rate("late_shipment", _("Orders shipped late"), _("Seller-fulfilled orders, 30 days"))
_rate("cancellation", _("Orders cancelled by the seller"), _("Orders, 7 days"))
_rate("valid_tracking", _("Packages with valid tracking"), _("Packages"))
_rate("on_time_delivery", _("Packages delivered on time"), _("Packages with valid tracking"))
_rate("unit_on_time_delivery", _("Units delivered on time"), _("Tracked units"))
_rate("invoice_defect", _("Missing or late invoices"), _("Orders that need an invoice"))

#: Counts of the report that ask for something and are no violation.
_NO_VIOLATIONS = {"document_requests", "policy_warnings"}
_VIOLATIONS = ", ".join(f"'{name}'" for name in COUNTERS if name not in _NO_VIOLATIONS)
_RATING = "max(numerator) FILTER (WHERE metric = 'account_health_rating')"

for _channel, _orders in (("mfn", _FBM), ("afn", _FBA)):
    for _part in DEFECT_PARTS:
        _rate(f"odr_{_channel}_{_part}", _("Orders with this defect"), _orders)

register_measures(
    _measure("rating", _("Account health rating"), Unit.SCORE, _RATING),
    _measure(
        "violations",
        _("Policy violations"),
        Unit.COUNT,
        f"sum(numerator) FILTER (WHERE metric IN ({_VIOLATIONS}))",
    ),
    Measure(
        "health.negative_feedback",
        _("Negative ratings"),
        Unit.COUNT,
        "seller_feedback",
        Feedback,
        "count(*) FILTER (WHERE rating <= 2)",
        0,
    ),
)
