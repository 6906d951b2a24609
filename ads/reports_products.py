"""The other reports of Sponsored Products (Ads v3): targets, advertised products, purchased products.

Sales are those of the 7 days after a click. Limits are Amazon's: 31 days a request, 95 days back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, ReportSpec, Scope, register
from opsboard.feeds.tables import Table

from .models import AdGroup, AdvertisedProductDay, PurchasedProductDay, Target, TargetDay
from .reports import ASKED_OTHERWISE, CURRENCY, FIGURES, SUMS

ID, INTEGER, MONEY, TEXT = Kind.ID, Kind.INTEGER, Kind.MONEY, Kind.TEXT

DATE = Column("date", Kind.DATE, ("date",), required=True)
CAMPAIGN_ID = Column("campaign_id", ID, ("campaignId",), required=True)
AD_GROUP_ID = Column("ad_group_id", ID, ("adGroupId",), required=True)
AD_ID = Column("ad_id", ID, ("adId",), required=True)
#: What every report that goes below campaigns says about an ad group.
AD_GROUP = Dimension(
    AdGroup,
    key=("ad_group_id",),
    columns={"campaign_id": "campaign_id", "name": "ad_group_name"},
    extra=(Column("ad_group_name", TEXT, ("adGroupName",), default=""),),
)


def target(*text: str, match: Sequence[str] = ("matchType",)) -> Dimension:
    """What a report says about a keyword or target: its text and match type, in columns of these names."""
    return Dimension(
        Target,
        key=("target_id",),
        columns={"text": "target_text", "match_type": "match_type"},
        extra=(
            Column("target_text", TEXT, text, default=""),
            Column("match_type", TEXT, tuple(match), default=""),
        ),
    )


def ads_report(
    dataset: Dataset, report_type: str, product: str, group: str, columns: str, *, lookback: int, **more: Any
) -> ReportSpec:
    """A daily report of Ads v3 that feeds one dataset; `columns` are the ones asked for, in Amazon's words."""
    return ReportSpec(
        key=dataset.key,
        label=dataset.label,
        report_type=report_type,
        api="ads",
        format="json",
        datasets=(dataset,),
        max_days=31,
        lookback_days=lookback,
        every_hours=24,
        reask_days=30,
        deep_reask_days=42,
        ads_configuration={"adProduct": product, "groupBy": [group], "columns": columns.split()},
        **more,
    )


TARGETS = Dataset(
    key="sp_targets",
    label=gettext_lazy("Sponsored Products targets"),
    model=TargetDay,
    scope=Scope.DAYS,
    mature_days=7,
    sums=SUMS,
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        Column("target_id", ID, ("keywordId",), required=True),
        CURRENCY,
        *FIGURES,
    ),
    dimensions=(AD_GROUP, target("targeting", "keyword", match=("matchType", "keywordType"))),
)

ADVERTISED = Dataset(
    key="sp_advertised_products",
    label=gettext_lazy("Sponsored Products advertised products"),
    model=AdvertisedProductDay,
    scope=Scope.DAYS,
    mature_days=7,
    sums=SUMS,
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        AD_ID,
        Column("asin", TEXT, ("advertisedAsin",), required=True, default=""),
        Column("sku", TEXT, ("advertisedSku",), default=""),
        CURRENCY,
        *FIGURES,
    ),
    dimensions=(AD_GROUP,),
)

PURCHASED = Dataset(
    key="sp_purchased_products",
    label=gettext_lazy("Sponsored Products purchased products"),
    model=PurchasedProductDay,
    scope=Scope.DAYS,
    mature_days=7,
    sums=("sales_minor", "orders", "units", "other_sales_minor", "other_orders", "other_units"),
    columns=(
        DATE,
        CAMPAIGN_ID,
        AD_GROUP_ID,
        Column("target_id", ID, ("keywordId",), required=True),
        Column("advertised_sku", TEXT, ("advertisedSku",), default=""),
        Column("advertised_asin", TEXT, ("advertisedAsin",), default=""),
        Column("purchased_asin", TEXT, ("purchasedAsin",), required=True),
        CURRENCY,
        Column("sales_minor", MONEY, ("sales7d",), required=True, default=0),
        Column("orders", INTEGER, ("purchases7d",), default=0),
        Column("units", INTEGER, ("unitsSoldClicks7d",), default=0),
        Column("other_sales_minor", MONEY, ("salesOtherSku7d",), default=0),
        Column("other_orders", INTEGER, ("purchasesOtherSku7d",), default=0),
        Column("other_units", INTEGER, ("unitsSoldOtherSku7d",), default=0),
    ),
    dimensions=(AD_GROUP,),
)

_DELIVERY = "campaignBudgetCurrencyCode impressions clicks cost sales7d purchases7d unitsSoldClicks7d"

register(
    ads_report(
        TARGETS,
        "spTargeting",
        "SPONSORED_PRODUCTS",
        "targeting",
        f"date campaignId adGroupId adGroupName keywordId targeting matchType {_DELIVERY}",
        lookback=95,
        table=Table(instead=ASKED_OTHERWISE, foreign=("searchTerm", "advertisedAsin", "purchasedAsin")),
        source_page="Amazon Ads console > Sponsored ads reports > Targeting",
    ),
    ads_report(
        ADVERTISED,
        "spAdvertisedProduct",
        "SPONSORED_PRODUCTS",
        "advertiser",
        f"date campaignId adGroupId adGroupName adId advertisedAsin advertisedSku {_DELIVERY}",
        lookback=95,
        table=Table(instead=ASKED_OTHERWISE, foreign=("searchTerm", "purchasedAsin")),
        source_page="Amazon Ads console > Sponsored ads reports > Advertised product",
    ),
    ads_report(
        PURCHASED,
        "spPurchasedProduct",
        "SPONSORED_PRODUCTS",
        "asin",
        "date campaignId adGroupId adGroupName keywordId advertisedAsin advertisedSku purchasedAsin "
        "campaignBudgetCurrencyCode sales7d purchases7d unitsSoldClicks7d salesOtherSku7d purchasesOtherSku7d "
        "unitsSoldOtherSku7d",
        lookback=95,
        table=Table(instead=ASKED_OTHERWISE, foreign=("searchTerm",)),
        source_page="Amazon Ads console > Sponsored ads reports > Purchased product",
    ),
)
