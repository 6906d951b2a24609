"""Targets, advertised and purchased products of Sponsored Products as the advertising console gives them.

Names instead of ids, 7-day sales, days: see `reports_console`. An ad is told by its ad group and product.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.registry import Column, Kind, register

from .reports_console import (
    AD_GROUP_KEY,
    AD_ID,
    CAMPAIGN_KEY,
    CURRENCY,
    DATE,
    FIGURES,
    INSTEAD,
    MADE_OF_PRODUCTS,
    MADE_OF_TARGETS,
    NEW_AD_GROUP_NAMES,
    NEW_CAMPAIGN_NAMES,
    TARGET_KEY,
    TARGET_NAMES,
    console_report,
)
from .reports_products import ADVERTISED, PURCHASED, TARGETS

INTEGER, MONEY, TEXT = Kind.INTEGER, Kind.MONEY, Kind.TEXT
ENTITIES = (NEW_CAMPAIGN_NAMES, NEW_AD_GROUP_NAMES)
AD_KEY = Column("ad_id", Kind.ID, (AD_ID,), required=True)
ASIN = Column("asin", TEXT, ("Advertised ASIN",), required=True, default="")
SKU = Column("sku", TEXT, ("Advertised SKU",), default="")

CONSOLE_TARGETS = replace(
    TARGETS,
    columns=(DATE, CAMPAIGN_KEY, AD_GROUP_KEY, TARGET_KEY, CURRENCY, *FIGURES),
    dimensions=(*ENTITIES, TARGET_NAMES),
)
CONSOLE_ADVERTISED = replace(
    ADVERTISED,
    columns=(DATE, CAMPAIGN_KEY, AD_GROUP_KEY, AD_KEY, ASIN, SKU, CURRENCY, *FIGURES),
    dimensions=ENTITIES,
)

OTHER_SKU = tuple(f"7 Day Other SKU {what}" for what in ("Sales", "Orders", "Units"))
_OTHER_SALES, _OTHER_ORDERS, _OTHER_UNITS = OTHER_SKU
#: The report lists products that were bought instead of the advertised one, so all its sales are such.
CONSOLE_PURCHASED = replace(
    PURCHASED,
    columns=(
        DATE,
        CAMPAIGN_KEY,
        AD_GROUP_KEY,
        TARGET_KEY,
        Column("advertised_sku", TEXT, ("Advertised SKU",), default=""),
        Column("advertised_asin", TEXT, ("Advertised ASIN",), default=""),
        Column("purchased_asin", TEXT, ("Purchased ASIN",), required=True),
        CURRENCY,
        Column("sales_minor", MONEY, (_OTHER_SALES,), required=True, default=0),
        Column("orders", INTEGER, (_OTHER_ORDERS,), required=True, default=0),
        Column("units", INTEGER, (_OTHER_UNITS,), required=True, default=0),
        Column("other_sales_minor", MONEY, (_OTHER_SALES,), required=True, default=0),
        Column("other_orders", INTEGER, (_OTHER_ORDERS,), required=True, default=0),
        Column("other_units", INTEGER, (_OTHER_UNITS,), required=True, default=0),
    ),
    dimensions=(*ENTITIES, TARGET_NAMES),
)

_PRODUCTS = ("Advertised SKU", "Advertised ASIN")

register(
    console_report(
        CONSOLE_TARGETS,
        "console_targets",
        _("Sponsored Products targets (console)"),
        "Targeting",
        instead=INSTEAD,
        foreign=("Customer Search Term", "Advertised ASIN", "Purchased ASIN", "Placement*", "Bid optimization"),
        needs=("Match Type",),
        made=MADE_OF_TARGETS,
    ),
    console_report(
        CONSOLE_ADVERTISED,
        "console_advertised_products",
        _("Sponsored Products advertised products (console)"),
        "Advertised product",
        instead=INSTEAD,
        foreign=("Customer Search Term", "Targeting", "Purchased ASIN", "Placement*", "Bid optimization"),
        made=MADE_OF_PRODUCTS,
        read=_PRODUCTS,
    ),
    console_report(
        CONSOLE_PURCHASED,
        "console_purchased_products",
        _("Sponsored Products purchased products (console)"),
        "Purchased product",
        foreign=("Customer Search Term", "Placement*", "14 Day*"),
        made=MADE_OF_TARGETS,
        read=(*_PRODUCTS, *OTHER_SKU),
    ),
)
