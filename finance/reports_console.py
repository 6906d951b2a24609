"""Downloads of Seller Central about money: the statement of a range of days (Date Range Reports)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import Held
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register
from opsboard.feeds.tables import Prepare, Table
from opsboard.ui import formats

from . import marketplaces, statement_words
from .models import AccountTransaction

if TYPE_CHECKING:
    from opsboard.feeds.models import Document

TEXT = Kind.TEXT
#: The amounts of a line, which together are its total: field -> names.
_AMOUNTS = {
    "sales_minor": ("product sales",),
    "sales_tax_minor": ("product sales tax", "sales tax collected", "Total sales tax liable(GST before adjusting TCS)"),
    "shipping_minor": ("shipping credits", "postage credits"),
    "shipping_tax_minor": ("shipping credits tax", "postage credits tax"),
    "gift_wrap_minor": ("gift wrap credits",),
    "gift_wrap_tax_minor": ("giftwrap credits tax", "gift wrap credits tax"),
    "regulatory_minor": ("regulatory fee",),
    "regulatory_tax_minor": ("tax on regulatory fee",),
    "points_minor": ("Amazonポイントの費用",),
    "promotion_minor": ("promotional rebates",),
    "promotion_tax_minor": ("promotional rebates tax",),
    "withheld_tax_minor": ("marketplace withheld tax", "Marketplace Facilitator Tax"),
    "selling_fees_minor": ("selling fees",),
    "fba_fees_minor": ("fba fees",),
    "other_fees_minor": ("other transaction fees",),
    "other_minor": ("other",),
}
#: India tells what Amazon pays to the state for the seller in four parts.
_WITHHELD = {
    "tcs_cgst_minor": "TCS-CGST",
    "tcs_sgst_minor": "TCS-SGST",
    "tcs_igst_minor": "TCS-IGST",
    "tds_minor": "TDS (Section 194-O)",
}
_TAXES = ", ".join(f"s.{field}" for field in ("withheld_tax_minor", *_WITHHELD))
_ALL_TAXES = " + ".join(f"coalesce({tax}, 0)" for tax in _TAXES.split(", "))
_SUM = " + ".join(f"coalesce(s.{field}, 0)" for field in (*_AMOUNTS, *_WITHHELD))


def verify(cursor: Any, table: str, document: Document) -> None:
    """Hold a statement with a line whose amounts are not its total: a column was not understood.

    Raises WrongMarketplace for one of another marketplace.
    """
    marketplaces.check(cursor, table, document)
    cursor.execute(
        f"SELECT s.line, s.total_minor, {_SUM}, count(*) OVER () FROM {table} s "
        f"WHERE s.total_minor <> {_SUM} ORDER BY s.line LIMIT 1"
    )
    if wrong := cursor.fetchone():
        line, total, amounts, count = wrong
        raise Held(
            _("The amounts of %(count)d lines are not their total; of the first they are %(sum)s and it says %(total)s")
            % {
                "count": count,
                "sum": formats.money(amounts, document.marketplace),
                "total": formats.money(total, document.marketplace),
            },
            line=line,
            todo=_(
                "It may have a column opsboard does not know. Switch Seller Central to English and download it again."
            ),
        )


def _prepare(_options: Mapping[str, Any]) -> Prepare:
    """Kinds of transaction in Amazon's English, so that a statement in another language says the same."""

    def prepare(columns: dict[str, list[str]]) -> None:
        if name := next((name for name in columns if name.casefold() == "type"), ""):
            columns[name] = [statement_words.KINDS.get(cell.casefold(), cell) for cell in columns[name]]

    return prepare


STATEMENT = Dataset(
    key="account_transactions",
    label=gettext_lazy("Account transactions"),
    model=AccountTransaction,
    scope=Scope.GROUPS,
    # What happened at a moment to an order never changes; ranges that overlap say the same of it.
    group=("posted_at", "order_id"),
    lag_days=1,
    mature_days=3,
    verify=verify,
    derived={
        "date": "(s.posted_at AT TIME ZONE %(zone)s)::date",
        "withheld_tax_minor": f"CASE WHEN num_nonnulls({_TAXES}) > 0 THEN {_ALL_TAXES} END",
        "description": "CASE WHEN s.sku = '' THEN left(s.description, 255) ELSE '' END",
    },
    columns=(
        Column("posted_at", Kind.INSTANT, ("date/time",), required=True),
        Column("settlement_id", TEXT, ("settlement id",), required=True, default=""),
        Column("kind", TEXT, ("type",), required=True, default=""),
        Column("order_id", TEXT, ("order id",), required=True, default=""),
        Column("sku", TEXT, ("sku",), required=True, default=""),
        Column("description", TEXT, ("description",)),
        Column("quantity", Kind.INTEGER, ("quantity",), low=None),
        Column("sales_channel", TEXT, ("marketplace",)),
        Column("fulfilment", TEXT, ("fulfillment", "fulfilment")),
        *(
            Column(field, Kind.MONEY, names, low=None, required=field == "sales_minor", default=0)
            if field == "sales_minor"
            else Column(field, Kind.MONEY, names, low=None)
            for field, names in _AMOUNTS.items()
        ),
        *(Column(field, Kind.MONEY, (name,), low=None) for field, name in _WITHHELD.items()),
        Column("total_minor", Kind.MONEY, ("total",), low=None, required=True),
    ),
)

register(
    ReportSpec(
        key="statement",
        label=gettext_lazy("Date range transactions"),
        report_type="console: Date Range Reports, Transaction",
        api="",
        format="csv",
        datasets=(STATEMENT,),
        source_page="Payments > Reports Repository > Date Range Reports, Transaction",
        personal=("order city", "order state", "order postal"),
        unstored=("account type", "tax collection model", "transaction status", "transaction release date"),
        table=Table(spelt=statement_words.COLUMNS, prepare=_prepare),
    )
)
