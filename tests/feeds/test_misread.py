"""What nearly looks right: read as it was meant, or not at all. A wrong guess in silence is the worst outcome."""

from __future__ import annotations

import json
from datetime import date

import pytest

from ads.models import SearchTermDay
from listings.models import SalesDay
from tests.feeds.reading import Content, Read
from tests.feeds.test_wild_files import BY_DATE, TERMS, ad, day_row, table, tabs, term, workbook

pytestmark = pytest.mark.django_db


def sold(sales: str = "$1,234.56", day: str = "10/1/26", **cells: str) -> str:
    return table(BY_DATE, day_row(day, sales, **cells))


def sheet(day: object, box: object, rate: object) -> list[object]:
    return [day, 1234.56, "", 1002, 0, 9, 2500, 1900, 1, box, rate, 1]


_DAY = date(2026, 10, 1)
#: what it is -> (marketplace, content, minor units sold on 1 October); 1,002 units, 97.12 % and 5.3 %.
READ: dict[str, tuple[str, Content, int]] = {
    "thousands set apart by an apostrophe": ("US", sold("1'234.56"), 123456),
    "thousands set apart by a space": ("US", sold("1 234.56", units="1 002"), 123456),
    "digits of full width": ("US", sold("１２３４.56"), 123456),
    "a text of a spreadsheet": ("US", sold('="1234.56"'), 123456),
    "marks for the direction of writing": ("US", sold("\u200f1,234.56\u200f", "\u200e10/1/26"), 123456),
    "a day with its time": ("US", sold(day="10/1/26 12:00 AM"), 123456),
    "a day with its weekday": ("JP", sold("￥1,234", "2026/10/01(木)"), 1234),
    "yen with dots for thousands": ("JP", sold("￥1.234", "2026/10/01"), 1234),
    "percentages without their sign": ("US", sold(box="97.12", rate="5.3"), 123456),
    "whole percentages in a workbook": ("US", workbook(a=[BY_DATE, sheet(_DAY, 97.12, 5.3)]), 123456),
    "fractions in a workbook": ("US", workbook(a=[BY_DATE, sheet(_DAY, 0.9712, 0.053)]), 123456),
    "whole counts with a point": ("US", sold(units="1002.0"), 123456),
    "a comma too many in every line": ("US", sold().replace("\r\n", ",\r\n"), 123456),
    "the same header again, and the next day": (
        "US", sold() + "\r\n" + sold("$5.00", "10/2/26"), 123456),
}  # fmt: skip


@pytest.mark.parametrize("what", READ)
def test_an_unusual_spelling_is_read_as_it_is_meant(what: str, read: Read) -> None:
    marketplace, content, minor = READ[what]

    read(content, marketplace).json  # noqa: B018 - it asserts

    fact = SalesDay.objects.get(date=_DAY)
    assert (fact.ordered_sales_minor, fact.units_ordered) == (minor, 1002)
    assert (float(fact.buy_box_rate or 0), float(fact.unit_session_rate or 0)) == (0.9712, 0.053)


def test_json_with_one_record_a_line_is_refused(read: Read) -> None:
    said = read('{"date":"2026-10-05","cost":1}\n{"date":"2026-10-06","cost":2}\n', name="report.json")

    assert "one JSON record a line" in said.err


def test_a_name_spelt_in_two_ways_in_json_is_refused(read: Read) -> None:
    record = ad(Cost=99)

    assert "“cost” and “Cost” mean the same" in read(json.dumps([record]), name="report.json").err


def test_orders_joined_with_themselves_are_not_counted_twice(read: Read) -> None:
    names = ["amazon-order-id", "purchase-date", "last-updated-date", "order-status", "sales-channel", "sku", "asin",
             "item-status", "quantity", "currency", "item-price"]  # fmt: skip
    row = ["111-1", "2026-10-01T07:35:42+00:00", "2026-10-01T09:35:42+00:00", "Shipped", "Amazon.com", "M-1", "B0",
           "Shipped", "1", "USD", "12.50"]  # fmt: skip

    assert read(tabs(names, row), name="orders.txt").json["rows_in"] == 1
    assert "two files were joined" in read(tabs(names, row) + tabs(names, row), name="orders.txt").err


LANGUAGES = {
    "French": ["Nom de la campagne", "Dépenses", "Clics", "Ventes totales"],
    "Italian": ["Nome campagna", "Spesa", "Clic", "Vendite totali"],
    "Spanish": ["Nombre de la campaña", "Gasto total", "Pedidos", "Unidades pedidas"],
    "German": ["Name der Kampagne", "Gesamtausgaben", "Klicks", "Umsatz gesamt"],
    "Dutch": ["Campagnenaam", "Uitgaven", "Klikken", "Verkoop"],
    "Korean": ["날짜", "주문", "판매", "수량"],
    "Japanese": ["なまえ", "ちゅうもん", "うりあげ", "かず"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_that_cannot_be_read_is_named(language: str, read: Read) -> None:
    said = read(table(LANGUAGES[language], ["x", "1", "2", "3"]))

    assert said.code == 2
    assert f"Its columns are in {language}" in said.err
    assert "to English and download it again" in said.err


def _span(first: str, *, last: str | None) -> str:
    ends = ["End Date"] if last is not None else []
    return table(["Start Date", *ends, *TERMS[1:]], [first, *([last] if ends else []), *term()[1:]])


#: what it is -> (marketplace, content, what is said of it)
REFUSED: dict[str, tuple[str, Content, str]] = {
    "two numbers in a cell": ("US", sold("12 34"), "“12 34” is not a number"),
    "digits one by one": ("US", sold("1 2 3 4.56"), "“1 2 3 4.56” is not a number"),
    "an apostrophe in the wrong place": ("US", sold("12'34.56"), "is not a number"),
    "a comma in the wrong place": ("US", sold("$1,2345.00"), "is not a number"),
    "thousands in letters": ("US", sold("$1.2K"), "is not a number"),
    "what a spreadsheet made of an amount": ("US", sold("1.23E+03"), "its digits are lost"),
    "an amount with three decimals": ("US", sold("1.234"), "“1.234” can be two numbers"),
    "a negative amount where none can be": ("US", sold("($12.50)"), "is negative"),
    "no amount": ("US", sold("—"), "the cell is empty"),
    "a percentage where an amount should be": ("US", sold("97.12%", box="$1,234.56"), "“97.12%” is not a number"),
    "an amount where a count should be": ("US", sold(units="$5"), "“$5” is not a number"),
    "more than all": ("US", sold(box="971.2%"), "is more than 100"),
    "fractions in text": ("US", sold(box="0.9712", rate="0.053"), "“0.9712” may be a percentage or a fraction"),
    "a workbook whose shares are all or nothing": (
        "US", workbook(a=[BY_DATE, sheet(_DAY, 1, 5.3)]), "“5.3” may be a percentage or a fraction"),
    "a span of days in a cell": ("US", sold(day="10/1/26 - 10/31/26"), "“10/1/26 - 10/31/26” is not a date"),
    "a span of days, year first": ("US", sold(day="2026-10-01 - 2026-10-31"), "is not a date"),
    "a span without its end": ("US", _span("Oct 01, 2026", last=None), "lacks the column “Date”"),
    "a span with an empty end": ("US", _span("Oct 01, 2026", last=""), "is a total from Oct 01, 2026"),
    "a month": ("US", _span("Oct 01, 2026", last="Oct 31, 2026"), "is a total from Oct 01, 2026"),
    "search terms by month": (
        "US", table(TERMS, *[term(f"{month} 01, 2026") for month in ("Aug", "Sep", "Oct")]), "totals of weeks or"),
    "search terms by week": (
        "US", table(TERMS, *[term(f"Oct {day:02}, 2026") for day in (4, 11, 18, 25)]), "totals of weeks or months"),
    "days in two orders": (
        "US", table(BY_DATE, day_row("10/13/26", "$1"), day_row("13/10/26", "$1")), "written in two ways"),
    "amounts in two styles": (
        "US", table(BY_DATE, day_row("10/1/26", "$1,234.56"), day_row("10/2/26", "1.234,56")), "in two ways"),
    "a sign of another country": ("US", sold("€12.00"), "The amounts are in €"),
    "a code of another country": ("US", sold("12.00 EUR"), "The amounts are in EUR"),
    "another country in the header": (
        "US", sold().replace("Ordered Product Sales,", "Ordered Product Sales (€),", 1), "The amounts are in €"),
    "one column under its old and its new name": (
        "US", table([*BY_DATE, "Sessions"], [*day_row("10/1/26", "$1"), 7]),
        "“Sessions - Total” and “Sessions” mean the same"),
    "a column twice": (
        "US", table([*BY_DATE, "Sessions - Total"], [*day_row("10/1/26", "$1"), 7]), "stands twice in the header"),
    "a day twice": ("US", table(BY_DATE, day_row("10/1/26", "$1"), day_row("10/1/26", "$2")), "repeats what line 2"),
    "a total at the end": ("US", sold() + "Total,$9,,9,0,9,9,9,9,90%,5%,1\r\n", "“Total” is not a date"),
    "a total of search terms at the end": (
        "US", table(TERMS, term(), ["Oct 05, 2026", *[""] * 9, 9, 9, "", "$9", "$9", "", 9, 9]), "the cell is empty"),
    "a remark at the end": ("US", sold() + "Made by hand\r\n", "has 1 cells"),
    "an encoding of four bytes a letter": (
        "US", sold().encode("utf-32"), "UTF-16 text and is not"),
    "an encoding of the first personal computers": (
        "UK", sold("£1,234.56", "01/10/2026").encode("cp850"), "is not a currency"),
    "an encoding of the first Macs": ("DE", sold("1.234,56 €", "01.10.2026").encode("mac_roman"), "is not a currency"),
    "two kinds of reports on two sheets": (
        "US", workbook(a=[BY_DATE, day_row("10/1/26", "$1")], b=[TERMS, term()]), "reports on two sheets"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_be_read_wrongly_is_not_read(what: str, read: Read) -> None:
    marketplace, content, fragment = REFUSED[what]

    said = read(content, marketplace)

    assert (said.code, said.out) == (2, "")
    assert fragment in said.err
    assert not SalesDay.objects.exists() and not SearchTermDay.objects.exists()
