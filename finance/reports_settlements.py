"""Settlements: the flat file V2 that Amazon makes every fortnight, and the older wide file.

The first line of a settlement states its total and its days, the others are its amounts. In the wide
file a line may state several amounts at once; each becomes a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument, Held
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register
from opsboard.ui import formats

from . import marketplaces
from .models import Settlement, SettlementLine

if TYPE_CHECKING:
    from opsboard.feeds.models import Document

TEXT, MONEY, INSTANT = Kind.TEXT, Kind.MONEY, Kind.INSTANT

_HEADER = (
    Column("settlement_id", TEXT, ("settlement-id",), required=True),
    Column("first_day", Kind.DATE, ("settlement-start-date",), ahead=True),
    Column("last_day", Kind.DATE, ("settlement-end-date",), ahead=True),
    Column("total_minor", MONEY, ("total-amount",), low=None),
    Column("currency", Kind.CURRENCY, ("currency",)),
)
_DETAIL = (
    Column("transaction_type", TEXT, ("transaction-type",), required=True, default=""),
    Column("order_id", TEXT, ("order-id",)),
    Column("order_item_id", TEXT, ("order-item-code",)),
    Column("adjustment_id", TEXT, ("adjustment-id",)),
    Column("sku", TEXT, ("sku",)),
    Column("fulfilment", TEXT, ("fulfillment-id",)),
    Column("sales_channel", TEXT, ("marketplace-name",)),
    Column("quantity", Kind.INTEGER, ("quantity-purchased",), low=None),
)
_LINES_KEY = "settlement_lines"
#: A line without a day of its own (a reserve carried over) counts on the settlement's last.
_LAST_DAY = f"(SELECT max(h.last_day) FROM stage_{_LINES_KEY} h WHERE h.settlement_id = s.settlement_id)"
_POSTED = "(s.posted_at AT TIME ZONE %(zone)s)::date"
#: Amounts of the wide file: what V2 calls such an amount, the column that describes it (or words), the column.
_WIDE = (
    ("ItemPrice", "price_type", "price_minor"),
    ("ItemFees", "item_fee_type", "item_fee_minor"),
    ("ShipmentFees", "shipment_fee_type", "shipment_fee_minor"),
    ("OrderFees", "order_fee_type", "order_fee_minor"),
    ("Promotion", "promotion_type", "promotion_minor"),
    ("DirectPayment", "direct_payment_type", "direct_payment_minor"),
    ("OtherFee", "other_fee_reason", "other_fee_minor"),
    ("MiscFee", "", "misc_fee_minor"),
    ("Other", "", "other_minor"),
)
_WIDE_AMOUNTS = ", ".join(
    f"('{kind}', {f's.{described}' if described else 's.transaction_type'}, s.{amount})"
    for kind, described, amount in _WIDE
)
_WIDE_SUM = " + ".join(f"coalesce(s.{amount}, 0)" for _kind, _described, amount in _WIDE)
_NO_AMOUNT = f"num_nonnulls({', '.join(f's.{amount}' for _kind, _described, amount in _WIDE)}) = 0"
WIDE_LINES = (
    "(SELECT s.*, u.amount_type, u.amount_description, u.amount_minor FROM {table} s "
    f"CROSS JOIN LATERAL (VALUES {_WIDE_AMOUNTS}, ('', '', NULL::bigint)) "
    "u(amount_type, amount_description, amount_minor) "
    f"WHERE s.total_minor IS NULL AND (u.amount_minor IS NOT NULL OR (u.amount_type = '' AND {_NO_AMOUNT})))"
)


def adds_up(amounts: str) -> Callable[[Any, str, Document], None]:
    """A `Dataset.verify`: the lines' `amounts` (SQL over alias s) add up to what the header states, to the cent.

    Otherwise the document is Held. One without a header is refused, as is one about another marketplace.
    """

    def verify(cursor: Any, table: str, document: Document) -> None:
        marketplaces.check(cursor, table, document)
        cursor.execute(
            f"SELECT s.settlement_id, count(DISTINCT s.total_minor), max(s.total_minor), coalesce(sum({amounts}), 0), "
            "min(s.line), count(*) FILTER (WHERE s.first_day IS NOT NULL AND s.last_day IS NOT NULL) "
            f"FROM {table} s GROUP BY 1 ORDER BY 5"
        )
        for settlement, totals, total, lines, first_line, dated in cursor.fetchall():
            if totals != 1 or not dated:
                raise BadDocument(
                    _("Settlement %(id)s has no line that states its total and its days, or several that differ")
                    % {"id": settlement},
                    line=first_line,
                    todo=_("Nothing was changed. Download the settlement again, as a whole."),
                )
            if total != lines:
                shop = document.marketplace
                raise Held(
                    _("The lines of settlement %(id)s add up to %(lines)s and its header states %(total)s: %(off)s off")
                    % {
                        "id": settlement,
                        "lines": formats.money(lines, shop),
                        "total": formats.money(total, shop),
                        "off": formats.money(lines - total, shop),
                    },
                    line=first_line,
                    todo=_("Nothing was changed. Download it again; if Amazon's own figures differ, apply it by hand."),
                )

    return verify


SETTLEMENTS = Dataset(
    key="settlements",
    label=gettext_lazy("Settlements"),
    model=Settlement,
    scope=Scope.GROUPS,
    group=("settlement_id",),
    lag_days=21,
    mature_days=1,
    complete=("deposit_day", "deposit_day"),
    filled="total_minor",
    source="(SELECT s.* FROM {table} s WHERE s.total_minor IS NOT NULL)",
    derived={"date": "coalesce(s.deposit_day, s.last_day)"},
    columns=(*_HEADER, Column("deposit_day", Kind.DATE, ("deposit-date",), ahead=True)),
)
SETTLEMENT_LINES = Dataset(
    key=_LINES_KEY,
    label=gettext_lazy("Settlement lines"),
    model=SettlementLine,
    scope=Scope.GROUPS,
    group=("settlement_id",),
    # Its last day goes on in the settlement that follows.
    complete=("first_day", "last_day"),
    # A fortnight, and the days Amazon takes to close it.
    lag_days=21,
    mature_days=1,
    source="(SELECT s.* FROM {table} s WHERE s.total_minor IS NULL)",
    derived={"date": f"coalesce({_POSTED}, s.posted_day, {_LAST_DAY})"},
    verify=adds_up("s.amount_minor"),
    columns=(
        *_HEADER,
        Column("posted_at", INSTANT, ("posted-date-time",)),
        Column("posted_day", Kind.DATE, ("posted-date",)),
        *_DETAIL,
        Column("amount_type", TEXT, ("amount-type",), required=True, default=""),
        Column("amount_description", TEXT, ("amount-description",), required=True, default=""),
        Column("amount_minor", MONEY, ("amount",), low=None),
    ),
)
WIDE_SETTLEMENT_LINES = Dataset(
    key=_LINES_KEY,
    label=gettext_lazy("Settlement lines"),
    model=SettlementLine,
    scope=Scope.GROUPS,
    group=("settlement_id",),
    lag_days=21,
    mature_days=1,
    complete=("first_day", "last_day"),
    source=WIDE_LINES,
    derived={
        "date": f"coalesce({_POSTED}, {_LAST_DAY})",
        "amount_type": "s.amount_type",
        "amount_description": "s.amount_description",
        "amount_minor": "s.amount_minor",
    },
    verify=adds_up(_WIDE_SUM),
    columns=(
        *_HEADER,
        Column("posted_at", INSTANT, ("posted-date",)),
        *_DETAIL,
        Column("price_type", TEXT, ("price-type",), required=True, default=""),
        Column("price_minor", MONEY, ("price-amount",), low=None),
        Column("item_fee_type", TEXT, ("item-related-fee-type",), required=True, default=""),
        Column("item_fee_minor", MONEY, ("item-related-fee-amount",), low=None),
        Column("shipment_fee_type", TEXT, ("shipment-fee-type",)),
        Column("shipment_fee_minor", MONEY, ("shipment-fee-amount",), low=None),
        Column("order_fee_type", TEXT, ("order-fee-type",)),
        Column("order_fee_minor", MONEY, ("order-fee-amount",), low=None),
        Column("promotion_type", TEXT, ("promotion-type",)),
        Column("promotion_minor", MONEY, ("promotion-amount",), low=None),
        Column("direct_payment_type", TEXT, ("direct-payment-type",)),
        Column("direct_payment_minor", MONEY, ("direct-payment-amount",), low=None),
        Column("other_fee_reason", TEXT, ("other-fee-reason-description",)),
        Column("other_fee_minor", MONEY, ("other-fee-amount",), low=None),
        Column("misc_fee_minor", MONEY, ("misc-fee-amount",), low=None),
        Column("other_minor", MONEY, ("other-amount",), low=None),
    ),
)
_UNSTORED = (
    "merchant-order-id",
    "shipment-id",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "promotion-id",
)

register(
    ReportSpec(
        key="settlements",
        label=gettext_lazy("Settlements"),
        report_type="GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
        api="sp",
        format="tsv",
        # The lines are verified before anything is stored.
        datasets=(SETTLEMENT_LINES, SETTLEMENTS),
        # Amazon makes them by itself and keeps reports for 90 days.
        discovered=True,
        whose=("marketplace-name", "currency"),
        localised=True,
        lookback_days=90,
        source_page="Payments > Reports Repository > Settlement Report (Flat File V2)",
        unstored=_UNSTORED,
    ),
    ReportSpec(
        key="settlements_wide",
        label=gettext_lazy("Settlements (older flat file)"),
        report_type="GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE",
        api="",
        format="tsv",
        datasets=(WIDE_SETTLEMENT_LINES, SETTLEMENTS),
        localised=True,
        source_page="Payments > Reports Repository > Settlement Report (Flat File)",
        unstored=_UNSTORED,
    ),
)
