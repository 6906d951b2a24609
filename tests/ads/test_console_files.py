"""Reports of the advertising console: all its products, as CSV and as workbook, old headers and new."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ads import models
from tests.feeds.reading import Content, Read, read
from tests.feeds.test_wild_files import table, workbook

__all__ = ["read"]

pytestmark = pytest.mark.django_db

DAY = date(2026, 10, 5)
#: What a row says, by the name of its column.
CELLS: dict[str, object] = {
    "Date": "Oct 05, 2026", "Start Date": "Oct 05, 2026", "End Date": "Oct 05, 2026", "Portfolio name": "-",
    "Currency": "USD", "Campaign Name": "Mugs", "Ad Group Name": "All", "Retailer": "Amazon",
    "Country": "United States", "Status": "ENABLED", "Budget Amount": "$10.00", "Cost type": "CPC",
    "Cost Type": "CPC", "Bid Optimization": "SD_CONVERSIONS", "Targeting": "mug", "Match Type": "BROAD",
    "Customer Search Term": "blue mug", "Advertised SKU": "M-1", "Advertised ASIN": "B000000001",
    "Purchased ASIN": "B000000002", "Attribution type": "Promoted",
    "Impressions": "1,234", "Viewable Impressions": "900", "Clicks": 4,
    "Click-Thru Rate (CTR)": "0.3241%", "Cost Per Click (CPC)": "$0.63", "Spend": "$2.50",
    "7 Day Total Sales": "$1,219.98", "7 Day Total Sales ($)": "$1,219.98", "7 Day Total Orders (#)": 2,
    "7 Day Total Units (#)": 3, "7 Day Other SKU Units (#)": 3, "7 Day Other SKU Orders (#)": 2,
    "7 Day Other SKU Sales": "$1,219.98", "14 Day Total Sales": "$1,219.98", "14 Day Total Orders (#)": 2,
    "14 Day Total Units (#)": 3, "14 Day Conversion Rate": "50.0%", "14 Day Total Sales - (Click)": "$1,000.00",
    "14 Day Total Orders (#) - (Click)": 1, "14 Day Total Units (#) - (Click)": 1, "5 Second Views": 7,
    "14 Day Detail Page Views (DPV)": 9, "14 Day New-to-brand Orders (#)": 1, "14 Day New-to-brand Sales": "$600.00",
    "14 Day % of Sales New-to-brand": "49.2%", "Top-of-search Impression Share": "<5%",
    "Total Advertising Cost of Sales (ACOS) ": "0.2%", "Long-Term Sales": "$9.00",
}  # fmt: skip
_SP = "Impressions|Clicks|Click-Thru Rate (CTR)|Cost Per Click (CPC)|Spend|{sales}|" \
    "Total Advertising Cost of Sales (ACOS) |7 Day Total Orders (#)|7 Day Total Units (#)"  # fmt: skip
SP = _SP.format(sales="7 Day Total Sales")
OLD = _SP.format(sales="7 Day Total Sales ($)")
GROUP = "Date|Portfolio name|Currency|Campaign Name|Ad Group Name|Retailer|Country"
_CLICKS = "14 Day Total Sales - (Click)|14 Day Total Orders (#) - (Click)|14 Day Total Units (#) - (Click)"
SB = (
    "Cost type|Impressions|Viewable Impressions|Clicks|Spend|14 Day Total Sales|14 Day Total Orders (#)|"
    f"14 Day Total Units (#)|14 Day Conversion Rate|{_CLICKS}"
)
NEW = "14 Day New-to-brand Orders (#)|14 Day New-to-brand Sales|14 Day % of Sales New-to-brand"
SD = (
    "Impressions|Viewable Impressions|Clicks|14 Day Detail Page Views (DPV)|Spend|14 Day Total Orders (#)|"
    f"14 Day Total Units (#)|14 Day Total Sales|{NEW}|{_CLICKS}"
)
BOUGHT = "Purchased ASIN|7 Day Other SKU Units (#)|7 Day Other SKU Orders (#)|7 Day Other SKU Sales"
SB_CAMPAIGN = "Date|Portfolio name|Currency|Campaign Name|Country"

#: what it is -> (header, recognised as, where its row is)
REPORTS: dict[str, tuple[str, str, Any]] = {
    "targets": (
        f"{GROUP}|Targeting|Match Type|Top-of-search Impression Share|{SP}", "console_targets", models.TargetDay),
    "targets, old": (
        f"Date|Portfolio name|Currency|Campaign Name|Ad Group Name|Targeting|Match Type|{OLD}", "console_targets",
        models.TargetDay),
    "advertised products": (
        f"{GROUP}|Advertised SKU|Advertised ASIN|{SP}", "console_advertised_products", models.AdvertisedProductDay),
    "advertised products, one day as a span": (
        f"{GROUP}|Advertised SKU|Advertised ASIN|{SP}".replace("Date", "Start Date|End Date", 1),
        "console_advertised_products", models.AdvertisedProductDay),
    "purchased products": (
        f"{GROUP}|Advertised SKU|Advertised ASIN|Targeting|Match Type|{BOUGHT}", "console_purchased_products",
        models.PurchasedProductDay),
    "campaigns of brands": (
        f"{SB_CAMPAIGN}|{SB}|5 Second Views|{NEW}|Long-Term Sales", "console_sb_campaigns", models.BrandsCampaignDay),
    "targets of brands": (
        f"{SB_CAMPAIGN}|Ad Group Name|Targeting|Match Type|{SB}|{NEW}", "console_sb_targets", models.BrandsTargetDay),
    "search terms of brands": (
        f"{SB_CAMPAIGN}|Ad Group Name|Targeting|Match Type|Customer Search Term|{SB}", "console_sb_search_terms",
        models.BrandsSearchTermDay),
    "campaigns of display": (
        f"{SB_CAMPAIGN}|Status|Budget Amount|Cost type|{SD}", "console_sd_campaigns", models.DisplayCampaignDay),
    "advertised products of display": (
        f"Date|Currency|Campaign Name|Portfolio name|Cost Type|Ad Group Name|Bid Optimization|Advertised SKU|"
        f"Advertised ASIN|{SD}", "console_sd_products", models.DisplayProductDay),
    "targets of display": (
        f"Date|Currency|Campaign Name|Portfolio name|Cost Type|Ad Group Name|Targeting|Bid Optimization|{SD}",
        "console_sd_targets", models.DisplayTargetDay),
}  # fmt: skip


def rows(header: str, **cells: object) -> list[list[object]]:
    names = header.split("|")
    return [list(names), [{**CELLS, **cells}[name] for name in names]]


def as_csv(header: str, **cells: object) -> str:
    return table(*rows(header, **cells))


def as_workbook(header: str) -> bytes:
    names, row = rows(header)
    for at, cell in enumerate(row):
        if isinstance(cell, str) and cell.endswith("%") and cell[0].isdigit():
            row[at] = float(cell[:-1]) / 100
        elif isinstance(cell, str) and (cell.startswith("$") or cell == "1,234"):
            row[at] = float(cell.strip("$").replace(",", ""))
        elif cell == "Oct 05, 2026":
            row[at] = DAY
    return workbook(Report=[names, row])


@pytest.mark.parametrize("make", [as_csv, as_workbook], ids=["CSV", "XLSX"])
@pytest.mark.parametrize("what", REPORTS)
def test_a_report_of_the_console_feeds_its_facts(what: str, make: Any, read: Read) -> None:
    header, spec, model = REPORTS[what]
    content: Content = make(header)

    said = read(content, name="report.xlsx").json

    assert (said["type"], said["rows_in"], said["unknown_columns"]) == (spec, 1, [])
    fact = model.objects.get()
    assert (fact.date, fact.sales_minor, fact.orders, fact.units) == (DAY, 121998, 2, 3)
    assert models.Campaign.objects.get().name == "Mugs"
    if hasattr(fact, "spend_minor"):
        assert (fact.impressions, fact.clicks, fact.spend_minor) == (1234, 4, 250)
    if hasattr(fact, "clicked_sales_minor"):
        assert (fact.clicked_sales_minor, fact.clicked_orders) == (100000, 1)
    if hasattr(fact, "new_to_brand_orders"):
        assert (fact.new_to_brand_sales_minor, fact.new_to_brand_orders) == (60000, 1)
    if hasattr(fact, "sku"):
        assert (fact.sku, fact.asin) == ("M-1", "B000000001")
    if "Ad Group Name" in header:
        assert models.AdGroup.objects.get().name == "All"
    if "Targeting" in header:
        target = models.Target.objects.get()
        assert (target.text, fact.target_id) == ("mug", target.target_id)


def test_products_of_an_ad_group_are_told_apart(read: Read) -> None:
    header, _spec, _model = REPORTS["advertised products"]
    names, first = rows(header)
    _names, second = rows(header, **{"Advertised SKU": "M-2", "Advertised ASIN": "B000000009"})

    assert read(table(names, first, second)).json["rows_in"] == 2

    assert set(models.AdvertisedProductDay.objects.values_list("sku", "ad_id").distinct().values_list("sku")) == {
        ("M-1",), ("M-2",)}  # fmt: skip
    assert len(set(models.AdvertisedProductDay.objects.values_list("ad_id"))) == 2


#: what it is -> (header, what is said of it)
REFUSED: dict[str, tuple[str, str]] = {
    "targets over 14 days": (
        REPORTS["targets"][0].replace("7 Day", "14 Day").replace("|Top-of-search Impression Share", ""),
        "could be Sponsored Products targets, sales over 14 days (console) or Sponsored Brands"),
    "advertised products over 14 days": (
        REPORTS["advertised products"][0].replace("7 Day", "14 Day"),
        "(--type console_advertised_products_14 or console_sd_products)"),
    "search terms of brands without clicks alone": (
        REPORTS["search terms of brands"][0].replace(f"|{_CLICKS}", ""), "the column “14 Day Total Sales - (Click)”"),
    "campaigns of brands without clicks alone": (
        REPORTS["campaigns of brands"][0].replace(f"|{_CLICKS}", ""), "“Older report of Sponsored Brands”"),
    "campaigns of brands or display, nobody knows": (
        REPORTS["campaigns of brands"][0].replace("|Cost type", "|Status|Cost type"), "lacks the column"),
    "purchases by way of brands": (
        f"Date|Currency|Campaign Name|Attribution type|Purchased ASIN|14 Day Total Sales|{NEW}|Cost type",
        "Sponsored Brands attributed purchases"),
    "targets of a span": (
        REPORTS["targets"][0].replace("Date|", "Start Date|", 1), "lacks the column “Date”"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_report_that_says_something_else_is_refused(what: str, read: Read) -> None:
    header, fragment = REFUSED[what]

    said = read(as_csv(header))

    assert (said.code, said.out) == (2, "")
    assert fragment in said.err


def test_a_month_of_advertised_products_is_refused_with_how_to_get_days(read: Read) -> None:
    header, _spec, _model = REPORTS["advertised products, one day as a span"]

    said = read(as_csv(header, **{"Start Date": "Sep 01, 2026", "End Date": "Sep 30, 2026"}))

    assert "is a total from Sep 01, 2026 to Sep 30, 2026" in said.err
    assert "time unit “Daily”" in said.err


BULK = (
    "Product|Entity|Operation|Campaign ID|Ad Group ID|Portfolio ID|Campaign Name|State|Daily Budget|SKU|Bid|Match Type|"
    "Impressions|Clicks|Click-through Rate|Spend|Sales|Orders|Units"
)
BULK_TERMS = (
    "Product|Campaign ID|Ad Group ID|Keyword ID|Campaign Name (Informational only)|Keyword Text|Match Type|"
    "Customer Search Term|Impressions|Clicks|Spend|Sales|Orders|Units"
)


def test_a_bulk_sheet_says_why_it_cannot_be_days(read: Read) -> None:
    tabs = {
        "Portfolios": [["Portfolio ID", "Portfolio Name"], ["1", "Mugs"]],
        "Sponsored Products Campaigns": [BULK.split("|"), ["Sponsored Products"] + ["1"] * BULK.count("|")],
        "SP Search Term Report": [BULK_TERMS.split("|"), ["Sponsored Products"] + ["1"] * BULK_TERMS.count("|")],
    }

    said = read(workbook(**tabs), name="bulk.xlsx")

    assert "“Amazon Ads bulk sheet”" in said.err
    assert "totals of all the days that were chosen" in said.err
    assert "time unit “Daily”" in said.err


def test_purchased_products_of_a_chinese_page_are_read(read: Read) -> None:
    header, _spec, _model = REPORTS["purchased products"]
    chinese = (
        "日期 广告组合名称 货币 广告活动名称 广告组名称 零售商 国家/地区 广告SKU 广告ASIN 投放 匹配类型 已购买的ASIN"
    )
    names = [*chinese.split(), "7天内其他SKU销售量(#)", "7天内其他SKU订单数(#)", "7天内其他SKU销售额"]

    assert read(table(names, rows(header)[1])).json["type"] == "console_purchased_products"

    fact = models.PurchasedProductDay.objects.get()
    assert (fact.purchased_asin, fact.sales_minor, fact.orders, fact.units) == ("B000000002", 121998, 2, 3)
