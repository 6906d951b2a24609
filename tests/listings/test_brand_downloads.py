"""Brand Analytics as a person downloads it: what the line above the header says decides what the rows are."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from listings.models import Listing, SearchQuery, SearchQueryWeek, SearchTermWeek
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import upload
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.models import Ingest
from opsboard.feeds.pipeline import Outcome
from tests.factories import make_scope
from tests.feeds.reading import Read, read

__all__ = ["read"]
pytestmark = pytest.mark.django_db

WEEKLY = 'Reporting Range=["Weekly"],Select week=["Week 6 | 2026-02-01 - 2026-02-07 2026"]'
CHOSEN = f'ASIN or Product=["B000000001"],{WEEKLY}'


def _stage(what: str, rate: str) -> list[str]:
    kinds = ["Total Count", rate, "ASIN Count", "ASIN Share %", "Price (Median)", "ASIN Price (Median)"]
    speeds = ["Same Day Shipping Speed", "1D Shipping Speed", "2D Shipping Speed"]
    return [f"{what}: {kind}" for kind in (*kinds, *speeds)]


SQP = [
    "Search Query", "Search Query Score", "Search Query Volume", "Impressions: Total Count", "Impressions: ASIN Count",
    "Impressions: ASIN Share %", *_stage("Clicks", "Click Rate %"), *_stage("Cart Adds", "Cart Add Rate %"),
    *_stage("Purchases", "Purchase Rate %"), "Reporting Date",
]  # fmt: skip
UK_SQP = [name.replace("Cart Add", "Basket Add") for name in SQP]
TERMS = [
    "Search Frequency Rank", "Search Term", "Top Clicked Brand #1", "Top Clicked Brands #2", "Top Clicked Brands #3",
    "Top Clicked Category #1", "Top Clicked Category #2", "Top Clicked Category #3",
    *(f"Top Clicked Product #{n}: {kind}" for n in (1, 2, 3)
      for kind in ("ASIN", "Product Title", "Click Share", "Conversion Share")),
    "Reporting Date",
]  # fmt: skip


def sheet(chosen: str, header: Sequence[object], *rows: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return "\ufeff" + (f"{chosen}\r\n" if chosen else "") + out.getvalue()


def query(text: str = "steel mug", day: str = "2026-02-07", total: object = "1,234") -> list[object]:
    clicks = [300, 33.3, 7, 2.33, 19.99, "", 1, 2, 3]
    return [text, 1, 900, total, 100, 2.0, *clicks, *([20, 2.2, 3, 15, 18.5, 18.5, 0, 0, 0] * 2), day]


def term(
    text: str, asins: Sequence[str], shares: Sequence[object] = (15.58, 9.1, 4), day: str = "2026-02-07"
) -> list[object]:
    products = [cell for asin, share in zip(asins, shares, strict=True) for cell in (asin, "A mug", share, 10.5)]
    return [42, text, "a", "b", "c", "d", "e", "f", *products, day]


@pytest.mark.parametrize("header", [SQP, UK_SQP], ids=["US", "UK"])
def test_a_downloaded_week_of_queries_is_the_same_as_the_apis(read: Read, header: list[str]) -> None:
    said = read(sheet(CHOSEN, header, query(), query("mug"))).json
    assert (said["type"], said["rows_in"], said["unknown_columns"]) == ("console_search_queries", 2, [])
    row = SearchQueryWeek.objects.order_by("line").first()
    assert row is not None
    assert (row.date, row.asin, row.volume) == (date(2026, 2, 1), "B000000001", 900)
    assert (row.impressions_total, row.impressions_asin, row.clicks_asin, row.cart_adds_asin) == (1234, 100, 7, 3)
    assert (row.click_price_total_minor, row.click_price_asin_minor, row.purchases_total) == (1999, None, 20)
    assert set(SearchQuery.objects.values_list("text", flat=True)) == {"steel mug", "mug"}


NOT_A_WEEK = {
    "by month": (CHOSEN.replace("Weekly", "Monthly"), SQP, query(), "opsboard keeps weeks"),
    "the first line is gone": ("", SQP, query(), "opsboard keeps weeks"),
    "in other words": (CHOSEN.replace("Reporting Range", "Berichtszeitraum"), SQP, query(), "opsboard keeps weeks"),
    "no week": (CHOSEN.split(",Select")[0], SQP[:-1], query()[:-1], "which week it is about"),
    "no ASIN": (CHOSEN.replace("B000000001", "All"), SQP, query(), "does not name the one ASIN"),
    "two ASINs": (CHOSEN.replace('1"]', '1","B000000002"]', 1), SQP, query(), "does not name the one ASIN"),
    "not a Saturday": (CHOSEN, SQP, query(day="2026-02-06"), "2026-02-06 is not the last day of a week"),
    "a brand": (
        CHOSEN.replace("ASIN or Product", "Brand"), [name.replace("ASIN", "Brand") for name in SQP], query(),
        "choose the ASIN View"),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_A_WEEK)
def test_queries_of_nobody_knows_whom_or_when_are_refused(read: Read, what: str) -> None:
    chosen, header, row, why = NOT_A_WEEK[what]
    said = read(sheet(chosen, header, row))
    assert (said.code != 0, why in said.err + said.out) == (True, True), said
    assert not SearchQueryWeek.objects.exists()


# --- top search terms -------------------------------------------------------------------------------


@pytest.fixture
def scope(settings: Settings, tmp_path: Path) -> AccountMarketplace:
    settings.DOCUMENT_DIR, settings.OPSBOARD_HINTS = tmp_path, False
    scope = make_scope()
    Listing.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        document_id=1,
        line=1,
        sku="M",
        asin="B000000001",
    )
    return scope


def send(scope: AccountMarketplace, content: str) -> Outcome:
    document = upload.recognise_and_keep(
        io.BytesIO(content.encode()), account=scope.account, marketplace=scope.marketplace, file_name="terms.csv"
    )
    assert document.spec == "console_top_search_terms"
    return upload.settle(document)


MINE, OTHERS = ("B0RIVAL001", "B000000001", ""), ("B0RIVAL001", "B0RIVAL002", "B0RIVAL003")


def test_of_downloaded_terms_those_with_own_asins_are_kept(scope: AccountMarketplace) -> None:
    outcome = send(scope, sheet(WEEKLY, TERMS, term("mug", MINE, (15.58, 9.1, "")), term("lamp", OTHERS)))
    assert (outcome.state, outcome.unknown_columns) == (Ingest.State.APPLIED, [])
    found = [
        (row.date, row.term, row.rank, row.position, row.asin, float(row.click_share or 0))
        for row in SearchTermWeek.objects.order_by("position")
    ]
    sunday = date(2026, 2, 1)
    assert found == [(sunday, "mug", 42, 1, "B0RIVAL001", 0.1558), (sunday, "mug", 42, 2, "B000000001", 0.091)]


ZH_WEEKLY = '报告范围=["每周"],选择周=["周 6 | 2026-02-01 - 2026-02-07 2026"]'
ZH_TERMS = {
    "by number": (
        "搜索频率排名,搜索词,点击量最高的品牌 #1,点击量最高的品牌 #2,点击量最高的品牌 #3,"
        "点击量最高的类别 #1,点击量最高的类别 #2,点击量最高的类别 #3,"
        "点击量最高的商品 #1：ASIN,点击量最高的商品 #1：商品名称,"
        "点击量最高的商品 #1：点击份额,点击量最高的商品 #1：转化份额,"
        "点击量最高的商品 #2：ASIN,点击量最高的商品 #2：商品名称,"
        "点击量最高的商品 #2：点击份额,点击量最高的商品 #2：转化份额,"
        "点击量最高的商品 #3：ASIN,点击量最高的商品 #3：商品名称,"
        "点击量最高的商品 #3：点击份额,点击量最高的商品 #3：转化份额,报告日期"
    ),
    "in words, each its own way": (
        "搜索频率排名,搜索词,点击量第1的品牌,点击量第2的品牌,点击量第3的品牌,"
        "点击量最高的分类,点击量第二的分类,点击量第 3 的分类,"
        "点击量第1的商品：ASIN,点击量第1的商品: 商品标题,"
        "点击量最高的商品：点击份额,点击量第1的商品：转化贡献占比,"
        "点击量第2的商品：ASIN,点击量第2的商品：商品标题,"
        "点击量第二的商品：点击份额,热门点击商品第2名：转化贡献占比,"
        "点击量第三的商品：ASIN,点击量第3的商品：商品标题,"
        "点击量第三的商品：点击份额,点击量第3的商品：转化贡献占比,报告日期"
    ),
}


@pytest.mark.parametrize("written", ZH_TERMS)
def test_terms_downloaded_in_chinese_are_the_same(scope: AccountMarketplace, written: str) -> None:
    outcome = send(scope, sheet(ZH_WEEKLY, ZH_TERMS[written].split(","), term("mug", MINE, (15.58, 9.1, ""))))
    assert (outcome.state, outcome.unknown_columns) == (Ingest.State.APPLIED, [])
    found = SearchTermWeek.objects.order_by("position").values_list("date", "term", "rank", "position", "asin")
    sunday = date(2026, 2, 1)
    assert list(found) == [(sunday, "mug", 42, 1, "B0RIVAL001"), (sunday, "mug", 42, 2, "B000000001")]
    assert [float(row.click_share or 0) for row in SearchTermWeek.objects.order_by("position")] == [0.1558, 0.091]


@pytest.mark.parametrize(
    "content, why",
    [
        (sheet(WEEKLY, TERMS, term("mug", MINE, (0.1558, 0.09, 0.04))), "may be fractions"),
        (sheet(WEEKLY, TERMS, term("mug", MINE, day="2026-02-08")), "not the last day of a week"),
        (sheet(WEEKLY.replace("Weekly", "Daily"), TERMS, term("mug", MINE)), "opsboard keeps weeks"),
        (sheet(WEEKLY + ',Brand=["Mugs Inc"]', TERMS, term("mug", MINE)), "only the terms of “Brand”"),
    ],
)
def test_terms_that_are_not_a_week_in_percent_are_refused(scope: AccountMarketplace, content: str, why: str) -> None:
    outcome = send(scope, content)
    assert (outcome.state, why in outcome.reason) == (Ingest.State.REFUSED, True), outcome.reason
    assert not SearchTermWeek.objects.exists()


def test_an_older_layout_of_the_terms_is_named_and_refused(scope: AccountMarketplace) -> None:
    with pytest.raises(BadDocument, match="Top Search Terms"):
        send(
            scope,
            sheet(WEEKLY, ["Department", "Search Term", "Search Frequency Rank", "#1 Clicked ASIN"], list("abcd")),
        )
