"""What Amazon advises about FBA stock: what to send in, and what is stranded."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, ReportSpec, Scope, register

from .models import Item, RestockDay, StrandedDay

INTEGER, MONEY, TEXT = Kind.INTEGER, Kind.MONEY, Kind.TEXT


def item(name: str, fnsku: str = "fnsku", asin: str = "asin") -> Dimension:
    """What a report that spells these columns so says about a SKU besides its figures."""
    return Dimension(
        Item,
        key=("sku",),
        columns={"fnsku": "fnsku", "asin": "asin", "name": "name"},
        extra=(
            Column("fnsku", TEXT, (fnsku,), default=""),
            Column("asin", TEXT, (asin,), default=""),
            Column("name", TEXT, (name,), default=""),
        ),
    )


RESTOCK = Dataset(
    key="restock",
    label=gettext_lazy("Restock recommendations"),
    model=RestockDay,
    scope=Scope.DAY,
    lag_days=0,
    mature_days=0,
    shop="country",
    dimensions=(item("Product Name"),),
    columns=(
        Column("country", TEXT, ("Country",), default=""),
        Column("sku", TEXT, ("Merchant SKU",), required=True),
        Column("currency", Kind.CURRENCY, ("Currency code",)),
        Column("price_minor", MONEY, ("Price",)),
        Column("sales_30_minor", MONEY, ("Sales last 30 days",)),
        Column("units_30", INTEGER, ("Units Sold Last 30 Days",)),
        Column("total_units", INTEGER, ("Total Units",)),
        Column("inbound", INTEGER, ("Inbound",)),
        Column("available", INTEGER, ("Available",), required=True),
        Column("fc_transfer", INTEGER, ("FC transfer",)),
        Column("fc_processing", INTEGER, ("FC Processing",)),
        Column("customer_order", INTEGER, ("Customer Order",)),
        Column("unfulfillable", INTEGER, ("Unfulfillable",)),
        Column("working", INTEGER, ("Working",)),
        Column("shipped", INTEGER, ("Shipped",)),
        Column("receiving", INTEGER, ("Receiving",)),
        Column("fulfilled_by", TEXT, ("Fulfilled by",), default=""),
        Column(
            "days_of_supply",
            INTEGER,
            ("Total Days of Supply (including units from open shipments)", "Total Days of Supply"),
        ),
        Column("days_of_supply_at_amazon", INTEGER, ("Days of Supply at Amazon Fulfillment Network",)),
        Column("alert", TEXT, ("Alert",), default=""),
        Column("recommended_quantity", INTEGER, ("Recommended replenishment qty",), required=True),
        Column("recommended_ship_date", TEXT, ("Recommended ship date",), default=""),
        # Some European files do not have these two.
        Column("recommended_action", TEXT, ("Recommended action",), default=""),
        Column("storage_size", TEXT, ("Unit storage size",), default=""),
    ),
)

STRANDED = Dataset(
    key="stranded",
    label=gettext_lazy("Stranded inventory"),
    model=StrandedDay,
    scope=Scope.DAY,
    lag_days=0,
    mature_days=0,
    # A header without rows says that nothing is stranded.
    may_be_empty=True,
    dimensions=(item("product-name"),),
    columns=(
        Column("sku", TEXT, ("sku",), required=True),
        Column("reason", TEXT, ("stranded-reason",), required=True, default=""),
        Column("primary_action", TEXT, ("primary-action",), default=""),
        Column("status_primary", TEXT, ("status-primary",), default=""),
        Column("status_secondary", TEXT, ("status-secondary",), default=""),
        Column("error", TEXT, ("error-message",), default=""),
        Column("stranded_since", TEXT, ("date-stranded",), required=True, default=""),
        Column("removal_on", TEXT, ("Date-to-take-auto-removal",), default=""),
        Column("fulfillable", INTEGER, ("fulfillable-qty",)),
        Column("unfulfillable", INTEGER, ("unfulfillable-qty",)),
        Column("reserved", INTEGER, ("reserved-quantity",)),
        Column("inbound_shipped", INTEGER, ("inbound-shipped-qty",)),
        Column("price_minor", MONEY, ("your-price",)),
    ),
)

register(
    ReportSpec(
        key="restock",
        label=RESTOCK.label,
        report_type="GET_RESTOCK_INVENTORY_RECOMMENDATIONS_REPORT",
        reusable_minutes=30,
        api="sp",
        format="tsv",
        datasets=(RESTOCK,),
        every_hours=24,
        history=False,
        source_page="Inventory > FBA Inventory > Restock inventory",
        unstored=("Condition", "Supplier", "Supplier part no."),
    ),
    ReportSpec(
        key="stranded",
        label=STRANDED.label,
        report_type="GET_STRANDED_INVENTORY_UI_DATA",
        reusable_minutes=30,
        api="sp",
        format="tsv",
        datasets=(STRANDED,),
        every_hours=12,
        history=False,
        source_page="Inventory > Fix stranded inventory",
        unstored=("condition", "fulfilled-by"),
    ),
)
