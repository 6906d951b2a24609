"""Reports that tell about FBA stock: the planning snapshot and the stock snapshot."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, ReportSpec, Scope, register

from .models import Item, PlanningDay, StockDay

INTEGER, MONEY, TEXT = Kind.INTEGER, Kind.MONEY, Kind.TEXT

#: What both reports say about a SKU besides its figures.
ITEM = Dimension(
    Item,
    key=("sku",),
    columns={"fnsku": "fnsku", "asin": "asin", "name": "name"},
    extra=(
        Column("fnsku", TEXT, ("fnsku",), default=""),
        Column("asin", TEXT, ("asin",), default=""),
        Column("name", TEXT, ("product-name",), default=""),
    ),
)

#: The rest of the 97 columns: other cuts of age, Amazon's advice, fees (which come with the fee reports), seasons.
UNSTORED_PLANNING = (
    "condition",
    "pending-removal-quantity",
    "sales-price",
    "lowest-price-*",
    "featuredoffer-price",
    "*healthy-inventory-level",
    "recommended-sales-price",
    "recommended-sale-duration-days",
    "recommended-removal-quantity",
    "Recommended ship-in *",
    "estimated-cost-savings-of-recommended-actions",
    "item-volume",
    "volume-unit-measurement",
    "storage-type",
    "storage-volume",
    "marketplace",
    "product-group",
    "sales-rank",
    "weeks-of-cover-*",
    "sales-shipped-last-*",
    "inv-age-0-to-30-days",
    "inv-age-31-to-60-days",
    "inv-age-61-to-90-days",
    "inv-age-181-to-330-days",
    "inv-age-331-to-365-days",
    "inbound-*",
    "no-sale-last-6-months",
    "quantity-to-be-charged-ais-*",
    "estimated-ais-*",
    "qty-to-be-charged-ltsf-*",
    "projected-ltsf-*",
    "estimated-ltsf-*",
    "*historical-days-of-supply",
    "fba-minimum-inventory-level",
    "fba-inventory-level-health-status",
    "Exempted from Low-Inventory*",
    "Low-Inventory*",
    "Inventory age snapshot date",
    "Inventory Supply at FBA",
    "Reserved *",
    "Total Days of Supply*",
    "supplier",
    "is-seasonal-*",
    "season-*",
)
#: The rest of the 22 columns; Europe has two more.
UNSTORED_STOCK = (
    "condition",
    "mfn-*",
    "afn-listing-exists",
    "afn-warehouse-quantity",
    "afn-reserved-future-supply",
    "afn-future-supply-buyable",
    "afn-fulfillable-quantity-*",
    "per-unit-volume",
    "store",
)

PLANNING = Dataset(
    key="planning",
    label=gettext_lazy("FBA inventory planning"),
    model=PlanningDay,
    scope=Scope.DAYS,
    lag_days=0,
    mature_days=0,
    dimensions=(ITEM,),
    columns=(
        Column("date", Kind.DATE, ("snapshot-date",), required=True),
        Column("sku", TEXT, ("sku",), required=True),
        Column("currency", Kind.CURRENCY, ("currency",)),
        Column("available", INTEGER, ("available",), required=True),
        Column("inbound", INTEGER, ("inbound-quantity",)),
        Column("reserved", INTEGER, ("Total Reserved Quantity", "reserved-quantity")),
        Column("unfulfillable", INTEGER, ("unfulfillable-quantity",)),
        Column("age_0_90", INTEGER, ("inv-age-0-to-90-days",), default=0),
        Column("age_91_180", INTEGER, ("inv-age-91-to-180-days",), default=0),
        Column("age_181_270", INTEGER, ("inv-age-181-to-270-days",), default=0),
        Column("age_271_365", INTEGER, ("inv-age-271-to-365-days",), default=0),
        # Three generations: one column past a year until 2025, two since.
        Column("age_over_365", INTEGER, ("inv-age-365-plus-days",), default=0),
        Column("age_366_455", INTEGER, ("inv-age-366-to-455-days",), default=0),
        Column("age_over_455", INTEGER, ("inv-age-456-plus-days",), default=0),
        Column("shipped_7", INTEGER, ("units-shipped-t7",), required=True, default=0),
        Column("shipped_30", INTEGER, ("units-shipped-t30",), required=True, default=0),
        Column("shipped_60", INTEGER, ("units-shipped-t60",), default=0),
        Column("shipped_90", INTEGER, ("units-shipped-t90",), required=True, default=0),
        Column("excess", INTEGER, ("estimated-excess-quantity",)),
        Column("days_of_supply", INTEGER, ("days-of-supply",)),
        Column("sell_through", Kind.NUMBER, ("sell-through",)),
        Column("price_minor", MONEY, ("your-price",)),
        Column("storage_cost_minor", MONEY, ("estimated-storage-cost-next-month",)),
        Column("alert", TEXT, ("alert",), default=""),
        Column("recommended_action", TEXT, ("recommended-action",), default=""),
    ),
    derived={"age_over_365": "coalesce(s.age_over_365, 0) + coalesce(s.age_366_455, 0) + coalesce(s.age_over_455, 0)"},
)

STOCK = Dataset(
    key="stock",
    label=gettext_lazy("FBA stock"),
    model=StockDay,
    scope=Scope.DAY,
    lag_days=0,
    mature_days=0,
    dimensions=(ITEM,),
    columns=(
        Column("sku", TEXT, ("sku",), required=True),
        Column("fulfillable", INTEGER, ("afn-fulfillable-quantity",), required=True, default=0),
        Column("unsellable", INTEGER, ("afn-unsellable-quantity",), default=0),
        Column("reserved", INTEGER, ("afn-reserved-quantity",), default=0),
        Column("total", INTEGER, ("afn-total-quantity",), required=True, default=0),
        Column("inbound_working", INTEGER, ("afn-inbound-working-quantity",), default=0),
        Column("inbound_shipped", INTEGER, ("afn-inbound-shipped-quantity",), default=0),
        Column("inbound_receiving", INTEGER, ("afn-inbound-receiving-quantity",), default=0),
        # Negative while Amazon has found more than it was looking for.
        Column("researching", INTEGER, ("afn-researching-quantity",), default=0, low=None),
        Column("price_minor", MONEY, ("your-price",)),
    ),
)

register(
    ReportSpec(
        key="planning",
        label=gettext_lazy("FBA inventory planning"),
        report_type="GET_FBA_INVENTORY_PLANNING_DATA",
        reusable_minutes=240,  # a daily one: Amazon makes it anew after four hours
        api="sp",
        format="tsv",
        datasets=(PLANNING,),
        every_hours=24,
        # Made daily: anew every four hours at most.
        fastest_hours=4,
        history=False,
        not_in=frozenset({"NL", "PL", "SE", "BE"}),
        source_page="Inventory > FBA Inventory > Inventory planning",
        unstored=UNSTORED_PLANNING,
    ),
    ReportSpec(
        key="stock",
        label=gettext_lazy("FBA stock"),
        report_type="GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA",
        reusable_minutes=30,
        api="sp",
        format="tsv",
        datasets=(STOCK,),
        every_hours=6,
        history=False,
        source_page="Reports > Fulfilment > Manage FBA Inventory",
        unstored=UNSTORED_STOCK,
    ),
)

from . import reports_fees, reports_movements, reports_warnings  # noqa: E402, F401 - importing them declares them
