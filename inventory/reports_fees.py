"""What Amazon charges for FBA: storage by month, and the fees of selling one piece."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Document
from opsboard.feeds.registry import Column, Dataset, Kind, Period, ReportSpec, Scope, register

from .models import FeePreviewDay, StorageFeeMonth
from .reports_warnings import item

MONEY, NUMBER, TEXT = Kind.MONEY, Kind.NUMBER, Kind.TEXT


def months_are_plain(cursor: Any, table: str, _document: Document) -> None:
    """A `Dataset.verify`: every row says its month like 2026-07."""
    cursor.execute(
        f"SELECT s.line, s.month FROM {table} s WHERE s.month !~ '^20[0-9][0-9]-(0[1-9]|1[0-2])$' ORDER BY 1 LIMIT 1"
    )
    if (wrong := cursor.fetchone()) is not None:
        raise BadDocument(
            _("“%(cell)s” is not a month like 2026-07") % {"cell": wrong[1]},
            line=wrong[0],
            column="month_of_charge",
            todo=_("Download the report again, and do not open it in a spreadsheet before sending it."),
        )


STORAGE = Dataset(
    key="storage_fees",
    label=gettext_lazy("FBA storage fees"),
    model=StorageFeeMonth,
    scope=Scope.GROUPS,
    # A month is told as a whole.
    group=("date",),
    period=Period.MONTH,
    # Counted from the first of the month: Amazon charges it between the 7th and the 15th of the next.
    lag_days=37,
    mature_days=45,
    verify=months_are_plain,
    derived={"date": "to_date(s.month || '-01', 'YYYY-MM-DD')"},
    columns=(
        Column("month", TEXT, ("month_of_charge",), required=True),
        Column("fnsku", TEXT, ("fnsku",), required=True),
        Column("fulfillment_center", TEXT, ("fulfillment_center",), required=True, default=""),
        Column("asin", TEXT, ("asin",), default=""),
        Column("country", TEXT, ("country_code",), default=""),
        Column("size_tier", TEXT, ("product_size_tier",), default=""),
        Column("average_on_hand", NUMBER, ("average_quantity_on_hand",)),
        Column("average_pending_removal", NUMBER, ("average_quantity_pending_removal",)),
        Column("volume", NUMBER, ("estimated_total_item_volume",)),
        Column("volume_unit", TEXT, ("volume_units",), default=""),
        Column("rate", NUMBER, ("storage_rate",)),
        Column("currency", Kind.CURRENCY, ("currency",), required=True),
        Column("fee", NUMBER, ("estimated_monthly_storage_fee",), required=True),
        Column("incentive", NUMBER, ("total_incentive_fee_amount",), low=None),
    ),
)

FEE_PREVIEW = Dataset(
    key="fee_preview",
    label=gettext_lazy("FBA fee preview"),
    model=FeePreviewDay,
    scope=Scope.DAY,
    lag_days=0,
    mature_days=0,
    shop="store",
    dimensions=(item("product-name"),),
    columns=(
        Column("store", TEXT, ("amazon-store",), default=""),
        Column("sku", TEXT, ("sku",), required=True),
        Column("currency", Kind.CURRENCY, ("currency",)),
        Column("fulfilled_by", TEXT, ("fulfilled-by",), default=""),
        Column("price_minor", MONEY, ("your-price",)),
        Column("sales_price_minor", MONEY, ("sales-price",)),
        Column("size_tier", TEXT, ("product-size-tier", "product-size-weight-band"), required=True, default=""),
        Column("longest_side", NUMBER, ("longest-side",)),
        Column("median_side", NUMBER, ("median-side",)),
        Column("shortest_side", NUMBER, ("shortest-side",)),
        Column("length_unit", TEXT, ("unit-of-dimension",), default=""),
        Column("weight", NUMBER, ("item-package-weight",)),
        Column("weight_unit", TEXT, ("unit-of-weight",), default=""),
        Column("fee_total_minor", MONEY, ("estimated-fee-total",)),
        Column("referral_fee_minor", MONEY, ("estimated-referral-fee-per-unit",)),
        Column("closing_fee_minor", MONEY, ("estimated-variable-closing-fee",)),
        Column(
            "fulfillment_fee_minor",
            MONEY,
            ("expected-fulfillment-fee-per-unit", "expected-domestic-fulfilment-fee-per-unit"),
        ),
    ),
)

register(
    ReportSpec(
        key="storage_fees",
        label=STORAGE.label,
        report_type="GET_FBA_STORAGE_FEE_CHARGES_DATA",
        api="sp",
        format="tsv",
        datasets=(STORAGE,),
        max_days=31,
        lookback_days=186,
        modest=True,
        every_hours=24 * 7,
        reask_days=62,
        until_final_days=124,
        fastest_hours=24,
        moments=True,
        source_page="Reports > Fulfilment > Monthly storage fees",
        unstored=(
            "product_name",
            "longest_side",
            "median_side",
            "shortest_side",
            "measurement_units",
            "weight",
            "weight_units",
            "item_volume",
            "dangerous_goods_storage_type",
            "eligible_for_inventory_discount",
            "qualifies_for_inventory_discount",
            "breakdown_incentive_fee_amount",
            "average_quantity_customer_orders",
            "base_rate",
            "utilization_surcharge_rate",
            "storage_utilization_ratio*",
        ),
    ),
    ReportSpec(
        key="fee_preview",
        label=FEE_PREVIEW.label,
        report_type="GET_FBA_ESTIMATED_FBA_FEES_TXT_DATA",
        reusable_minutes=24 * 60,  # and Amazon refuses another one in that time
        api="sp",
        format="tsv",
        datasets=(FEE_PREVIEW,),
        every_hours=24,
        history=False,
        # Amazon makes it once a day, and wants a start at least three days back.
        rest_hours=24,
        since_hours=73,
        source_page="Reports > Fulfilment > Fee preview",
        unstored=(
            "product-group",
            "brand",
            "has-local-inventory",
            "length-and-girth",
            "estimated-order-handling-fee-per-order",
            "estimated-pick-pack-fee-per-unit",
            "estimated-weight-handling-fee-per-unit",
            "estimated-future-*",
            "expected-future-*",
            "expected-efn-*",
            "current-fee-category",
            "future-fee-category*",
        ),
    ),
)
