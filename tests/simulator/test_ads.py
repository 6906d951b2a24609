"""Ads reporting v3 as the simulator speaks it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from opsboard.simulator import Running
from tests.simulator.seller import ANCHOR, Clock, Seller, days_ago, fetch

YESTERDAY = ANCHOR - timedelta(days=1)
SEARCH_TERMS: dict[str, Any] = {
    "reportTypeId": "spSearchTerm",
    "groupBy": ["searchTerm"],
    "columns": ["date", "campaignId", "searchTerm", "targeting", "matchType", "impressions", "clicks", "cost"],
}
SellerOf = Callable[[str], Seller]


def detail(seller: Seller, first: int, last: int, status: int = 400, **changed: Any) -> str:
    """What a request for `first`..`last` days ago is refused with."""
    reply = seller.ask_ads(days_ago(seller.today, first), days_ago(seller.today, last), **changed)
    assert reply.status == status and reply.json["code"] == str(status)
    return str(reply.json["detail"])


def test_profiles_are_the_advertisers_own(seller: SellerOf) -> None:
    for key in ("NA", "EU", "FE"):
        one = seller(key)
        reply = one.ads("/v2/profiles", **{"Amazon-Advertising-API-Scope": ""})
        assert [profile["profileId"] for profile in reply.json] == [one.account.profile_id]
        assert reply.json[0]["accountInfo"]["marketplaceStringId"] == one.account.marketplace_id


def test_headers_are_asked_for(seller: SellerOf) -> None:
    one, other = seller("NA"), seller("EU")
    assert one.ads("/v2/profiles", Authorization="Bearer made-up").status == 401
    assert one.ads("/v2/profiles", **{"Amazon-Advertising-API-ClientId": ""}).status == 400
    scope = {"Amazon-Advertising-API-Scope": str(other.account.profile_id)}
    assert one.ads("/reporting/reports", "POST", {}, **scope).status == 401


def test_the_same_request_while_one_is_running_is_a_duplicate(strict: Running, clock: Clock) -> None:
    seller = Seller(strict)
    first = seller.ask_ads(YESTERDAY, YESTERDAY).json["reportId"]
    again = seller.ask_ads(YESTERDAY, YESTERDAY)
    assert again.status == 425
    assert again.json == {"code": "425", "detail": f"The Request is a duplicate of : {first}"}
    assert seller.ask_ads(YESTERDAY - timedelta(days=1), YESTERDAY).status == 200
    assert Seller(strict, "EU").ask_ads(YESTERDAY, YESTERDAY).status == 200
    clock.forward(hours=2)
    assert seller.ask_ads(YESTERDAY, YESTERDAY).status == 200, "the first has ended"


def test_a_report_is_pending_then_processing_then_completed(strict: Running, clock: Clock) -> None:
    seller = Seller(strict)
    made = seller.ask_ads(YESTERDAY, YESTERDAY).json
    report = strict.state.reports[made["reportId"]]
    path = f"/reporting/reports/{report.id}"
    seen = [made]
    for share in (0.1, 0.5, 1.0):
        clock.now = report.created + (report.done_at - report.created) * share
        seen.append(seller.ads(path).json)
    assert [one["status"] for one in seen] == ["PENDING", "PENDING", "PROCESSING", "COMPLETED"]
    assert [one["url"] for one in seen[:3]] == [None] * 3 == [one["fileSize"] for one in seen[:3]]
    found = fetch(seen[3]["url"])
    assert found.status == 200 and len(found.body) == seen[3]["fileSize"]
    clock.forward(minutes=5)
    assert fetch(seen[3]["url"]).status == 403
    assert fetch(seller.ads(path).json["url"]).body == found.body


def test_a_pending_report_can_be_deleted(strict: Running, clock: Clock) -> None:
    seller = Seller(strict)
    path = f"/reporting/reports/{seller.ask_ads(YESTERDAY, YESTERDAY).json['reportId']}"
    assert seller.ads(path, "DELETE").status == 200
    clock.forward(hours=1)
    assert seller.ads(path).json["status"] == "CANCELLED"
    assert seller.ads(path, "DELETE").status == 400


def test_amazons_words_for_what_is_wrong(seller: SellerOf) -> None:
    one = seller("NA")
    assert detail(one, 32, 1) == "startDate to endDate range (32 days) must not exceed maximum range (31 days)"
    assert "invalid values: (sales9d)" in detail(one, 2, 1, columns=["date", "clicks", "sales9d"])
    assert "within the last 95 days" in detail(one, 96, 90)
    assert "within the last 65 days" in detail(one, 66, 60, **SEARCH_TERMS)
    assert one.ask_ads(days_ago(one.today, 95), days_ago(one.today, 65)).status == 200
    assert one.ask_ads(days_ago(one.today, 65), days_ago(one.today, 35), **SEARCH_TERMS).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"columns": []},
        {"columns": "date"},
        {"columns": [["date"]]},
        {"columns": ["date", "adGroupId", "clicks"]},
        {"groupBy": []},
        {"groupBy": ["searchTerm"]},
        {"timeUnit": "SUMMARY"},
        {"timeUnit": "HOURLY"},
        {"format": "CSV"},
        {"adProduct": "SPONSORED_BRANDS"},
        {"reportTypeId": "spNothing"},
        {"reportTypeId": None},
    ],
)
def test_configurations_that_cannot_be(seller: SellerOf, changed: dict[str, Any]) -> None:
    assert detail(seller("NA"), 2, 1, **changed)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"startDate": "2026-03-01", "endDate": "2026-03-02"},
        {"startDate": "2026-03-01", "endDate": "2026-03-02", "configuration": "all"},
        {"startDate": "soon", "endDate": "2026-03-02", "configuration": {}},
        {"startDate": 1, "endDate": 2, "configuration": {}},
    ],
)
def test_bodies_that_cannot_be(seller: SellerOf, body: object) -> None:
    assert seller("NA").ads("/reporting/reports", "POST", body).status == 400


def test_dates_the_wrong_way_round_or_to_come_are_refused(seller: SellerOf) -> None:
    assert detail(seller("NA"), 1, 2)
    assert detail(seller("NA"), 1, -1)


def test_an_empty_report_is_gzip_of_an_empty_list(quick: Running) -> None:
    seller = Seller(quick)
    quick.state.faults.plan("empty", report_type="spCampaigns")
    made = seller.ask_ads(YESTERDAY, YESTERDAY).json
    status = seller.ads(f"/reporting/reports/{made['reportId']}").json
    found = fetch(status["url"])
    assert gzip.decompress(found.body) == b"[]" and status["fileSize"] == len(found.body) == 22
    assert seller.ads_rows(seller.today, seller.today) == [], "of today nothing is known yet"


def test_a_failed_report_says_why_when_it_has_failed(strict: Running, clock: Clock) -> None:
    seller = Seller(strict)
    strict.state.faults.plan("fatal", report_type="spCampaigns")
    made = seller.ask_ads(YESTERDAY, YESTERDAY).json
    assert made["status"] == "PENDING" and made["failureReason"] is None
    clock.forward(hours=2)
    status = seller.ads(f"/reporting/reports/{made['reportId']}").json
    assert status["status"] == "FAILED" and status["failureReason"] and status["url"] is None


def test_rows_have_exactly_the_columns_asked_for(seller: SellerOf) -> None:
    for key in ("NA", "EU", "FE"):
        rows = seller(key).ads_rows(YESTERDAY - timedelta(days=2), YESTERDAY, **SEARCH_TERMS)
        assert {tuple(row) for row in rows} == {tuple(SEARCH_TERMS["columns"])}
        assert {row["date"] for row in rows} == {f"{YESTERDAY - timedelta(days=back)}" for back in range(3)}
        assert all(row["clicks"] >= 1 and row["impressions"] >= row["clicks"] for row in rows)
        keys = [tuple(row[name] for name in ("date", "campaignId", "searchTerm", "targeting")) for row in rows]
        assert len(set(keys)) == len(keys), "one row for a day, a target and a term"


def test_a_summary_is_the_sum_of_the_days(seller: SellerOf) -> None:
    one, first = seller("EU"), YESTERDAY - timedelta(days=20)
    columns = ["campaignId", "clicks", "cost", "sales7d", "purchases1d"]
    days = one.ads_rows(first, YESTERDAY, columns=["date", *columns])
    whole = one.ads_rows(first, YESTERDAY, columns=["startDate", "endDate", *columns], timeUnit="SUMMARY")
    assert len({row["campaignId"] for row in whole}) == len(whole) == one.account.campaigns
    assert {(row["startDate"], row["endDate"]) for row in whole} == {(f"{first}", f"{YESTERDAY}")}
    for row in whole:
        mine = [day for day in days if day["campaignId"] == row["campaignId"]]
        for name in columns[1:]:
            assert row[name] == pytest.approx(sum(day[name] for day in mine), abs=0.005 * (len(mine) + 1))


def test_longer_windows_hold_no_fewer_orders(seller: SellerOf) -> None:
    columns = ["date", "purchases1d", "purchases7d", "purchases14d", "purchases30d", "spend", "cost"]
    for row in seller("NA").ads_rows(YESTERDAY - timedelta(days=20), YESTERDAY, columns=columns):
        assert row["purchases1d"] <= row["purchases7d"] <= row["purchases14d"] <= row["purchases30d"]
        assert row["spend"] == row["cost"]
