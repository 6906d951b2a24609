"""Sponsored Brands and Sponsored Display as the advertising console gives them: 14-day sales, names, days.

They feed the facts of the API, apart from those of Sponsored Products. A file without the columns of
clicks alone or of buyers new to the brand (older downloads) is refused, for zero would be stored for them.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.registry import Column, Dimension, Kind, register

from . import reports_brands as brands
from . import reports_display as display
from .models import SearchTerm
from .reports_console import (
    AD_GROUP_KEY,
    CAMPAIGN_ID,
    CAMPAIGN_KEY,
    CURRENCY,
    DATE,
    MADE_OF_PRODUCTS,
    MADE_OF_TARGETS,
    NEW_CAMPAIGN,
    NEW_CAMPAIGN_NAMES,
    TARGET_KEY,
    TARGET_NAMES,
    console_report,
)
from .reports_console_products import AD_KEY, ASIN, ENTITIES, SKU

INTEGER, MONEY = Kind.INTEGER, Kind.MONEY

FOURTEEN_DAYS = (
    Column("impressions", INTEGER, ("Impressions",), required=True, default=0),
    Column("clicks", INTEGER, ("Clicks",), required=True, default=0),
    Column("spend_minor", MONEY, ("Spend", "Cost", "Total cost"), required=True, default=0),
    Column("sales_minor", MONEY, ("14 Day Total Sales",), required=True, default=0),
    Column("clicked_sales_minor", MONEY, ("14 Day Total Sales - (Click)",), required=True, default=0),
    Column("orders", INTEGER, ("14 Day Total Orders",), required=True, default=0),
    Column("clicked_orders", INTEGER, ("14 Day Total Orders - (Click)",), required=True, default=0),
    Column("units", INTEGER, ("14 Day Total Units",), required=True, default=0),
)
NEW_TO_BRAND = (
    Column("new_to_brand_sales_minor", MONEY, ("14 Day New-to-brand Sales",), required=True, default=0),
    Column("new_to_brand_orders", INTEGER, ("14 Day New-to-brand Orders",), required=True, default=0),
)
_MADE_OF_CAMPAIGNS = {CAMPAIGN_ID: ("Campaign Name",), NEW_CAMPAIGN: ("Campaign Name",)}
#: Columns of reports that break the same figures down further.
_FINER = ("Placement*", "Purchased ASIN", "Matched target*", "Audience*", "Category*", "Creative*", "Attribution type")
_RATE = "14 Day Conversion Rate"

#: Reports of Brands say neither the state nor the budget of a campaign: with them it is a report of Display.
_NAMES_ONLY = replace(
    NEW_CAMPAIGN_NAMES,
    columns={"campaign_id": "new_campaign_id", "name": "campaign_name", "status": "campaign_status"},
    extra=(
        *(one for one in NEW_CAMPAIGN_NAMES.extra if one.field in {"new_campaign_id", "campaign_name"}),
        Column("campaign_status", Kind.TEXT, ("Campaign Status",), default=""),
    ),
)

SB_CAMPAIGNS = replace(
    brands.CAMPAIGNS,
    columns=(DATE, CAMPAIGN_KEY, CURRENCY, *FOURTEEN_DAYS, *NEW_TO_BRAND),
    dimensions=(_NAMES_ONLY,),
)
SB_TARGETS = replace(
    brands.TARGETS,
    columns=(DATE, CAMPAIGN_KEY, AD_GROUP_KEY, TARGET_KEY, CURRENCY, *FOURTEEN_DAYS),
    derived={},
    dimensions=(*ENTITIES, TARGET_NAMES),
)
SB_SEARCH_TERMS = replace(
    brands.SEARCH_TERMS,
    columns=(
        DATE,
        CAMPAIGN_KEY,
        AD_GROUP_KEY,
        TARGET_KEY,
        Column("term_id", Kind.KEY, ("Customer Search Term",), required=True, text_field="term_text"),
        CURRENCY,
        *FOURTEEN_DAYS,
    ),
    dimensions=(
        *ENTITIES,
        Dimension(SearchTerm, key=("term_id",), columns={"text": "term_text"}),
        TARGET_NAMES,
    ),
)
SD_CAMPAIGNS = replace(
    display.CAMPAIGNS,
    columns=SB_CAMPAIGNS.columns,
    dimensions=(NEW_CAMPAIGN_NAMES,),
)
SD_PRODUCTS = replace(
    display.PRODUCTS,
    columns=(DATE, CAMPAIGN_KEY, AD_GROUP_KEY, AD_KEY, ASIN, SKU, CURRENCY, *FOURTEEN_DAYS),
    dimensions=ENTITIES,
)
SD_TARGETS = replace(
    display.TARGETS,
    columns=SB_TARGETS.columns,
    dimensions=(*ENTITIES, TARGET_NAMES),
)

register(
    console_report(
        SB_CAMPAIGNS,
        "console_sb_campaigns",
        _("Sponsored Brands campaigns (console)"),
        "Campaign",
        # Conversions by clicks stand in reports of Brands only, the state of a campaign in those of Display.
        needs=(_RATE,),
        foreign=(
            *_FINER, "Status", "Budget*", "Bid optimization", "Customer Search Term", "Targeting", "Ad Group Name",
            "Advertised*"),
        made=_MADE_OF_CAMPAIGNS,
    ),
    console_report(
        SB_TARGETS,
        "console_sb_targets",
        _("Sponsored Brands targets (console)"),
        "Keyword",
        needs=(_RATE, "Match Type"),
        foreign=(*_FINER, "Bid optimization", "Customer Search Term", "Advertised*"),
        made=MADE_OF_TARGETS,
    ),
    console_report(
        SB_SEARCH_TERMS,
        "console_sb_search_terms",
        _("Sponsored Brands search terms (console)"),
        "Search term",
        needs=(_RATE, "Match Type"),
        foreign=(*_FINER, "Bid optimization", "Search Term Impression*", "Advertised*"),
        made=MADE_OF_TARGETS,
    ),
    console_report(
        SD_CAMPAIGNS,
        "console_sd_campaigns",
        _("Sponsored Display campaigns (console)"),
        "Campaign",
        needs=("Status", "14 Day Detail Page Views (DPV)"),
        foreign=(*_FINER, _RATE, "Customer Search Term", "Targeting", "Ad Group Name", "Advertised*"),
        made=_MADE_OF_CAMPAIGNS,
    ),
    console_report(
        SD_PRODUCTS,
        "console_sd_products",
        _("Sponsored Display advertised products (console)"),
        "Advertised product",
        needs=("Bid optimization",),
        foreign=(*_FINER, "Customer Search Term", "Targeting"),
        made=MADE_OF_PRODUCTS,
        read=("Advertised SKU", "Advertised ASIN"),
    ),
    console_report(
        SD_TARGETS,
        "console_sd_targets",
        _("Sponsored Display targets (console)"),
        "Targeting",
        needs=("Bid optimization",),
        foreign=(*_FINER, "Customer Search Term", "Match Type", "Advertised*"),
        made=MADE_OF_TARGETS,
    ),
)  # fmt: skip
