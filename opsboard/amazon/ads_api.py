"""The Amazon Ads API (reporting v3, profiles), through python-amazon-ad-api.

Used from the library: the operations and their paths. Its constructor is not run: it would prefer
credentials from the environment to ours, log when some are missing and then stumble. Its reading of
answers (no class for 425, 502, 504) is answers.py's, its token ours, its download download.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from opsboard.accounts.models import AccountMarketplace, SellerAccount

from . import hosts
from .calls import Answer, call
from .credentials import ADS, open_credentials
from .errors import NoCredentials, TemporarilyDown
from .libraries import AdsProfiles, AdsReports
from .reports import Link, Page, Progress, Request, Status, instant
from .throttle import Meter

_PROGRESS = {
    "COMPLETED": Progress.DONE,
    "FAILED": Progress.FAILED,
    "CANCELLED": Progress.CANCELLED,
    "PENDING": Progress.WORKING,
    "PROCESSING": Progress.WORKING,
}
CREATE_REPORT = "application/vnd.createasyncreportrequest.v3+json"


class _Raw:
    """A library client with our credentials, time limits and token, handing over the answer as it came."""

    def __init__(self, endpoint: str, client_id: str, token: str, profile_id: str = "", content_type: str = "") -> None:
        self.credentials = {"client_id": client_id, "profile_id": profile_id}
        self.endpoint = endpoint
        self.debug = False  # the library's debug mode prints the token
        self.timeout = (hosts.CONNECT_SECONDS, hosts.READ_SECONDS)
        self.proxies = None
        self.verify = True
        self._access_token = token
        self._content_type = content_type

    @property
    def headers(self) -> dict[str, str]:
        found: dict[str, str] = super().headers  # type: ignore[misc]
        return {**found, "Content-Type": self._content_type} if self._content_type else found

    @staticmethod
    def _check_response(res: requests.Response) -> Answer:
        try:
            body = res.json()
        except ValueError:
            body = None
        return Answer(res.status_code, res.headers, body)


class _Reports(_Raw, AdsReports):  # type: ignore[misc]
    pass


class _Profiles(_Raw, AdsProfiles):  # type: ignore[misc]
    pass


class AdsReportService:
    """Reports of one advertising profile (opsboard.amazon.reports.Reports)."""

    source = "ads_api"

    def __init__(self, scope: AccountMarketplace, urgent: bool = False) -> None:
        if not scope.ads_profile_id:
            raise NoCredentials()
        self._credentials = open_credentials(scope.account, ADS)
        # What Amazon counts by is not published; a profile at a time slows no other one down.
        self._meter = Meter(
            f"{scope.account.region} {scope.ads_profile_id}"[:40], self._credentials.application, urgent
        )
        self._endpoint = hosts.ads(scope.account.region)
        self._profile_id = scope.ads_profile_id

    def _call(self, operation: str, send: Callable[[_Reports], Any]) -> dict[str, Any]:
        def raw(token: str) -> Answer:
            client = _Reports(self._endpoint, self._credentials.client_id, token, self._profile_id, CREATE_REPORT)
            answer: Answer = send(client)
            return answer

        body = call(self._meter, operation, self._credentials, raw)
        if not isinstance(body, dict):
            raise TemporarilyDown(operation)
        return body

    def find(
        self, report_type: str, marketplace_id: str, since: datetime, token: str = "", *, unfinished: bool = False
    ) -> Page:
        """Amazon Ads makes no report by itself."""
        return Page(())

    def request(self, wanted: Request) -> str:
        body = {
            "name": f"opsboard {wanted.report_type} {wanted.first}..{wanted.last}",
            "startDate": f"{wanted.first}",
            "endDate": f"{wanted.last}",
            "configuration": {
                **(wanted.configuration or {}),
                "reportTypeId": wanted.report_type,
                "timeUnit": "DAILY",
                "format": "GZIP_JSON",
            },
        }
        answer = self._call("ads.createReport", lambda client: client.post_report(body=body))
        if not answer.get("reportId"):
            raise TemporarilyDown("createReport: reportId")
        return str(answer["reportId"])

    def look(self, report_id: str) -> Status:
        answer = self._call("ads.getReport", lambda client: client.get_report(reportId=report_id))
        if not answer.get("status"):
            raise TemporarilyDown("getReport: status")
        progress = _PROGRESS.get(str(answer["status"]), Progress.WORKING)
        url = str(answer.get("url") or "")
        made = (
            instant(answer.get("generatedAt")) or instant(answer.get("updatedAt")) or instant(answer.get("createdAt"))
        )
        return Status(
            progress=progress,
            created_at=made,
            reason=str(answer.get("failureReason") or ""),
            link=Link(url, gzip=True) if url else None,
        )

    def locate(self, report_id: str, document_id: str) -> Link:
        status = self.look(report_id)
        if status.link is None:
            raise TemporarilyDown("getReport: url")
        return status.link


@dataclass(frozen=True, slots=True)
class Profile:
    """An advertising profile: one advertiser in one country."""

    id: str
    country: str
    currency: str
    marketplace_id: str
    name: str


def profiles(account: SellerAccount, region: str = "") -> list[Profile]:
    """The advertising profiles these credentials open in the account's region (or another one)."""
    credentials = open_credentials(account, ADS)
    endpoint = hosts.ads(region or account.region)

    def raw(token: str) -> Answer:
        answer: Answer = _Profiles(endpoint, credentials.client_id, token).list_profiles()
        return answer

    meter = Meter(f"{region or account.region} profiles", credentials.application, urgent=True)
    body = call(meter, "ads.listProfiles", credentials, raw)
    if not isinstance(body, list):
        raise TemporarilyDown("listProfiles")
    found = []
    for row in body:
        info = row.get("accountInfo") or {}
        found.append(
            Profile(
                str(row.get("profileId", "")),
                str(row.get("countryCode", "")),
                str(row.get("currencyCode", "")),
                str(info.get("marketplaceStringId", "")),
                str(info.get("name", "")),
            )
        )
    return found
