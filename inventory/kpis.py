"""Measures and KPIs of FBA stock: cover, turnover, age; IPI is typed in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from opsboard.kpis.registry import Kpi, Limit, Measure, Unit, Window, register_kpis, register_measures

from . import playbooks
from .models import PlanningDay

PAGE = "Inventory > FBA Inventory > Inventory planning"
_AGED = "sum(age_181_270 + age_271_365 + age_over_365)"
_ALL_AGES = "sum(age_0_90 + age_91_180 + age_181_270 + age_271_365 + age_over_365)"

register_measures(
    Measure("inventory.available", _("Available units"), Unit.COUNT, "planning", PlanningDay, "sum(available)", 0),
    Measure("inventory.shipped_30", _("Shipped, 30 days"), Unit.COUNT, "planning", PlanningDay, "sum(shipped_30)", 0),
    Measure("inventory.shipped_90", _("Shipped, 90 days"), Unit.COUNT, "planning", PlanningDay, "sum(shipped_90)", 0),
    Measure("inventory.excess", _("Excess units"), Unit.COUNT, "planning", PlanningDay, "sum(excess)", 0),
    Measure("inventory.aged", _("Units older than 180 days"), Unit.COUNT, "planning", PlanningDay, _AGED, 0),
    Measure("inventory.aged_all", _("Units of any age"), Unit.COUNT, "planning", PlanningDay, _ALL_AGES, 0),
    Measure("inventory.ipi", _("IPI"), Unit.SCORE, "", None, "", 0),
)

register_kpis(
    Kpi(
        key="days_of_supply",
        label=_("Days of supply"),
        unit=Unit.DAYS,
        numerator="inventory.available",
        denominator="inventory.shipped_30",
        scale=Decimal(30),
        window=Window.LATEST,
        days=1,
        domain="inventory",
        direction=0,
        limits=(
            Limit(
                date(2024, 4, 1),
                gettext_noop(
                    "Amazon's low-inventory-level fee (28 days), as reported by third parties; excess: over 90 days"
                ),
                low=Decimal(28),
                warn_low=Decimal(35),
                warn_high=Decimal(90),
            ),
        ),
        meaning=_("How long the stock at Amazon lasts at the pace of the last 30 days."),
        formula=_("Available units ÷ units shipped in 30 days × 30"),
        amazon_name="Days of Supply",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_cover,
        next_step=_("Send in the SKUs below that sell and run out first."),
    ),
    Kpi(
        key="turnover",
        label=_("Inventory turnover"),
        unit=Unit.PER_YEAR,
        numerator="inventory.shipped_90",
        denominator="inventory.available",
        scale=Decimal(365) / Decimal(90),
        window=Window.AVERAGE_DENOMINATOR,
        days=90,
        domain="inventory",
        direction=0,
        limits=(
            Limit(
                date(2015, 1, 1),
                gettext_noop("Operators' handbook (4 to 6 a year)"),
                low=Decimal(4),
                warn_high=Decimal(6),
            ),
        ),
        meaning=_("How often a year the stock is sold, in units (the cost of goods is not known to Amazon)."),
        formula=_("Units shipped in 90 days × 365/90 ÷ average available units of the days held"),
        amazon_name="",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_age,
        next_step=_("Discount, bundle or remove the aged SKUs below before they cost a surcharge."),
    ),
    Kpi(
        key="aged_share",
        label=_("Aged over 180 days"),
        unit=Unit.RATE,
        numerator="inventory.aged",
        denominator="inventory.aged_all",
        window=Window.LATEST,
        days=1,
        domain="inventory",
        direction=-1,
        meaning=_("Share of units that have been at Amazon for more than 180 days: they cost a surcharge."),
        formula=_("Units aged 181 days and more ÷ units of all ages"),
        amazon_name="Inventory age",
        amazon_page=PAGE,
        evidence=playbooks.skus_by_age,
    ),
    Kpi(
        key="ipi",
        label=_("IPI"),
        unit=Unit.SCORE,
        numerator="inventory.ipi",
        window=Window.LATEST,
        days=21,
        domain="inventory",
        direction=1,
        limits=(
            Limit(
                date(2022, 1, 1),
                gettext_noop("Seller Central, 400 since January 2022 as reported by third parties"),
                low=Decimal(400),
                warn_low=Decimal(450),
            ),
        ),
        meaning=_("Inventory Performance Index. No Amazon API gives it: it is typed in weekly."),
        formula=_("As stated by Amazon on the Inventory Performance page"),
        amazon_name="Inventory Performance Index",
        amazon_page="Inventory > Inventory Performance",
        evidence=playbooks.skus_by_age,
        next_step=_("Work on excess, sell-through, stranded units and in-stock rate, in that order of size."),
    ),
)
