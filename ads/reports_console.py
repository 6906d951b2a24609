"""Sponsored Products reports as the advertising console gives them: names instead of ids.

They feed the same facts as the API. A campaign or ad group whose name Amazon's API has already
told keeps its id, so its history goes on; any other gets a negative hash of its names.
Files that count sales over 14 days are reports of their own: see `reports_console_fourteen`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.registry import Column, Dataset, Dimension, Kind, ReportSpec, register
from opsboard.feeds.staging import canonical
from opsboard.feeds.tables import Prepare, Table

from .models import AdGroup, Campaign, SearchTerm, Target
from .reports import SP_CAMPAIGNS, SP_SEARCH_TERMS
from .reports_spellings import SPONSORED_PRODUCTS

CAMPAIGN, AD_GROUP = "Campaign Name", "Ad Group Name"
CAMPAIGN_ID, AD_GROUP_ID, TARGET_ID = "campaign of this name", "ad group of this name", "target of this name"
AD_ID = "ad of this product"
NEW_CAMPAIGN, NEW_AD_GROUP = "campaign known by name only", "ad group known by name only"

DATE = Column("date", Kind.DATE, ("Date",), required=True)
CURRENCY = Column("currency", Kind.CURRENCY, ("Currency", "Campaign Budget Currency Code"))
FIGURES = (
    Column("impressions", Kind.INTEGER, ("Impressions",), required=True, default=0),
    Column("clicks", Kind.INTEGER, ("Clicks",), required=True, default=0),
    Column("spend_minor", Kind.MONEY, ("Spend", "Cost", "Total cost"), required=True, default=0),
    Column("sales_minor", Kind.MONEY, ("7 Day Total Sales",), required=True, default=0),
    # Without it, what sold would stand among what brought nothing.
    Column("orders", Kind.INTEGER, ("7 Day Total Orders", "7 Day Total Orders (#)"), required=True, default=0),
    Column("units", Kind.INTEGER, ("7 Day Total Units", "7 Day Total Units (#)"), default=0),
)
#: What the sales consist of; vendors, who have no SKUs, read "ASIN" and "Brand Halo".
_OF_WHICH = (
    "Conversion Rate",
    "Advertised SKU Units", "Other SKU Units", "Advertised SKU Sales", "Other SKU Sales",
    "Advertised ASIN Units", "Brand Halo ASIN Units", "Advertised ASIN Sales", "Brand Halo ASIN Sales",
)  # fmt: skip
IGNORED = (
    "Start Date",
    "End Date",
    "Start Time",  # hours of a day are added up
    "Portfolio name",
    "Country",
    "Retailer",
    "Campaign Type",
    "Program Type",
    "Bidding strategy",
    "Targeting Type",
    "Last Year Impressions",
    "Last Year Clicks",
    "Last Year Spend",
    "Last Year Cost Per Click (CPC)",
    "Click-Thru Rate (CTR)",
    "Cost Per Click (CPC)",
    "Total Advertising Cost of Sales (ACoS)",
    "Total Return on Advertising Spend (RoAS)",
    "Advertised SKU",
    "Advertised ASIN",
    "Top-of-search Impression Share",
    *(f"{days} Day {what}" for days in (7, 14) for what in _OF_WHICH),
)
#: In any language.
RATIOS = ("*(ACOS)*", "*(ROAS)*", "*(CTR)", "*(CPC)")
#: Figures that can be worked out of others, or that nobody asks for by day.
UNSTORED = (
    "7 Day *", "14 Day *", "Total *", "Viewable *", "View-Through *", "Click-Through *", "Video *", "5 Second *",
    "Cost per *", "Effective cost per *", "New-to-brand *", "Branded Searches *", "Long-Term *", "Brand Store *",
    "Bid optimization", "Cost type", *RATIOS,
)  # fmt: skip
INSTEAD = {
    "7 Day Total Sales": {
        "14 Day Total Sales": _(
            "Its sales are counted over 14 days after a click, and a column that tells of which kind of ads they are "
            "is missing: download it again with all its columns"
        ),
        "Sales": _(
            "It does not say over how many days after a click its sales are counted, and opsboard tells that with "
            "every figure. Reports under “Sponsored ads reports” in the advertising console say it; Amazon Ads "
            "reporting counts those of sellers over 7, and is read with the columns “Ad product” and “Campaign ID”"
        ),
    }
}
#: Columns of finer reports, and of those of Sponsored Brands.
NO_CAMPAIGNS = ("Customer Search Term", "Targeting", "Placement", "Advertised ASIN", "Purchased ASIN")
NO_SEARCH_TERMS = ("Placement*", "Search Term Impression*", "14 Day Total Sales - (Click)")
TELLING_CAMPAIGNS = ("Budget", "Bidding strategy", "Targeting Type", "Campaign Type", "Program Type")
OURS = ("Sponsored Products", "SP", "SPONSORED_PRODUCTS", "商品推广", "スポンサープロダクト広告")
ONLY_OURS = {"Campaign Type": OURS, "Program Type": OURS}
HOW_DAILY = _(
    "In the advertising console, create the report with time unit “Daily” and download it again. In Amazon Ads "
    "reporting, that is the column “Date”."
)

#: Names of entities the API has not told. Their key is empty in rows whose entity has a real id,
#: so that a name-only file never overwrites what Amazon said about it.
NEW_CAMPAIGN_NAMES = Dimension(
    Campaign,
    key=("campaign_id",),
    columns={
        "campaign_id": "new_campaign_id",
        "name": "campaign_name",
        "status": "campaign_status",
        "budget_minor": "campaign_budget",
    },
    extra=(
        Column("new_campaign_id", Kind.ID, (NEW_CAMPAIGN,)),
        Column("campaign_name", Kind.TEXT, (CAMPAIGN,), default=""),
        Column("campaign_status", Kind.TEXT, ("Status", "Campaign Status"), default=""),
        Column("campaign_budget", Kind.MONEY, ("Budget", "Budget Amount", "Campaign Budget Amount")),
    ),
)

NEW_AD_GROUP_NAMES = Dimension(
    AdGroup,
    key=("ad_group_id",),
    columns={"ad_group_id": "new_ad_group_id", "campaign_id": "campaign_id", "name": "ad_group_name"},
    extra=(
        Column("new_ad_group_id", Kind.ID, (NEW_AD_GROUP,)),
        Column("ad_group_name", Kind.TEXT, (AD_GROUP,), default=""),
    ),
)
TARGET_NAMES = Dimension(
    Target,
    key=("target_id",),
    columns={"text": "target_text", "match_type": "match_type"},
    extra=(
        Column("target_text", Kind.TEXT, ("Targeting", "Keyword Text"), default=""),
        Column("match_type", Kind.TEXT, ("Match Type",), default=""),
    ),
)
CAMPAIGN_KEY = Column("campaign_id", Kind.ID, (CAMPAIGN_ID,), required=True)
AD_GROUP_KEY = Column("ad_group_id", Kind.ID, (AD_GROUP_ID,), required=True)
TARGET_KEY = Column("target_id", Kind.ID, (TARGET_ID,), required=True)

CONSOLE_CAMPAIGNS = replace(
    SP_CAMPAIGNS,
    columns=(DATE, CAMPAIGN_KEY, CURRENCY, *FIGURES),
    dimensions=(NEW_CAMPAIGN_NAMES,),
)

CONSOLE_SEARCH_TERMS = replace(
    SP_SEARCH_TERMS,
    columns=(
        DATE,
        CAMPAIGN_KEY,
        AD_GROUP_KEY,
        TARGET_KEY,
        Column("term_id", Kind.KEY, ("Customer Search Term",), required=True, text_field="term_text"),
        CURRENCY,
        *FIGURES,
    ),
    dimensions=(
        NEW_CAMPAIGN_NAMES,
        Dimension(SearchTerm, key=("term_id",), columns={"text": "term_text"}),
        NEW_AD_GROUP_NAMES,
        TARGET_NAMES,
    ),
)


#: Columns made of names -> the columns they are made of.
_MADE = {
    CAMPAIGN_ID: (CAMPAIGN,),
    NEW_CAMPAIGN: (CAMPAIGN,),
    AD_GROUP_ID: (CAMPAIGN, AD_GROUP),
    NEW_AD_GROUP: (CAMPAIGN, AD_GROUP),
}
MADE_OF_CAMPAIGNS = {CAMPAIGN_ID: (CAMPAIGN,), NEW_CAMPAIGN: (CAMPAIGN,)}
MADE_OF_TARGETS = {**_MADE, TARGET_ID: (CAMPAIGN, AD_GROUP, "Targeting")}
MADE_OF_PRODUCTS = {**_MADE, AD_ID: (CAMPAIGN, AD_GROUP, "Advertised ASIN")}


def _unambiguous(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    """Name -> id, without the names that two entities share."""
    found: dict[Any, int] = {}
    twice = set()
    for name, number in pairs:
        if found.setdefault(name, number) != number:
            twice.add(name)
    return {name: number for name, number in found.items() if name not in twice}


def name_entities(options: Mapping[str, Any]) -> Prepare:
    """Ids for the names in a console file of one account and marketplace."""
    account, marketplace = options["scope"]
    scope = {"account_id": account, "marketplace_id": marketplace}
    campaigns = _unambiguous(
        Campaign.objects.filter(**scope, campaign_id__gt=0).values_list("name", "campaign_id").iterator()
    )
    groups = _unambiguous(
        ((campaign, name), number)
        for campaign, name, number in AdGroup.objects.filter(**scope, ad_group_id__gt=0)
        .values_list("campaign_id", "name", "ad_group_id")
        .iterator()
    )

    def add(columns: dict[str, list[str]]) -> None:
        spelt = {canonical(name): name for name in columns}
        campaign_names = columns[spelt[canonical(CAMPAIGN)]]
        ids = [str(campaigns.get(name) or by_name(name)) if name else "" for name in campaign_names]
        columns[CAMPAIGN_ID] = ids
        columns[NEW_CAMPAIGN] = [_new(number) for number in ids]
        if canonical(AD_GROUP) not in spelt:
            return
        group_names = columns[spelt[canonical(AD_GROUP)]]
        columns[AD_GROUP_ID] = [
            str(groups.get((campaigns.get(campaign), group)) or by_name(campaign, group))
            for campaign, group in zip(campaign_names, group_names, strict=True)
        ]
        columns[NEW_AD_GROUP] = [_new(number) for number in columns[AD_GROUP_ID]]
        if "targeting" in spelt:
            made, names = TARGET_ID, ("targeting", "matchtype")
        elif "advertisedasin" in spelt:
            made, names = AD_ID, ("advertisedsku", "advertisedasin")
        else:
            return
        parts = [columns[spelt[name]] for name in names if name in spelt]
        columns[made] = [by_name(*told) for told in zip(columns[AD_GROUP_ID], *parts, strict=True)]

    return add


def console_report(
    dataset: Dataset,
    key: str,
    label: Any,
    report: str,
    *,
    read: tuple[str, ...] = (),
    attribution_days: int = 0,
    **table: Any,
) -> ReportSpec:
    """A report of the console that feeds one dataset; `report` is what the console calls it.

    `read` are columns that its sisters ignore.
    """
    return ReportSpec(
        key=key,
        label=label,
        report_type=f"console: {report}",
        api="",
        format="csv",
        datasets=(dataset,),
        source_page=f"Amazon Ads console > Sponsored ads reports > {report}",
        unstored=UNSTORED,
        attribution_days=attribution_days,
        table=Table(
            span=("Start Date", "End Date"),
            spelt=SPONSORED_PRODUCTS,
            prepare=name_entities,
            how_daily=HOW_DAILY,
            ignored=tuple(name for name in IGNORED if name not in read),
            **table,
        ),
    )


def _new(number: str) -> str:
    """The same, for an entity without an id of Amazon's; nothing for one that has it."""
    return "" if number.isdigit() else number


def by_name(*names: str) -> str:
    """Read as the negative id of these names; never digits only, which would be an id of Amazon's."""
    return "name:" + "\x1f".join(names)


register(
    ReportSpec(
        key="console_campaigns",
        label=_("Sponsored Products campaigns (console)"),
        report_type="console: Sponsored Products campaign",
        api="",
        format="csv",
        datasets=(CONSOLE_CAMPAIGNS,),
        unstored=RATIOS,
        source_page="Amazon Ads console > Sponsored ads reports > Campaign",
        table=Table(
            span=("Start Date", "End Date"),
            only=ONLY_OURS,
            instead=INSTEAD,
            spelt=SPONSORED_PRODUCTS,
            foreign=NO_CAMPAIGNS,
            telling=TELLING_CAMPAIGNS,
            ignored=IGNORED,
            made=MADE_OF_CAMPAIGNS,
            prepare=name_entities,
            how_daily=HOW_DAILY,
        ),
    ),
    ReportSpec(
        key="console_search_terms",
        label=_("Sponsored Products search terms (console)"),
        report_type="console: Sponsored Products search term",
        api="",
        format="csv",
        datasets=(CONSOLE_SEARCH_TERMS,),
        unstored=RATIOS,
        source_page="Amazon Ads console > Sponsored ads reports > Search term",
        table=Table(
            span=("Start Date", "End Date"),
            instead=INSTEAD,
            spelt=SPONSORED_PRODUCTS,
            ignored=IGNORED,
            foreign=NO_SEARCH_TERMS,
            made=MADE_OF_TARGETS,
            prepare=name_entities,
            how_daily=HOW_DAILY,
        ),
    ),
)
