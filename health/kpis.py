"""Measures and KPIs of account health: Amazon's own counts, held against Amazon's own targets.

Each rate of the performance report is five measures: what was counted, of how many, Amazon's own rate
(rounded, and not always of the same counts), its target, and the days it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from opsboard.kpis.registry import Kpi, Limit, Measure, Orders, Unit, Window, register_kpis, register_measures

from . import playbooks
from .models import Feedback, MetricDay
from .reports import COUNTERS

if TYPE_CHECKING:
    from opsboard.kpis.registry import Label

PAGE = "Performance > Account Health"
HELP = gettext_noop("Seller Central, Account Health")
HANDBOOK = gettext_noop("Operators' handbook")
SINCE = date(2015, 1, 1)


def _measure(key: str, label: Label, unit: Unit, sql: str) -> Measure:
    return Measure(f"health.{key}", label, unit, "performance", MetricDay, sql, 0)


def _counts(name: str, numerator: Label, denominator: Label) -> None:
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


def _orders(name: str, more: Callable[[int], str]) -> Orders:
    return Orders(more, days=f"health.{name}_days", lag=f"health.{name}_lag")


def _defects(n: int) -> str:
    return ngettext("%(n)s more order with a defect", "%(n)s more orders with a defect", n) % {"n": n}


def _late(n: int) -> str:
    return ngettext("%(n)s more late order", "%(n)s more late orders", n) % {"n": n}


def _cancelled(n: int) -> str:
    return ngettext("%(n)s more cancelled order", "%(n)s more cancelled orders", n) % {"n": n}


def _untracked(n: int) -> str:
    words = ngettext("%(n)s more package without valid tracking", "%(n)s more packages without valid tracking", n)
    return words % {"n": n}


def _late_units(n: int) -> str:
    return ngettext("%(n)s more late delivery", "%(n)s more late deliveries", n) % {"n": n}


def _invoices(n: int) -> str:
    return ngettext("%(n)s more missing or late invoice", "%(n)s more missing or late invoices", n) % {"n": n}


def _negative(n: int) -> str:
    return ngettext("%(n)s more negative rating", "%(n)s more negative ratings", n) % {"n": n}


def _rate(
    key: str,
    label: Label,
    limits: tuple[Limit, ...],
    *,
    meaning: Label,
    formula: Label,
    amazon_name: str,
    more: Callable[[int], str],
    next_step: Label,
    lower: bool = False,
    defects: bool = False,
) -> Kpi:
    """A rate of the performance report, judged by Amazon's counts against Amazon's target."""
    return Kpi(
        key=key,
        label=label,
        unit=Unit.RATE,
        numerator=f"health.{key}",
        denominator=f"health.{key}_of",
        target=f"health.{key}_target",
        target_side="low" if lower else "high",
        counterpart=f"health.{key}_stated",
        window=Window.LATEST,
        days=3,
        domain="health",
        rows=("health:metric", key),
        direction=1 if lower else -1,
        limits=limits,
        strict=True,
        orders=_orders(key, more),
        meaning=meaning,
        formula=formula,
        amazon_name=amazon_name,
        amazon_page=PAGE,
        evidence=playbooks.defect_parts if defects else playbooks.all_rates,
        next_step=next_step,
    )


def _part(channel: str, part: str, label: Label, counted: Label, orders: Label, amazon_name: str) -> Kpi:
    """What one kind of defect adds to the order defect rate; Amazon sets a limit for their sum only."""
    name = f"odr_{channel}_{part}"
    _counts(name, counted, orders)
    return Kpi(
        key=name,
        label=label,
        unit=Unit.RATE,
        numerator=f"health.{name}",
        denominator=f"health.{name}_of",
        window=Window.LATEST,
        days=3,
        domain="health",
        direction=-1,
        meaning=_("One of the three parts of the order defect rate; an order with two defects counts once there."),
        formula=_("Orders with this defect ÷ orders, by order date"),
        amazon_name=amazon_name,
        amazon_page=f"{PAGE} > Order Defect Rate",
        evidence=playbooks.defect_parts,
    )


_FBM, _FBA = _("Orders (seller-fulfilled)"), _("Orders (FBA)")
_counts("odr_afn", _("Orders with defects (FBA)"), _FBA)
_counts("odr_mfn", _("Orders with defects (seller-fulfilled)"), _FBM)
_counts("late_shipment", _("Orders shipped late"), _("Seller-fulfilled orders, 30 days"))
_counts("cancellation", _("Orders cancelled by the seller"), _("Orders, 7 days"))
_counts("valid_tracking", _("Packages with valid tracking"), _("Packages"))
_counts("on_time_delivery", _("Packages delivered on time"), _("Packages with valid tracking"))
_counts("unit_on_time_delivery", _("Units delivered on time"), _("Tracked units"))
_counts("invoice_defect", _("Missing or late invoices"), _("Orders that need an invoice"))

#: Counts of the report that ask for something and are no violation.
_NO_VIOLATIONS = {"document_requests", "policy_warnings"}
_VIOLATIONS = ", ".join(f"'{name}'" for name in COUNTERS if name not in _NO_VIOLATIONS)
_RATING = "max(numerator) FILTER (WHERE metric = 'account_health_rating')"

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

_ODR = (Limit(SINCE, HELP, high=Decimal("0.01"), warn_high=Decimal("0.008")),)
register_kpis(
    _rate(
        "odr_mfn",
        _("ODR, seller-fulfilled"),
        _ODR,
        meaning=_("Order defect rate: orders with negative feedback, an A-to-z claim or a chargeback."),
        formula=_("Orders with a defect ÷ orders, by order date, 60 days, seller-fulfilled"),
        amazon_name="Order Defect Rate",
        more=_defects,
        next_step=_("Answer the claims first, then ask for removal of feedback that breaks Amazon's rules."),
        defects=True,
    ),
    _rate(
        "odr_afn",
        _("ODR, FBA"),
        _ODR,
        meaning=_("Order defect rate of orders that Amazon fulfilled."),
        formula=_("Orders with a defect ÷ orders, by order date, 60 days, FBA"),
        amazon_name="Order Defect Rate",
        more=_defects,
        next_step=_("Most FBA feedback about delivery can be struck: ask Amazon to remove it."),
        defects=True,
    ),
    _rate(
        "late_shipment",
        _("Late shipment rate"),
        (Limit(SINCE, HELP, high=Decimal("0.04"), warn_high=Decimal("0.03")),),
        meaning=_("Orders confirmed as shipped after the expected ship date."),
        formula=_("Orders shipped late ÷ seller-fulfilled orders, 30 days"),
        amazon_name="Late Shipment Rate",
        more=_late,
        next_step=_("Ship today's orders by their ship-by date; raise the handling time if you cannot."),
    ),
    _rate(
        "valid_tracking",
        _("Valid tracking rate"),
        (Limit(SINCE, HELP, low=Decimal("0.95"), warn_low=Decimal("0.96")),),
        meaning=_("Packages with a tracking number that a carrier has scanned."),
        formula=_("Packages with valid tracking ÷ packages shipped and confirmed, 30 days"),
        amazon_name="Valid Tracking Rate",
        more=_untracked,
        next_step=_("Correct the missing tracking numbers within 72 hours of shipping."),
        lower=True,
    ),
    _rate(
        "cancellation",
        _("Pre-fulfilment cancel rate"),
        (Limit(SINCE, HELP, high=Decimal("0.025"), warn_high=Decimal("0.02")),),
        meaning=_("Orders the seller cancelled before shipping; buyers' own cancellations do not count."),
        formula=_("Orders cancelled by the seller ÷ seller-fulfilled orders, 7 days"),
        amazon_name="Pre-fulfilment Cancel Rate",
        more=_cancelled,
        next_step=_("Correct the stock of the SKUs you cancelled, or close them."),
    ),
    _rate(
        "on_time_delivery",
        _("On-time delivery rate"),
        (
            # Before, 97 % was asked for and nothing followed: a wish, which Amazon's older help still has.
            Limit(
                SINCE,
                gettext_noop("Seller Central's older help; nothing followed from it"),
                low=Decimal("0.97"),
                severity="warn",
            ),
            Limit(
                date(2024, 9, 25),
                gettext_noop("Seller Central, since 25 September 2024 as reported by third parties"),
                low=Decimal("0.90"),
                warn_low=Decimal("0.95"),
            ),
        ),
        meaning=_("Packages that arrived by the day the seller promised, of those with valid tracking."),
        formula=_("Packages delivered by the promised day ÷ packages with valid tracking, 14 days, a week behind"),
        amazon_name="On-Time Delivery Rate",
        more=_late_units,
        next_step=_("Promise longer transit times for the regions that are late, or ship with a faster service."),
        lower=True,
    ),
    _rate(
        "unit_on_time_delivery",
        _("Unit on-time delivery rate"),
        (
            Limit(
                date(2024, 9, 25),
                gettext_noop("Seller Central, since 25 September 2024 as reported by third parties"),
                low=Decimal("0.90"),
                warn_low=Decimal("0.95"),
            ),
        ),
        meaning=_("Units that arrived by the promised day, counted unit by unit."),
        formula=_("Units delivered by the promised day ÷ tracked units, 14 days, a week behind"),
        amazon_name="Unit On-Time Delivery Rate",
        more=_late_units,
        next_step=_("Promise longer transit times for the regions that are late, or ship with a faster service."),
        lower=True,
    ),
    _rate(
        "invoice_defect",
        _("Invoice defect rate"),
        (Limit(SINCE, HELP, high=Decimal("0.05"), warn_high=Decimal("0.04")),),
        meaning=_("Business orders whose invoice was missing or uploaded too late."),
        formula=_("Orders with a missing or late invoice ÷ orders, 7 days"),
        amazon_name="Invoice Defect Rate",
        more=_invoices,
        next_step=_("Upload the missing invoices, or let Amazon's VAT service make them."),
    ),
    *(
        _part(channel, part, label, counted, orders, amazon_name)
        for channel, orders, parts in (
            (
                "mfn",
                _FBM,
                (
                    ("negative_feedback", _("Negative feedback rate, seller-fulfilled"), "Negative feedback"),
                    ("claims", _("A-to-z claim rate, seller-fulfilled"), "A-to-z Guarantee claims"),
                    ("chargebacks", _("Chargeback rate, seller-fulfilled"), "Chargeback claims"),
                ),
            ),
            (
                "afn",
                _FBA,
                (
                    ("negative_feedback", _("Negative feedback rate, FBA"), "Negative feedback"),
                    ("claims", _("A-to-z claim rate, FBA"), "A-to-z Guarantee claims"),
                    ("chargebacks", _("Chargeback rate, FBA"), "Chargeback claims"),
                ),
            ),
        )
        for part, label, amazon_name in parts
        for counted in (_("Orders with this defect"),)
    ),
    Kpi(
        key="negative_feedback",
        label=_("Negative feedback"),
        unit=Unit.COUNT,
        numerator="health.negative_feedback",
        domain="health",
        direction=-1,
        limits=(Limit(SINCE, HANDBOOK, high=Decimal(3), severity="warn"),),
        orders=Orders(_negative),
        meaning=_("Ratings of the seller with one or two stars. Amazon limits them only through the ODR."),
        formula=_("Number of ratings with one or two stars, by the day they were given"),
        amazon_name="Negative feedback",
        amazon_page="Performance > Feedback",
        next_step=_("Answer each of them, and ask Amazon to remove what breaks its rules."),
    ),
    Kpi(
        key="account_rating",
        label=_("Account health rating"),
        unit=Unit.SCORE,
        numerator="health.rating",
        window=Window.LATEST,
        days=3,
        domain="health",
        rows=("health:metric", "account_health_rating"),
        direction=1,
        limits=(
            Limit(
                date(2022, 7, 21),
                gettext_noop("Amazon's announcement of the rating, as reported by third parties"),
                low=Decimal(200),
                warn_low=Decimal(250),
            ),
        ),
        meaning=_("From 0 to 1000: violations take points away, orders give some back. Under 200 is at risk."),
        formula=_("As stated by Amazon; some reports give its word only and no score"),
        amazon_name="Account Health Rating",
        amazon_page=PAGE,
        evidence=playbooks.all_rates,
        next_step=_("Appeal or acknowledge the violations with the most severe mark first."),
    ),
    Kpi(
        key="policy_violations",
        label=_("Policy violations"),
        unit=Unit.COUNT,
        numerator="health.violations",
        window=Window.LATEST,
        days=3,
        domain="health",
        rows=("health:index#policy-title",),
        direction=-1,
        limits=(Limit(SINCE, HELP, high=Decimal(0), severity="warn"),),
        meaning=_("What stands open on the Account Health page: listing policy, property and safety complaints."),
        formula=_("Sum of the counts of all kinds of violations in the performance report"),
        amazon_name="Policy Compliance",
        amazon_page=PAGE,
        next_step=_("Open each on Amazon's page: most are closed by an invoice or by deleting the listing."),
    ),
)
