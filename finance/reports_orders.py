"""All orders by last update: the newest word on every line of every order."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope, register

from .models import OrderLine

TEXT, MONEY = Kind.TEXT, Kind.MONEY

ORDER_LINES = Dataset(
    key="order_lines",
    label=gettext_lazy("Order lines"),
    model=OrderLine,
    scope=Scope.GROUPS,
    group=("order_id",),
    version="updated_at",
    shop="sales_channel",
    lag_days=1,
    # Pending orders get their amounts, and the unpaid ones are cancelled, within days.
    mature_days=5,
    derived={
        "date": "(s.purchased_at AT TIME ZONE %(zone)s)::date",
        "is_business": "(nullif(lower(s.business), '') = 'true')",
    },
    columns=(
        Column("order_id", TEXT, ("amazon-order-id",), required=True),
        Column("purchased_at", Kind.INSTANT, ("purchase-date",), required=True),
        Column("updated_at", Kind.INSTANT, ("last-updated-date",), required=True),
        Column("status", TEXT, ("order-status",), required=True),
        Column("fulfilment", TEXT, ("fulfillment-channel",)),
        Column("sales_channel", TEXT, ("sales-channel",), required=True, default=""),
        Column("sku", TEXT, ("sku",), required=True),
        Column("asin", TEXT, ("asin",)),
        Column("item_status", TEXT, ("item-status",)),
        Column("quantity", Kind.INTEGER, ("quantity",), required=True),
        Column("currency", Kind.CURRENCY, ("currency",)),
        Column("price_minor", MONEY, ("item-price",)),
        Column("tax_minor", MONEY, ("item-tax",)),
        Column("shipping_minor", MONEY, ("shipping-price",)),
        Column("shipping_tax_minor", MONEY, ("shipping-tax",)),
        Column("gift_wrap_minor", MONEY, ("gift-wrap-price",)),
        Column("gift_wrap_tax_minor", MONEY, ("gift-wrap-tax",)),
        Column("discount_minor", MONEY, ("item-promotion-discount",)),
        Column("shipping_discount_minor", MONEY, ("ship-promotion-discount",)),
        Column("business", TEXT, ("is-business-order",)),
    ),
)

#: Where and who the buyer is, by whatever name a generation or a country has it.
BUYER = (
    "ship-city",
    "ship-state",
    "ship-postal-code",
    "ship-country",
    "ship-county",
    "ship-phone-number",
    "ship-address-*",
    "recipient-name",
    "buyer-*",
    "cpf",  # Brazil: a person's tax number
    "purchase-order-number",
)

register(
    ReportSpec(
        key="orders",
        label=gettext_lazy("All orders"),
        report_type="GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
        api="sp",
        format="tsv",
        datasets=(ORDER_LINES,),
        # Amazon documents no limits; 30 days a report is what everybody asks for and gets. A quarter back is as far
        # as settlements go, which orders are compared with.
        max_days=30,
        lookback_days=90,
        modest=True,
        # An order that changes comes with the day of the change; three days for what Amazon enters late.
        reask_days=3,
        moments=True,
        source_page="Reports > Fulfilment > All Orders",
        personal=BUYER,
        unstored=(
            "merchant-order-id",
            "order-channel",
            "url",
            "ship-service-level",
            "product-name",
            "promotion-ids",
            "price-designation",
            "signature-confirmation-recommended",
            "is-*",
            "customized-*",
            "original-order-id",
            "vat-exclusive-*",
        ),
    ),
)
