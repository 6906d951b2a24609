"""Report files as they lie in people's download folders: read to the cent, or refused in a sentence.

Each case is a small file with what varies in real ones: language, encoding, signs, sheets, leftovers.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from ads.models import Campaign, CampaignDay, SearchTerm, SearchTermDay
from inventory.models import StockDay
from listings.models import AsinDay, Listing, SalesDay
from tests.feeds.reading import Content, Read

pytestmark = pytest.mark.django_db


def table(header: Sequence[object], *rows: Sequence[object], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return out.getvalue()


def tabs(header: Sequence[object], *rows: Sequence[object]) -> str:
    return "".join("\t".join(map(str, row)) + "\r\n" for row in [header, *rows])


def workbook(**sheets: list[Sequence[object]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "mmm dd, yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for y, row in enumerate(rows):
                for x, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(y, x, cell, day)
                    else:
                        sheet.write(y, x, cell)
    return out.getvalue()


def zipped(**files: Content) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


# --- Business Reports ----------------------------------------------------------------------------

BY_DATE = [
    "Date", "Ordered Product Sales", "Ordered Product Sales - B2B", "Units Ordered", "Units Ordered - B2B",
    "Total Order Items", "Page Views - Total", "Sessions - Total", "Sessions - Total - B2B",
    "Featured Offer (Buy Box) Percentage", "Unit Session Percentage", "Average Offer Count",
]  # fmt: skip
BY_CHILD = [
    "(Parent) ASIN", "(Child) ASIN", "Title", "Sessions - Mobile App - B2B", "Sessions - Total", "Page Views - Total",
    "Featured Offer (Buy Box) Percentage", "Units Ordered", "Unit Session Percentage", "Ordered Product Sales",
    "Total Order Items",
]  # fmt: skip
DE_BY_CHILD = [
    "(Übergeordnete) ASIN", "(Untergeordnete) ASIN", "Titel", "Sitzungen – Summe", "Sitzungen – Summe – B2B",
    "Seitenaufrufe – Summe", "Bestellte Einheiten", "Prozentsatz an Einheiten pro Sitzung",
    "Durch bestellte Produkte erzielter Umsatz", "Zahl der Bestellposten",
]  # fmt: skip
ZH_BY_CHILD = [
    "（父）ASIN", "（子）ASIN", "标题", "会话数 - 总计", "会话 - 总计 - B2B", "页面浏览量 - 总计 ",
    "推荐报价（推荐报价展示位）百分比 ", "已订购商品数量", "商品会话百分比", "已订购商品销售额", "订单商品总数",
]  # fmt: skip
JA_BY_DATE = [
    "日付", "注文商品の売上額", "注文商品の売上額 - B2B", "注文された商品点数", "注文点数 - B2B", "注文品目総数",
    "ページビュー - 合計", "セッション数 - 合計", "おすすめ出品（おすすめ商品）の獲得率", "ユニットセッション率",
]  # fmt: skip


def day_row(
    day: str,
    sales: str,
    units: str = "1,002",
    sessions: str = "1,900",
    box: str = "97.12%",
    rate: str = "5.3%",
    views: str = "2,500",
) -> list[object]:
    return [day, sales, "", units, 0, 9, views, sessions, 1, box, rate, 1]


def child_row(sales: str = "$7,274.35", child: str = "B0CHILD001") -> list[object]:
    return ["B0PARENT01", child, 'Mug, 11" blue', 1, "6,744", "9,409", "99.91%", 528, "7.83%", sales, 509]


FR_ROW = ["01/10/2026", "1\u202f234,56\u00a0€", "", "1\u202f002", 0, 9, "2\u202f500", "1\u202f900", 1, "97,12\u00a0%",
          "5,3\u00a0%", 1]  # fmt: skip
JA_ROW = ["2026/10/01", "￥1,234", "￥0", "1,002", 0, 9, "2,500", "1,900", "97.12%", "5.3%"]

#: what it is -> (marketplace, content, minor units sold on 1 October); 1,002 units and 1,900 sessions each.
DAYS_SOLD: dict[str, tuple[str, Content, int]] = {
    "US, m/d/yy, BOM": ("US", "\ufeff" + table(BY_DATE, day_row("10/1/26", "$1,234.56")), 123456),
    "US, month in letters": ("US", table(BY_DATE, day_row("Oct 01, 2026", "US$1,234.56")), 123456),
    "UK, day first": ("UK", table(BY_DATE, day_row("01/10/2026", "£1,234.56")), 123456),
    "Canada, ISO": ("CA", table(BY_DATE, day_row("2026-10-01", "CA$1,234.56")), 123456),
    "as a spreadsheet saves it": ("US", table(BY_DATE, day_row("1-Oct-26", "1234.56 ")), 123456),
    "Brazil": ("BR", table(BY_DATE, day_row("01/10/2026", "R$ 1.234,56", box="97,12%", rate="5,3%")), 123456),
    "Turkey, the sign in front": (
        "TR", table(BY_DATE, day_row("01.10.2026", "₺1.234,56", box="%97,12", rate="%5,3")), 123456),
    "Japan on a Chinese page": ("JP", table(BY_DATE, day_row("2026-10-01", "JP¥1,234")), 1234),
    "Mexico": ("MX", table(BY_DATE, day_row("01/10/26", "MX$1,234.56")), 123456),
    "Australia": ("AU", table(BY_DATE, day_row("1/10/26", "A$1,234.56")), 123456),
    "India, lakhs": ("IN", table(BY_DATE, day_row("01/10/26", "₹1,23,456.78")), 12345678),
    "Sweden": ("SE", table(BY_DATE, day_row("2026-10-01", "1 234,56 kr", box="97,12 %", rate="5,3 %")), 123456),
    "France, hard spaces": ("FR", table(BY_DATE, FR_ROW), 123456),
    "Germany: amounts in German, counts and percentages in English": (
        "DE", table(BY_DATE, day_row("01.10.2026", "1.234,56 €")), 123456),
    "Germany, an English page": ("DE", table(BY_DATE, day_row("01.10.2026", "€1,234.56")), 123456),
    "Germany, semicolons": (
        "DE", table(BY_DATE, day_row("01.10.2026", "1.234,56 €", "1.002", "1.900", "97,12%", "5,3%", "2.500"),
                    delimiter=";"),
        123456),
    "Japan": ("JP", "\ufeff" + table(JA_BY_DATE, JA_ROW), 1234),
    "Japan, Shift JIS": ("JP", table(JA_BY_DATE, JA_ROW).encode("cp932"), 1234),
    "columns in another order": ("US", table(BY_DATE[::-1], day_row("10/1/26", "$1,234.56")[::-1]), 123456),
    "header in capitals": ("US", table([n.upper() for n in BY_DATE], day_row("10/1/26", "$1,234.56")), 123456),
    "UTF-16": ("US", table(BY_DATE, day_row("10/1/26", "$1,234.56"), delimiter="\t").encode("utf-16"), 123456),
    "UTF-16 without its mark": (
        "US", table(BY_DATE, day_row("10/1/26", "$1,234.56"), delimiter="\t").encode("utf-16-le"), 123456),
    "UTF-16 the other way round, without its mark": (
        "US", table(BY_DATE, day_row("10/1/26", "$1,234.56")).encode("utf-16-be"), 123456),
    "Japan, UTF-16 without its mark": ("JP", table(JA_BY_DATE, JA_ROW).encode("utf-16-le"), 1234),
    "UK, Latin-1": ("UK", table(BY_DATE, day_row("01/10/2026", "£1,234.56")).encode("latin-1"), 123456),
    "Germany, Windows": ("DE", table(BY_DATE, day_row("01.10.2026", "1.234,56 €")).encode("cp1252"), 123456),
    "a zip": ("US", zipped(report_csv=table(BY_DATE, day_row("10/1/26", "$1,234.56"))), 123456),
    "gzip": ("US", gzip.compress(table(BY_DATE, day_row("10/1/26", "$1,234.56")).encode()), 123456),
    "serial numbers for days": (
        "US", workbook(a=[BY_DATE, [46296, 1234.56, "", 1002, 0, 9, 2500, 1900, 1, 0.9712, 0.053, 1]]), 123456),
    "empty lines at the end": (
        "US", table(BY_DATE, day_row("10/1/26", "$1,234.56")) + "\r\n,,,\r\n\r\n", 123456),
}  # fmt: skip


@pytest.mark.parametrize("what", DAYS_SOLD)
def test_a_day_of_sales_is_the_same_in_every_country(what: str, read: Read) -> None:
    marketplace, content, sold = DAYS_SOLD[what]

    said = read(content, marketplace).json

    assert (said["type"], said["unknown_columns"]) == ("business_report_date", [])
    fact = SalesDay.objects.get()
    assert (fact.date, fact.ordered_sales_minor) == (date(2026, 10, 1), sold)
    assert (fact.units_ordered, fact.sessions, fact.page_views) == (1002, 1900, 2500)
    assert (float(fact.buy_box_rate or 0), float(fact.unit_session_rate or 0)) == (0.9712, 0.053)


CHILDREN: dict[str, tuple[str, Content, int]] = {
    "English": ("US", table(BY_CHILD, child_row()), 727435),
    "long dashes": ("US", table([name.replace(" - ", " – ") for name in BY_CHILD], child_row()), 727435),
    "German": (
        "DE",
        table(DE_BY_CHILD, ["B0P", "B0CHILD001", "Tasse", "6,744", 1, "9,409", 528, "7.83%", "7.274,35 €", 509]),
        727435,
    ),
    "Chinese": (
        "US",
        "\ufeff" + table(ZH_BY_CHILD, ["B0P", "B0CHILD001", "杯", "6,744", 1, "9,409", "99%", 528, "7.83%",
                                       "US$7,274.35", 509]),
        727435,
    ),
    "Chinese as a Chinese spreadsheet saves it": (
        "US",
        table(ZH_BY_CHILD, ["B0P", "B0CHILD001", "杯", "6,744", 1, "9,409", "99%", 528, "7.83%", "US$7,274.35", 509])
        .encode("gb18030"),
        727435,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHILDREN)
def test_a_child_asin_is_the_same_in_every_language(what: str, read: Read) -> None:
    marketplace, content, sold = CHILDREN[what]

    said = read(content, marketplace, "--day", "2026-10-05").json

    assert (said["type"], said["unknown_columns"]) == ("business_report_asin", [])
    fact = AsinDay.objects.get()
    assert (fact.asin, fact.ordered_sales_minor, fact.units_ordered) == ("B0CHILD001", sold, 528)
    assert (fact.sessions, fact.page_views, fact.order_items) == (6744, 9409, 509)


# --- the advertising console -----------------------------------------------------------------------

TERMS = [
    "Date", "Portfolio name", "Currency", "Campaign Name", "Ad Group Name", "Retailer", "Country", "Targeting",
    "Match Type", "Customer Search Term", "Impressions", "Clicks", "Click-Thru Rate (CTR)", "Spend",
    "7 Day Total Sales ", "Total Advertising Cost of Sales (ACOS) ", "7 Day Total Orders (#)", "7 Day Total Units (#)",
]  # fmt: skip
ZH_TERMS = [
    "日期", "广告组合名称", "货币", "广告活动名称", "广告组名称", "零售商", "国家/地区", "投放", "匹配类型",
    "客户搜索词", "展示量", "点击量", "点击率 (CTR)", "花费", "7天总销售额", "广告投入产出比 (ACOS) 总计",
    "7天总订单数(#)",
    "7天总销售量(#)",
]  # fmt: skip
JA_TERMS = [
    "日付", "ポートフォリオ名", "通貨", "キャンペーン名", "広告グループ名", "ターゲティング", "マッチタイプ",
    "カスタマーの検索キーワード", "インプレッション", "クリック", "クリックスルー率 (CTR)", "費用",
    "広告がクリックされてから7日間の総売上高", "広告費売上高比率（ACOS）合計",
    "広告がクリックされてから7日間の合計注文数",
    "広告がクリックされてから7日間の合計販売数",
]  # fmt: skip
DE_TERMS = [
    "Datum", "Portfolioname", "Währung", "Kampagnen-Name", "Anzeigengruppenname", "Ausrichtung", "Übereinstimmungstyp",
    "Suchbegriff des Kunden", "Impressionen", "Klicks", "Klickrate (CTR)", "Ausgaben", "7 Tage, Umsatz gesamt (€)",
    "Zugeschriebene Umsatzkosten (ACOS) gesamt ", "7 Tage, Aufträge gesamt (#)", "7 Tage, Einheiten gesamt (#)",
]  # fmt: skip
ES_TERMS = [
    "Fecha de inicio", "Fecha de finalización", "Nombre de la cartera", "Divisa", "Nombre de campaña",
    "Nombre del grupo de anuncios", "País", "Segmentación", "Tipo de coincidencia", "Término de búsqueda de cliente",
    "Impresiones", "Clics", "Índice de clics (CTR)", "Coste por clic (CPC)", "Gasto", "Ventas totales de 7 días (€)",
    "Coste publicitario de las ventas (ACOS) total ", "Pedidos totales de 7 días (#)", "Unidades totales de 7 días (#)",
]  # fmt: skip


def term(
    day: object = "Oct 05, 2026", *, spend: object = "$2.50", sales: object = "$1,219.98", currency: str = "USD",
    country: str = "United States", campaign: str = "Mugs, blue", text: object = "blue mug", seen: object = "1,234",
) -> list[object]:  # fmt: skip
    return [day, "-", currency, campaign, "All", "Amazon", country, "mug", "BROAD", text, seen, 4, "0.3241%", spend,
            sales, "12.5063%", 2, 3]  # fmt: skip


FOUND: dict[str, tuple[str, Content]] = {
    "CSV": ("US", "\ufeff" + table(TERMS, term())),
    "XLSX": ("US", workbook(a=[TERMS, term(date(2026, 10, 5), spend=2.5, sales=1219.98, seen=1234)])),
    "XLSX with a title, an empty row and another sheet": (
        "US", workbook(Info=[["made by hand"]], Data=[[], ["Search term report"], TERMS, term(46300, spend=2.5)])),
    "CSV named otherwise": ("US", table(TERMS, term("2026-10-05"), delimiter=";")),
    "sep= in front": ("US", "sep=,\r\n" + table(TERMS, term())),
    "one day as a span": ("US", table(["Start Date", "End Date", *TERMS[1:]], ["Oct 05, 2026", *term()])),
    "the tabs of a spreadsheet, which quotes": (
        "US", table(TERMS, term(), delimiter="\t").replace("Mugs, blue", '"Mugs, blue"').encode("utf-16")),
    "German amounts on an English page": (
        "DE", table(TERMS, term(spend="€2,50", sales="€1.219,98", currency="EUR", country="Germany", seen="1.234"))),
    "German": ("DE", table(DE_TERMS, ["05.10.2026", "-", "EUR", "Mugs, blue", "All", "mug", "BROAD", "blue mug",
                                      "1.234", 4, "0,3241%", "2,50 €", "1.219,98 €", "12,50%", 2, 3])),
    "Spanish": ("ES", table(ES_TERMS, ["oct 05, 2026", "oct 05, 2026", "-", "EUR", "Mugs, blue", "All", "España", "mug",
                                       "-", "blue mug", "1234", "4", "0,3241%", "€0,63", "€2,5000", "€1219,98",
                                       "12,5%", "2", "3"], delimiter=";")),
    "Chinese": ("US", workbook(a=[ZH_TERMS, term(date(2026, 10, 5), spend=2.5, sales=1219.98, seen=1234,
                                                 country="美国")])),
    "Chinese as a Chinese spreadsheet saves it": ("US", table(ZH_TERMS, term(country="美国")).encode("gb18030")),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND)
def test_a_search_term_is_the_same_in_every_language(what: str, read: Read) -> None:
    marketplace, content = FOUND[what]

    said = read(content, marketplace, name="report.xlsx").json

    assert (said["type"], said["unknown_columns"]) == ("console_search_terms", [])
    fact = SearchTermDay.objects.get()
    assert (fact.date, fact.impressions, fact.clicks) == (date(2026, 10, 5), 1234, 4)
    assert (fact.spend_minor, fact.sales_minor, fact.orders, fact.units) == (250, 121998, 2, 3)
    assert (SearchTerm.objects.get().text, Campaign.objects.get().name) == ("blue mug", "Mugs, blue")


def test_yen_have_no_cents(read: Read) -> None:
    row = ["2026/10/05", "-", "JPY", "マグ", "All", "mug", "BROAD", "青 マグ", "1,234", 4, "0.3%", "￥250", "￥1,219",
           "20%", 2, 3]  # fmt: skip

    read(table(JA_TERMS, row), "JP").json  # noqa: B018 - it asserts

    assert SearchTermDay.objects.values_list("spend_minor", "sales_minor").get() == (250, 1219)
    assert SearchTerm.objects.get().text == "青 マグ"


def test_search_terms_keep_what_looks_like_something_else(read: Read) -> None:
    texts = ["b0abcdefgh", 'mug 11"', "00468", "N/A", "*", "tasse\nblau", "1.5"]

    said = read(table(TERMS, *[term(text=text) for text in texts])).json

    assert said["rows_in"] == len(texts)
    assert set(SearchTerm.objects.values_list("text", flat=True)) == set(texts)


def test_two_downloads_joined_are_two_days_and_never_one_day_twice(read: Read) -> None:
    first, second = table(TERMS, term()), table(TERMS, term("Oct 06, 2026"))

    assert read(first + second).json["rows_in"] == 2
    refused = read(first + first)

    assert refused.code == 2
    assert "line 4: Two files were joined here, and both tell about Oct 05, 2026" in refused.err


def test_an_encoding_nobody_can_tell_is_asked_for(read: Read) -> None:
    content = table(TERMS, term(campaign="自动广告-蓝色杯子"), term(campaign="手动精准-红色")).encode("gb18030")

    assert "say the encoding" in read(content).err
    assert "There is no encoding “klingon”" in read(content, "US", "--encoding", "klingon").err
    read(content, "US", "--encoding", "gb18030").json  # noqa: B018 - it asserts

    assert set(Campaign.objects.values_list("name", flat=True)) == {"自动广告-蓝色杯子", "手动精准-红色"}


def test_accents_of_a_western_spreadsheet_are_read(read: Read) -> None:
    read(table(TERMS, term(campaign="Café créée à Übersee")).encode("cp1252")).json  # noqa: B018 - it asserts

    assert Campaign.objects.get().name == "Café créée à Übersee"


CAMPAIGNS = [
    "Date", "Portfolio name", "Program Type", "Campaign Name", "Currency", "Retailer", "Country", "Status", "Budget",
    "Targeting Type", "Bidding strategy", "Impressions", "Last Year Impressions", "Clicks", "Spend", "Last Year Spend",
    "7 Day Total Orders (#)", "7 Day Total Sales ",
]  # fmt: skip
ZH_CAMPAIGNS = ["日期", "广告组合名称", "广告活动名称", "货币", "预算", "展示量", "点击量", "花费", "7天总销售额",
                "7天总订单数(#)"]  # fmt: skip


def campaign(program: str = "Sponsored Products") -> list[object]:
    return ["Oct 05, 2026", "-", program, "Mugs", "USD", "Amazon", "United States", "ENABLED", "$10.00", "AUTO",
            "Fixed", "1,782", "", 13, "$9.50", "", 3, "$61.62"]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        table(CAMPAIGNS, campaign()),
        table(ZH_CAMPAIGNS, ["2026年10月5日", "-", "Mugs", "USD", "$10.00", "1,782", 13, "$9.50", "$61.62", 3]),
    ],
    ids=["English", "Chinese"],
)
def test_a_campaign_report_is_the_same_in_every_language(content: str, read: Read) -> None:
    assert read(content).json["type"] == "console_campaigns"

    fact = CampaignDay.objects.get()
    assert (fact.impressions, fact.spend_minor, fact.sales_minor) == (1782, 950, 6162)
    assert Campaign.objects.get().budget_minor == 1000


# --- stock and listings --------------------------------------------------------------------------

STOCK = (
    "sku fnsku asin product-name condition your-price mfn-listing-exists mfn-fulfillable-quantity afn-listing-exists "
    "afn-warehouse-quantity afn-fulfillable-quantity afn-unsellable-quantity afn-reserved-quantity afn-total-quantity "
    "per-unit-volume afn-inbound-working-quantity afn-inbound-shipped-quantity afn-inbound-receiving-quantity "
    "afn-researching-quantity afn-reserved-future-supply afn-future-supply-buyable"
).split()
EU_STOCK = [*STOCK, "afn-fulfillable-quantity-local", "afn-fulfillable-quantity-remote", "store"]
LISTINGS = (
    "item-name listing-id seller-sku price quantity open-date asin1 product-id fulfillment-channel status".split()
)
JA_LISTINGS = ["商品名", "出品ID", "出品者SKU", "価格", "数量", "出品日", "ASIN 1", "商品ID",
               "フルフィルメント・チャンネル", "ステータス"]  # fmt: skip


def stock(header: list[str], sku: str = "M-1", price: str = "9.99", researching: object = 0, store: str = "") -> list:  # type: ignore[type-arg]
    said = {"sku": sku, "asin": "B000000001", "your-price": price, "afn-fulfillable-quantity": 5,
            "afn-total-quantity": 9, "afn-researching-quantity": researching, "store": store}  # fmt: skip
    return [said.get(name, "") for name in header]


def test_stock_of_europe_with_a_negative_figure_is_read(read: Read) -> None:
    said = read(tabs(EU_STOCK, stock(EU_STOCK, researching=-3, store="Amazon.de")), "DE", name="stock.txt").json

    assert (said["type"], said["unknown_columns"]) == ("stock", [])
    assert StockDay.objects.values_list("fulfillable", "total", "researching", "price_minor").get() == (5, 9, -3, 999)


@pytest.mark.parametrize(
    ("marketplace", "content"),
    [
        ("US", tabs(LISTINGS, ['Frame 8" x 10"', "1", "F-1", "19.80", "", "x", "B000000001", "", "DEFAULT", "Active"])),
        ("JP", tabs(JA_LISTINGS, ['Frame 8" x 10"', "1", "F-1", "1980", "", "x", "B000000001", "", "AMAZON_JP", ""])
         .encode("cp932")),
    ],
)  # fmt: skip
def test_listings_keep_their_inches(marketplace: str, content: Content, read: Read) -> None:
    read(content, marketplace, name="listings.txt").json  # noqa: B018 - it asserts

    found = Listing.objects.get()
    assert (found.sku, found.title, found.asin) == ("F-1", 'Frame 8" x 10"', "B000000001")
    assert found.price_minor == 1980


def test_a_zip_of_a_mac_holds_one_report(read: Read) -> None:
    said = read(zipped(report_csv=table(TERMS, term()), **{"_DS_Store": "x", "__MACOSX/_report": "x"}), name="a.zip")

    assert said.json["rows_in"] == 1


# --- refused ---------------------------------------------------------------------------------------


def traffic(**about: object) -> dict[str, Any]:
    day = {
        "date": "2026-10-05",
        "salesByDate": {"orderedProductSales": {"amount": 12.5, "currencyCode": "USD"}, "unitsOrdered": 3},
        "trafficByDate": {"sessions": 50, "pageViews": 80},
    }
    about = {"reportType": "GET_SALES_AND_TRAFFIC_REPORT", "reportOptions": {}, "dataStartTime": "2026-10-05",
             "dataEndTime": "2026-10-05", **about}  # fmt: skip
    return {"reportSpecification": about, "salesAndTrafficByDate": [day], "salesAndTrafficByAsin": []}


def ad(**other: object) -> dict[str, object]:
    row = {"date": "2026-10-05", "campaignId": 7, "campaignName": "Mugs", "impressions": 10, "clicks": 1, "cost": 1.5,
           "sales7d": 5, **other}  # fmt: skip
    return {key: value for key, value in row.items() if value is not None}


def broken_cell() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for y, row in enumerate([TERMS, term()]):
            sheet.write_row(y, 0, row)
        sheet.write_formula(1, 10, "=NA()", None, "#N/A")
    return out.getvalue()


REFUSED: dict[str, tuple[Content, str]] = {
    "by SKU in Chinese, and no day": (
        table([*ZH_BY_CHILD, "SKU"], [*child_row(), "M-1"]), "which day these totals belong to"),
    "by month in Japanese": (
        table(JA_BY_DATE, *[[f"2026/{month:02}/01", *JA_ROW[1:]] for month in (7, 8, 9)]), "totals of weeks or months"),
    "a day to come": (table(BY_DATE, day_row("12/24/99", "$1.00")), "“12/24/99” is in the future"),
    "another country": (table(TERMS, term(country="Mexico")), "It is about “Mexico”"),
    "another country in its own words": (table(TERMS, term(country="Deutschland")), "It is about “Deutschland”"),
    "stores of two countries": (
        tabs(EU_STOCK, stock(EU_STOCK, store="Amazon.com"), stock(EU_STOCK, "M-2", store="Amazon.fr")),
        "It is about “Amazon.fr”"),
    "search terms without targets, which are no campaigns": (
        table(*[row[:7] + row[8:] for row in (TERMS, term())]),
        "it lacks the column “Targeting”"),
    "search terms of the API without targets": (json.dumps([ad(searchTerm="mug")]), "lacks the column “adGroupId”"),
    "an error in a cell": (broken_cell(), "an error such as #N/A"),
    "an empty zip": (zipped(), "The zip is empty"),
    "two reports in a workbook": (
        workbook(May=[TERMS, term()], June=[TERMS, term()]), "reports on two sheets (“May” and “June”)"),
    "joined with its columns turned": (
        table(TERMS, term()) + table(TERMS[::-1], term()[::-1]), "line 3: Another header stands here"),
    "joined with another report": (
        table(TERMS, term()) + table(CAMPAIGNS, campaign()), "line 3: Another header stands here"),
    "14 days in Chinese": (
        table([name.replace("7天", "14天") for name in ZH_TERMS], term()),
        "sales over 14 days (console) or Sponsored Brands search terms"),
    "days of attribution not told": (
        table(["Date", "Campaign name", "Total cost (USD)", "Sales (USD)", "Impressions", "Clicks"],
              ["2026-10-05", "Mugs", "1.50", "5.00", 10, 1]), "does not say over how many days"),
    "a campaign-like report in another language": (
        table([name for name in ZH_CAMPAIGNS if name != "预算"],
              ["2026-10-05", "-", "Mugs", "USD", 10, 1, "$1.50", "$5", 1]), "or another report with the same columns"),
    "placements in Chinese": (
        table([*ZH_CAMPAIGNS, "广告位"], [*campaign()[:10], "top"]), "Sponsored ads placement"),
    "a language that is not known": (
        table(["Données", "Nom de la campagne", "Dépense", "Clics", "Ventes"], [1, 2, 3, 4, 5]), "to English"),
    "Sponsored Brands": (table(CAMPAIGNS, campaign("Sponsored Brands")), "“Sponsored Brands” is not"),
    "the table of the campaign manager": (
        table(["State", "Campaigns", "Status", "Type", "Impressions", "Clicks"], ["on", "Mugs", "", "", 1, 1]),
        "Table of the Amazon Ads campaign manager"),
    "active listings": (
        tabs(LISTINGS[:-1], ["Mug", 1, "M-1", 5, 1, "", "B0", "", ""]), "Amazon Active Listings"),
    "an SKU a spreadsheet rewrote": (
        table(STOCK, stock(STOCK, "1.23E+11")), "line 2, column “sku”: “1.23E+11” is what a spreadsheet made"),
    "a number with something behind it": (tabs(STOCK, stock(STOCK, researching="365+")), "“365+” is not a number"),
    "a workbook of LibreOffice": (zipped(mimetype="x", content_xml="<x/>"), "This is OpenDocument (ODS)"),
    "a workbook with a password": (
        b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
    "a web page called XLS": ("<table><tr><td>Date</td></tr></table>", "This is a web page"),
    "JSON in UTF-16": (json.dumps(traffic()).encode("utf-16"), "This is JSON, but not in UTF-8"),
    "two marketplaces": (
        json.dumps(traffic(marketplaceIds=["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"])), "totals of several marketplaces"),
    "weeks": (json.dumps(traffic(reportOptions={"dateGranularity": "WEEK"})), "totals by week"),
    "without its specification": (
        json.dumps({"salesAndTrafficByDate": []}), "without the part “reportSpecification”"),
    "ads over 14 days": (json.dumps([ad(sales7d=None, sales14d=5)]), "counted over 14 days after a click"),
    "ads in total": (json.dumps([ad(date=None, startDate="2026-10-01", endDate="2026-10-05")]), "timeUnit DAILY"),
    "ads of two currencies": (
        json.dumps([ad(campaignBudgetCurrencyCode="USD"), ad(campaignId=8, campaignBudgetCurrencyCode="CAD")]),
        "line 2, column “campaignBudgetCurrencyCode”: The amounts are in CAD"),
    "ads by product": (json.dumps([ad(adId=1, advertisedAsin="B0")]), "lacks the column “adGroupId”"),
    "ads by target": (json.dumps([ad(keywordId=1, targeting="mug")]), "lacks the column “adGroupId”"),
    "ads of brands": (json.dumps([ad(sales7d=None, sales=5, purchases=1)]), "Sponsored Brands or Display (Ads API)"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_be_read_wrongly_is_refused_by_name(what: str, read: Read) -> None:
    content, fragment = REFUSED[what]

    said = read(content, "JP" if "Japanese" in what else "US", name="file.txt")

    assert said.code == 2, said.out
    assert fragment in said.err
    assert said.err.startswith("file.txt")


@pytest.mark.parametrize(
    ("content", "options", "fragment"),
    [
        (
            json.dumps(traffic()),
            ["--type", "performance"],
            "This is “Sales and traffic by day”, not “Seller performance”",
        ),
        (json.dumps([ad()]), ["--type", "console_campaigns"], "is a table, and this is JSON"),
        (table(BY_CHILD, child_row()), ["--day", "2099-01-01"], "“2099-01-01” is in the future"),
        (table(BY_CHILD, child_row()), [], "carry no day"),
    ],
)
def test_a_wrong_answer_is_refused(content: str, options: list[str], fragment: str, read: Read) -> None:
    said = read(content, "US", *options)

    assert (said.code, said.out) == (2, "")
    assert fragment in said.err


def test_an_amount_that_could_be_two_is_asked_though_counts_and_percentages_are_english(read: Read) -> None:
    content = table(BY_DATE, day_row("01.10.2026", "1.234 €"))

    assert "“1.234 €” can be two numbers" in read(content, "DE").err
    read(content, "DE", "--decimal", ",").json  # noqa: B018 - it asserts

    assert SalesDay.objects.get().ordered_sales_minor == 123400


def test_no_word_of_another_language_means_two_columns() -> None:
    from opsboard.feeds import glossary

    assert glossary.english("（子）ASIN") == "(Child) ASIN"
    assert glossary.english("Sessions – Total") == "Sessions - Total"
    assert glossary.english("7 Day Total Sales (₹)") == "7 Day Total Sales"
    assert glossary.english("Vendite totali (€) 7 giorni") == "7 Day Total Sales"
    assert glossary.english("Vendite nette (€) 7 giorni") == "Vendite nette 7 giorni"
