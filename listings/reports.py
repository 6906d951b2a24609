"""Reports that tell about listings: sales and traffic, and the listings themselves.

Columns as in Amazon's schema sellerSalesAndTrafficReport and the header line of
GET_MERCHANT_LISTINGS_ALL_DATA; all percentages in sales and traffic are 0-100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument, WrongMarketplace
from opsboard.feeds.facts import Fact
from opsboard.feeds.models import Document
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import AsinDay, Listing, ParentDay, SalesDay, SkuDay
from .reports_spellings import CHANNEL, DESCRIPTION, OPENED, PRICE, PRODUCT_ID, QUANTITY, SKU, STATUS, TITLE

INTEGER, MONEY, PERCENT, TEXT, DATE = Kind.INTEGER, Kind.MONEY, Kind.PERCENT, Kind.TEXT, Kind.DATE

#: What the schema also has: B2B shares, averages and rates that follow from stored sums, splits by device.
UNSTORED_SALES = (
    "*B2B",
    "*B2B.amount",
    "*.currencyCode",
    "salesByDate.average*",
    "salesByDate.claimsAmount.amount",
    "salesByDate.refundRate",
    "trafficByDate.average*",
    "trafficByDate.*PageViews",
    "trafficByDate.orderItemSessionPercentage",
    "trafficByDate.receivedNegativeFeedbackRate",
    # Amazon's own example spells it so.
    "trafficByDate.browerPageViews",
    "sku",
    "trafficByAsin.*Percentage",
    "trafficByAsin.browser*",
    "trafficByAsin.mobileApp*",
)

SALES_BY_DATE = Dataset(
    key="sales_by_date",
    label=gettext_lazy("Sales and traffic by day"),
    model=SalesDay,
    scope=Scope.DAYS,
    rows="salesAndTrafficByDate",
    lag_days=1,
    mature_days=3,
    columns=(
        Column("date", DATE, ("date",), required=True),
        Column("currency", Kind.CURRENCY, ("salesByDate.orderedProductSales.currencyCode",)),
        Column("ordered_sales_minor", MONEY, ("salesByDate.orderedProductSales.amount",), required=True),
        Column("ordered_sales_b2b_minor", MONEY, ("salesByDate.orderedProductSalesB2B.amount",)),
        Column("units_ordered", INTEGER, ("salesByDate.unitsOrdered",), required=True),
        Column("units_ordered_b2b", INTEGER, ("salesByDate.unitsOrderedB2B",)),
        Column("order_items", INTEGER, ("salesByDate.totalOrderItems",), default=0),
        Column("units_refunded", INTEGER, ("salesByDate.unitsRefunded",), default=0),
        Column("shipped_sales_minor", MONEY, ("salesByDate.shippedProductSales.amount",)),
        Column("units_shipped", INTEGER, ("salesByDate.unitsShipped",)),
        Column("orders_shipped", INTEGER, ("salesByDate.ordersShipped",)),
        Column("sessions", INTEGER, ("trafficByDate.sessions",), required=True),
        Column("page_views", INTEGER, ("trafficByDate.pageViews",), required=True),
        Column("browser_sessions", INTEGER, ("trafficByDate.browserSessions",)),
        Column("mobile_sessions", INTEGER, ("trafficByDate.mobileAppSessions",)),
        Column("buy_box_rate", PERCENT, ("trafficByDate.buyBoxPercentage",), high=100),
        Column("unit_session_rate", PERCENT, ("trafficByDate.unitSessionPercentage",)),
        Column("feedback_received", INTEGER, ("trafficByDate.feedbackReceived",)),
        Column("negative_feedback", INTEGER, ("trafficByDate.negativeFeedbackReceived",)),
        Column("claims_granted", INTEGER, ("salesByDate.claimsGranted",)),
    ),
)

#: What a row of each grain tells, whether of a parent ASIN, a child ASIN or a SKU.
ASIN_COLUMNS = (
    Column("currency", Kind.CURRENCY, ("salesByAsin.orderedProductSales.currencyCode",)),
    Column("ordered_sales_minor", MONEY, ("salesByAsin.orderedProductSales.amount",), required=True),
    Column("ordered_sales_b2b_minor", MONEY, ("salesByAsin.orderedProductSalesB2B.amount",)),
    Column("units_ordered", INTEGER, ("salesByAsin.unitsOrdered",), required=True),
    Column("units_ordered_b2b", INTEGER, ("salesByAsin.unitsOrderedB2B",)),
    Column("order_items", INTEGER, ("salesByAsin.totalOrderItems",), default=0),
    Column("sessions", INTEGER, ("trafficByAsin.sessions",), required=True),
    Column("page_views", INTEGER, ("trafficByAsin.pageViews",), required=True),
    Column("buy_box_rate", PERCENT, ("trafficByAsin.buyBoxPercentage",), high=100),
    Column("unit_session_rate", PERCENT, ("trafficByAsin.unitSessionPercentage",)),
)
_PARENT = Column("parent_asin", TEXT, ("parentAsin",), default="")


def _by(key: str, label: Any, model: type[Fact], names: tuple[Column, ...]) -> Dataset:
    return Dataset(
        key=key,
        label=label,
        model=model,
        scope=Scope.DAY,
        rows="salesAndTrafficByAsin",
        lag_days=1,
        mature_days=3,
        #: Rows carry no date: they are totals of the window, so only a one-day window makes daily facts.
        applies=lambda start, end: start == end,
        columns=(*names, *ASIN_COLUMNS),
    )


SALES_BY_PARENT = _by(
    "sales_by_parent",
    gettext_lazy("Sales and traffic by parent ASIN"),
    ParentDay,
    (replace(_PARENT, required=True),),
)
SALES_BY_ASIN = _by(
    "sales_by_asin",
    gettext_lazy("Sales and traffic by child ASIN"),
    AsinDay,
    (Column("asin", TEXT, ("childAsin",), required=True), _PARENT),
)
SALES_BY_SKU = _by(
    "sales_by_sku",
    gettext_lazy("Sales and traffic by SKU"),
    SkuDay,
    (Column("sku", TEXT, ("sku",), required=True), Column("asin", TEXT, ("childAsin",), required=True), _PARENT),
)


def check_sales_and_traffic(key: str, value: Any, document: Document) -> None:
    """Refuse weekly and monthly documents, and those of another marketplace."""
    if key != "reportSpecification" or not isinstance(value, dict):
        return
    granularity = _options(value).get("dateGranularity") or "DAY"
    if granularity != "DAY":
        raise BadDocument(
            _("Its rows are totals by %(period)s, and opsboard keeps days") % {"period": str(granularity).lower()},
            todo=_("Ask for the report by day (dateGranularity DAY)."),
        )
    theirs = value.get("marketplaceIds")
    if isinstance(theirs, list) and len(set(map(str, theirs))) > 1:
        raise BadDocument(
            _("Its rows are totals of several marketplaces (%(theirs)s)") % {"theirs": ", ".join(map(str, theirs))},
            todo=_("Ask for the report of one marketplace."),
        )
    if isinstance(theirs, list) and theirs and document.marketplace.amazon_id not in theirs:
        raise WrongMarketplace(
            _("It is about marketplace %(theirs)s, not %(ours)s (%(code)s)")
            % {"theirs": theirs[0], "ours": document.marketplace.amazon_id, "code": document.marketplace.code},
            todo=_("Choose the marketplace the report was made for."),
        )


def _options(specification: dict[str, Any]) -> dict[str, Any]:
    """What the report was asked with; BadDocument when it cannot be told."""
    found = specification.get("reportOptions") or {}
    if not isinstance(found, dict):
        raise BadDocument(
            _("“reportOptions” is not an object, so nobody can tell what its rows are"),
            todo=_("Download the report again; nothing was changed."),
        )
    return found


def check_grain(wanted: str) -> Callable[[str, Any, Document], None]:
    """Refuse a one-day document whose ASIN rows are of another grain than `wanted`."""

    def check(key: str, value: Any, document: Document) -> None:
        check_sales_and_traffic(key, value, document)
        if key == "reportSpecification" and isinstance(value, dict):
            grain = _options(value).get("asinGranularity") or "PARENT"
            if grain != wanted and _one_day(document):
                raise BadDocument(
                    _("Its ASIN rows are by %(grain)s, and this report keeps them by %(wanted)s")
                    % {"grain": str(grain).lower(), "wanted": wanted.lower()},
                    todo=_("Ask for the report with asinGranularity %(wanted)s.") % {"wanted": wanted},
                )

    return check


def _one_day(document: Document) -> bool:
    start: date | None = document.window_start
    return start is not None and start == document.window_end


#: The rest of the 29 columns (most are empty since zShops ended), and those some accounts get besides.
UNSTORED_LISTINGS = (
    "listing-id",
    "item-is-marketplace",
    "product-id-type",
    "zshop-*",
    "item-note",
    "item-condition",
    "asin2",
    "asin3",
    "will-ship-internationally",
    "expedited-shipping",
    "bid-for-featured-placement",
    "add-delete",
    "pending-quantity",
    "merchant-shipping-group",
    "Minimum order quantity",
    "Sell remainder",
    "Business Price",
    "Quantity Price*",
    "Quantity Lower Bound*",
)

LISTINGS = Dataset(
    key="listings",
    label=gettext_lazy("Listings"),
    model=Listing,
    scope=Scope.STATE,
    columns=(
        Column("sku", TEXT, SKU, required=True),
        Column("asin", TEXT, ("asin1", "asin"), default=""),
        Column("title", TEXT, TITLE, default=""),
        Column("description", TEXT, DESCRIPTION, default=""),
        Column("price_minor", MONEY, PRICE),
        Column("quantity", INTEGER, QUANTITY),
        Column("fulfilment_channel", TEXT, CHANNEL, default=""),
        # Its sister, the Active Listings Report, lacks the status: it would end every other listing.
        Column("status", TEXT, STATUS, required=True, default=""),
        Column("opened", TEXT, OPENED, default=""),
        Column("image_url", TEXT, ("image-url",), default=""),
        Column("product_id", TEXT, PRODUCT_ID, default=""),
    ),
)


def _one_day_report(key: str, dataset: Dataset, grain: str, page: str) -> ReportSpec:
    """A day a request. An account may ask once a minute: the past beyond a fortnight is left to the child ASINs."""
    return ReportSpec(
        key=key,
        label=dataset.label,
        report_type="GET_SALES_AND_TRAFFIC_REPORT",
        api="sp",
        format="json",
        datasets=(SALES_BY_DATE, dataset),
        options={"dateGranularity": "DAY", "asinGranularity": grain},
        max_days=1,
        lookback_days=15,
        modest=True,
        every_hours=24,
        reask_days=4,
        until_final_days=15,
        source_page=f"Business Reports > {page}",
        preflight=check_grain(grain),
        unstored=UNSTORED_SALES,
    )


register(
    # First, as the terms of Brand Analytics are told apart by what is listed.
    ReportSpec(
        key="listings",
        label=gettext_lazy("All listings"),
        report_type="GET_MERCHANT_LISTINGS_ALL_DATA",
        api="sp",
        format="tsv",
        datasets=(LISTINGS,),
        options={"preferredReportDocumentLocale": "en_US"},
        every_hours=12,
        # Amazon gives the same one again for one to six hours.
        fastest_hours=6,
        history=False,
        source_page="Inventory > Inventory Reports > All Listings Report",
        unstored=UNSTORED_LISTINGS,
    ),
    ReportSpec(
        key="sales_and_traffic",
        label=gettext_lazy("Sales and traffic by day"),
        report_type="GET_SALES_AND_TRAFFIC_REPORT",
        api="sp",
        format="json",
        datasets=(SALES_BY_DATE,),
        options={"dateGranularity": "DAY", "asinGranularity": "PARENT"},
        max_days=30,
        lookback_days=729,
        every_hours=6,
        reask_days=14,
        until_final_days=31,
        source_page="Business Reports > Sales and Traffic",
        preflight=check_sales_and_traffic,
        unstored=UNSTORED_SALES,
    ),
    ReportSpec(
        key="sales_and_traffic_asin",
        label=gettext_lazy("Sales and traffic by child ASIN"),
        report_type="GET_SALES_AND_TRAFFIC_REPORT",
        api="sp",
        format="json",
        datasets=(SALES_BY_DATE, SALES_BY_ASIN),
        options={"dateGranularity": "DAY", "asinGranularity": "CHILD"},
        max_days=1,
        lookback_days=729,
        every_hours=24,
        reask_days=4,
        until_final_days=31,
        source_page="Business Reports > Detail Page Sales and Traffic by Child Item",
        preflight=check_grain("CHILD"),
        unstored=UNSTORED_SALES,
    ),
    _one_day_report("sales_and_traffic_parent", SALES_BY_PARENT, "PARENT", "Detail Page Sales and Traffic"),
    _one_day_report("sales_and_traffic_sku", SALES_BY_SKU, "SKU", "Detail Page Sales and Traffic by SKU"),
)

from . import reports_brand, reports_brand_console, reports_console, reports_suppressed  # noqa: E402, F401 - importing them declares them
