"""Reports of Amazon Ads v3: Sponsored Products campaigns and search terms, by day.

Attribution: sales7d, purchases7d, unitsSoldClicks7d (the seller default for Sponsored
Products). Limits are Amazon's: 31 days a request, 95 and 65 days back.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, ReportSpec, Scope, register
from opsboard.feeds.tables import Table

from .models import AdGroup, Campaign, CampaignDay, SearchTerm, SearchTermDay, Target

FIGURES = (
    Column("impressions", Kind.INTEGER, ("impressions",), required=True),
    Column("clicks", Kind.INTEGER, ("clicks",), required=True),
    Column("spend_minor", Kind.MONEY, ("cost", "spend"), required=True),
    Column("sales_minor", Kind.MONEY, ("sales7d",), required=True, default=0),
    Column("orders", Kind.INTEGER, ("purchases7d",), default=0),
    Column("units", Kind.INTEGER, ("unitsSoldClicks7d",), default=0),
)
SUMS = ("impressions", "clicks", "spend_minor", "sales_minor", "orders", "units")
FOURTEEN = gettext_lazy(
    "Its sales are counted over 14 days after a click: ask Amazon Ads for sales7d, or download the report in the "
    "advertising console, where opsboard reads both"
)
#: What tells why a document that somebody asked for by other means cannot be taken.
ASKED_OTHERWISE: dict[str, dict[str, Any]] = {
    "sales7d": {"sales14d": FOURTEEN},
    "date": {
        "startDate": gettext_lazy(
            "Its rows are totals from startDate to endDate, and opsboard keeps days (timeUnit DAILY)"
        )
    },
}
CURRENCY = Column("currency", Kind.CURRENCY, ("campaignBudgetCurrencyCode",))

SP_CAMPAIGNS = Dataset(
    key="sp_campaigns",
    label=gettext_lazy("Sponsored Products campaigns"),
    model=CampaignDay,
    scope=Scope.DAYS,
    lag_days=1,
    mature_days=7,
    sums=SUMS,
    columns=(
        Column("date", Kind.DATE, ("date",), required=True),
        Column("campaign_id", Kind.ID, ("campaignId",), required=True),
        CURRENCY,
        *FIGURES,
    ),
    dimensions=(
        Dimension(
            Campaign,
            key=("campaign_id",),
            columns={"name": "campaign_name", "status": "campaign_status", "budget_minor": "campaign_budget"},
            extra=(
                Column("campaign_name", Kind.TEXT, ("campaignName",), default=""),
                Column("campaign_status", Kind.TEXT, ("campaignStatus",), default=""),
                Column("campaign_budget", Kind.MONEY, ("campaignBudgetAmount",)),
            ),
        ),
    ),
)

SP_SEARCH_TERMS = Dataset(
    key="sp_search_terms",
    label=gettext_lazy("Sponsored Products search terms"),
    model=SearchTermDay,
    scope=Scope.DAYS,
    lag_days=1,
    mature_days=7,
    sums=SUMS,
    columns=(
        Column("date", Kind.DATE, ("date",), required=True),
        Column("campaign_id", Kind.ID, ("campaignId",), required=True),
        Column("ad_group_id", Kind.ID, ("adGroupId",), required=True),
        Column("target_id", Kind.ID, ("keywordId",), required=True),
        Column("term_id", Kind.KEY, ("searchTerm",), required=True, text_field="term_text"),
        CURRENCY,
        *FIGURES,
    ),
    dimensions=(
        Dimension(SearchTerm, key=("term_id",), columns={"text": "term_text"}),
        Dimension(
            AdGroup,
            key=("ad_group_id",),
            columns={"campaign_id": "campaign_id", "name": "ad_group_name"},
            extra=(Column("ad_group_name", Kind.TEXT, ("adGroupName",), default=""),),
        ),
        Dimension(
            Target,
            key=("target_id",),
            columns={"text": "target_text", "match_type": "match_type"},
            extra=(
                Column("target_text", Kind.TEXT, ("targeting", "keyword"), default=""),
                Column("match_type", Kind.TEXT, ("matchType", "keywordType"), default=""),
            ),
        ),
    ),
)

register(
    ReportSpec(
        key="sp_campaigns",
        label=gettext_lazy("Sponsored Products campaigns"),
        report_type="spCampaigns",
        api="ads",
        format="json",
        datasets=(SP_CAMPAIGNS,),
        max_days=31,
        lookback_days=95,
        every_hours=24,
        reask_days=30,
        deep_reask_days=42,
        source_page="Amazon Ads console > Sponsored ads reports > Campaign",
        table=Table(instead=ASKED_OTHERWISE, foreign=("searchTerm", "targeting", "advertisedAsin", "purchasedAsin")),
        ads_configuration={
            "adProduct": "SPONSORED_PRODUCTS",
            "groupBy": ["campaign"],
            "columns": [
                "date",
                "campaignId",
                "campaignName",
                "campaignStatus",
                "campaignBudgetAmount",
                "campaignBudgetCurrencyCode",
                "impressions",
                "clicks",
                "cost",
                "sales7d",
                "purchases7d",
                "unitsSoldClicks7d",
            ],
        },
    ),
    ReportSpec(
        key="sp_search_terms",
        label=gettext_lazy("Sponsored Products search terms"),
        report_type="spSearchTerm",
        api="ads",
        format="json",
        datasets=(SP_SEARCH_TERMS,),
        max_days=31,
        lookback_days=65,
        every_hours=24,
        reask_days=30,
        deep_reask_days=42,
        source_page="Amazon Ads console > Sponsored ads reports > Search term",
        table=Table(instead=ASKED_OTHERWISE),
        ads_configuration={
            "adProduct": "SPONSORED_PRODUCTS",
            "groupBy": ["searchTerm"],
            "columns": [
                "date",
                "campaignId",
                "campaignName",
                "adGroupId",
                "adGroupName",
                "keywordId",
                "targeting",
                "matchType",
                "searchTerm",
                "campaignBudgetCurrencyCode",
                "impressions",
                "clicks",
                "cost",
                "sales7d",
                "purchases7d",
                "unitsSoldClicks7d",
            ],
        },
    ),
)

from . import (  # noqa: E402, F401 - they declare more
    reports_brands,
    reports_console,
    reports_console_brands,
    reports_console_fourteen,
    reports_console_products,
    reports_display,
    reports_products,
    reports_unified,
)
