"""Measures and KPIs of listings: sales, traffic, conversion, Buy Box."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from opsboard.kpis.registry import Kpi, Limit, Measure, Unit, register_kpis, register_measures

from . import playbooks
from .models import SalesDay

DAYS = "sales_by_date"
REPORT = "Business Reports > Sales and Traffic"

register_measures(
    Measure("listings.ordered_sales", _("Ordered sales"), Unit.MONEY, DAYS, SalesDay, "sum(ordered_sales_minor)"),
    Measure("listings.units", _("Units ordered"), Unit.COUNT, DAYS, SalesDay, "sum(units_ordered)"),
    Measure("listings.order_items", _("Order items"), Unit.COUNT, DAYS, SalesDay, "sum(order_items)"),
    Measure("listings.units_refunded", _("Units refunded"), Unit.COUNT, DAYS, SalesDay, "sum(units_refunded)"),
    Measure("listings.sessions", _("Sessions"), Unit.COUNT, DAYS, SalesDay, "sum(sessions)"),
    Measure("listings.page_views", _("Page views"), Unit.COUNT, DAYS, SalesDay, "sum(page_views)"),
    # Amazon states a rate a day; weighted by page views it adds up over days.
    Measure(
        "listings.buy_box_page_views",
        _("Page views with the Buy Box"),
        Unit.COUNT,
        DAYS,
        SalesDay,
        "sum(buy_box_rate * page_views)",
    ),
)

register_kpis(
    Kpi(
        key="ordered_sales",
        label=_("Ordered sales"),
        unit=Unit.MONEY,
        numerator="listings.ordered_sales",
        domain="listings",
        direction=1,
        meaning=_("What buyers ordered, before cancellations and refunds."),
        formula=_("Sum of ordered product sales"),
        amazon_name="Ordered Product Sales",
        amazon_page=REPORT,
    ),
    Kpi(
        key="unit_session",
        label=_("Unit session percentage"),
        unit=Unit.RATE,
        numerator="listings.units",
        denominator="listings.sessions",
        domain="listings",
        direction=1,
        meaning=_("Conversion: units ordered for each visit of a buyer. It can exceed 100 %."),
        formula=_("Units ordered ÷ sessions"),
        amazon_name="Unit Session Percentage",
        amazon_page=REPORT,
        evidence=playbooks.asins_by_lost_units,
        next_step=_("Compare images, price and reviews of the ASINs below with last month's."),
    ),
    Kpi(
        key="buy_box",
        label=_("Buy Box percentage"),
        unit=Unit.RATE,
        numerator="listings.buy_box_page_views",
        denominator="listings.page_views",
        domain="listings",
        direction=1,
        limits=(
            Limit(
                date(2015, 1, 1),
                gettext_noop("Common practice; Amazon publishes no limit"),
                low=Decimal("0.85"),
                warn_low=Decimal("0.90"),
            ),
        ),
        meaning=_("How often your offer was the featured one when a buyer looked at your product."),
        formula=_("Page views with your offer featured ÷ page views"),
        amazon_name="Featured Offer (Buy Box) Percentage",
        amazon_page=REPORT,
        evidence=playbooks.asins_by_lost_buy_box,
        next_step=_("Check price and stock of the ASINs below against the other offers."),
    ),
)
