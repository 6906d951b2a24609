"""Two reports of the same thing: the made-up seller's truth agrees, and what does not is shown to the cent."""

from __future__ import annotations

import copy
import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

from ads.models import CampaignDay
from finance.models import SettlementLine
from listings.models import SalesDay
from opsboard.accounts.models import AccountMarketplace, Role
from opsboard.feeds import reconciliation, registry, withdrawal
from opsboard.feeds.models import Document
from opsboard.feeds.pipeline import run_ingest
from opsboard.simulator import ACCOUNTS, Truth
from opsboard.simulator.reports import advertising, sales, settlements
from opsboard.simulator.settlements import spans
from tests.factories import make_scope, make_user
from tests.feeds.test_pipeline import Desk, desk, kept
from tests.simulator.seller import ANCHOR

__all__ = ["desk", "kept"]
pytestmark = pytest.mark.django_db
FIRST, LAST = ANCHOR - timedelta(days=24), ANCHOR - timedelta(days=22)
ADS = (
    "sp_campaigns",
    "sp_search_terms",
    "sp_targets",
    "sp_advertised_products",
    "sb_campaigns",
    "sb_search_terms",
    "sb_targets",
    "sd_campaigns",
    "sd_advertised_products",
    "sd_targets",
)
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
GRAINS = {"CHILD": "sales_and_traffic_asin", "SKU": "sales_and_traffic_sku", "PARENT": "sales_and_traffic_parent"}


def ads(key: str, account: str = "NA") -> list[dict[str, Any]]:
    spec, columns = registry.spec(key), list(registry.spec(key).ads_configuration["columns"])
    return advertising.rows(
        Truth(1, ANCHOR), ACCOUNTS[account], spec.report_type, FIRST, LAST, columns, ANCHOR, daily=True
    )


def sold(day: date, grain: str = "CHILD", account: str = "NA") -> dict[str, Any]:
    options = {"dateGranularity": "DAY", "asinGranularity": grain}
    return sales.sales_and_traffic(Truth(1, ANCHOR), ACCOUNTS[account], day, day, options, ANCHOR)


def read(
    scope: AccountMarketplace, check: str = "", first: date = FIRST, last: date = LAST, **more: str
) -> dict[str, dict[str, str]]:
    """The page as it is exported: {key: {heading: cell}}."""
    client = Client()
    client.force_login(make_user(scope.account.organisation, Role.VIEWER), BACKEND)
    address = f"/data/reconciliation/{check}.csv" if check else "/data/reconciliation.csv"
    answer = client.get(
        address, {"scope": scope.pk, "period": "custom", "from": first.isoformat(), "to": last.isoformat(), **more}
    )
    assert answer.status_code == 200
    _about, head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def hand_in_everything(mine: Desk, account: str) -> None:
    for key in ADS:
        assert mine.ingest(ads(key, account), key, (FIRST, LAST)).state == "applied"
    for n in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=n)
        for grain, spec in GRAINS.items():
            assert mine.ingest(sold(day, grain, account), spec, (day, day)).refused == 0


@pytest.mark.parametrize(("account", "marketplace"), [("NA", "US"), ("FE", "JP")])
def test_what_a_seller_is_told_in_several_reports_agrees(kept: None, account: str, marketplace: str) -> None:
    mine = Desk(make_scope(marketplace=marketplace))
    hand_in_everything(mine, account)

    found = read(mine.scope)

    told = {key: row["Result"] for key, row in found.items() if key != "settlements"}
    assert told == dict.fromkeys(told, "agrees") and len(told) == 10
    assert {row["Days compared"] for key, row in found.items() if key != "settlements"} == {"3"}
    assert all(float(row["Count"]) > 0 for key, row in found.items() if key != "settlements")
    assert found["settlements"]["Result"] == "cannot be compared"


def test_an_asin_that_says_more_than_the_day_shows_by_how_much(desk: Desk) -> None:
    for day in (FIRST, LAST):
        document = sold(day)
        if day == LAST:
            row = document["salesAndTrafficByAsin"][0]["salesByAsin"]
            row["orderedProductSales"]["amount"] = round(row["orderedProductSales"]["amount"] + 12.34, 2)
            row["unitsOrdered"] += 1
        desk.ingest(document, "sales_and_traffic_asin", (day, day))

    whole = read(desk.scope)["sales_by_asin"]
    days = read(desk.scope, "sales_by_asin")

    assert (whole["Result"], whole["Days compared"], whole["Days that differ"]) == ("differs", "2", "1")
    assert (whole["Amount difference (USD)"], whole["Count difference"]) == ("12.34", "1")
    assert days[LAST.isoformat()]["Ordered sales: difference (USD)"] == "12.34"
    assert days[FIRST.isoformat()]["Result"] == "agrees"
    between = days[(FIRST + timedelta(days=1)).isoformat()]
    assert between["Result"] == "cannot be compared" and between["Units ordered: Sales by day"] == ""
    assert list(days)[0] == LAST.isoformat()  # the worst first


def test_terms_nobody_clicked_excuse_less_and_never_more(desk: Desk) -> None:
    campaigns, terms = ads("sp_campaigns"), ads("sp_search_terms")
    cheap = min((t for t in terms if t["clicks"]), key=lambda term: term["cost"])
    desk.ingest(campaigns, "sp_campaigns", (FIRST, LAST))
    desk.ingest([term for term in terms if term is not cheap], "sp_search_terms", (FIRST, LAST))
    less = read(desk.scope)["sp_search_terms"]
    assert (less["Result"], less["Unexplained (%)"]) == ("differs, with reason", "0")
    assert less["Count difference"] == str(-cheap["clicks"])

    more = copy.deepcopy(terms)
    more[0]["clicks"] += 7
    desk.ingest(more, "sp_search_terms", (FIRST, LAST))
    found = read(desk.scope)["sp_search_terms"]
    assert (found["Result"], found["Count difference"], found["Days that differ"]) == ("differs", "7", "1")


def test_targets_have_no_excuse_either_way(desk: Desk) -> None:
    desk.ingest(ads("sp_campaigns"), "sp_campaigns", (FIRST, LAST))
    rows = ads("sp_targets")
    desk.ingest(rows[1:], "sp_targets", (FIRST, LAST))
    found = read(desk.scope)["sp_targets"]
    assert (found["Result"], found["Count difference"]) == ("differs", str(-rows[0]["clicks"]))


def test_cents_lost_by_rounding_each_row_are_no_difference_and_a_dollar_is(desk: Desk) -> None:
    campaign = {"campaignId": 1, "adGroupId": 2, "keywordId": 3, "date": FIRST.isoformat(), "clicks": 3}
    whole, part = ads("sp_campaigns")[0] | campaign, ads("sp_targets")[0] | campaign
    desk.ingest([whole | {"cost": 10.01}], "sp_campaigns", (FIRST, FIRST))
    desk.ingest([part | {"cost": 10.00}], "sp_targets", (FIRST, FIRST))
    assert read(desk.scope)["sp_targets"]["Result"] == "agrees"
    CampaignDay.objects.update(spend_minor=1101)
    off = read(desk.scope)["sp_targets"]
    assert (off["Result"], off["Amount difference (USD)"]) == ("differs", "-1.01")


def test_a_side_that_is_missing_is_not_zero_and_no_day_that_moves_is_compared(desk: Desk) -> None:
    desk.ingest(sold(FIRST), "sales_and_traffic", (FIRST, FIRST))
    alone = read(desk.scope)["sales_by_asin"]
    assert (alone["Result"], alone["Amount against (USD)"], alone["Days not compared"]) == (
        "cannot be compared",
        "",
        "3",
    )
    day = read(desk.scope, "sales_by_asin")[FIRST.isoformat()]
    assert day["Ordered sales: Sales by child ASIN (USD)"] == "" != day["Ordered sales: Sales by day (USD)"]

    yesterday = desk.scope.marketplace.today() - timedelta(days=1)
    fresh = copy.deepcopy(sold(FIRST))
    fresh["salesAndTrafficByDate"][0]["date"] = yesterday.isoformat()
    desk.ingest(fresh, "sales_and_traffic_asin", (yesterday, yesterday))
    row = read(desk.scope, "sales_by_asin", yesterday, yesterday)[yesterday.isoformat()]
    assert (row["Result"], row["Ordered sales: difference (USD)"]) == ("may still move", "")


def test_a_withdrawn_side_can_no_longer_be_compared(desk: Desk) -> None:
    desk.ingest(sold(FIRST), "sales_and_traffic_asin", (FIRST, FIRST))
    assert read(desk.scope)["sales_by_asin"]["Result"] == "agrees"
    run_ingest(withdrawal.withdraw(Document.objects.get(), user=None, why="wrong shop").pk)
    assert read(desk.scope)["sales_by_asin"]["Result"] == "cannot be compared"


def settlement() -> tuple[bytes, date, date]:
    """A settlement of the made-up seller, and days around its deposit."""
    since = datetime(2026, 2, 1, tzinfo=UTC)
    span = next(iter(spans(ACCOUNTS["NA"], since, since + timedelta(days=30))))
    document = settlements.settlement(Truth(1, ANCHOR), ACCOUNTS["NA"], span)
    return document, span.until.date() - timedelta(days=5), span.until.date() + timedelta(days=5)


def test_a_settlement_adds_up_and_one_whose_lines_were_tampered_with_does_not(desk: Desk) -> None:
    document, first, last = settlement()
    assert desk.ingest(document, "settlements", None).state == "applied"
    whole = read(desk.scope, "", first, last)["settlements"]
    assert (whole["Result"], whole["Days compared"], whole["Amount difference (USD)"]) == ("agrees", "1", "0.00")
    assert whole["Amount (USD)"] == whole["Amount against (USD)"] != "0.00"

    line = SettlementLine.objects.filter(amount_minor__gt=100).first()
    assert line is not None
    SettlementLine.objects.filter(pk=line.pk).update(amount_minor=line.amount_minor - 1)
    (name, row), _total = read(desk.scope, "settlements", first, last).items()
    assert (name, row["Result"], row["Settled: difference (USD)"]) == (line.settlement_id, "differs", "-0.01")

    SettlementLine.objects.all().delete()
    assert read(desk.scope, "", first, last)["settlements"]["Result"] == "cannot be compared"


def test_a_held_document_is_named_with_the_amount_it_is_off(desk: Desk) -> None:
    document, _first, _last = settlement()
    lines = document.decode().splitlines()
    first = lines[2].split("\t")
    first[14] = f"{Decimal(first[14]) + Decimal('0.05'):.2f}"
    held = "\n".join([*lines[:2], "\t".join(first), *lines[3:]]).encode()
    assert desk.ingest(held, "settlements", None).state == "held"

    stranger, member = Client(), Client()
    stranger.force_login(make_user(make_scope().account.organisation), BACKEND)
    member.force_login(make_user(desk.scope.account.organisation), BACKEND)
    page = member.get("/data/reconciliation/").content.decode()
    assert "$0.05 off" in page and f"/data/document/{Document.objects.get().pk}/" in page
    assert "$0.05 off" not in stranger.get("/data/reconciliation/").content.decode()

    withdrawal_of = withdrawal.withdraw(Document.objects.get(), user=None, why="made by hand")
    run_ingest(withdrawal_of.pk)
    assert "$0.05 off" not in member.get("/data/reconciliation/").content.decode()


def test_the_page_says_in_its_heading_what_is_wrong(desk: Desk) -> None:
    client = Client()
    client.force_login(make_user(desk.scope.account.organisation), BACKEND)
    days = {"period": "custom", "from": FIRST.isoformat(), "to": LAST.isoformat()}
    assert "Nothing can be compared yet" in client.get("/data/reconciliation/", days).content.decode()
    desk.ingest(sold(FIRST), "sales_and_traffic_asin", (FIRST, FIRST))
    assert "Everything that can be compared agrees" in client.get("/data/reconciliation/", days).content.decode()
    SalesDay.objects.update(units_ordered=1)
    page = client.get("/data/reconciliation/", days).content.decode()
    assert "1 comparison differs without a known reason" in page
    assert (
        "Sales by child ASIN against Sales by day"
        in client.get("/data/reconciliation/sales_by_asin/", days).content.decode()
    )
    assert client.get("/data/reconciliation/nothing/").status_code == 404


def test_every_check_is_declared_of_facts_that_a_report_fills() -> None:
    assert [error for error in run_checks() if error.id and error.id.startswith("feeds.E03")] == []
    assert len(reconciliation.checks()) == 11
