"""Brand Analytics: weeks of queries and terms, which of them are kept, and what is asked for next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from listings.models import AsinDay, Listing, SearchQuery, SearchQueryWeek, SearchTermWeek
from listings.reports_brand import own_asins
from opsboard.feeds import registry
from opsboard.feeds.keys import key64
from opsboard.feeds.models import Coverage, Ingest
from opsboard.simulator import start_in_thread
from opsboard.simulator.reports import brand
from tests.feeds.reading import Read, read
from tests.feeds.test_pipeline import Desk, desk, kept
from tests.simulator.seller import ANCHOR, Clock, Seller, fetch

__all__ = ["desk", "kept", "read"]
pytestmark = pytest.mark.django_db
State = Ingest.State
SUNDAY = date(2026, 3, 8)
WEEK = (SUNDAY, SUNDAY + timedelta(days=6))
US, DE = "ATVPDKIKX0DER", "A1PA6795UKMFR9"


def about(
    kind: str, rows: dict[str, Any], period: str = "WEEK", first: date = SUNDAY, market: str = US
) -> dict[str, Any]:
    last = first + timedelta(days=6)
    specification = {
        "reportType": kind,
        "reportOptions": {"reportPeriod": period},
        "dataStartTime": str(first),
        "dataEndTime": str(last),
        "marketplaceIds": [market],
    }
    return {"reportSpecification": specification, **rows}


def query(asin: str, text: str = "steel mug", clicks: int = 7, **more: Any) -> dict[str, Any]:
    price = {"amount": 19.99, "currencyCode": "USD"}
    return {
        "startDate": str(SUNDAY),
        "endDate": str(WEEK[1]),
        "asin": asin,
        "searchQueryData": {"searchQuery": text, "searchQueryScore": 1, "searchQueryVolume": 900},
        "impressionData": {"totalQueryImpressionCount": 5000, "asinImpressionCount": 100, "asinImpressionShare": 0.02},
        "clickData": {"totalClickCount": 300, "totalClickRate": 0.33, "asinClickCount": clicks, "asinClickShare": 0.02,
                      "totalMedianClickPrice": price, "asinMedianClickPrice": None},
        **more,
    }  # fmt: skip


def queries(*rows: dict[str, Any], **kind: Any) -> dict[str, Any]:
    return about(brand.QUERIES, {"dataByAsin": list(rows)}, **kind)


def term(text: str, *asins: str, rank: int = 1) -> list[dict[str, Any]]:
    return [
        {"departmentName": "Amazon.com", "searchTerm": text, "searchFrequencyRank": rank, "clickedAsin": asin,
         "clickShareRank": place, "clickShare": 0.3 / place, "conversionShare": 0.1}
        for place, asin in enumerate(asins, start=1)
    ]  # fmt: skip


def terms(*rows: list[dict[str, Any]], **kind: Any) -> dict[str, Any]:
    return about(brand.TERMS, {"dataByDepartmentAndSearchTerm": [one for row in rows for one in row]}, **kind)


def list_asins(desk: Desk, *asins: str) -> None:
    for asin in asins:
        Listing.objects.create(
            account_id=desk.scope.account_id, marketplace_id=desk.scope.marketplace_id, document_id=1, line=1,
            sku=f"SKU-{asin}", asin=asin,
        )  # fmt: skip


def sell(desk: Desk, **sales: int) -> None:
    for asin, minor in sales.items():
        AsinDay.objects.create(
            account_id=desk.scope.account_id, marketplace_id=desk.scope.marketplace_id, document_id=1, line=1,
            date=SUNDAY + timedelta(days=1), asin=asin, ordered_sales_minor=minor, sessions=1,
        )  # fmt: skip


@pytest.fixture
def month(db: None) -> None:
    from opsboard.feeds import partitions

    partitions.ensure(AsinDay, SUNDAY, SUNDAY)


# --- search query performance -----------------------------------------------------------------------


def test_a_week_of_an_asins_queries_is_kept_in_counts(desk: Desk) -> None:
    outcome = desk.ingest(queries(query("B000000001"), query("B000000001", "mug")), "search_query_performance", WEEK)
    assert (outcome.state, outcome.changed, outcome.unknown_columns) == (State.APPLIED, 2, [])
    row = SearchQueryWeek.objects.get(query_id=key64("steel mug"))
    assert (row.date, row.asin, row.volume) == (SUNDAY, "B000000001", 900)
    assert (row.impressions_total, row.impressions_asin, row.clicks_total, row.clicks_asin) == (5000, 100, 300, 7)
    assert (row.click_price_total_minor, row.click_price_asin_minor, row.purchases_asin) == (1999, None, None)
    assert set(SearchQuery.objects.values_list("text", flat=True)) == {"steel mug", "mug"}
    assert Coverage.objects.get(dataset="search_query_performance").date == SUNDAY


def test_the_next_asins_of_a_week_come_beside_the_first(desk: Desk) -> None:
    desk.ingest(queries(query("B000000001")), "search_query_performance", WEEK)
    desk.ingest(queries(query("B000000002")), "search_query_performance", WEEK)
    assert set(SearchQueryWeek.objects.values_list("asin", flat=True)) == {"B000000001", "B000000002"}


def test_an_asin_told_again_is_as_it_is_told_last(desk: Desk) -> None:
    desk.ingest(queries(query("B000000001"), query("B000000001", "gone")), "search_query_performance", WEEK)
    desk.ingest(queries(query("B000000001", clicks=9)), "search_query_performance", WEEK)
    assert [(row.query_id, row.clicks_asin) for row in SearchQueryWeek.objects.all()] == [(key64("steel mug"), 9)]


WRONG = {
    "a month": (queries(query("B000000001"), period="MONTH"), "totals by month"),
    "from Monday": (queries(query("B000000001"), first=SUNDAY + timedelta(days=1)), "which week"),
    "another week": (queries(query("B000000001"), first=SUNDAY - timedelta(days=7)), "not what was asked for"),
    "another marketplace": (queries(query("B000000001"), market=DE), "about marketplace"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_this_shops_week_is_refused(desk: Desk, what: str) -> None:
    content, why = WRONG[what]
    outcome = desk.ingest(content, "search_query_performance", WEEK)
    assert (outcome.state, why in outcome.reason) == (State.REFUSED, True), outcome.reason
    assert not SearchQueryWeek.objects.exists()


def test_a_saved_report_is_known_by_what_it_says_of_itself(read: Read) -> None:
    said = read(json.dumps(queries(query("B000000001"))), name="report.json").json
    assert (said["type"], said["rows_in"]) == ("search_query_performance", 1)


# --- what is asked for ------------------------------------------------------------------------------


def test_the_best_sellers_of_the_week_are_asked_about_first(desk: Desk, month: None) -> None:
    sell(desk, **{f"B0000000{n:02}": n for n in range(30)})
    asked = own_asins(desk.scope.account_id, desk.scope.marketplace_id, *WEEK)
    assert asked is not None
    names = asked["asin"].split()
    assert (names[0], names[-1], len(names)) == ("B000000029", "B000000012", 18)
    assert len(asked["asin"]) <= 200


def test_the_next_request_of_a_week_asks_for_the_next_and_then_for_none(desk: Desk, month: None) -> None:
    sell(desk, **{f"B0000000{n:02}": n for n in range(20)})
    where = desk.scope.account_id, desk.scope.marketplace_id
    seen: list[str] = []
    for _round in range(2):
        asked = own_asins(*where, *WEEK)
        assert asked is not None
        seen += asked["asin"].split()
        document = desk.keep(queries(), "search_query_performance", WEEK).document
        document.options |= asked
        document.save()
    assert (len(seen), len(set(seen))) == (20, 20)
    assert own_asins(*where, *WEEK) is None


def test_before_anything_is_sold_what_is_listed_is_asked_about(desk: Desk) -> None:
    where = desk.scope.account_id, desk.scope.marketplace_id
    assert own_asins(*where, *WEEK) is None
    list_asins(desk, "B000000002", "B000000001")
    assert own_asins(*where, *WEEK) == {"asin": "B000000001 B000000002"}


@pytest.mark.parametrize("key", ["search_query_performance", "top_search_terms"])
def test_only_whole_weeks_are_asked_for(key: str) -> None:
    windows = registry.spec(key).windows(date(2026, 3, 3), date(2026, 3, 20))
    assert windows == [WEEK]


# --- top search terms -------------------------------------------------------------------------------


def test_of_the_marketplaces_terms_those_with_own_asins_are_kept_with_their_rivals(desk: Desk) -> None:
    list_asins(desk, "B000000001")
    content = terms(
        term("mug", "B0RIVAL001", "B000000001", "B0RIVAL002", rank=5),
        term("lamp", "B0RIVAL003", "B0RIVAL004", "B0RIVAL005", rank=9),
    )
    assert desk.ingest(content, "top_search_terms", WEEK).state == State.APPLIED
    found = [(row.term, row.rank, row.position, row.asin) for row in SearchTermWeek.objects.order_by("position")]
    assert found == [("mug", 5, 1, "B0RIVAL001"), ("mug", 5, 2, "B000000001"), ("mug", 5, 3, "B0RIVAL002")]
    row = SearchTermWeek.objects.get(position=2)
    assert (row.date, row.term_id, float(row.click_share or 0)) == (SUNDAY, key64("mug"), 0.15)


def test_listings_of_another_shop_make_no_term_ones_own(desk: Desk) -> None:
    from tests.factories import make_scope

    list_asins(desk, "B000000001")
    list_asins(Desk(make_scope()), "B0RIVAL001")
    desk.ingest(terms(term("mug", "B0RIVAL001", "B0RIVAL002")), "top_search_terms", WEEK)
    assert not SearchTermWeek.objects.exists()
    assert Coverage.objects.filter(dataset="top_search_terms", date=SUNDAY).exists()


def test_without_listings_no_term_is_dropped_as_nobodys(desk: Desk) -> None:
    outcome = desk.ingest(terms(term("mug", "B000000001")), "top_search_terms", WEEK)
    assert (outcome.state, "knows none of your ASINs" in outcome.reason) == (State.REFUSED, True)
    assert not Coverage.objects.filter(dataset="top_search_terms").exists()


def test_the_terms_are_not_asked_for_before_anything_is_listed(desk: Desk) -> None:
    ask = registry.spec("top_search_terms").ask
    assert ask is not None
    where = desk.scope.account_id, desk.scope.marketplace_id
    assert ask(*where, *WEEK) is None
    list_asins(desk, "B000000001")
    assert ask(*where, *WEEK) == {}


def test_a_week_told_again_replaces_the_week_and_no_other(desk: Desk) -> None:
    list_asins(desk, "B000000001")
    before = SUNDAY - timedelta(days=7)
    old = terms(term("tea", "B000000001"), first=before)
    desk.ingest(old, "top_search_terms", (before, before + timedelta(days=6)))
    desk.ingest(terms(term("mug", "B000000001"), term("cup", "B000000001")), "top_search_terms", WEEK)
    desk.ingest(terms(term("mug", "B000000001", rank=3)), "top_search_terms", WEEK)
    found = {(row.date, row.term, row.rank) for row in SearchTermWeek.objects.all()}
    assert found == {(before, "tea", 1), (SUNDAY, "mug", 3)}


# --- the made-up seller -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seller() -> Iterator[Seller]:
    with start_in_thread(anchor=ANCHOR, clock=Clock(), rate_factor=1000.0, delay_factor=0.0) as running:
        yield Seller(running)


def test_what_the_simulator_serves_is_read_whole(seller: Seller, desk: Desk) -> None:
    asins = [sku.asin for sku in seller.running.state.truth.skus("NA")]
    list_asins(desk, *asins)
    content = json.loads(seller.document(brand.QUERIES, *WEEK, reportPeriod="WEEK", asin=" ".join(asins[:18])))
    outcome = desk.ingest(content, "search_query_performance", WEEK)
    assert (outcome.state, outcome.refused, outcome.unknown_columns) == (State.APPLIED, 0, [])
    assert SearchQueryWeek.objects.count() == 18 * 5
    content = json.loads(seller.document(brand.TERMS, *WEEK, reportPeriod="WEEK"))
    outcome = desk.ingest(content, "top_search_terms", WEEK)
    assert (outcome.state, outcome.refused, outcome.unknown_columns) == (State.APPLIED, 0, [])
    kept = SearchTermWeek.objects.count()
    assert 0 < kept < len(content["dataByDepartmentAndSearchTerm"])
    assert SearchTermWeek.objects.filter(asin__in=asins).count() * 3 == kept


@pytest.mark.parametrize(
    "options, days, why",
    [
        ({}, 0, "reportPeriod"),
        ({"reportPeriod": "WEEK", "asin": "B000000001"}, 1, "Sunday"),
        ({"reportPeriod": "WEEK"}, 0, "200 characters"),
        ({"reportPeriod": "WEEK", "asin": "B000000001 " * 19}, 0, "200 characters"),
        ({"reportPeriod": "WEEK", "asin": "B000000001"}, 14, "not available yet"),
    ],
)
def test_the_simulator_is_as_strict_as_amazon(seller: Seller, options: dict[str, str], days: int, why: str) -> None:
    first, last = (day + timedelta(days=days) for day in WEEK)
    status = seller.status(seller.create(brand.QUERIES, first, last, **options).json["reportId"])
    assert status["processingStatus"] == "FATAL"
    assert why in fetch(seller.link(status["reportDocumentId"]).json["url"]).json["errorDetails"]
