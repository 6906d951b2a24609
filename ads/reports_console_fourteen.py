"""Sponsored Products files of the advertising console that count sales over 14 days after a click.

Vendors, some marketplaces and older consoles give them. They feed the same facts, for it is the same
figure over a longer window, and the window is told with it (`attribution_days`, opsboard.feeds.attribution).
A file is held where it would replace days whose sales are counted over 7, Amazon's measure for sellers.
Reports of Sponsored Brands of before 2021 have the same columns: where nothing tells, it is a question.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from opsboard.feeds.attribution import never_instead_of
from opsboard.feeds.registry import Dataset, register

from .reports_console import (
    CONSOLE_CAMPAIGNS,
    CONSOLE_SEARCH_TERMS,
    MADE_OF_CAMPAIGNS,
    MADE_OF_PRODUCTS,
    MADE_OF_TARGETS,
    NO_CAMPAIGNS,
    NO_SEARCH_TERMS,
    ONLY_OURS,
    TELLING_CAMPAIGNS,
    console_report,
)
from .reports_console_products import CONSOLE_ADVERTISED, CONSOLE_PURCHASED, CONSOLE_TARGETS, OTHER_SKU

DAYS = 14
#: Columns of Sponsored Brands and Display, which count over 14 days too; with 7 days beside it, those are read.
_OF_OTHERS = (
    "* - (Click)", "14 Day New-to-brand*", "14 Day Detail Page Views*", "14 Day Branded Searches*", "Viewable*",
    "View-Through*", "Video*", "Cost type", "Bid optimization", "Attribution type", "Long-Term*",
    "7 Day Total Sales",
)  # fmt: skip
#: What Sponsored Products alone divide their sales into.
_PRODUCTS_ONLY = tuple(
    f"{DAYS} Day {whose} {what}"
    for whose in ("Advertised SKU", "Other SKU", "Advertised ASIN", "Brand Halo ASIN")
    for what in ("Sales", "Units")
)
#: As the console calls the sheets of these reports.
_SHEETS = ("Sponsored Product", "商品推广", "スポンサープロダクト")


def _over_fourteen(dataset: Dataset) -> Dataset:
    """The same dataset, read from the columns that count over 14 days; vendors read "Brand Halo ASIN" in them."""

    def named(name: str) -> tuple[str, ...]:
        longer = name.replace("7 Day", f"{DAYS} Day")
        return tuple(dict.fromkeys((longer, longer.replace("Other SKU", "Brand Halo ASIN"))))

    return replace(
        dataset,
        columns=tuple(
            replace(column, names=tuple(one for name in column.names for one in named(name)))
            for column in dataset.columns
        ),
        verify=never_instead_of(dataset.key, DAYS),
    )


register(
    console_report(
        _over_fourteen(CONSOLE_CAMPAIGNS),
        "console_campaigns_14",
        _("Sponsored Products campaigns, sales over 14 days (console)"),
        "Campaign",
        attribution_days=DAYS,
        only=ONLY_OURS,
        foreign=(*NO_CAMPAIGNS, *_OF_OTHERS, "Ad Group Name"),
        proofs=("Bidding strategy", "Targeting Type", "Campaign Type", "Program Type"),
        telling=TELLING_CAMPAIGNS,
        sheets=_SHEETS,
        sister="console_sb_campaigns",
        made=MADE_OF_CAMPAIGNS,
    ),
    console_report(
        _over_fourteen(CONSOLE_SEARCH_TERMS),
        "console_search_terms_14",
        _("Sponsored Products search terms, sales over 14 days (console)"),
        "Search term",
        attribution_days=DAYS,
        foreign=(*NO_SEARCH_TERMS, *_OF_OTHERS),
        proofs=_PRODUCTS_ONLY,
        sheets=_SHEETS,
        sister="console_sb_search_terms",
        made=MADE_OF_TARGETS,
    ),
    console_report(
        _over_fourteen(CONSOLE_TARGETS),
        "console_targets_14",
        _("Sponsored Products targets, sales over 14 days (console)"),
        "Targeting",
        attribution_days=DAYS,
        foreign=(
            "Customer Search Term",
            "Advertised*",
            "Purchased ASIN",
            "Placement*",
            *_OF_OTHERS,
            "7 Day Total Sales",
        ),
        needs=("Match Type",),
        proofs=_PRODUCTS_ONLY,
        sheets=_SHEETS,
        sister="console_sb_targets",
        made=MADE_OF_TARGETS,
    ),
    console_report(
        _over_fourteen(CONSOLE_ADVERTISED),
        "console_advertised_products_14",
        _("Sponsored Products advertised products, sales over 14 days (console)"),
        "Advertised product",
        attribution_days=DAYS,
        foreign=("Customer Search Term", "Targeting", "Purchased ASIN", "Placement*", *_OF_OTHERS),
        proofs=_PRODUCTS_ONLY,
        sheets=_SHEETS,
        sister="console_sd_products",
        made=MADE_OF_PRODUCTS,
        read=("Advertised SKU", "Advertised ASIN"),
    ),
    console_report(
        _over_fourteen(CONSOLE_PURCHASED),
        "console_purchased_products_14",
        _("Sponsored Products purchased products, sales over 14 days (console)"),
        "Purchased product",
        attribution_days=DAYS,
        foreign=("Customer Search Term", "Placement*", *_OF_OTHERS, "7 Day*"),
        made=MADE_OF_TARGETS,
        read=(
            "Advertised SKU",
            "Advertised ASIN",
            *(name.replace("7 Day", f"{DAYS} Day") for name in OTHER_SKU),
            *(f"{DAYS} Day Brand Halo ASIN {what}" for what in ("Sales", "Orders", "Units")),
        ),
    ),
)
