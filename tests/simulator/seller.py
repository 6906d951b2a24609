"""A small client of the simulator that uses nothing of opsboard's: urllib, gzip and json."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from opsboard.simulator import ACCOUNTS, DEMO_CREDENTIALS, Running

ANCHOR = date(2026, 3, 18)
SALES, PERFORMANCE = "GET_SALES_AND_TRAFFIC_REPORT", "GET_V2_SELLER_PERFORMANCE_REPORT"
LISTINGS, PLANNING = "GET_MERCHANT_LISTINGS_ALL_DATA", "GET_FBA_INVENTORY_PLANNING_DATA"
STOCK = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
REPORTS = "/reports/2021-06-30/reports"
DOCUMENTS = "/reports/2021-06-30/documents"


class Clock:
    """Stands still until told to move."""

    def __init__(self, day: date = ANCHOR) -> None:
        self.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as found:
            return Reply(found.status, found.read(), {k.lower(): v for k, v in found.headers.items()})
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.read(), {k.lower(): v for k, v in error.headers.items()})


def token_form(key: str, **changed: str) -> dict[str, str]:
    known = DEMO_CREDENTIALS[key]
    form = {name: str(known[name]) for name in ("client_id", "client_secret", "refresh_token")}
    return {"grant_type": "refresh_token", **form, **changed}


def ask_token(url: str, form: dict[str, str]) -> Reply:
    return fetch(f"{url}/auth/o2/token", "POST", urllib.parse.urlencode(form).encode())


@dataclass
class Seller:
    running: Running
    key: str = "NA"
    _token: list[str] = field(default_factory=list)

    @property
    def account(self) -> Any:
        return ACCOUNTS[self.key]

    @property
    def today(self) -> date:
        return self.running.state.today(self.account)

    def token(self) -> str:
        if not self._token or self.running.state.account_of(self._token[0]) is None:
            self._token[:] = [ask_token(self.running.url, token_form(self.key)).json["access_token"]]
        return self._token[0]

    # the Selling Partner API

    def call(self, path: str, method: str = "GET", body: object = None, **query: str) -> Reply:
        url = self.running.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        packed = None if body is None else json.dumps(body).encode()
        return fetch(url, method, packed, {"x-amz-access-token": self.token(), "Content-Type": "application/json"})

    def create(self, kind: str, first: date | None = None, last: date | None = None, **options: str) -> Reply:
        body: dict[str, Any] = {"reportType": kind, "marketplaceIds": [self.account.marketplace_id]}
        if first:
            body["dataStartTime"] = f"{first}T00:00:00+00:00"
        if last:
            body["dataEndTime"] = f"{last}T00:00:00+00:00"
        if options:
            body["reportOptions"] = options
        return self.call(REPORTS, "POST", body)

    def status(self, report_id: str) -> dict[str, Any]:
        return dict(self.call(f"{REPORTS}/{report_id}").json)

    def link(self, document_id: str) -> Reply:
        return self.call(f"{DOCUMENTS}/{urllib.parse.quote(document_id, safe='')}")

    def download(self, kind: str, first: date | None = None, last: date | None = None, **options: str) -> Reply:
        """The whole way: ask, look, fetch. For a simulator without delays."""
        status = self.status(self.create(kind, first, last, **options).json["reportId"])
        assert status["processingStatus"] == "DONE", status
        return fetch(self.link(status["reportDocumentId"]).json["url"])

    def document(self, kind: str, first: date | None = None, last: date | None = None, **options: str) -> bytes:
        return gzip.decompress(self.download(kind, first, last, **options).body)

    def sales(self, first: date, last: date, **options: str) -> dict[str, Any]:
        return dict(json.loads(self.document(SALES, first, last, **options)))

    def table(self, kind: str) -> list[dict[str, str]]:
        header, *lines = self.document(kind).decode(self.account.charset).splitlines()
        return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]

    def performance(self) -> dict[str, Any]:
        return dict(json.loads(self.document(PERFORMANCE))["performanceMetrics"][0])

    # the Ads API

    def ads(self, path: str, method: str = "GET", body: object = None, **headers: str) -> Reply:
        sent = {
            "Authorization": f"Bearer {self.token()}",
            "Amazon-Advertising-API-ClientId": str(DEMO_CREDENTIALS[self.key]["client_id"]),
            "Amazon-Advertising-API-Scope": str(self.account.profile_id),
            "Content-Type": "application/vnd.createasyncreportrequest.v3+json",
            **headers,
        }
        packed = None if body is None else json.dumps(body).encode()
        return fetch(self.running.url + path, method, packed, {k: v for k, v in sent.items() if v})

    def ask_ads(self, first: date, last: date, **changed: Any) -> Reply:
        configuration = {
            "adProduct": "SPONSORED_PRODUCTS",
            "groupBy": ["campaign"],
            "columns": ["date", "campaignId", "campaignName", "impressions", "clicks", "cost", "sales7d"],
            "reportTypeId": "spCampaigns",
            "timeUnit": "DAILY",
            "format": "GZIP_JSON",
            **changed,
        }
        body = {"name": "a test", "startDate": f"{first}", "endDate": f"{last}", "configuration": configuration}
        return self.ads("/reporting/reports", "POST", body)

    def ads_rows(self, first: date, last: date, **changed: Any) -> list[dict[str, Any]]:
        made = self.ask_ads(first, last, **changed).json
        found = fetch(self.ads(f"/reporting/reports/{made['reportId']}").json["url"])
        return list(json.loads(gzip.decompress(found.body)))


def days_ago(today: date, days: int) -> date:
    return today - timedelta(days=days)
