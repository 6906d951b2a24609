"""Measures and KPIs of listings: sales, traffic, conversion, Buy Box."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

from opsboard.kpis.decomposition import Factor
from opsboard.kpis.entities import EntityKpi, Shown, register_entity_kpis
from opsboard.kpis.registry import Grain, Kpi, Limit, Measure, Unit, Window, register_kpis, register_measures
from opsboard.kpis.snapshots import Naming, Snapshot, register_snapshots

from . import playbooks
from .models import AsinDay, AsinWindow, Listing, SalesDay, SuppressedDay

DAYS = "sales_by_date"
REPORT = "Business Reports > Sales and Traffic"
_UNIT_SESSION = "max(unit_session_rate)"

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
    # Amazon's own figures of a day, shown beside ours.
    Measure("listings.unit_session_stated", _("Unit session percentage"), Unit.RATE, DAYS, SalesDay, _UNIT_SESSION),
    Measure("listings.buy_box_stated", _("Buy Box percentage"), Unit.RATE, DAYS, SalesDay, "max(buy_box_rate)"),
    Measure(
        "listings.suppressed",
        _("Suppressed listings"),
        Unit.COUNT,
        "suppressed_listings",
        SuppressedDay,
        "count(DISTINCT sku)",
        0,
    ),
)

register_kpis(
    Kpi(
        key="ordered_sales",
        label=_("Ordered sales"),
        unit=Unit.MONEY,
        numerator="listings.ordered_sales",
        domain="listings",
        rows=("listings:index#asins",),
        direction=1,
        meaning=_("What buyers ordered, before cancellations and refunds."),
        formula=_("Sum of ordered product sales"),
        amazon_name="Ordered Product Sales",
        amazon_page=REPORT,
        next_step=_("Look what moved first: visits, the Buy Box, conversion, then price."),
    ),
    Kpi(
        key="unit_session",
        label=_("Unit session percentage"),
        unit=Unit.RATE,
        numerator="listings.units",
        denominator="listings.sessions",
        domain="listings",
        rows=("listings:index#asins",),
        direction=1,
        meaning=_("Conversion: units ordered for each visit of a buyer. It can exceed 100 %."),
        formula=_("Units ordered ÷ sessions"),
        amazon_name="Unit Session Percentage",
        counterpart="listings.unit_session_stated",
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
        rows=("listings:index#asins",),
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
        counterpart="listings.buy_box_stated",
        amazon_page=REPORT,
        evidence=playbooks.asins_by_lost_buy_box,
        next_step=_("Check price and stock of the ASINs below against the other offers."),
    ),
    Kpi(
        key="refund_rate",
        label=_("Refund rate"),
        unit=Unit.RATE,
        numerator="listings.units_refunded",
        denominator="listings.units",
        domain="listings",
        direction=-1,
        meaning=_("Units refunded against units ordered in the same days, whenever the refunded ones were bought."),
        formula=_("Units refunded ÷ units ordered"),
        amazon_name="Refund Rate",
        amazon_page=REPORT,
    ),
    Kpi(
        key="suppressed",
        label=_("Suppressed listings"),
        unit=Unit.COUNT,
        numerator="listings.suppressed",
        window=Window.LATEST,
        days=2,
        domain="listings",
        direction=-1,
        limits=(
            Limit(
                date(2015, 1, 1),
                gettext_noop("Common practice; Amazon publishes no limit"),
                high=Decimal(0),
                severity="warn",
            ),
        ),
        meaning=_("Listings that buyers cannot find in search until something about them is corrected."),
        formula=_("SKUs in the newest report of suppressed listings"),
        amazon_name="Search suppressed",
        amazon_page="Inventory > Manage All Inventory > Search suppressed",
        next_step=_("Correct what the report names: most often a missing image or a title that is too long."),
    ),
)

ASINS = Snapshot(
    "asins",
    _("Child ASINs"),
    Grain.ASIN,
    "sales_by_asin",
    AsinDay,
    AsinWindow,
    "asin",
    {
        "sales_minor": "sum(ordered_sales_minor)",
        "units": "sum(units_ordered)",
        "sessions": "sum(sessions)",
        "page_views": "sum(page_views)",
        "buy_box_views": "sum(buy_box_rate * page_views)",
        "rated_views": "sum(page_views) FILTER (WHERE buy_box_rate IS NOT NULL)",
    },
    mature_days=3,
    naming=Naming(
        Listing, "asin", "title", "listings:asin", lambda n: ngettext("%(n)s ASIN", "%(n)s ASINs", n) % {"n": n}
    ),
    compared=("sales_minor", "units"),
    told={"parent_asin": "max(parent_asin)"},
)
register_snapshots(ASINS)
register_entity_kpis(
    # A product that hardly anybody looked at says nothing yet.
    EntityKpi(
        "buy_box",
        ASINS,
        "buy_box_views",
        "rated_views",
        enough="rated_views >= 50",
        shows=(Shown("page_views", _("Page views"), Unit.COUNT), Shown("sales_minor", _("Sales"), Unit.MONEY)),
    ),
    EntityKpi(
        "unit_session",
        ASINS,
        "units",
        "sessions",
        enough="sessions >= 50",
        shows=(Shown("sessions", _("Sessions"), Unit.COUNT), Shown("units", _("Units"), Unit.COUNT)),
    ),
    # From two units to one is half of what it was, and no news.
    EntityKpi(
        "ordered_sales",
        ASINS,
        "sales_minor",
        "1",
        enough="units >= 10",
        shows=(Shown("units", _("Units"), Unit.COUNT), Shown("sessions", _("Sessions"), Unit.COUNT)),
        factors=(
            Factor(_("Visits"), Unit.COUNT, "sessions"),
            Factor(_("Units a visit"), Unit.RATE, "units", "sessions"),
            Factor(_("Sales a unit"), Unit.MONEY, "sales_minor", "units"),
        ),
    ),
)
