"""Every story is to be found in what is served, and nothing else is over a limit."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any

import pytest

from opsboard.simulator import ACCOUNTS, STORIES, Running, start_in_thread
from opsboard.simulator.stories import LOW_SKUS, STOCK_OUT_SKU, SUPPRESSED_SKUS
from tests.simulator.seller import ANCHOR, LISTINGS, PLANNING, STOCK, Clock, Seller, days_ago

KEYS = sorted(ACCOUNTS)


@pytest.fixture(scope="module", params=[1, 7])
def served(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Figures]]:
    """Any seed tells the same stories."""
    with start_in_thread(
        seed=request.param, anchor=ANCHOR, clock=Clock(), rate_factor=1000.0, delay_factor=0.0
    ) as running:
        yield lru_cache(lambda key: Figures(running, key))


class Figures:
    """What a reader works out from the documents of an account."""

    def __init__(self, running: Running, key: str) -> None:
        self.running, self.seller = running, Seller(running, key)
        self.skus = running.state.truth.skus(key)

    def ads(self, first: int, last: int) -> dict[str, float]:
        """Sums over the days from `first` to `last` days ago."""
        sums = dict.fromkeys(("impressions", "clicks", "cost", "sales7d"), 0.0)
        while first >= last:
            until = max(last, first - 30)
            rows = self.seller.ads_rows(days_ago(self.seller.today, first), days_ago(self.seller.today, until))
            for row in rows:
                for name in sums:
                    sums[name] += row[name]
            first = until - 1
        return sums

    def acos(self, first: int, last: int) -> float:
        sums = self.ads(first, last)
        return sums["cost"] / sums["sales7d"]

    def ctr(self, first: int, last: int) -> float:
        sums = self.ads(first, last)
        return sums["clicks"] / sums["impressions"]

    def days(self, first: int, last: int) -> list[dict[str, Any]]:
        today = self.seller.today
        return list(self.seller.sales(days_ago(today, first), days_ago(today, last))["salesAndTrafficByDate"])

    def buy_box(self, first: int, last: int) -> float:
        traffic = [row["trafficByDate"] for row in self.days(first, last)]
        won = sum(t["buyBoxPercentage"] / 100 * t["pageViews"] for t in traffic)
        return float(won / sum(t["pageViews"] for t in traffic))

    def tacos(self, first: int, last: int) -> float:
        sales = sum(row["salesByDate"]["orderedProductSales"]["amount"] for row in self.days(first, last))
        return self.ads(first, last)["cost"] / float(sales)

    @lru_cache  # noqa: B019  (lives as long as the module's fixture)
    def planning(self) -> dict[str, dict[str, str]]:
        return {row["sku"]: row for row in self.seller.table(PLANNING)}

    def turnover(self) -> float:
        rows = self.planning().values()
        return sum(int(r["units-shipped-t90"]) for r in rows) * 365 / 90 / sum(int(r["available"]) for r in rows)

    def cover(self) -> float:
        rows = self.planning().values()
        return sum(int(r["available"]) for r in rows) / sum(int(r["units-shipped-t30"]) for r in rows) * 30

    def aged(self) -> float:
        ages = ("0-to-90", "91-to-180", "181-to-270", "271-to-365", "366-to-455", "456-plus")
        sums = [sum(int(row[f"inv-age-{name}-days"]) for row in self.planning().values()) for name in ages]
        return sum(sums[2:]) / sum(sums)


Served = Callable[[str], Figures]


def test_stories_are_about_accounts_there_are() -> None:
    assert {story.account for story in STORIES.values()} == set(ACCOUNTS)


def test_acos_runs_away_in_the_us(served: Served) -> None:
    us = served("NA")
    assert us.acos(38, 8) > 0.25
    assert us.acos(90, 31) < 0.23
    rows = us.seller.ads_rows(days_ago(us.seller.today, 29), us.seller.today)
    wasted: dict[str, float] = {}
    for row in rows:
        wasted[row["campaignName"]] = wasted.get(row["campaignName"], 0) + row["cost"] - row["sales7d"]
    assert max(wasted, key=lambda name: wasted[name]) == "SP-Auto-Kitchen"


@pytest.mark.parametrize("key", ["EU", "FE"])
def test_acos_is_fine_elsewhere(served: Served, key: str) -> None:
    assert served(key).acos(38, 8) < 0.23


def test_wasted_search_terms_are_there_to_be_found(served: Served) -> None:
    us = served("NA")
    rows = us.seller.ads_rows(
        days_ago(us.seller.today, 29),
        us.seller.today,
        reportTypeId="spSearchTerm",
        groupBy=["searchTerm"],
        columns=["date", "campaignName", "searchTerm", "clicks", "cost", "purchases7d"],
    )
    clicks: dict[tuple[str, str], int] = {}
    orders: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["campaignName"], row["searchTerm"])
        clicks[key] = clicks.get(key, 0) + row["clicks"]
        orders[key] = orders.get(key, 0) + row["purchases7d"]
    worst = [key for key in clicks if clicks[key] >= 200 and orders[key] < clicks[key] * 0.005]
    assert worst and {campaign for campaign, _term in worst} == {"SP-Auto-Kitchen"}


def test_clicks_fall_in_japan(served: Served) -> None:
    assert served("FE").ctr(30, 1) < 0.004
    assert served("FE").ctr(90, 35) > 0.0045


@pytest.mark.parametrize("key", ["NA", "EU"])
def test_clicks_are_fine_elsewhere(served: Served, key: str) -> None:
    assert served(key).ctr(30, 1) > 0.0045


def test_the_buy_box_is_lost_in_germany(served: Served) -> None:
    assert served("EU").buy_box(30, 3) < 0.85
    assert served("EU").buy_box(90, 33) > 0.9


@pytest.mark.parametrize("key", ["NA", "FE"])
def test_the_buy_box_is_held_elsewhere(served: Served, key: str) -> None:
    assert served(key).buy_box(30, 3) > 0.9


@pytest.mark.parametrize("key", KEYS)
def test_advertising_costs_an_ordinary_share_of_sales(served: Served, key: str) -> None:
    assert served(key).tacos(37, 8) < 0.17


def test_defects_are_over_amazons_target_in_germany(served: Served) -> None:
    rates = served("EU").seller.performance()["orderDefectRate"]
    assert rates["mfn"]["rate"] == pytest.approx(0.014, abs=0.0005)
    assert rates["mfn"]["rate"] > rates["mfn"]["targetValue"] and rates["mfn"]["status"] == "BAD"
    assert rates["mfn"]["orderWithDefects"]["count"] / rates["mfn"]["orderCount"] == rates["mfn"]["rate"]
    assert rates["afn"]["rate"] < 0.008 and rates["afn"]["status"] == "GOOD"


def test_late_shipments_come_close_to_the_limit_in_japan(served: Served) -> None:
    late = served("FE").seller.performance()["lateShipmentRate"]
    assert 0.03 < late["rate"] < late["targetValue"] == 0.04
    assert late["rate"] == pytest.approx(0.032, abs=0.001) and late["status"] == "GOOD"


@pytest.mark.parametrize("key", KEYS)
def test_health_is_within_amazons_targets_otherwise(served: Served, key: str) -> None:
    stated = served(key).seller.performance()
    metrics = {name: found for name, found in stated.items() if isinstance(found, dict) and "rate" in found}
    metrics |= {f"odr {name}": found for name, found in stated["orderDefectRate"].items()}
    assert len(metrics) == 8
    for name, found in metrics.items():
        planted = key == "EU" and name == "odr mfn"
        good = {
            "LESS_THAN": found["rate"] < found["targetValue"],
            "GREATER_THAN": found["rate"] > found["targetValue"],
        }[found["targetCondition"]]
        assert good is not planted, name
        assert found["status"] == ("GOOD" if good else "BAD"), name
    if key != "FE":
        assert stated["lateShipmentRate"]["rate"] < 0.03


def test_stock_turns_too_slowly_in_japan_and_is_old(served: Served) -> None:
    assert served("FE").turnover() < 4
    assert served("FE").aged() > 0.15


@pytest.mark.parametrize("key", ["NA", "EU"])
def test_stock_turns_well_elsewhere(served: Served, key: str) -> None:
    assert 4 < served(key).turnover() < 6
    assert 35 < served(key).cover() < 90
    assert served(key).aged() < 0.05


def test_a_best_seller_is_out_of_stock_in_the_us(served: Served) -> None:
    us = served("NA")
    gone = us.skus[STOCK_OUT_SKU].sku
    stock = {row["sku"]: row for row in us.seller.table(STOCK)}
    assert us.planning()[gone]["available"] == "0" == stock[gone]["afn-fulfillable-quantity"]
    assert [sku for sku, row in us.planning().items() if row["available"] == "0" and int(row["units-shipped-t30"])] == [
        gone
    ]
    for index in LOW_SKUS:
        assert int(us.planning()[us.skus[index].sku]["days-of-supply"]) <= 10
    sold = us.seller.sales(days_ago(us.seller.today, 3), us.seller.today, asinGranularity="SKU")
    units = {row["sku"]: row["salesByAsin"]["unitsOrdered"] for row in sold["salesAndTrafficByAsin"]}
    assert not units.get(gone)


@pytest.mark.parametrize("key", KEYS)
def test_both_stock_reports_agree(served: Served, key: str) -> None:
    stock = {row["sku"]: row for row in served(key).seller.table(STOCK)}
    assert stock.keys() == served(key).planning().keys()
    for sku, row in served(key).planning().items():
        assert row["available"] == stock[sku]["afn-fulfillable-quantity"]
        ages = ("0-to-90", "91-to-180", "181-to-270", "271-to-365", "366-to-455", "456-plus")
        assert sum(int(row[f"inv-age-{name}-days"]) for name in ages) == int(row["available"])


@pytest.mark.parametrize("key", KEYS)
def test_suppressed_listings_are_inactive_and_listings_items_says_why(served: Served, key: str) -> None:
    one = served(key)
    hidden = {one.skus[index].sku for index in SUPPRESSED_SKUS} if key == "NA" else set()
    table = one.seller.table(LISTINGS)
    assert {row["seller-sku"] for row in table if row["status"] == "Inactive"} == hidden
    assert {row["status"] for row in table if row["seller-sku"] not in hidden} == {"Active"}
    for sku in hidden | {one.skus[0].sku}:
        path = f"/listings/2021-08-01/items/{one.seller.account.selling_partner_id}/{sku}"
        found = one.seller.call(
            path, marketplaceIds=one.seller.account.marketplace_id, includedData="summaries,issues"
        ).json
        assert found["sku"] == sku
        assert bool(found["issues"]) is (sku in hidden)
        assert ("BUYABLE" in found["summaries"][0]["status"]) is (sku not in hidden)
    if hidden:
        today = one.seller.today
        sold = one.seller.sales(today - timedelta(days=9), today, asinGranularity="SKU")["salesAndTrafficByAsin"]
        assert all(row["trafficByAsin"]["sessions"] < 10 for row in sold if row["sku"] in hidden)


@pytest.mark.parametrize(
    ("key", "charset", "declared"),
    [("NA", "utf-8", "UTF-8"), ("EU", "windows-1252", "windows-1252"), ("FE", "cp932", "Shift_JIS")],
)
def test_flat_files_are_in_the_charset_of_the_marketplace(
    served: Served, key: str, charset: str, declared: str
) -> None:
    one = served(key)
    for kind, columns in ((PLANNING, 97), (LISTINGS, 29), (STOCK, 22)):
        reply_type = one.seller.download(kind).headers["content-type"]
        assert reply_type == f"text/tab-separated-values; charset={declared}"
        rows = list(csv.reader(one.seller.document(kind).decode(charset).splitlines(), delimiter="\t"))
        assert {len(row) for row in rows} == {columns}
        title = rows[0].index("item-name" if kind == LISTINGS else "product-name")
        assert rows[1][title] == one.skus[0].title


def test_before_the_stories_all_was_well() -> None:
    clock = Clock(ANCHOR - timedelta(days=36))
    with start_in_thread(anchor=ANCHOR, clock=clock, rate_factor=1000.0, delay_factor=0.0) as running:
        for key in KEYS:
            figures = Figures(running, key)
            stated = figures.seller.performance()
            assert stated["orderDefectRate"]["mfn"]["rate"] < 0.008
            assert stated["lateShipmentRate"]["rate"] < 0.03
            assert "0" not in {row["available"] for row in figures.planning().values()}
            assert {row["status"] for row in figures.seller.table(LISTINGS)} == {"Active"}
            assert figures.buy_box(30, 3) > 0.9
