"""Measures and KPIs of account health: Amazon's own counts, held against Amazon's own targets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from opsboard.kpis.registry import Kpi, Limit, Measure, Unit, Window, register_kpis, register_measures

from . import playbooks
from .models import MetricDay

PAGE = "Performance > Account Health"
HELP = gettext_noop("Seller Central, Account Health")


def _metric(name: str, label: object, numerator: object, denominator: object) -> None:
    """The three measures of one rate of the performance report."""
    only = f"FILTER (WHERE metric = '{name}')"
    register_measures(
        Measure(f"health.{name}", numerator, Unit.COUNT, "performance", MetricDay, f"sum(numerator) {only}", 0),  # type: ignore[arg-type]
        Measure(f"health.{name}_of", denominator, Unit.COUNT, "performance", MetricDay, f"sum(denominator) {only}", 0),  # type: ignore[arg-type]
        Measure(f"health.{name}_target", label, Unit.RATE, "performance", MetricDay, f"max(target) {only}", 0),  # type: ignore[arg-type]
    )


_metric("odr_afn", _("ODR target"), _("Orders with defects (FBA)"), _("Orders (FBA)"))
_metric("odr_mfn", _("ODR target"), _("Orders with defects (seller-fulfilled)"), _("Orders (seller-fulfilled)"))
_metric("late_shipment", _("Late shipment target"), _("Orders shipped late"), _("Seller-fulfilled orders, 30 days"))
_metric("cancellation", _("Cancellation target"), _("Orders cancelled by the seller"), _("Orders, 7 days"))
_metric("valid_tracking", _("Valid tracking target"), _("Packages with valid tracking"), _("Packages"))

register_kpis(
    Kpi(
        key="odr_mfn",
        label=_("ODR, seller-fulfilled"),
        unit=Unit.RATE,
        numerator="health.odr_mfn",
        denominator="health.odr_mfn_of",
        target="health.odr_mfn_target",
        window=Window.LATEST,
        days=3,
        domain="health",
        direction=-1,
        limits=(Limit(date(2015, 1, 1), HELP, high=Decimal("0.01"), warn_high=Decimal("0.008")),),
        meaning=_("Order defect rate: orders with negative feedback, an A-to-z claim or a chargeback."),
        formula=_("Orders with a defect ÷ orders, by order date, 60 days, seller-fulfilled"),
        amazon_name="Order Defect Rate",
        amazon_page=PAGE,
        evidence=playbooks.defect_parts,
        next_step=_("Answer the claims first, then ask for removal of feedback that breaks Amazon's rules."),
    ),
    Kpi(
        key="odr_afn",
        label=_("ODR, FBA"),
        unit=Unit.RATE,
        numerator="health.odr_afn",
        denominator="health.odr_afn_of",
        target="health.odr_afn_target",
        window=Window.LATEST,
        days=3,
        domain="health",
        direction=-1,
        limits=(Limit(date(2015, 1, 1), HELP, high=Decimal("0.01"), warn_high=Decimal("0.008")),),
        meaning=_("Order defect rate of orders that Amazon fulfilled."),
        formula=_("Orders with a defect ÷ orders, by order date, 60 days, FBA"),
        amazon_name="Order Defect Rate",
        amazon_page=PAGE,
        evidence=playbooks.defect_parts,
        next_step=_("Most FBA feedback about delivery can be struck: ask Amazon to remove it."),
    ),
    Kpi(
        key="late_shipment",
        label=_("Late shipment rate"),
        unit=Unit.RATE,
        numerator="health.late_shipment",
        denominator="health.late_shipment_of",
        target="health.late_shipment_target",
        window=Window.LATEST,
        days=3,
        domain="health",
        direction=-1,
        limits=(Limit(date(2015, 1, 1), HELP, high=Decimal("0.04"), warn_high=Decimal("0.03")),),
        meaning=_("Orders confirmed as shipped after the expected ship date."),
        formula=_("Orders shipped late ÷ seller-fulfilled orders, 30 days"),
        amazon_name="Late Shipment Rate",
        amazon_page=PAGE,
        evidence=playbooks.all_rates,
        next_step=_("Ship today's orders by their ship-by date; raise the handling time if you cannot."),
    ),
    Kpi(
        key="valid_tracking",
        label=_("Valid tracking rate"),
        unit=Unit.RATE,
        numerator="health.valid_tracking",
        denominator="health.valid_tracking_of",
        target="health.valid_tracking_target",
        target_side="low",
        window=Window.LATEST,
        days=3,
        domain="health",
        direction=1,
        limits=(Limit(date(2015, 1, 1), HELP, low=Decimal("0.95"), warn_low=Decimal("0.96")),),
        meaning=_("Packages with a tracking number that a carrier has scanned."),
        formula=_("Packages with valid tracking ÷ packages shipped and confirmed, 30 days"),
        amazon_name="Valid Tracking Rate",
        amazon_page=PAGE,
        evidence=playbooks.all_rates,
        next_step=_("Correct the missing tracking numbers within 72 hours of shipping."),
    ),
    Kpi(
        key="cancellation",
        label=_("Pre-fulfilment cancel rate"),
        unit=Unit.RATE,
        numerator="health.cancellation",
        denominator="health.cancellation_of",
        target="health.cancellation_target",
        window=Window.LATEST,
        days=3,
        domain="health",
        direction=-1,
        limits=(Limit(date(2015, 1, 1), HELP, high=Decimal("0.025"), warn_high=Decimal("0.02")),),
        meaning=_("Orders the seller cancelled before shipping; buyers' own cancellations do not count."),
        formula=_("Orders cancelled by the seller ÷ seller-fulfilled orders, 7 days"),
        amazon_name="Pre-fulfilment Cancel Rate",
        amazon_page=PAGE,
        evidence=playbooks.all_rates,
        next_step=_("Correct the stock of the SKUs you cancelled, or close them."),
    ),
)
