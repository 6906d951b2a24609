"""KPIs of account health: Amazon's own counts, held against Amazon's own targets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from opsboard.kpis.registry import Kpi, Limit, Orders, Unit, Window, register_kpis

from . import measures, playbooks  # noqa: F401 - measures are declared by being imported

if TYPE_CHECKING:
    from opsboard.kpis.registry import Label

PAGE = "Performance > Account Health"
HELP = gettext_noop("Seller Central, Account Health")
HANDBOOK = gettext_noop("Operators' handbook")
SINCE = date(2015, 1, 1)


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


def _part(channel: str, part: str, label: Label, amazon_name: str) -> Kpi:
    """What one kind of defect adds to the order defect rate; Amazon sets a limit for their sum only."""
    name = f"odr_{channel}_{part}"
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
    _part("mfn", "negative_feedback", _("Negative feedback rate, seller-fulfilled"), "Negative feedback"),
    _part("mfn", "claims", _("A-to-z claim rate, seller-fulfilled"), "A-to-z Guarantee claims"),
    _part("mfn", "chargebacks", _("Chargeback rate, seller-fulfilled"), "Chargeback claims"),
    _part("afn", "negative_feedback", _("Negative feedback rate, FBA"), "Negative feedback"),
    _part("afn", "claims", _("A-to-z claim rate, FBA"), "A-to-z Guarantee claims"),
    _part("afn", "chargebacks", _("Chargeback rate, FBA"), "Chargeback claims"),
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
