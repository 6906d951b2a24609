"""A file from a person's hand: the facts it makes, and the sentence when it makes none."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.management import call_command
from pytest_django.fixtures import Settings

from ads.models import AdGroup, Campaign, CampaignDay, SearchTerm, SearchTermDay
from inventory.models import StockDay
from listings.models import AsinDay, Listing, SalesDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds.models import Coverage, Document, Ingest
from tests.factories import make_scope

pytestmark = pytest.mark.django_db

TERMS = [
    "Date", "Portfolio name", "Currency", "Campaign Name", "Ad Group Name", "Targeting", "Match Type",
    "Customer Search Term", "Impressions", "Clicks", "Click-Thru Rate (CTR)", "Spend", "7 Day Total Sales ",
    "7 Day Total Orders (#)", "7 Day Total Units (#)",
]  # fmt: skip
BY_ASIN = [
    "(Parent) ASIN", "(Child) ASIN", "Title", "Sessions - Total", "Page Views - Total",
    "Featured Offer (Buy Box) Percentage", "Units Ordered", "Unit Session Percentage", "Ordered Product Sales",
    "Total Order Items",
]  # fmt: skip
BY_DATE = ["Date", "Ordered Product Sales", "Units Ordered", "Total Order Items", "Page Views", "Sessions"]
STOCK = "sku\tasin\tafn-fulfillable-quantity\tafn-total-quantity\tafn-reserved-quantity\tyour-price\n"
LISTINGS = "item-name\tseller-sku\tasin1\tprice\tquantity\tstatus\n"

Import = Callable[..., "Said"]


class Said:
    """What the command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def scope(settings: Settings, tmp_path: Path) -> AccountMarketplace:
    settings.DOCUMENT_DIR = tmp_path / "kept"
    settings.OPSBOARD_HINTS = False
    return make_scope(marketplace="US")


@pytest.fixture
def imported(scope: AccountMarketplace, tmp_path: Path) -> Import:
    """Write a file and send it through the command."""

    def run(content: bytes | str, *options: str, name: str = "report.csv", into: AccountMarketplace = scope) -> Said:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        out, err = io.StringIO(), io.StringIO()
        where = ["--account", str(into.account_id), "--marketplace", into.marketplace.code]
        try:
            call_command("import_report", str(file), *where, *options, stdout=out, stderr=err)
        except SystemExit as stop:
            return Said(int(str(stop.code)), out.getvalue(), err.getvalue())
        return Said(0, out.getvalue(), err.getvalue())

    return run


def table(header: list[str], *rows: Sequence[object], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return out.getvalue()


def workbook(header: list[str], *rows: Sequence[object]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("Sponsored Product Search Term R")
        table_rows: list[Sequence[object]] = [header, *rows]
        for y, row in enumerate(table_rows):
            for x, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(y, x, cell, day)
                else:
                    sheet.write(y, x, cell)
    return out.getvalue()


def term(day: object = "2026-10-05", text: str = "blue mug", **other: object) -> list[object]:
    row: dict[str, object] = {
        "Date": day, "Portfolio name": "No Portfolio", "Currency": "USD", "Campaign Name": "Mugs",
        "Ad Group Name": "All",
        "Targeting": "mug", "Match Type": "BROAD", "Customer Search Term": text, "Impressions": 100, "Clicks": 4,
        "Click-Thru Rate (CTR)": "4.00%", "Spend": "$2.50", "7 Day Total Sales ": "$19.98", "7 Day Total Orders (#)": 2,
        "7 Day Total Units (#)": 2,
    }  # fmt: skip
    return list({**row, **other}.values())


# --- good files ---------------------------------------------------------------------------------


def test_a_console_search_term_file_becomes_daily_facts(imported: Import) -> None:
    said = imported(table(TERMS, term(), term(text="red mug", Spend="$1,002.50")), "--json")

    assert (said.code, said.json["type"], said.json["rows_in"], said.json["changed"]) == (
        0,
        "console_search_terms",
        2,
        2,
    )
    assert said.json["unknown_columns"] == []
    dear = SearchTermDay.objects.get(spend_minor=100250)
    assert (dear.date, dear.clicks, dear.sales_minor, dear.units) == (date(2026, 10, 5), 4, 1998, 2)
    assert dear.campaign_id < 0 and dear.ad_group_id < 0 and dear.target_id < 0
    assert SearchTerm.objects.get(term_id=dear.term_id).text == "red mug"
    assert Campaign.objects.get(campaign_id=dear.campaign_id).name == "Mugs"
    assert AdGroup.objects.get(ad_group_id=dear.ad_group_id).campaign_id == dear.campaign_id


def test_the_same_file_twice_changes_nothing_and_says_so(imported: Import) -> None:
    file = table(TERMS, term())
    imported(file)

    again = imported(file, "--json").json

    assert again["no_op"]
    assert again["changed"] == 0
    assert SearchTermDay.objects.count() == 1


def test_a_workbook_says_the_same_as_the_text(imported: Import) -> None:
    imported(table(TERMS, term(text="a"), term(text="b")))
    facts = list(SearchTermDay.objects.order_by("term_id").values_list("term_id", "spend_minor", "sales_minor"))
    rows = [term(date(2026, 10, 5), t, Spend=2.5, **{"7 Day Total Sales ": 19.98}) for t in ("a", "b")]

    said = imported(workbook(TERMS, *rows), "--json", name="report.xlsx").json

    assert (said["changed"], said["unchanged"]) == (0, 2)
    assert facts == list(SearchTermDay.objects.order_by("term_id").values_list("term_id", "spend_minor", "sales_minor"))


def test_a_campaign_amazon_has_named_keeps_its_id_and_what_amazon_said(
    imported: Import, scope: AccountMarketplace
) -> None:
    ids = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}
    Campaign.objects.create(**ids, campaign_id=900, name="Mugs", status="ENABLED", budget_minor=5000)
    AdGroup.objects.create(**ids, ad_group_id=901, campaign_id=900, name="All")

    imported(table(TERMS, term(), term(text="x", **{"Campaign Name": "900"})))

    assert set(SearchTermDay.objects.filter(campaign_id=900).values_list("ad_group_id", flat=True)) == {901}
    known = Campaign.objects.get(campaign_id=900)
    assert (known.name, known.status, known.budget_minor) == ("Mugs", "ENABLED", 5000)
    assert Campaign.objects.get(name="900").campaign_id < 0  # a name of digits is a name


def test_a_console_campaign_file_replaces_the_days_it_covers(imported: Import, scope: AccountMarketplace) -> None:
    header = [
        "Date", "Start Date", "Campaign Name", "Campaign Type", "Status", "Currency", "Budget", "Impressions", "Clicks",
        "Spend", "7 Day Total Orders (#)", "7 Day Total Sales ($)",
    ]  # fmt: skip
    row = [
        "Oct 5, 2026",
        "Jan 18, 2020",
        "A",
        "Sponsored Products",
        "ENABLED",
        "USD",
        "$10.00",
        "1,782",
        13,
        "$9.50",
        3,
        "$61.62",
    ]
    other = ["Oct 5, 2026", "Jan 18, 2020", "B", *row[3:]]
    imported(table(header, row, other))

    said = imported(table(header, row), "--json").json

    assert (said["type"], said["deleted"], said["unchanged"]) == ("console_campaigns", 1, 1)
    fact = CampaignDay.objects.get()
    assert (fact.impressions, fact.spend_minor, fact.sales_minor) == (1782, 950, 6162)
    assert Campaign.objects.get(name="A").budget_minor == 1000
    assert Coverage.objects.get().dataset == "sp_campaigns"


def test_a_business_report_of_one_day_becomes_that_day(imported: Import) -> None:
    row = ["B0PARENT01", "B0CHILD001", "A mug, blue", "6,744", "9,409", "99.91%", 528, "7.83%", "$7,274.35 ", 509]

    said = imported("\ufeff" + table(BY_ASIN, row), "--day", "2026-10-05", "--json").json

    assert (said["type"], str(said["first_day"])) == ("business_report_asin", "2026-10-05")
    fact = AsinDay.objects.get()
    assert (fact.date, fact.sessions, fact.ordered_sales_minor) == (date(2026, 10, 5), 6744, 727435)
    assert float(fact.buy_box_rate or 0) == pytest.approx(0.9991)


def test_a_business_report_by_date_reads_german_numbers(imported: Import) -> None:
    germany = make_scope(marketplace="DE")
    rows: list[list[object]] = [
        ["01.10.2026", "1.234,56 €", "1.002", "33", "2.500", "1.900"],
        ["02.10.2026", "99,00 €", 3, 3, 40, 30],
    ]

    said = imported(table(BY_DATE, *rows, delimiter=";"), "--json", into=germany).json

    assert said["type"] == "business_report_date"
    fact = SalesDay.objects.get(date="2026-10-01")
    assert (fact.ordered_sales_minor, fact.units_ordered, fact.sessions) == (123456, 1002, 1900)


def test_tab_files_of_the_api_come_in_by_hand_too_even_as_a_spreadsheet(imported: Import) -> None:
    imported(STOCK + "A-1\tB000000001\t5\t7\t2\t9.99\n", name="stock.txt")
    rows = [["A-1", "B000000001", 6, 7, 1, 9.99]]

    said = imported(workbook(STOCK.strip().split("\t"), *rows), "--json", name="stock.xlsx").json

    assert (said["type"], said["changed"]) == ("stock", 1)
    assert StockDay.objects.get().fulfillable == 6


def test_an_inch_mark_in_a_tab_file_is_no_quotation(imported: Import) -> None:
    imported(
        LISTINGS + 'Frame 8" x 10"\tF-1\tB000000001\t9.99\t5\tActive\n"Best" frame\tF-2\tB000000002\t8\t5\tActive\n'
    )

    assert list(Listing.objects.order_by("sku").values_list("title", flat=True)) == ['Frame 8" x 10"', '"Best" frame']


def test_lines_before_the_header_and_a_cell_with_line_breaks_keep_their_count(imported: Import) -> None:
    rows = table(
        TERMS, term(text="two\nlines"), term(text="bad", Clicks="many"), *[term(text=str(n)) for n in range(200)]
    )

    said = imported("Report of Mugs Ltd\n\n" + rows, "--json").json

    assert (said["rows_in"], said["refused"]) == (202, 1)
    assert (said["errors"][0]["line"], said["errors"][0]["column"], said["errors"][0]["value"]) == (6, "Clicks", "many")
    assert SearchTermDay.objects.count() == 201


def test_an_ambiguous_day_is_read_as_told(imported: Import) -> None:
    canada = make_scope(marketplace="CA")
    file = table(TERMS, term("07/10/2025", Currency="CAD"))

    assert imported(file, "--date-order", "dmy", into=canada).code == 0
    assert SearchTermDay.objects.get().date == date(2025, 10, 7)
    assert imported(file, "--date-order", "mdy", into=canada).code == 0
    assert SearchTermDay.objects.filter(date="2025-07-10").exists()


def test_a_dry_run_counts_and_keeps_nothing(imported: Import, settings: Settings) -> None:
    said = imported(table(TERMS, term()), "--dry-run", "--json").json

    assert (said["changed"], said["dry_run"]) == (1, True)
    assert not SearchTermDay.objects.exists() and not Document.objects.exists() and not Campaign.objects.exists()
    assert not list(Path(settings.DOCUMENT_DIR).rglob("*.gz"))


def test_a_kept_upload_can_be_read_again_from_its_raw_bytes(imported: Import) -> None:
    from opsboard.feeds import pipeline

    imported(table(TERMS, term("05.10.2026"), delimiter=";"))
    SearchTermDay.objects.all().delete()

    outcome = pipeline.apply(Document.objects.get(), force=True)

    assert (outcome.state, outcome.changed) == (Ingest.State.APPLIED, 1)


# --- bad files ----------------------------------------------------------------------------------

GOOD = table(TERMS, term())
BAD: dict[str, tuple[bytes | str, list[str], str]] = {
    "unknown": ("colour,taste,weight\nred,sweet,5\n", [], "None of the reports opsboard knows has these columns"),
    "empty": ("", [], "The file is empty"),
    "header only": (table(TERMS), [], "a header and no rows"),
    "placeholder": (table(TERMS, list(TERMS), list(TERMS)), [], "a header and no rows"),
    "truncated gzip": (gzip.compress(GOOD.encode())[:-9], [], "cut off"),
    "wrong charset": (GOOD.encode() + "Шарф\n".encode("koi8-r") + b"\x81\n", [], "none of the encodings"),
    "missing column": (table(TERMS[:-4], term()[:-4]), [], "it lacks the column “Spend”"),
    "negative": (table(TERMS, term(Clicks=-3)), [], "line 2, column “Clicks”: 1 of 1 rows cannot be read"),
    "absurd": (table(TERMS, term(Impressions="99999999999999999")), [], "column “Impressions”"),
    "wrong marketplace": (table(TERMS, term(Currency="INR")), [], "The amounts are in INR"),
    "wrong sign": (table(TERMS, term(Currency="", Spend="€2.50")), [], "The amounts are in €"),
    "unknown currency": (table(TERMS, term(Currency="XTS")), [], "“XTS” is not a currency"),
    "web page": ("<!doctype html><html><body>Sign in</body></html>", [], "web page"),
    "LFS pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", [], "pointer"),
    "bomb": (gzip.compress(b"0" * (80 << 20)), [], "line longer"),
    "NUL": ("sku\tasin\nA\0\tB\n", [], "NUL"),
    "XLSX said to be JSON": (workbook(TERMS, term()), ["--type", "sp_search_terms"], "is JSON, and this is a table"),
    "broken XLSX": (workbook(TERMS, term())[:-40], [], "damaged or cut off"),
    "no such type": (GOOD, ["--type", "nonsense"], "There is no report type “nonsense”"),
    "14 days": (
        table([*TERMS[:12], "14 Day Total Sales", *TERMS[13:]], term()), [], "counted over 14 days after a click"),
    "range": (table(["Start Date", "End Date", *TERMS[1:]], ["2026-10-01", *term("2026-10-31")]), [], "keeps days"),
    "two orders": (table(TERMS, term("25/10/2025"), term("10/25/2025")), [], "written in two ways"),
    "tomorrow": (table(TERMS, term("2099-01-01")), [], "in the future"),
    "totals": (table(BY_ASIN, ["B0P", "B0C", "t", 1, 1, "1%", 1, "1%", "$1", 1]), [], "carry no day"),
    "weeks": (
        table(BY_DATE, *[[f"2026-10-{d:02}", "$1", 1, 1, 1, 1] for d in (4, 11, 18)]), [], "totals of weeks or months"),
    "all orders": ("amazon-order-id\tpurchase-date\torder-status\tsku\n1\t2026-01-01\tShipped\tA\n", [],
                   "None of the reports opsboard knows has these columns"),
    "open quote": (table(TERMS, term()) + '"2026' + "x" * 200_000, [], "never closed"),
    "cut line": (table(TERMS, term(), term()[:9]), [], "line 3: The line has 9 cells, the header has 15"),
    "a column twice": (table([*TERMS, "Clicks"], [*term(), 7]), [], "“Clicks” stands twice"),
    "odd JSON": ('{"reportSpecification": {"reportType": "GET_SALES_AND_TRAFFIC_REPORT", "reportOptions": [1]}}', [],
                 "not as Amazon writes it"),
    "error body": ('{"errors": [{"code": "Unauthorized", "message": "Access denied"}]}', [], "error message of Amazon"),
    "broken JSON": ('[{"campaignId": 1, "date": "2026-', [], "JSON"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_a_sentence_and_changes_nothing(kind: str, imported: Import) -> None:
    content, options, fragment = BAD[kind]
    imported(table(TERMS, term("2026-10-04"), term("2026-10-05", "kept")))
    before = list(SearchTermDay.objects.order_by("date").values())

    said = imported(content, *options, name="bad.txt")

    assert said.code == 2, said.out
    assert fragment in said.err
    assert said.err.startswith("bad.txt") or "nonsense" in said.err
    assert "Traceback" not in said.err
    assert list(SearchTermDay.objects.order_by("date").values()) == before
    assert Coverage.objects.count() == 2


def test_an_ambiguous_day_is_asked_not_guessed(imported: Import) -> None:
    said = imported(table(TERMS, term("07/10/2025", Currency="CAD")), into=make_scope(marketplace="CA"))

    assert said.code == 2
    assert "“07/10/2025” can be two days" in said.err
    assert not Document.objects.exists()


def test_another_country_in_the_rows_is_refused(imported: Import) -> None:
    said = imported(table([*TERMS, "Country"], [*term(), "Canada"]))

    assert said.code == 2
    assert "“Canada”" in said.err


def test_an_account_that_is_not_there_is_a_sentence(scope: AccountMarketplace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    for where in (
        ["--account", "Nobody", "--marketplace", "US"],
        ["--account", str(scope.account_id), "--marketplace", "DE"],
    ):
        err = io.StringIO()
        with pytest.raises(SystemExit) as stop:
            call_command("import_report", str(tmp_path / "a.csv"), *where, stderr=err)
        assert stop.value.code == 2
        assert "Nobody" in err.getvalue() or "DE" in err.getvalue()
