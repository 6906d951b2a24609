"""Reports of Sponsored Display (Ads v3): campaigns, advertised products, targets, by day.

Sales are those of the 14 days after a click or a view. Limits: 31 days a request, 65 days back.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Kind, Scope, register

from .models import DisplayCampaignDay, DisplayProductDay, DisplayTargetDay
from .reports import CURRENCY
from .reports_brands import CAMPAIGN, CAMPAIGN_COLUMNS, DELIVERY, FOURTEEN_DAYS, NEW_TO_BRAND, SUMS
from .reports_products import AD_GROUP, AD_GROUP_ID, AD_ID, CAMPAIGN_ID, DATE, ads_report, target

CAMPAIGNS = Dataset(
    key="sd_campaigns",
    label=gettext_lazy("Sponsored Display campaigns"),
    model=DisplayCampaignDay,
    scope=Scope.DAYS,
    mature_days=14,
    sums=(*SUMS, "new_to_brand_sales_minor", "new_to_brand_orders"),
    columns=(DATE, CAMPAIGN_ID, CURRENCY, *FOURTEEN_DAYS, *NEW_TO_BRAND),
    dimensions=(CAMPAIGN,),
)

PRODUCTS = Dataset(
    key="sd_advertised_products",
    label=gettext_lazy("Sponsored Display advertised products"),
    model=DisplayProductDay,
    scope=Scope.DAYS,
    mature_days=14,
    sums=SUMS,
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        AD_ID,
        Column("asin", Kind.TEXT, ("promotedAsin",), required=True, default=""),
        Column("sku", Kind.TEXT, ("promotedSku",), default=""),
        CURRENCY,
        *FOURTEEN_DAYS,
    ),
    dimensions=(AD_GROUP,),
)

TARGETS = Dataset(
    key="sd_targets",
    label=gettext_lazy("Sponsored Display targets"),
    model=DisplayTargetDay,
    scope=Scope.DAYS,
    mature_days=14,
    sums=SUMS,
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        Column("target_id", Kind.ID, ("targetingId",), required=True),
        CURRENCY,
        *FOURTEEN_DAYS,
    ),
    dimensions=(AD_GROUP, target("targetingText", match=("targetingExpression",))),
)

register(
    ads_report(
        CAMPAIGNS,
        "sdCampaigns",
        "SPONSORED_DISPLAY",
        "campaign",
        f"{CAMPAIGN_COLUMNS} {DELIVERY} newToBrandSales newToBrandPurchases",
        lookback=65,
        source_page="Amazon Ads console > Sponsored ads reports > Campaign",
    ),
    ads_report(
        PRODUCTS,
        "sdAdvertisedProduct",
        "SPONSORED_DISPLAY",
        "advertiser",
        f"date campaignId adGroupId adGroupName adId promotedAsin promotedSku {DELIVERY}",
        lookback=65,
        source_page="Amazon Ads console > Sponsored ads reports > Advertised product",
    ),
    ads_report(
        TARGETS,
        "sdTargeting",
        "SPONSORED_DISPLAY",
        "targeting",
        f"date campaignId adGroupId adGroupName targetingId targetingText targetingExpression {DELIVERY}",
        lookback=65,
        source_page="Amazon Ads console > Sponsored ads reports > Targeting",
    ),
)
