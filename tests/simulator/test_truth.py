"""The made-up business is the same for everybody, and its past does not change; what is known of it does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from opsboard.simulator import ACCOUNTS, Running, Truth, start_in_thread
from opsboard.simulator.truth import HISTORY_DAYS
from tests.simulator.seller import ANCHOR, LISTINGS, PERFORMANCE, PLANNING, SALES, STOCK, Clock, Seller, days_ago

KEYS = sorted(ACCOUNTS)
DAY = ANCHOR - timedelta(days=40)


def digests(seed: int, anchor: date = ANCHOR) -> dict[str, str]:
    found = {}
    with start_in_thread(seed=seed, anchor=anchor, clock=Clock(), rate_factor=1000.0, delay_factor=0.0) as running:
        for key in KEYS:
            seller = Seller(running, key)
            for kind in (SALES, PERFORMANCE, LISTINGS, PLANNING, STOCK):
                found[f"{key} {kind}"] = hashlib.sha256(seller.document(kind, DAY, DAY)).hexdigest()
            found[f"{key} ads"] = repr(seller.ads_rows(DAY, DAY + timedelta(days=3)))
    return found


def test_same_seed_and_anchor_give_the_same_documents_and_others_do_not() -> None:
    first = digests(1)
    assert first == digests(1)
    assert not {name for name, value in digests(2).items() if value == first[name]} - {
        f"{key} {PERFORMANCE}" for key in KEYS
    }


def test_an_anchor_of_another_day_leaves_the_catalogue_alone() -> None:
    early, late = Truth(1, ANCHOR), Truth(1, ANCHOR + timedelta(days=9))
    for key in KEYS:
        assert early.skus(key) == late.skus(key)


@pytest.mark.parametrize("key", KEYS)
def test_thirteen_months_of_every_account(key: str) -> None:
    truth, account = Truth(1, ANCHOR), ACCOUNTS[key]
    assert HISTORY_DAYS >= 396
    for offset in range(1, HISTORY_DAYS + 1):
        day = ANCHOR - timedelta(days=offset)
        asins, terms = truth.asins(key, day), truth.terms(key, day)
        assert len(asins) == account.skus
        assert account.campaigns <= len(terms) <= account.campaigns * 10
        assert sum(item.units for item in asins) and sum(item.orders for item in terms)
    assert truth.asins(key, truth.first_day - timedelta(days=1)) == ()


@pytest.mark.parametrize("key", KEYS)
def test_a_days_sales_are_restated_until_they_are_the_truth(key: str, quick: Running, clock: Clock) -> None:
    seller = Seller(quick, key)
    day = days_ago(seller.today, 0)
    truth = quick.state.truth
    units = sum(item.units for item in truth.asins(key, day))
    sessions = sum(item.sessions for item in truth.asins(key, day))
    seen = []
    for _age in range(6):
        rows = seller.sales(day, day)["salesAndTrafficByDate"]
        assert [row["date"] for row in rows] in ([], [day.isoformat()])
        seen.append((rows[0]["salesByDate"]["unitsOrdered"], rows[0]["trafficByDate"]["sessions"]) if rows else (0, 0))
        clock.forward(days=1)
    assert seen[0] == (0, 0)
    assert 0 < seen[1][0] < seen[2][0] < seen[3][0] and seen[1][1] < seen[2][1] < seen[3][1]
    assert seen[3] == seen[4] == seen[5] == (units, sessions)
    assert sum(item.units for item in truth.asins(key, day)) == units, "the truth itself has moved"


@pytest.mark.parametrize("key", KEYS)
def test_ad_sales_of_a_day_grow_for_eight_days_and_clicks_do_not(key: str, quick: Running, clock: Clock) -> None:
    seller = Seller(quick, key)
    day = days_ago(seller.today, 0)
    sales, clicks = [], set()
    for _age in range(11):
        rows = seller.ads_rows(day, day)
        sales.append(sum(row["sales7d"] for row in rows))
        clicks.add((sum(row["clicks"] for row in rows), round(sum(row["cost"] for row in rows), 2)))
        clock.forward(days=1)
    truth = sum(item.sales for item in quick.state.truth.terms(key, day))
    digits = ACCOUNTS[key].digits
    assert sales[0] == 0
    assert sales[:9] == sorted(sales[:9])
    assert sales[1] < 0.85 * sales[8], "the first day knows nearly all of it"
    assert sales[8] == sales[9] == sales[10]
    assert sales[8] == pytest.approx(truth, abs=10**-digits * ACCOUNTS[key].campaigns * 10)
    assert clicks - {(0, 0)} and len(clicks - {(0, 0)}) == 1


def test_every_asins_days_add_up_to_the_date_rows(seller: Callable[[str], Seller]) -> None:
    for key in KEYS:
        one = seller(key)
        first, last = days_ago(one.today, 20), days_ago(one.today, 5)
        document = one.sales(first, last, asinGranularity="SKU")
        by_date = sum(row["salesByDate"]["unitsOrdered"] for row in document["salesAndTrafficByDate"])
        by_asin = sum(row["salesByAsin"]["unitsOrdered"] for row in document["salesAndTrafficByAsin"])
        assert by_date == by_asin > 0


def test_weeks_are_widened_to_sunday_and_months_to_their_ends(seller: Callable[[str], Seller]) -> None:
    one = seller("NA")
    week = one.sales(date(2026, 2, 11), date(2026, 2, 18), dateGranularity="WEEK")
    assert [row["date"] for row in week["salesAndTrafficByDate"]] == ["2026-02-08", "2026-02-15"]
    assert week["reportSpecification"]["dataEndTime"] == "2026-02-21"
    month = one.sales(date(2026, 1, 11), date(2026, 2, 3), dateGranularity="MONTH")
    assert [row["date"] for row in month["salesAndTrafficByDate"]] == ["2026-01-01", "2026-02-01"]
    assert month["reportSpecification"]["dataEndTime"] == "2026-02-28"
    for document in (week, month):
        for row in document["salesAndTrafficByDate"]:
            assert row["trafficByDate"]["averageOfferCount"] == ACCOUNTS["NA"].skus
