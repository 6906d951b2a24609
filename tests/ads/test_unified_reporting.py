"""Amazon Ads reporting: one file of a whole advertising account, of which one marketplace's days are read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from ads.models import AdGroup, AdvertisedProductDay, Campaign, CampaignDay, SearchTermDay, Target, TargetDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import attribution
from opsboard.feeds.models import Coverage, Document, Ingest
from tests.factories import make_scope
from tests.feeds.reading import Content, Said
from tests.feeds.test_pipeline import Desk, campaign
from tests.feeds.test_wild_files import table

pytestmark = pytest.mark.django_db

DAY = date(2026, 10, 5)
MUGS, LIDS = 100_000_000_000_254, 100_000_000_000_255
#: What a row says, by the name of its column.
CELLS: dict[str, object] = {
    "Date": "Oct 05, 2026", "Ad product": "Sponsored Products", "Budget currency": "USD",
    "Advertiser account ID": '="amzn1.ads-account.g.made"', "Advertised product marketplace": "AMAZON.COM",
    "Campaign ID": f'="{MUGS}"', "Campaign name": "Mugs", "Ad group ID": '="55"', "Ad group name": "All",
    "Target ID": '="77"', "Targeting": "mug", "Targeting match type": "Broad", "Search term": "blue mug",
    "Ad ID": '="88"', "Advertised product ID": "B000000001", "Advertised product SKU": "M-1",
    "Site or app": "Unknown", "Impressions": 100, "Clicks": 10, "Total cost": "2.50", "Purchases": 2,
    "Sales": "40.00", "Units sold": 3,
}  # fmt: skip
FIGURES = "Impressions|Clicks|Total cost|Purchases|Sales|Units sold"
WHOSE = "Date|Ad product|Budget currency|Advertiser account ID|Advertised product marketplace"
CAMPAIGNS = f"{WHOSE}|Campaign ID|Campaign name|{FIGURES}"
GROUP = f"{WHOSE}|Campaign ID|Campaign name|Ad group ID|Ad group name"
TARGETS = f"{GROUP}|Target ID|Targeting|Targeting match type|{FIGURES}"
TERMS = f"{GROUP}|Target ID|Targeting|Search term|{FIGURES}"
PRODUCTS = f"{GROUP}|Ad ID|Advertised product ID|Advertised product SKU|{FIGURES}"
BOUGHT_LATER = {"Impressions": 0, "Clicks": 0, "Total cost": "0.00", "Purchases": 1, "Sales": "15.00", "Units sold": 1}


def report(header: str, *rows: Mapping[str, object]) -> str:
    names = header.split("|")
    return table(list(names), *([{**CELLS, **cells}[name] for name in names] for cells in rows or ({},)))


class Shop:
    """One marketplace, and the files somebody sends into it."""

    def __init__(self, folder: Path, code: str = "US") -> None:
        self.scope: AccountMarketplace = make_scope(marketplace=code)
        self.code, self.folder = code, folder
        self.desk = Desk(self.scope)

    def send(self, content: Content) -> Said:
        file = self.folder / "reporting.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(
                "import_report", str(file), "--account", str(self.scope.account_id), "--marketplace", self.code,
                "--json", stdout=out, stderr=err)  # fmt: skip
        except SystemExit as stop:
            return Said(int(str(stop.code)), out.getvalue(), err.getvalue())
        return Said(0, out.getvalue(), err.getvalue())


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Shop:
    settings.DOCUMENT_DIR = tmp_path / "kept"
    settings.OPSBOARD_HINTS = False
    return Shop(tmp_path)


@pytest.mark.parametrize(
    ("header", "spec", "model", "key"),
    [
        (CAMPAIGNS, "reporting_campaigns", CampaignDay, {}),
        (TARGETS, "reporting_targets", TargetDay, {"target_id": 77}),
        (TERMS, "reporting_search_terms", SearchTermDay, {"target_id": 77}),
        (PRODUCTS, "reporting_advertised_products", AdvertisedProductDay, {"ad_id": 88, "sku": "M-1"}),
    ],
)
def test_what_was_clicked_and_what_was_bought_later_are_one_day_of_one_entity(
    shop: Shop, header: str, spec: str, model: Any, key: dict[str, object]
) -> None:
    said = shop.send(report(f"{header}|Site or app", {}, {"Site or app": "", **BOUGHT_LATER})).json

    assert (said["type"], said["rows_in"], said["unknown_columns"]) == (spec, 2, [])
    fact = model.objects.get(campaign_id=MUGS, date=DAY, **key)
    assert (fact.impressions, fact.clicks, fact.spend_minor) == (100, 10, 250)
    assert (fact.sales_minor, fact.orders, fact.units) == (5500, 3, 4)
    assert Campaign.objects.get().name == "Mugs"


def test_rows_of_other_marketplaces_are_left_out_and_told(shop: Shop) -> None:
    canada = {"Budget currency": "CAD", "Advertised product marketplace": "AMAZON_CA", "Campaign ID": '="9"'}
    rows = [{}, canada, {**canada, "Date": "Oct 06, 2026"}, {"Budget currency": "MXN", "Campaign ID": '="8"',
        "Advertised product marketplace": ""}]  # fmt: skip

    said = shop.send(report(CAMPAIGNS, *rows)).json

    assert [(row.date, row.campaign_id, row.spend_minor) for row in CampaignDay.objects.all()] == [(DAY, MUGS, 250)]
    assert list(Coverage.objects.values_list("date", flat=True)) == [DAY]
    assert list(Campaign.objects.values_list("campaign_id", flat=True)) == [MUGS]
    reason = Ingest.objects.get().reason
    assert "3 rows are about other marketplaces" in reason and "AMAZON_CA 2" in reason and "MXN 1" in reason
    assert said["rows_in"] == 1


def test_a_currency_many_sell_in_needs_the_marketplace_and_another_shop_of_it_is_left_out(
    tmp_path: Path, shop: Shop
) -> None:
    germany = Shop(tmp_path, "DE")
    rows = [{"Budget currency": "EUR", "Advertised product marketplace": name, "Campaign ID": f'="{number}"'}
            for number, name in ((1, "AMAZON_DE"), (2, "UAMAZON_FR"), (3, "AMAZON_IT"))]  # fmt: skip

    germany.send(report(CAMPAIGNS, *rows)).json  # noqa: B018 - it asserts

    assert list(CampaignDay.objects.values_list("campaign_id", flat=True)) == [1]
    said = germany.send(report(CAMPAIGNS, rows[0], {**rows[0], "Advertised product marketplace": ""}))
    assert said.code == 2 and "line 3" in said.err and "several sell in EUR" in said.err


def test_yen_without_a_point_stand_beside_dollars_with_one(tmp_path: Path, shop: Shop) -> None:
    japan = Shop(tmp_path, "JP")
    ours = {"Budget currency": "JPY", "Advertised product marketplace": "AMAZON_JP", "Total cost": 1250, "Sales": 9800}
    theirs = {"Budget currency": "AUD", "Advertised product marketplace": "AMAZON_AU", "Campaign ID": '="9"'}

    assert japan.send(report(CAMPAIGNS, theirs, ours)).json["rows_in"] == 1

    fact = CampaignDay.objects.get()
    assert (fact.campaign_id, fact.spend_minor, fact.sales_minor) == (MUGS, 1250, 9800)


def test_amounts_in_another_currency_than_the_marketplace_s_are_refused(shop: Shop) -> None:
    said = shop.send(report(CAMPAIGNS, {}, {"Budget currency": "CAD"}))

    assert said.code == 2 and "The amounts are in CAD, but this marketplace sells in USD" in said.err
    assert not CampaignDay.objects.exists()


def test_a_marketplace_nobody_knows_is_refused(shop: Shop) -> None:
    said = shop.send(report(CAMPAIGNS, {"Advertised product marketplace": "AMAZON_XX"}))

    assert said.code == 2 and "“AMAZON_XX” is no marketplace opsboard knows" in said.err


def test_two_advertising_accounts_in_one_marketplace_are_not_added_up(shop: Shop) -> None:
    other = {"Advertiser account ID": '="amzn1.ads-account.g.other"', "Campaign ID": '="9"'}

    abroad = {**other, "Budget currency": "CAD", "Advertised product marketplace": "AMAZON_CA"}
    assert shop.send(report(CAMPAIGNS, {}, abroad)).json["rows_in"] == 1

    said = shop.send(report(CAMPAIGNS, {}, other))
    assert said.code == 2 and "line 3" in said.err and "more than one advertising account" in said.err


def test_what_the_api_told_goes_on_under_the_same_ids_and_keeps_its_words(shop: Shop) -> None:
    shop.desk.ingest([campaign(MUGS, day=DAY), campaign(LIDS, day=DAY)], window=(DAY, DAY))
    ids = {"account_id": shop.scope.account_id, "marketplace_id": shop.scope.marketplace_id}
    Target.objects.create(**ids, target_id=77, text="mug", match_type="TARGETING_EXPRESSION")

    shop.send(report(CAMPAIGNS, {"Campaign name": "Mugs, new name"})).json  # noqa: B018 - it asserts
    shop.send(report(TARGETS, {}, {"Target ID": '="78"', "Targeting": "cup"})).json  # noqa: B018

    assert shop.desk.spend() == {(DAY, MUGS): 250}
    known = Campaign.objects.get(campaign_id=MUGS)
    assert (known.status, known.budget_minor) == ("ENABLED", 5000)
    assert set(Target.objects.values_list("target_id", "text", "match_type")) == {
        (77, "mug", "TARGETING_EXPRESSION"),
        (78, "cup", "BROAD"),
    }
    assert AdGroup.objects.get(ad_group_id=55).name == "All"


def test_a_file_that_is_older_than_what_the_api_told_since_changes_nothing(shop: Shop) -> None:
    shop.send(report(CAMPAIGNS)).json  # noqa: B018 - it asserts
    later = datetime.now(UTC) + timedelta(hours=1)
    shop.desk.ingest([campaign(MUGS, 12.34, day=DAY)], window=(DAY, DAY), made=later)
    assert shop.desk.spend() == {(DAY, MUGS): 1234}

    said = shop.send(report(CAMPAIGNS, {"Total cost": "9.99", "Campaign name": "Old name"}))

    assert said.code == 0
    assert shop.desk.spend() == {(DAY, MUGS): 1234}
    assert Campaign.objects.get().name == f"Campaign {MUGS}"


def test_the_same_days_told_again_take_the_place_of_what_was_told(shop: Shop) -> None:
    shop.send(report(CAMPAIGNS, {}, {"Campaign ID": f'="{LIDS}"'})).json  # noqa: B018 - it asserts

    shop.send(report(CAMPAIGNS, {"Total cost": "3.00"}, {"Campaign ID": f'="{LIDS}"'})).json  # noqa: B018

    assert shop.desk.spend() == {(DAY, MUGS): 300, (DAY, LIDS): 250}


def test_sales_of_a_seller_are_counted_over_7_days(shop: Shop) -> None:
    shop.send(report(CAMPAIGNS)).json  # noqa: B018 - it asserts

    where = (shop.scope.account_id, shop.scope.marketplace_id, "sp_campaigns", DAY, DAY)
    assert attribution.by_day(*where) == {DAY: 7}
    assert Document.objects.get().spec == "reporting_campaigns"


def test_searches_amazon_adds_up_without_a_term_are_no_term(shop: Shop) -> None:
    shop.send(report(TERMS, {}, {"Search term": ""})).json  # noqa: B018 - it asserts

    assert SearchTermDay.objects.get().spend_minor == 250


def test_products_without_the_id_of_their_ad_are_told_apart(shop: Shop) -> None:
    header = PRODUCTS.replace("Ad ID|", "")

    shop.send(report(header, {}, {"Advertised product SKU": "M-2"}, BOUGHT_LATER)).json  # noqa: B018 - it asserts

    told = AdvertisedProductDay.objects.values_list("sku", "spend_minor", "sales_minor")
    assert sorted(told) == [("M-1", 250, 5500), ("M-2", 250, 4000)]
    assert all(ad < 0 for ad in AdvertisedProductDay.objects.values_list("ad_id", flat=True))
    assert AdvertisedProductDay.objects.values("ad_group_id").distinct().get() == {"ad_group_id": 55}
