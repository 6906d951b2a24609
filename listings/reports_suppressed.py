"""Listings that do not show in search ("Fix your products"), and why.

The column names are from a public schema of the report; the order of the columns does not matter here, and
the header is asked for in English.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import SuppressedDay

SUPPRESSED = Dataset(
    key="suppressed_listings",
    label=_("Suppressed listings"),
    model=SuppressedDay,
    scope=Scope.DAY,
    lag_days=0,
    mature_days=0,
    # A shop without trouble has a header and no rows.
    may_be_empty=True,
    columns=(
        Column("sku", Kind.TEXT, ("SKU",), required=True),
        Column("reason", Kind.TEXT, ("Reason",), required=True, default=""),
        Column("asin", Kind.TEXT, ("ASIN",), default=""),
        Column("title", Kind.TEXT, ("Product name",), default=""),
        Column("status", Kind.TEXT, ("Status",), required=True, default=""),
        Column("condition", Kind.TEXT, ("Condition",), default=""),
        Column("changed", Kind.TEXT, ("Status Change Date",), required=True, default=""),
        Column("issue", Kind.TEXT, ("Issue Description",), required=True, default=""),
    ),
)

register(
    ReportSpec(
        key="suppressed_listings",
        label=SUPPRESSED.label,
        report_type="GET_MERCHANTS_LISTINGS_FYP_REPORT",
        api="sp",
        format="tsv",
        datasets=(SUPPRESSED,),
        options={"preferredReportDocumentLocale": "en_US"},
        every_hours=12,
        # Amazon gives the same one again for one to six hours.
        fastest_hours=6,
        history=False,
        source_page="Inventory > Inventory Reports > Suppressed Listings Report",
    ),
)
