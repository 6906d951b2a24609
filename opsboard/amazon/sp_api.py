"""The Selling Partner API, through python-amazon-sp-api.

Used from the library: the operations, their paths and bodies. Not used: its token (tokens.py),
its reading of answers (answers.py), its retry helpers (they sleep in the worker), its document
download (it does not look at the status; download.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from opsboard.accounts.models import AccountMarketplace, SellerAccount

from . import hosts
from .calls import Answer, call
from .credentials import SP_API, Credentials, open_credentials
from .errors import TemporarilyDown
from .libraries import SpGivenCredentials, SpReports, SpSellers, SpToken
from .reports import Link, Listed, Page, Progress, Request, Status, instant
from .throttle import Meter

_PROGRESS = {
    "DONE": Progress.DONE,
    "CANCELLED": Progress.CANCELLED,
    "FATAL": Progress.FAILED,
    "IN_QUEUE": Progress.WORKING,
    "IN_PROGRESS": Progress.WORKING,
}
#: The most reports Amazon lists at once.
PAGE_SIZE = 100
_TIMEOUT = httpx.Timeout(hosts.READ_SECONDS, connect=hosts.CONNECT_SECONDS)


class _Raw:
    """A library client that hands over the answer as it came, with the token it was last given."""

    token = ""

    @property
    def headers(self) -> dict[str, str]:
        # The library cuts 8 characters off the endpoint to name the host, which fits https:// only.
        return {**super().headers, "host": urlsplit(self.endpoint).netloc}  # type: ignore[misc, attr-defined]

    @property
    def auth(self) -> Any:
        return SpToken(access_token=self.token, token_type="bearer", expires_in=3600, refresh_token="")

    def _check_response(self, res: httpx.Response, *_: object, **__: object) -> Answer:
        try:
            body = res.json()
        except ValueError:
            body = None
        return Answer(res.status_code, res.headers, body)


class _Reports(_Raw, SpReports):  # type: ignore[misc]
    pass


class _Sellers(_Raw, SpSellers):  # type: ignore[misc]
    pass


C = TypeVar("C", _Reports, _Sellers)
_kept = threading.local()
_KEEP = 16


def _client(kind: type[C], endpoint: str, credentials: Credentials) -> C:
    """A client of this thread: a new one costs a TLS context and a connection."""
    clients: dict[tuple[type, str, str], Any] = _kept.__dict__.setdefault("clients", {})
    key = (kind, endpoint, credentials.fingerprint)
    if key not in clients:
        if len(clients) >= _KEEP:
            clients.pop(next(iter(clients))).close()
        # marketplace is duck-typed by the library; given credentials are the only provider, so that
        # neither the environment nor a file can put others in their place.
        place = SimpleNamespace(endpoint=endpoint, marketplace_id="", region="")
        client = kind(
            marketplace=place,
            credentials={
                "refresh_token": credentials.refresh_token,
                "lwa_app_id": credentials.client_id,
                "lwa_client_secret": credentials.client_secret,
            },
            credential_providers=(SpGivenCredentials,),
            auth_token_client_class=_NoTokenClient,
            timeout=_TIMEOUT,
        )
        client.endpoint, client.marketplace_id, client.region = endpoint, "", ""
        clients[key] = client
    return clients[key]  # type: ignore[no-any-return]


class _NoTokenClient:
    """Stands where the library would build its own token client."""

    def __init__(self, **_: object) -> None:
        pass


def _send(client: C, operation: Callable[[C], Any]) -> Callable[[str], Answer]:
    def send(token: str) -> Answer:
        client.token = token
        answer: Answer = operation(client)
        return answer

    return send


class SpReportService:
    """Reports of one seller account in one marketplace (opsboard.amazon.reports.Reports)."""

    source = "sp_api"

    def __init__(self, scope: AccountMarketplace, urgent: bool = False) -> None:
        self._credentials = open_credentials(scope.account, SP_API)
        self._meter = meter_of(scope.account, self._credentials, urgent)
        self._client = _client(_Reports, hosts.sp_api(scope.account.region), self._credentials)

    def _call(self, operation: str, send: Callable[[_Reports], Any]) -> dict[str, Any]:
        body = call(self._meter, operation, self._credentials, _send(self._client, send))
        if not isinstance(body, dict):
            raise TemporarilyDown(operation)
        return body

    def request(self, wanted: Request) -> str:
        body: dict[str, Any] = {"reportType": wanted.report_type, "marketplaceIds": [wanted.marketplace_id]}
        if wanted.options:
            body["reportOptions"] = dict(wanted.options)
        if moments := wanted.moments():
            body["dataStartTime"], body["dataEndTime"] = map(_text, moments)
        elif wanted.since:
            body["dataStartTime"] = _text(wanted.since)
        answer = self._call("createReport", lambda client: client.create_report(**body))
        return _must(answer, "reportId", "createReport")

    def find(
        self, report_type: str, marketplace_id: str, since: datetime, token: str = "", *, unfinished: bool = False
    ) -> Page:
        states = ["DONE", "IN_PROGRESS", "IN_QUEUE"] if unfinished else ["DONE"]
        asked: dict[str, Any] = {
            "reportTypes": [report_type],
            "marketplaceIds": [marketplace_id],
            "processingStatuses": states,
            "pageSize": PAGE_SIZE,
            "createdSince": _text(since),
        }
        # A token stands alone: beside any other parameter Amazon refuses it.
        answer = self._call(
            "getReports", lambda client: client.get_reports(**({"nextToken": token} if token else asked))
        )
        rows = answer.get("reports")
        if not isinstance(rows, list):
            raise TemporarilyDown("getReports: reports")
        found = (
            Listed(
                _must(row, "reportId", "getReports"),
                instant(row.get("createdTime")),
                tuple(map(str, row.get("marketplaceIds") or ())),
                instant(row.get("dataStartTime")),
                instant(row.get("dataEndTime")),
            )
            for row in rows
            if row.get("processingStatus") in states and row.get("reportType") == report_type
        )
        return Page(tuple(found), str(answer.get("nextToken") or ""))

    def look(self, report_id: str) -> Status:
        answer = self._call("getReport", lambda client: client.get_report(report_id))
        state = _must(answer, "processingStatus", "getReport")
        return Status(
            progress=_PROGRESS.get(state, Progress.WORKING),
            document_id=str(answer.get("reportDocumentId") or ""),
            created_at=instant(answer.get("processingEndTime")) or instant(answer.get("createdTime")),
            started=bool(answer.get("processingStartTime")),
        )

    def locate(self, report_id: str, document_id: str) -> Link:
        answer = self._call("getReportDocument", lambda client: client.get_report_document(document_id))
        return Link(_must(answer, "url", "getReportDocument"), answer.get("compressionAlgorithm") == "GZIP")


@dataclass(frozen=True, slots=True)
class Participation:
    """A marketplace the seller may sell in."""

    marketplace_id: str
    participates: bool
    suspended: bool


def participations(account: SellerAccount, region: str = "") -> list[Participation]:
    """Where the seller takes part, as the account's region (or another one) knows: also the proof that it does."""
    credentials = open_credentials(account, SP_API)
    client = _client(_Sellers, hosts.sp_api(region or account.region), credentials)
    body = call(
        meter_of(account, credentials, urgent=True),
        "getMarketplaceParticipations",
        credentials,
        _send(client, lambda one: one.get_marketplace_participation()),
    )
    rows = body.get("payload") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise TemporarilyDown("getMarketplaceParticipations")
    found = []
    for row in rows:
        part = row.get("participation") or {}
        found.append(
            Participation(
                str((row.get("marketplace") or {}).get("id", "")),
                bool(part.get("isParticipating")),
                bool(part.get("hasSuspendedListings")),
            )
        )
    return found


def may_list(account: SellerAccount, report_types: list[str], since: datetime) -> datetime | None:
    """Ask for the newest reports of these types (at most ten): when the newest was asked for, None without one.

    AuthRefused when the application may not have one of them.
    """
    credentials = open_credentials(account, SP_API)
    client = _client(_Reports, hosts.sp_api(account.region), credentials)
    asked = {"reportTypes": report_types, "pageSize": 10, "createdSince": _text(since)}
    meter = meter_of(account, credentials, urgent=True)
    body = call(meter, "getReports", credentials, _send(client, lambda one: one.get_reports(**asked)))
    rows = body.get("reports") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise TemporarilyDown("getReports: reports")
    return max(filter(None, (instant(row.get("createdTime")) for row in rows)), default=None)


def meter_of(account: SellerAccount, credentials: Credentials, urgent: bool = False) -> Meter:
    """Amazon counts by seller; without a merchant id the account stands for it."""
    return Meter(account.selling_partner_id or f"account-{account.pk}", credentials.application, urgent)


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _must(answer: dict[str, Any], name: str, operation: str) -> str:
    """An answer without what it is for is no answer: nothing is assumed from it."""
    value = answer.get(name)
    if not value:
        raise TemporarilyDown(f"{operation}: {name}")
    return str(value)
