"""Sponsored Products of Amazon Ads reporting, which takes the place of the console's “Sponsored ads reports”.

Whoever creates such a report chooses its columns, so its kind is told by the ids it has; they are Amazon's
own, and what it says goes on from what the API said. Of sellers its sales are those of the 7 days after a
click, as the API's `sales7d`. One day of one entity may stand in several rows (what was clicked, what was
bought later): they are added up, so a column that might divide them into parts that overlap is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.kinds import REPORTING
from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, ReportSpec, register
from opsboard.feeds.tables import Prepare, Table

from . import reports_unified_rows as rows
from .models import AdGroup, Campaign, SearchTerm, Target
from .reports import SP_CAMPAIGNS, SP_SEARCH_TERMS
from .reports_console import OURS
from .reports_products import ADVERTISED, TARGETS

INTEGER, MONEY, TEXT, ID = Kind.INTEGER, Kind.MONEY, Kind.TEXT, Kind.ID

#: As real files in Chinese have them; in any other language such a file is refused.
_CHINESE: dict[str, tuple[str, ...]] = {
    "Date range": ("日期范围",),
    rows.AD_PRODUCT: ("广告产品",),
    rows.CURRENCY: ("预算货币",),
    rows.ADVERTISER: ("广告主账户 ID",),
    rows.MARKETPLACE: ("推广的商品站点", "推广的商品站点-Advertised product marketplace"),
    rows.CAMPAIGN: ("广告活动编号",),
    rows.AD_GROUP: ("广告组编号",),
    rows.AD: ("广告 ID",),
    rows.ASIN: ("推广的商品编号",),
    rows.SKU: ("推广的商品 SKU", "推广的商品 SKU-Advertised product SKU"),
    "Search Term": ("搜索词",),
    "Total cost": ("总成本",),
    "Purchases": ("购买量",),
    "Sales": ("销售额",),
    "Units sold": ("已售商品数量",),
}

DATE = Column("date", Kind.DATE, ("Date",), required=True)
CAMPAIGN_ID = Column("campaign_id", ID, (rows.CAMPAIGN,), required=True)
AD_GROUP_ID = Column("ad_group_id", ID, (rows.AD_GROUP,), required=True)
TARGET_ID = Column("target_id", ID, (rows.TARGET,), required=True)
WHOSE = (
    Column("place", TEXT, (rows.PLACE,), required=True),
    Column("currency", Kind.CURRENCY, (rows.CURRENCY,), required=True),
)
FIGURES = (
    Column("impressions", INTEGER, ("Impressions",), required=True, default=0),
    Column("clicks", INTEGER, ("Clicks",), required=True, default=0),
    Column("spend_minor", MONEY, ("Total cost",), required=True, default=0),
    Column("sales_minor", MONEY, ("Sales",), required=True, default=0),
    Column("orders", INTEGER, ("Purchases",), required=True, default=0),
    Column("units", INTEGER, ("Units sold",), required=True, default=0),
)

CAMPAIGNS_NAMED = Dimension(
    Campaign,
    key=("campaign_id",),
    columns={"name": "campaign_name", "status": "campaign_status"},
    extra=(
        Column("campaign_name", TEXT, (rows.CAMPAIGN_NAME,), required=True, default=""),
        Column("campaign_status", TEXT, (rows.STATUS,), default=""),
    ),
)
GROUPS_NAMED = Dimension(
    AdGroup,
    key=("ad_group_id",),
    columns={"campaign_id": "campaign_id", "name": "ad_group_name"},
    extra=(Column("ad_group_name", TEXT, (rows.AD_GROUP_NAME,), required=True, default=""),),
)
#: Only of targets nobody has told of: Amazon's API says more exactly what one is.
TARGETS_NAMED = Dimension(
    Target,
    key=("target_id",),
    columns={"target_id": "new_target_id", "text": "target_text", "match_type": "match_type"},
    extra=(
        Column("new_target_id", ID, (rows.NEW_TARGET,)),
        Column("target_text", TEXT, (rows.TARGETING,), required=True, default=""),
        Column("match_type", TEXT, (rows.MATCH_TYPE,), default=""),
    ),
)

#: What a row is said to be besides, and other figures.
_ATTRIBUTES = (
    "Date range", rows.AD_PRODUCT, rows.ADVERTISER, rows.MARKETPLACE, "Advertiser account name", "Manager account",
    "Portfolio ID", "Portfolio name", "Campaign *", "Global campaign *", "Site or app",
    "广告主账户名称", "管理员账户", "广告组合编号", "广告活动*", "全球广告活动*",
)  # fmt: skip
_GROUPS = ("Ad group *", "广告组投放状态", "广告组计费模式")
_TARGETS = ("Target type", "Target status", "Target bid")
_PRODUCTS = (
    "Ad status", "Ad name", "广告名称", "广告投放状态",
    *(f"Advertised product {what}" for what in ("name", "parent ID", "brand", "category", "subcategory", "group")),
    *(f"推广的商品{what}" for what in ("名称", "父级编号", "品牌", "品类", "子品类", "组")),
)  # fmt: skip
_OTHER_FIGURES = (
    "CTR", "vCTR", "CPC", "CPM", "vCPM", "ACOS", "ROAS", "Viewable impressions", "Total clicks", "Invalid *",
    "Cost per *", "Purchase rate", "Detail page view*", "Add to cart*", "Branded search*", "Long-term *",
    "Top-of-search impression share*",
    *(f"*({of})" for of in ("promoted", "halo", "brand halo", "new to brand", "vCTR")),
    "点击率", "可见展示量", "总点击量", "单次*成本", "每次购买成本*", "购买率", "商品详情页浏览*", "长期*",
    "推广商品的*", "无效*", "归因于点击的*", "由浏览产生的*",
    *(f"*({of})" for of in ("推广", "推广的商品", "光环", "品牌光环", "品牌新客")),
)  # fmt: skip
#: What the finer reports have.
_FINER = {
    "group": ("Ad group*",),
    "target": ("Target*", "Matched target", "Search term"),
    "product": ("Ad ID", "Ad name", rows.ASIN, rows.SKU, "Advertised product name"),
}


def _unified(
    dataset: Dataset,
    key: str,
    label: Any,
    template: str,
    *,
    more: tuple[str, ...] = (),
    foreign: tuple[str, ...],
    prepare: Callable[[Mapping[str, Any]], Prepare] = rows.Rows,
    made: Mapping[str, tuple[str, ...]] | None = None,
) -> ReportSpec:
    """A report of Amazon Ads reporting by day; `more` are columns it may have that say nothing more."""
    return ReportSpec(
        key=key,
        label=label,
        report_type=f"reporting: {template}",
        api="",
        format="csv",
        datasets=(replace(dataset, shop="place"),),
        source_page=f"Amazon Ads console > Reports (Amazon Ads reporting) > {template}",
        unstored=(*_ATTRIBUTES, *_OTHER_FIGURES, *more),
        table=Table(
            only={rows.AD_PRODUCT: OURS},
            needs=(rows.AD_PRODUCT,),
            foreign=foreign,
            closed=True,
            spelt=_CHINESE,
            made={rows.PLACE: (rows.CURRENCY,), **(made or {})},
            prepare=prepare,
            how=REPORTING,
            how_daily=REPORTING,
        ),
    )


register(
    _unified(
        replace(SP_CAMPAIGNS, columns=(DATE, CAMPAIGN_ID, *WHOSE, *FIGURES), dimensions=(CAMPAIGNS_NAMED,)),
        "reporting_campaigns",
        _("Sponsored Products campaigns (Amazon Ads reporting)"),
        "Campaign",
        foreign=(*_FINER["group"], *_FINER["target"], *_FINER["product"]),
    ),
    _unified(
        replace(
            TARGETS,
            columns=(DATE, CAMPAIGN_ID, AD_GROUP_ID, TARGET_ID, *WHOSE, *FIGURES),
            dimensions=(CAMPAIGNS_NAMED, GROUPS_NAMED, TARGETS_NAMED),
        ),
        "reporting_targets",
        _("Sponsored Products targets (Amazon Ads reporting)"),
        "Targeting",
        more=(*_GROUPS, *_TARGETS),
        foreign=("Matched target", "Search term", *_FINER["product"]),
        prepare=rows.with_targets,
        made={rows.NEW_TARGET: (rows.TARGET,)},
    ),
    _unified(
        replace(
            SP_SEARCH_TERMS,
            columns=(
                DATE,
                CAMPAIGN_ID,
                AD_GROUP_ID,
                TARGET_ID,
                Column("term_id", Kind.KEY, ("Search term",), required=True, text_field="term_text"),
                *WHOSE,
                *FIGURES,
            ),
            dimensions=(
                CAMPAIGNS_NAMED,
                Dimension(SearchTerm, key=("term_id",), columns={"text": "term_text"}),
                GROUPS_NAMED,
                TARGETS_NAMED,
            ),
            # The rest of the searches, which Amazon adds up without a term: no report of terms has it.
            filled="term_id",
        ),
        "reporting_search_terms",
        _("Sponsored Products search terms (Amazon Ads reporting)"),
        "Search term",
        more=(*_GROUPS, *_TARGETS),
        foreign=_FINER["product"],
        prepare=rows.with_targets,
        made={rows.NEW_TARGET: (rows.TARGET,)},
    ),
    _unified(
        replace(
            ADVERTISED,
            columns=(
                DATE,
                CAMPAIGN_ID,
                AD_GROUP_ID,
                Column("ad_id", ID, (rows.AD_KEY,), required=True),
                Column("asin", TEXT, (rows.ASIN,), required=True, default=""),
                Column("sku", TEXT, (rows.SKU,), required=True, default=""),
                *WHOSE,
                *FIGURES,
            ),
            dimensions=(CAMPAIGNS_NAMED, GROUPS_NAMED),
        ),
        "reporting_advertised_products",
        _("Sponsored Products advertised products (Amazon Ads reporting)"),
        "Advertised product",
        more=(*_GROUPS, *_PRODUCTS, rows.AD),
        foreign=_FINER["target"],
        made={rows.AD_KEY: (rows.AD_GROUP, rows.ASIN, rows.SKU)},
    ),
)
