"""Sales over 14 days after a click: read, told apart from those over 7, and never put in their place unasked."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from ads.models import AdvertisedProductDay, CampaignDay, SearchTermDay, TargetDay
from opsboard.accounts.models import AccountMarketplace, Role
from opsboard.alerts import mail
from opsboard.alerts.models import Episode
from opsboard.feeds import attribution, pipeline
from opsboard.feeds.freshness import provisional_from
from opsboard.feeds.models import Document, Ingest
from opsboard.feeds.withdrawal import withdraw
from opsboard.kpis import judge, worth
from opsboard.kpis.registry import kpis
from tests.factories import make_scope, make_user
from tests.feeds.reading import Content, Read, Said, read
from tests.feeds.test_wild_files import table, workbook

__all__ = ["read"]

pytestmark = pytest.mark.django_db

CAMPAIGN = ["Date", "Campaign Name", "Currency", "Targeting Type", "Bidding strategy", "Impressions", "Clicks",
            "Spend", "{} Day Total Orders (#)", "{} Day Total Sales ($)"]  # fmt: skip
VENDOR = ["Date", "Portfolio name", "Currency", "Campaign Name", "Ad Group Name", "{what}", "Impressions", "Clicks",
          "Spend", "14 Day Total Sales ($)", "14 Day Total Orders (#)", "14 Day Total Units (#)",
          "14 Day Conversion Rate"]  # fmt: skip


class Shop:
    """One marketplace, and the files somebody sends into it."""

    def __init__(self, kept: Path) -> None:
        self.scope: AccountMarketplace = make_scope()
        self.kept = kept

    def send(self, content: Content, *options: str) -> Said:
        file = self.kept / "campaigns.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        where = ["--account", str(self.scope.account_id), "--marketplace", "US", "--json", *options]
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("import_report", str(file), *where, stdout=out, stderr=err)
        except SystemExit as stop:
            return Said(int(str(stop.code)), out.getvalue(), err.getvalue())
        return Said(0, out.getvalue(), err.getvalue())

    def page(self, url: str, **query: Any) -> str:
        client = Client()
        client.force_login(make_user(self.scope.account.organisation, role=Role.VIEWER))
        answer = client.get(url, {"scope": self.scope.pk, **query}, follow=True)
        assert answer.status_code == 200
        return answer.getvalue().decode()

    @property
    def days(self) -> list[date]:
        """Two days of the past, long since complete."""
        today = self.scope.marketplace.today()
        return [today - timedelta(days=21), today - timedelta(days=20)]


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Shop:
    settings.DOCUMENT_DIR = tmp_path / "kept"
    settings.OPSBOARD_HINTS = False
    return Shop(tmp_path)


def campaigns(window: int, sales: int, *days: date) -> str:
    header = [name.format(window) for name in CAMPAIGN]
    return table(header, *[[day, "Mugs", "USD", "AUTO", "Fixed", 900, 9, 10, 2, sales] for day in days])


def test_a_file_of_14_days_is_read_and_every_page_says_so(shop: Shop) -> None:
    day, _other = shop.days

    said = shop.send(campaigns(14, 50, day)).json

    assert (said["type"], said["changed"]) == ("console_campaigns_14", 1)
    assert CampaignDay.objects.get().sales_minor == 5000
    period = {"period": "custom", "from": day, "to": day}
    page = shop.page("/ads/", **period)
    assert page.count("sales within 14 days of a click") >= 2  # the tiles of ad sales and of ACoS
    assert "Ad sales, 14 days" in page and "Ad sales, 7 days" not in page
    campaign = CampaignDay.objects.get().campaign_id
    one = shop.page(f"/ads/campaign/{campaign}/", **period)
    assert "sales within 14 days of a click" in one and "Ad sales, 14 days" in one
    export = shop.page("/ads/export.csv", **period)
    assert "Ad sales, 14 days" in export and "sales within 14 days of a click" in export


def test_days_of_both_kinds_are_told_apart(shop: Shop) -> None:
    first, second = shop.days
    shop.send(campaigns(14, 50, first)).json  # noqa: B018 - it asserts
    shop.send(campaigns(7, 40, second)).json  # noqa: B018

    period = {"period": "custom", "from": first, "to": second}
    page = shop.page("/ads/", **period)

    assert "sales within 7 days of a click on 1 day, within 14 on 1 day" in page
    assert "Ad sales, 7 and 14 days" in page
    campaign = CampaignDay.objects.first()
    assert campaign is not None
    one = shop.page(f"/ads/campaign/{campaign.campaign_id}/", **period)
    assert "$50.00 (14 days)" in one and "$40.00 (7 days)" in one


def test_a_compared_period_counted_otherwise_is_told(shop: Shop) -> None:
    day = shop.days[0]
    shop.send(campaigns(14, 50, day - timedelta(days=7))).json  # noqa: B018 - it asserts
    shop.send(campaigns(7, 40, day)).json  # noqa: B018

    page = shop.page("/ads/", period="custom", **{"from": day, "to": day}, compare="previous")

    assert "sales within 7 days of a click; compared with sales within 14 days" in page


def test_marketplaces_side_by_side_name_the_window_that_is_not_the_usual_one(shop: Shop) -> None:
    first, second = shop.days
    make_scope(shop.scope.account, "CA")
    shop.send(campaigns(14, 50, first)).json  # noqa: B018 - it asserts
    shop.send(campaigns(7, 40, second)).json  # noqa: B018

    both = shop.page("/", scope="", period="custom", **{"from": first, "to": second})
    one = shop.page("/", scope="", period="custom", **{"from": second, "to": second}, compare="none")

    assert "sales over 7 and 14 days" in both
    assert "sales over" not in one.replace("ACoS over sales within 7 days", "")


def test_14_days_are_held_where_7_are_stored_and_applied_only_by_hand(shop: Shop) -> None:
    first, second = shop.days
    shop.send(campaigns(7, 40, first)).json  # noqa: B018 - it asserts

    said = shop.send(campaigns(14, 50, first, second))

    assert said.code != 0
    assert "sales are counted over 14 days after a click, and of" in said.out + said.err
    assert CampaignDay.objects.get().sales_minor == 4000
    document = Document.objects.get(spec="console_campaigns_14")
    assert document.ingests.get().state == Ingest.State.HELD
    by_hand = Ingest.objects.create(document=document, task=Ingest.Task.FORCE)
    outcome = pipeline.run_ingest(by_hand.pk)
    assert outcome is not None and outcome.state == Ingest.State.APPLIED
    assert sorted(CampaignDay.objects.values_list("date", "sales_minor")) == [(first, 5000), (second, 5000)]


def test_a_trial_says_that_it_would_be_held(shop: Shop) -> None:
    first, _second = shop.days
    shop.send(campaigns(7, 40, first)).json  # noqa: B018 - it asserts

    said = shop.send(campaigns(14, 50, first), "--dry-run")

    assert said.code != 0 and "those over 7 days are stored" in said.out + said.err


def test_7_days_take_the_place_of_14_and_give_it_back_when_withdrawn(shop: Shop) -> None:
    first, _second = shop.days
    shop.send(campaigns(14, 50, first)).json  # noqa: B018 - it asserts
    shop.send(campaigns(7, 40, first)).json  # noqa: B018
    where = (shop.scope.account_id, shop.scope.marketplace_id, "sp_campaigns", first, first)
    assert attribution.by_day(*where) == {first: 7}
    assert CampaignDay.objects.get().sales_minor == 4000

    document = Document.objects.get(spec="console_campaigns")
    withdraw(document, user=make_user(shop.scope.account.organisation), why="wrong file")
    pipeline.run_ingest(document.ingests.latest("pk").pk)

    assert attribution.by_day(*where) == {first: 14}
    assert CampaignDay.objects.get().sales_minor == 5000


def test_a_mail_about_acos_says_over_how_many_days_sales_are_counted(shop: Shop) -> None:
    first, second = shop.days
    shop.send(campaigns(14, 50, first, second)).json  # noqa: B018 - it asserts
    episode = Episode(
        account=shop.scope.account, marketplace=shop.scope.marketplace, kpi="acos", value=Decimal("0.4"),
        worst=Decimal("0.4"), high=Decimal("0.25"),
        first=first, last=second)  # fmt: skip
    episode.save()

    story = mail.story(episode)

    assert "(sales within 14 days of a click)" in story.window
    assert story.evidence is not None and "Ad sales, 14 days" in story.evidence.headers


def test_days_counted_over_14_stay_provisional_for_as_long(shop: Shop) -> None:
    today = shop.scope.marketplace.today()
    days = [today - timedelta(days=back) for back in range(45, 9, -1)]
    kpi, scope = kpis()["acos"], (shop.scope.account_id, shop.scope.marketplace_id)
    shop.send(campaigns(7, 40, *days[:-2])).json  # noqa: B018 - it asserts
    usual = judge.last_mature_day(kpi, today)
    assert judge.last_final_day(kpi, scope, today) == usual
    assert provisional_from("sp_campaigns", shop.scope) == today - timedelta(days=7)

    shop.send(campaigns(14, 50, *days[-2:])).json  # noqa: B018

    assert provisional_from("sp_campaigns", shop.scope) == days[-2] == worth.moving_from("acos", shop.scope)
    assert judge.last_final_day(kpi, scope, today) == days[-2] - timedelta(days=1) < usual
    later = days[-1] + timedelta(days=15)
    assert judge.last_final_day(kpi, scope, later) == judge.last_mature_day(kpi, later)


VENDORS: dict[str, tuple[str, list[object], str, Any]] = {
    "targets": ("Targeting|Match Type", ["mug", "BROAD"], "console_targets_14", TargetDay),
    "advertised products": ("Advertised ASIN", ["B000000001"], "console_advertised_products_14", AdvertisedProductDay),
    "search terms": (
        "Targeting|Match Type|Customer Search Term", ["mug", "BROAD", "blue mug"], "console_search_terms_14",
        SearchTermDay),
}  # fmt: skip


def vendor(what: str) -> list[list[object]]:
    columns, cells, _type, _model = VENDORS[what]
    at = VENDOR.index("{what}")
    row = [date(2026, 10, 5), "-", "USD", "Mugs", "All", *cells, 1234, 4, 2.5, 1219.98, 2, 3, 0.5]
    return [[*VENDOR[:at], *columns.split("|"), *VENDOR[at + 1 :]], row]


@pytest.mark.parametrize("sheet", ["Sponsored Product Report", "商品推广 报告"])
@pytest.mark.parametrize("what", VENDORS)
def test_a_workbook_of_a_vendor_is_known_by_its_sheet(what: str, sheet: str, read: Read) -> None:
    content = workbook(**{sheet: vendor(what)})  # type: ignore[arg-type]

    assert read(content, name="report.xlsx").json["type"] == VENDORS[what][2]

    fact = VENDORS[what][3].objects.get()
    assert (fact.sales_minor, fact.orders, fact.units) == (121998, 2, 3)


@pytest.mark.parametrize("what", VENDORS)
def test_what_could_be_sponsored_brands_is_asked(what: str, read: Read) -> None:
    rows = vendor(what)
    content = table(rows[0], *rows[1:])

    said = read(content)

    assert said.code == 2 and "sales over 14 days (console) or Sponsored" in said.err
    assert read(content, "US", "--type", VENDORS[what][2]).json["rows_in"] == 1


def test_a_csv_that_divides_its_sales_by_product_is_sponsored_products(read: Read) -> None:
    rows = vendor("search terms")
    content = table([*rows[0], "14 Day Advertised ASIN Sales ($)", "14 Day Brand Halo ASIN Sales ($)"],
                    [*rows[1], 1000, 219.98])  # fmt: skip

    assert read(content).json["unknown_columns"] == []

    assert SearchTermDay.objects.get().sales_minor == 121998


@pytest.mark.parametrize(
    "column", ["14 Day New-to-brand Orders (#)", "Viewable Impressions", "14 Day Total Sales - (Click)"]
)
def test_sponsored_brands_and_display_are_never_read_as_products(column: str, read: Read) -> None:
    rows = vendor("search terms")

    said = read(workbook(**{"Sponsored Product Report": [[*rows[0], column], [*rows[1], 1]]}))  # type: ignore[arg-type]

    assert said.code == 2 and not SearchTermDay.objects.exists()


def test_a_file_with_both_windows_is_read_over_7(read: Read) -> None:
    rows = vendor("search terms")
    content = table([*rows[0], "7 Day Total Sales", "7 Day Total Orders (#)"], [*rows[1], "1,000.00", 1])

    assert read(content).json["type"] == "console_search_terms"

    assert SearchTermDay.objects.get().sales_minor == 100000
