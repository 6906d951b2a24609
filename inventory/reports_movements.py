"""How FBA stock moves: the ledger's summary by day, and what buyers send back."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Document
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register
from opsboard.feeds.tables import Table

from .models import CustomerReturn, LedgerDay

INTEGER, TEXT = Kind.INTEGER, Kind.TEXT


def _units(field: str, *names: str) -> Column:
    """Units that came or went: what leaves is negative."""
    return Column(field, INTEGER, names, low=None)


# Headers come with and without spaces; matching ignores them.
LEDGER = Dataset(
    key="ledger",
    label=gettext_lazy("Inventory ledger"),
    model=LedgerDay,
    scope=Scope.DAYS,
    lag_days=1,
    mature_days=3,
    columns=(
        Column("date", Kind.DATE, ("Date",), required=True),
        Column("sku", TEXT, ("MSKU",), required=True),
        Column("fnsku", TEXT, ("FNSKU",), required=True),
        Column("disposition", TEXT, ("Disposition",), required=True, default=""),
        Column("location", TEXT, ("Location",), required=True, default=""),
        Column("store", TEXT, ("Store",), default=""),
        Column("asin", TEXT, ("ASIN",), default=""),
        _units("starting", "Starting Warehouse Balance"),
        _units("in_transit", "In Transit Between Warehouses"),
        _units("receipts", "Receipts"),
        _units("customer_shipments", "Customer Shipments"),
        _units("customer_returns", "Customer Returns"),
        _units("vendor_returns", "Vendor Returns"),
        _units("transfers", "Warehouse Transfer In/Out"),
        _units("found", "Found"),
        _units("lost", "Lost"),
        _units("damaged", "Damaged"),
        _units("disposed", "Disposed"),
        _units("other", "Other Events"),
        _units("unknown", "Unknown Events"),
        Column("ending", INTEGER, ("Ending Warehouse Balance",), required=True, low=None),
    ),
)

#: A moment with its zone, or the day alone as Seller Central sometimes gives it.
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$"
_DAY = r"^\d{4}-\d\d-\d\d$"


def days_are_plain(cursor: Any, table: str, _document: Document) -> None:
    """A `Dataset.verify`: every return says its day in one of the two ways Amazon writes it."""
    cursor.execute(
        f"SELECT s.line, s.returned_at FROM {table} s WHERE s.returned_at !~ %s AND s.returned_at !~ %s "
        "ORDER BY 1 LIMIT 1",
        [_MOMENT, _DAY],
    )
    if (wrong := cursor.fetchone()) is not None:
        raise BadDocument(
            _("“%(cell)s” is not a day as Amazon writes it here") % {"cell": wrong[1]},
            line=wrong[0],
            column="return-date",
            todo=_("Download the report again, and do not open it in a spreadsheet before sending it."),
        )


RETURNS = Dataset(
    key="customer_returns",
    label=gettext_lazy("FBA customer returns"),
    model=CustomerReturn,
    scope=Scope.GROUPS,
    group=("order_id", "date"),
    lag_days=1,
    mature_days=14,
    verify=days_are_plain,
    derived={
        "date": (
            "CASE WHEN s.returned_at LIKE '%%T%%' THEN (s.returned_at::timestamptz AT TIME ZONE %(zone)s)::date "
            "ELSE s.returned_at::date END"
        )
    },
    columns=(
        Column("returned_at", TEXT, ("return-date",), required=True),
        Column("order_id", TEXT, ("order-id",), required=True),
        Column("sku", TEXT, ("sku",), required=True),
        Column("asin", TEXT, ("asin",), default=""),
        Column("fnsku", TEXT, ("fnsku",), default=""),
        Column("quantity", INTEGER, ("quantity",), required=True),
        Column("fulfillment_center", TEXT, ("fulfillment-center-id",), default=""),
        Column("disposition", TEXT, ("detailed-disposition",), required=True, default=""),
        Column("reason", TEXT, ("reason",), default=""),
        Column("status", TEXT, ("status",), default=""),
    ),
)

register(
    ReportSpec(
        key="ledger",
        label=LEDGER.label,
        report_type="GET_LEDGER_SUMMARY_VIEW_DATA",
        api="sp",
        format="tsv",
        datasets=(LEDGER,),
        options={"aggregateByLocation": "COUNTRY", "aggregatedByTimePeriod": "DAILY"},
        # Amazon documents no limits; a month a report and two months back tell a trend.
        max_days=31,
        lookback_days=60,
        modest=True,
        every_hours=24,
        # Made daily: anew every four hours at most.
        fastest_hours=4,
        reask_days=5,
        moments=True,
        # Days are written as the marketplace does: "12/22/2022" in the US.
        localised=True,
        source_page="Reports > Fulfilment > Inventory Ledger > Summary view (by day and country)",
        unstored=("Title",),
        table=Table(how_daily=gettext_lazy("Download the Summary View by day (and by country) instead.")),
    ),
    ReportSpec(
        key="customer_returns",
        label=RETURNS.label,
        report_type="GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA",
        reusable_minutes=240,
        api="sp",
        format="tsv",
        datasets=(RETURNS,),
        max_days=30,
        lookback_days=90,
        modest=True,
        every_hours=24,
        fastest_hours=4,
        reask_days=14,
        moments=True,
        source_page="Reports > Fulfilment > FBA customer returns",
        personal=("customer-comments",),
        unstored=("product-name", "license-plate-number"),
    ),
)
