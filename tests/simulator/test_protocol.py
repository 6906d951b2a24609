"""The Selling Partner API as the simulator speaks it: tokens, limits, delays, pages, links, faults."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from opsboard.simulator import ACCOUNTS, Running
from opsboard.simulator.faults import KINDS
from tests.simulator.seller import (
    ANCHOR,
    DOCUMENTS,
    LISTINGS,
    PERFORMANCE,
    PLANNING,
    REPORTS,
    SALES,
    STOCK,
    Clock,
    Seller,
    ask_token,
    days_ago,
    fetch,
    token_form,
)

YESTERDAY = ANCHOR - timedelta(days=1)
SellerOf = Callable[[str], Seller]


def code(reply_json: dict[str, list[dict[str, str]]]) -> str:
    return reply_json["errors"][0]["code"]


# Tokens


def test_tokens_are_given_for_the_demo_credentials_only(quick: Running) -> None:
    good = ask_token(quick.url, token_form("NA"))
    assert good.status == 200
    assert good.json["access_token"] and good.json["token_type"] == "bearer" and good.json["expires_in"] == 3600
    for form, status, error in (
        (token_form("NA", client_id="somebody"), 401, "invalid_client"),
        (token_form("NA", client_secret="wrong"), 401, "invalid_client"),
        (token_form("NA", refresh_token="revoked"), 400, "invalid_grant"),
        (token_form("NA", grant_type="password"), 400, "unsupported_grant_type"),
        ({}, 400, "unsupported_grant_type"),
    ):
        reply = ask_token(quick.url, form)
        assert (reply.status, reply.json["error"]) == (status, error)


def test_without_a_token_everything_is_forbidden(quick: Running) -> None:
    for method, path in (("GET", REPORTS), ("POST", REPORTS), ("GET", "/sellers/v1/marketplaceParticipations")):
        for headers in ({}, {"x-amz-access-token": "Atza|made-up"}):
            reply = fetch(quick.url + path, method, headers=headers)
            assert reply.status == 403 and code(reply.json) == "Unauthorized"


def test_a_token_lives_an_hour(quick: Running, clock: Clock) -> None:
    token = ask_token(quick.url, token_form("NA")).json["access_token"]
    url = f"{quick.url}/sellers/v1/marketplaceParticipations"
    clock.forward(minutes=59)
    assert fetch(url, headers={"x-amz-access-token": token}).status == 200
    clock.forward(minutes=1)
    assert fetch(url, headers={"x-amz-access-token": token}).status == 403


# Limits and delays


def test_the_sixteenth_report_in_a_row_is_refused(strict: Running) -> None:
    seller = Seller(strict)
    replies = [seller.create(LISTINGS) for _ in range(16)]
    assert [reply.status for reply in replies] == [202] * 15 + [429]
    assert code(replies[-1].json) == "QuotaExceeded"
    assert {reply.headers["x-amzn-ratelimit-limit"] for reply in replies} == {"0.0167"}
    assert Seller(strict, "EU").create(LISTINGS).status == 202, "another seller has a bucket of its own"
    assert seller.status(replies[0].json["reportId"])["processingStatus"] == "IN_QUEUE"


@pytest.mark.parametrize(("path", "burst"), [(DOCUMENTS + "/none", 15), (REPORTS + "?reportTypes=" + LISTINGS, 10)])
def test_other_operations_have_their_own_bursts(strict: Running, path: str, burst: int) -> None:
    seller = Seller(strict)
    statuses = [seller.call(path).status for _ in range(burst + 1)]
    assert 429 not in statuses[:burst] and statuses[burst] == 429


def test_a_report_is_queued_then_in_progress_then_done(strict: Running, clock: Clock) -> None:
    seller = Seller(strict)
    name = seller.create(SALES, YESTERDAY, YESTERDAY).json["reportId"]
    assert seller.status(name)["processingStatus"] == "IN_QUEUE"
    seen = []
    report = strict.state.reports[name]
    clock.now = report.created + (report.done_at - report.created) / 2
    seen.append(seller.status(name))
    clock.now = report.done_at
    seen.append(seller.status(name))
    assert [one["processingStatus"] for one in seen] == ["IN_PROGRESS", "DONE"]
    assert "processingStartTime" in seen[0] and "reportDocumentId" not in seen[0]
    assert seen[1]["processingEndTime"] and seen[1]["reportDocumentId"]


def test_delays_are_like_amazons(strict: Running) -> None:
    account = ACCOUNTS["NA"]
    spans = []
    for _ in range(300):
        report = strict.state.add_report(account, LISTINGS, {}, ads=False)
        spans.append((report.done_at - report.created).total_seconds())
    assert 60 < sorted(spans)[150] < 160
    assert min(spans) > 5 and max(spans) > 240


# Reports


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reportType": LISTINGS},
        {"marketplaceIds": [ACCOUNTS["NA"].marketplace_id]},
        {"reportType": "GET_NOTHING", "marketplaceIds": [ACCOUNTS["NA"].marketplace_id]},
        {"reportType": LISTINGS, "marketplaceIds": []},
        {"reportType": LISTINGS, "marketplaceIds": [ACCOUNTS["EU"].marketplace_id]},
        {"reportType": LISTINGS, "marketplaceIds": [ACCOUNTS["NA"].marketplace_id], "reportOptions": "DAY"},
        {"reportType": LISTINGS, "marketplaceIds": [ACCOUNTS["NA"].marketplace_id], "reportOptions": {"custom": True}},
        {"reportType": SALES, "marketplaceIds": [ACCOUNTS["NA"].marketplace_id], "dataStartTime": "soon"},
        ["not an object"],
    ],
)
def test_a_request_with_something_missing_or_wrong_is_refused(quick: Running, body: object) -> None:
    reply = Seller(quick).call(REPORTS, "POST", body)
    assert reply.status == 400 and code(reply.json) == "InvalidInput"
    assert not quick.state.reports, "nothing is left behind"


def test_more_than_two_years_back_is_cancelled(seller: SellerOf) -> None:
    one = seller("NA")
    early = days_ago(one.today, 731)
    status = one.status(one.create(SALES, early, early).json["reportId"])
    assert status["processingStatus"] == "CANCELLED" and "reportDocumentId" not in status
    held = days_ago(one.today, 730)
    assert one.status(one.create(SALES, held, held).json["reportId"])["processingStatus"] == "DONE"


def test_an_unknown_granularity_is_fatal_with_a_document_that_says_so(seller: SellerOf) -> None:
    one = seller("NA")
    status = one.status(one.create(SALES, YESTERDAY, YESTERDAY, dateGranularity="HOUR").json["reportId"])
    assert status["processingStatus"] == "FATAL"
    link = one.link(status["reportDocumentId"]).json
    assert "compressionAlgorithm" not in link
    assert "dateGranularity" in fetch(link["url"]).json["errorDetails"]


def test_only_a_queued_report_can_be_cancelled(strict: Running, clock: Clock) -> None:
    seller = Seller(strict)
    first, second = (seller.create(LISTINGS).json["reportId"] for _ in range(2))
    reply = seller.call(f"{REPORTS}/{first}", "DELETE")
    assert reply.status == 200
    clock.forward(hours=2)
    assert seller.status(first)["processingStatus"] == "CANCELLED"
    assert seller.call(f"{REPORTS}/{second}", "DELETE").status == 400
    assert seller.status(second)["processingStatus"] == "DONE"
    report = strict.state.add_report(ACCOUNTS["NA"], LISTINGS, {"marketplaceIds": []}, ads=False)
    clock.now = report.created + (report.done_at - report.created) / 2
    assert seller.call(f"{REPORTS}/{report.id}", "DELETE").status == 400, "it is in progress"


def test_reports_are_listed_page_by_page_with_the_token_alone(quick: Running, clock: Clock) -> None:
    seller = Seller(quick)
    made = []
    for index in range(25):
        made.append(seller.create(LISTINGS if index % 5 else STOCK).json["reportId"])
        clock.forward(seconds=10)
    listed = [name for index, name in enumerate(made) if index % 5][::-1]
    page = seller.call(REPORTS, reportTypes=LISTINGS, pageSize="8").json
    found = [report["reportId"] for report in page["reports"]]
    assert len(found) == 8
    with_more = seller.call(REPORTS, nextToken=page["nextToken"], pageSize="8")
    assert with_more.status == 400, "the token must be the only parameter"
    while "nextToken" in page:
        page = seller.call(REPORTS, nextToken=page["nextToken"]).json
        found += [report["reportId"] for report in page["reports"]]
    assert found == listed
    both = seller.call(REPORTS, reportTypes=f"{LISTINGS},{STOCK}", pageSize="100").json
    assert len(both["reports"]) == 25 and "nextToken" not in both
    assert seller.call(REPORTS, reportTypes=LISTINGS, processingStatuses="FATAL").json["reports"] == []
    since = (clock.now - timedelta(seconds=25)).isoformat()
    assert len(seller.call(REPORTS, reportTypes=f"{LISTINGS},{STOCK}", createdSince=since).json["reports"]) == 2
    clock.forward(days=91)
    assert seller.call(REPORTS, reportTypes=LISTINGS).json["reports"] == [], "kept for 90 days"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"reportTypes": LISTINGS, "pageSize": "0"},
        {"reportTypes": LISTINGS, "pageSize": "101"},
        {"reportTypes": LISTINGS, "pageSize": "ten"},
        {"reportTypes": LISTINGS, "processingStatuses": "READY"},
        {"reportTypes": LISTINGS, "createdSince": "lately"},
        {"nextToken": "bm90IGEgcGFnZQ=="},
        {"nextToken": "e30="},
    ],
)
def test_a_list_that_cannot_be_is_refused(quick: Running, query: dict[str, str]) -> None:
    assert Seller(quick).call(REPORTS, **query).status == 400


def test_another_accounts_reports_are_not_there(quick: Running) -> None:
    mine, other = Seller(quick, "NA"), Seller(quick, "EU")
    status = mine.status(mine.create(LISTINGS).json["reportId"])
    assert other.call(f"{REPORTS}/{status['reportId']}").status == 404
    assert other.call(f"{REPORTS}/{status['reportId']}", "DELETE").status == 404
    assert other.link(status["reportDocumentId"]).status == 404
    assert other.call(REPORTS, reportTypes=LISTINGS).json["reports"] == []
    ads = mine.ask_ads(YESTERDAY, YESTERDAY).json["reportId"]
    assert mine.call(f"{REPORTS}/{ads}").status == 404
    assert other.ads(f"/reporting/reports/{ads}").status == 404
    assert mine.ads(f"/reporting/reports/{status['reportId']}").status == 404


def test_what_is_not_served_is_404(seller: SellerOf) -> None:
    one = seller("NA")
    assert one.call("/orders/v0/orders").status == 404
    assert one.call(f"{REPORTS}/12345").status == 404
    sku = f"/listings/2021-08-01/items/{one.account.selling_partner_id}/NW-US-9999"
    assert one.call(sku, marketplaceIds=one.account.marketplace_id).status == 404
    assert one.call(sku).status == 400, "marketplaceIds is required"


# Documents


def test_a_link_lives_five_minutes_and_asks_for_no_token(quick: Running, clock: Clock) -> None:
    seller = Seller(quick)
    document = seller.status(seller.create(LISTINGS).json["reportId"])["reportDocumentId"]
    link = seller.link(document).json
    assert link["compressionAlgorithm"] == "GZIP" and "X-Amz-Expires=300" in link["url"]
    clock.forward(seconds=299)
    held = fetch(link["url"])
    assert held.status == 200 and "content-encoding" not in held.headers
    clock.forward(seconds=1)
    gone = fetch(link["url"])
    assert gone.status == 403 and gone.headers["content-type"] == "application/xml"
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in gone.body
    assert fetch(seller.link(document).json["url"]).body == held.body, "a new link to the same document"
    assert fetch(f"{quick.url}/documents/guessed").status == 403


@pytest.mark.parametrize("kind", [SALES, PERFORMANCE, LISTINGS, PLANNING, STOCK])
@pytest.mark.parametrize("key", sorted(ACCOUNTS))
def test_every_kind_of_document_is_gzip_of_its_declared_type(seller: SellerOf, key: str, kind: str) -> None:
    reply = seller(key).download(kind, YESTERDAY - timedelta(days=9), YESTERDAY)
    content = gzip.decompress(reply.body)
    if kind in (SALES, PERFORMANCE):
        assert reply.headers["content-type"] == "application/json" and json.loads(content)
    else:
        assert reply.headers["content-type"].startswith("text/tab-separated-values; charset=")
        assert content.count(b"\n") > 50


# Faults


def test_unknown_faults_are_refused_and_known_ones_planned_over_http(quick: Running) -> None:
    url = f"{quick.url}/_simulator/faults"
    assert fetch(url, "POST", b'{"kind": "meteor"}').status == 400
    assert fetch(url, "POST", b"{}").status == 400
    for kind in KINDS:
        assert fetch(url, "POST", json.dumps({"kind": kind, "operation": "none"}).encode()).status == 200
    assert len(quick.state.faults.planned) == len(KINDS)
    assert Seller(quick).create(LISTINGS).status == 202
    assert fetch(f"{quick.url}/_simulator/log").json["createReport"] == 1


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        ("throttle", 429, "application/json"),
        ("html", 429, "text/html"),
        ("server_error", 503, "application/json"),
        ("unauthorized", 401, "application/json"),
    ],
)
def test_faults_of_an_answer(quick: Running, kind: str, status: int, content_type: str) -> None:
    seller = Seller(quick)
    quick.state.faults.plan(kind, operation="createReport", times=2)
    quick.state.faults.plan(kind, operation="adsReporting")
    assert seller.call("/sellers/v1/marketplaceParticipations").status == 200
    for _ in range(2):
        reply = seller.create(LISTINGS)
        assert reply.status == status and reply.headers["content-type"] == content_type
        assert "retry-after" not in reply.headers
    assert seller.create(LISTINGS).status == 202, "used up"
    reply = seller.ask_ads(YESTERDAY, YESTERDAY)
    assert reply.status == status and reply.headers["content-type"] == content_type
    assert seller.ask_ads(YESTERDAY, YESTERDAY).status == 200


@pytest.mark.parametrize("operation", ["", "createReport"])
def test_faults_of_a_report(quick: Running, operation: str) -> None:
    seller, faults = Seller(quick), quick.state.faults
    for kind in ("cancelled", "fatal", "fatal_with_document"):
        faults.plan(kind, operation=operation, report_type=STOCK)
    assert seller.status(seller.create(LISTINGS).json["reportId"])["processingStatus"] == "DONE"
    ends = [seller.status(seller.create(STOCK).json["reportId"]) for _ in range(4)]
    assert [end["processingStatus"] for end in ends] == ["CANCELLED", "FATAL", "FATAL", "DONE"]
    assert ["reportDocumentId" in end for end in ends] == [False, False, True, True]
    link = seller.link(ends[2]["reportDocumentId"]).json
    assert fetch(link["url"]).json == {"errorDetails": "Report data is not available for the requested dates."}


@pytest.mark.parametrize("key", sorted(ACCOUNTS))
@pytest.mark.parametrize("kind", [SALES, LISTINGS])
def test_faults_of_a_download(quick: Running, key: str, kind: str) -> None:
    seller, plan = Seller(quick, key), quick.state.faults.plan
    document = seller.status(seller.create(kind, YESTERDAY, YESTERDAY).json["reportId"])["reportDocumentId"]

    def download() -> bytes:
        return fetch(seller.link(document).json["url"]).body

    content = gzip.decompress(download())
    plan("truncated_gzip", operation="download", report_type=kind)
    with pytest.raises(EOFError):
        gzip.decompress(download())
    plan("mislabelled_gzip")
    assert download() == content
    plan("wrong_charset")
    charset = seller.account.charset if kind == LISTINGS else "utf-8"
    assert gzip.decompress(download()).decode("utf-16") == content.decode(charset)
    plan("expired_url", report_type=PLANNING)
    assert gzip.decompress(download()) == content, "planned for another type"
    plan("expired_url", report_type=kind)
    assert b"AccessDenied" in download()
    plan("html", operation="download")
    assert download().startswith(b"<html>")
    plan("server_error", operation="download")
    assert fetch(seller.link(document).json["url"]).status == 503
    assert gzip.decompress(download()) == content


@pytest.mark.parametrize("kind", [SALES, PERFORMANCE, LISTINGS, PLANNING, STOCK])
def test_an_empty_document_stays_empty(quick: Running, kind: str) -> None:
    seller = Seller(quick, "FE")
    quick.state.faults.plan("empty", report_type=kind)
    document = seller.status(seller.create(kind, YESTERDAY, YESTERDAY).json["reportId"])["reportDocumentId"]
    once, again = (gzip.decompress(fetch(seller.link(document).json["url"]).body) for _ in range(2))
    assert once == again
    if kind == SALES:
        assert json.loads(once)["salesAndTrafficByDate"] == json.loads(once)["salesAndTrafficByAsin"] == []
    elif kind == PERFORMANCE:
        assert json.loads(once)["performanceMetrics"] == []
    else:
        assert once.count(b"\n") == 1 and once.count(b"\t") > 20


def test_wrong_charset_of_ads_in_japan(quick: Running) -> None:
    seller = Seller(quick, "FE")
    quick.state.faults.plan("wrong_charset")
    made = seller.ask_ads(
        YESTERDAY, YESTERDAY, reportTypeId="spSearchTerm", groupBy=["searchTerm"], columns=["date", "searchTerm"]
    ).json
    found = fetch(seller.ads(f"/reporting/reports/{made['reportId']}").json["url"])
    assert json.loads(gzip.decompress(found.body).decode("utf-16"))[0]["date"] == date.isoformat(YESTERDAY)
