"""Reports of Sponsored Brands (Ads v3): campaigns, targets, search terms, by day.

Sales are those of the 14 days after a click or a view; the columns of clicks alone are kept beside them.
Limits are Amazon's: 31 days a request, 60 days back.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, Scope, register

from .models import BrandsCampaignDay, BrandsSearchTermDay, BrandsTargetDay, Campaign, SearchTerm
from .reports import CURRENCY
from .reports_products import AD_GROUP, AD_GROUP_ID, CAMPAIGN_ID, DATE, ads_report, target

ID, INTEGER, MONEY, TEXT = Kind.ID, Kind.INTEGER, Kind.MONEY, Kind.TEXT

#: Delivery and 14-day sales, as Sponsored Brands and Display name them.
FOURTEEN_DAYS = (
    Column("impressions", INTEGER, ("impressions",), required=True),
    Column("clicks", INTEGER, ("clicks",), required=True),
    Column("spend_minor", MONEY, ("cost",), required=True),
    Column("sales_minor", MONEY, ("sales",), required=True, default=0),
    Column("clicked_sales_minor", MONEY, ("salesClicks",), default=0),
    Column("orders", INTEGER, ("purchases",), default=0),
    Column("clicked_orders", INTEGER, ("purchasesClicks",), default=0),
    Column("units", INTEGER, ("unitsSold",), default=0),
)
NEW_TO_BRAND = (
    Column("new_to_brand_sales_minor", MONEY, ("newToBrandSales",), default=0),
    Column("new_to_brand_orders", INTEGER, ("newToBrandPurchases",), default=0),
)
SUMS = tuple(column.field for column in FOURTEEN_DAYS)
DELIVERY = "campaignBudgetCurrencyCode impressions clicks cost sales salesClicks purchases purchasesClicks unitsSold"
#: What a campaign report says about a campaign besides its figures.
CAMPAIGN = Dimension(
    Campaign,
    key=("campaign_id",),
    columns={"name": "campaign_name", "status": "campaign_status", "budget_minor": "campaign_budget"},
    extra=(
        Column("campaign_name", TEXT, ("campaignName",), default=""),
        Column("campaign_status", TEXT, ("campaignStatus",), default=""),
        Column("campaign_budget", MONEY, ("campaignBudgetAmount",)),
    ),
)
CAMPAIGN_COLUMNS = "date campaignId campaignName campaignStatus campaignBudgetAmount"

CAMPAIGNS = Dataset(
    key="sb_campaigns",
    label=gettext_lazy("Sponsored Brands campaigns"),
    model=BrandsCampaignDay,
    scope=Scope.DAYS,
    mature_days=14,
    sums=(*SUMS, "new_to_brand_sales_minor", "new_to_brand_orders"),
    columns=(DATE, CAMPAIGN_ID, CURRENCY, *FOURTEEN_DAYS, *NEW_TO_BRAND),
    dimensions=(CAMPAIGN,),
)

TARGETS = Dataset(
    key="sb_targets",
    label=gettext_lazy("Sponsored Brands targets"),
    model=BrandsTargetDay,
    scope=Scope.DAYS,
    mature_days=14,
    sums=SUMS,
    # A keyword has its id in one column, a product target in the other; what has neither is 0.
    derived={"target_id": "coalesce(s.keyword_id, s.targeting_id, 0)"},
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        Column("keyword_id", ID, ("keywordId",)),
        Column("targeting_id", ID, ("targetingId",)),
        CURRENCY,
        *FOURTEEN_DAYS,
    ),
    dimensions=(AD_GROUP,),
)

SEARCH_TERMS = Dataset(
    key="sb_search_terms",
    label=gettext_lazy("Sponsored Brands search terms"),
    model=BrandsSearchTermDay,
    scope=Scope.DAYS,
    mature_days=14,
    sums=SUMS,
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        Column("target_id", ID, ("keywordId",), required=True),
        Column("term_id", Kind.KEY, ("searchTerm",), required=True, text_field="term_text"),
        CURRENCY,
        *FOURTEEN_DAYS,
    ),
    dimensions=(
        Dimension(SearchTerm, key=("term_id",), columns={"text": "term_text"}),
        AD_GROUP,
        target("keywordText"),
    ),
)

register(
    ads_report(
        CAMPAIGNS,
        "sbCampaigns",
        "SPONSORED_BRANDS",
        "campaign",
        f"{CAMPAIGN_COLUMNS} {DELIVERY} newToBrandSales newToBrandPurchases",
        lookback=60,
        source_page="Amazon Ads console > Sponsored ads reports > Campaign",
    ),
    ads_report(
        TARGETS,
        "sbTargeting",
        "SPONSORED_BRANDS",
        "targeting",
        f"date campaignId adGroupId adGroupName keywordId targetingId {DELIVERY}",
        lookback=60,
        source_page="Amazon Ads console > Sponsored ads reports > Targeting",
    ),
    ads_report(
        SEARCH_TERMS,
        "sbSearchTerm",
        "SPONSORED_BRANDS",
        "searchTerm",
        f"date campaignId adGroupId adGroupName keywordId keywordText matchType searchTerm {DELIVERY}",
        lookback=60,
        source_page="Amazon Ads console > Sponsored ads reports > Search term",
    ),
)
