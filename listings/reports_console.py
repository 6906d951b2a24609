"""Business Reports as Seller Central gives them (CSV), in the spellings of the last years.

They feed the same facts as the Sales and Traffic report. By parent, by child ASIN and by SKU the rows
carry no day: they are totals of what was chosen on the page, so the operator says which one day that was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, register
from opsboard.feeds.tables import Table

from .reports import SALES_BY_ASIN, SALES_BY_DATE, SALES_BY_PARENT, SALES_BY_SKU
from .reports_spellings import BUSINESS_REPORT

_SESSIONS = ("Sessions - Total", "Sessions")
_PAGE_VIEWS = ("Page Views - Total", "Page Views")
_BUY_BOX = ("Featured Offer (Buy Box) Percentage", "Featured Offer Percentage", "Buy Box Percentage")
_UNIT_SESSIONS = ("Unit Session Percentage",)
_SALES = Column("ordered_sales_minor", Kind.MONEY, ("Ordered Product Sales",), required=True)
_UNITS = Column("units_ordered", Kind.INTEGER, ("Units Ordered",), required=True)
_SALES_B2B = Column("ordered_sales_b2b_minor", Kind.MONEY, ("Ordered Product Sales - B2B",))
_UNITS_B2B = Column("units_ordered_b2b", Kind.INTEGER, ("Units Ordered - B2B",))
_ITEMS = Column("order_items", Kind.INTEGER, ("Total Order Items",), default=0)

_BY_ASIN = (
    _SALES,
    _SALES_B2B,
    _UNITS,
    _UNITS_B2B,
    _ITEMS,
    Column("sessions", Kind.INTEGER, _SESSIONS, required=True),
    Column("page_views", Kind.INTEGER, _PAGE_VIEWS, required=True),
    Column("buy_box_rate", Kind.PERCENT, _BUY_BOX, high=100),
    Column("unit_session_rate", Kind.PERCENT, _UNIT_SESSIONS),
)
_CHILD = Column("asin", Kind.TEXT, ("(Child) ASIN",), required=True)
_PARENT = Column("parent_asin", Kind.TEXT, ("(Parent) ASIN",), default="")
_SKU = Column("sku", Kind.TEXT, ("SKU",), required=True)

BUSINESS_BY_PARENT = replace(SALES_BY_PARENT, columns=(replace(_PARENT, required=True), *_BY_ASIN))
BUSINESS_BY_ASIN = replace(SALES_BY_ASIN, columns=(_CHILD, _PARENT, *_BY_ASIN))
BUSINESS_BY_SKU = replace(SALES_BY_SKU, columns=(_SKU, _CHILD, _PARENT, *_BY_ASIN))

BUSINESS_BY_DATE = replace(
    SALES_BY_DATE,
    columns=(
        Column("date", Kind.DATE, ("Date",), required=True),
        _SALES,
        _SALES_B2B,
        _UNITS,
        _UNITS_B2B,
        _ITEMS,
        Column("units_refunded", Kind.INTEGER, ("Units Refunded",), default=0),
        Column("shipped_sales_minor", Kind.MONEY, ("Shipped Product Sales",)),
        Column("units_shipped", Kind.INTEGER, ("Units Shipped",)),
        Column("orders_shipped", Kind.INTEGER, ("Orders Shipped",)),
        Column("sessions", Kind.INTEGER, _SESSIONS, required=True),
        # What the page shows when nobody chose columns has none, nor shares of the featured offer.
        Column("page_views", Kind.INTEGER, _PAGE_VIEWS),
        Column("browser_sessions", Kind.INTEGER, ("Sessions - Browser", "Browser Sessions")),
        Column("mobile_sessions", Kind.INTEGER, ("Sessions - Mobile App", "Mobile App Sessions")),
        Column("buy_box_rate", Kind.PERCENT, _BUY_BOX, high=100),
        Column("unit_session_rate", Kind.PERCENT, _UNIT_SESSIONS),
        Column("feedback_received", Kind.INTEGER, ("Feedback Received",)),
        Column("negative_feedback", Kind.INTEGER, ("Negative Feedback Received",)),
        Column("claims_granted", Kind.INTEGER, ("A-to-Z Claims Granted", "Claims Granted")),
    ),
)

_IGNORED = (
    "Title",
    "Session Percentage",
    "Session Percentage - Mobile App",
    "Session Percentage - Browser",
    "Session Percentage - Total",
    "Page Views - Mobile App",
    "Page Views - Browser",
    "Page Views Percentage",
    "Page Views Percentage - Mobile App",
    "Page Views Percentage - Browser",
    "Page Views Percentage - Total",
    "Refund Rate",
    "Order Item Session Percentage",
    "Average Offer Count",
    "Average Parent Items",
    "Average Sales per Order Item",
    "Average Units per Order Item",
    "Average Selling Price",
    "Received Negative Feedback Rate",
    "Claims Amount",
    "A-to-Z Claims Amount",
)
#: Every column has a twin for business buyers, whose figures the column itself includes; units and sales are kept.
_B2B = ("*B2B",)


def _by_asin(key: str, label: Any, dataset: Dataset, page: str, foreign: tuple[str, ...]) -> ReportSpec:
    """One of the three forms by ASIN; `foreign` are the columns that make it another one."""
    return ReportSpec(
        key=key,
        label=label,
        report_type=f"console: {page}",
        api="",
        format="csv",
        datasets=(dataset,),
        source_page=f"Business Reports > {page}",
        unstored=_B2B,
        table=Table(
            needs_day=True,
            spelt=BUSINESS_REPORT,
            foreign=foreign,
            ignored=(
                *_IGNORED,
                "Units Refunded",
                "Shipped Product Sales",
                "Units Shipped",
                "Orders Shipped",
                "Sessions - Browser",
                "Sessions - Mobile App",
            ),
            how_daily=_("Download it for one single day, and say which day that is (--day)."),
        ),
    )


register(
    _by_asin(
        "business_report_parent",
        _("Business Report by parent ASIN"),
        BUSINESS_BY_PARENT,
        "Detail Page Sales and Traffic",
        ("*ASIN*", "*SKU*"),
    ),
    _by_asin(
        "business_report_asin",
        _("Business Report by child ASIN"),
        BUSINESS_BY_ASIN,
        "Detail Page Sales and Traffic by Child Item",
        ("*SKU*",),
    ),
    _by_asin(
        "business_report_sku",
        _("Business Report by SKU"),
        BUSINESS_BY_SKU,
        "Detail Page Sales and Traffic by SKU",
        (),
    ),
    ReportSpec(
        key="business_report_date",
        label=_("Business Report by date"),
        report_type="console: Sales and Traffic by Date",
        api="",
        format="csv",
        datasets=(BUSINESS_BY_DATE,),
        source_page="Business Reports > Sales and Traffic",
        unstored=_B2B,
        table=Table(
            every_day=True,
            spelt=BUSINESS_REPORT,
            ignored=_IGNORED,
            how_daily=_("In Business Reports, choose “By day” and download it again."),
        ),
    ),
)
