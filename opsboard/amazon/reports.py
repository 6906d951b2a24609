"""One way to get a report, whichever of Amazon's two report services makes it.

`Reports` is what feeds uses: request, look, locate. Each call takes its token first and raises
Throttled instead of waiting; each raises opsboard.amazon.errors only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from opsboard.accounts.models import AccountMarketplace


class Progress(Enum):
    """How far Amazon is with a report."""

    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"  # Amazon: cancelled, or no data to return
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: a report type, its options, and days of the marketplace (both included) if it takes any."""

    report_type: str
    marketplace_id: str
    first: date | None = None
    last: date | None = None
    options: Mapping[str, str] | None = None
    #: The zone whose midnights begin and end the days, where Amazon takes moments literally.
    zone: ZoneInfo | None = None
    #: Ads v3 only: adProduct, groupBy, columns.
    configuration: Mapping[str, Any] | None = None
    #: Instead of days: since when, up to now.
    since: datetime | None = None

    def moments(self) -> tuple[datetime, datetime] | None:
        """The first and last moment of the days, in UTC.

        Where Amazon takes dates only, they keep both days inside whatever it makes of them.
        """
        if not (self.first and self.last):
            return None
        zone = self.zone or UTC
        first = datetime.combine(self.first, time(), zone)
        return first.astimezone(UTC), datetime.combine(self.last, time(23, 59, 59), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Link:
    """Where a document can be had for a few minutes. The address is a secret: it is never printed."""

    url: str
    gzip: bool

    def __repr__(self) -> str:
        return f"<link gzip={self.gzip}>"


@dataclass(frozen=True, slots=True)
class Status:
    progress: Progress
    document_id: str = ""
    #: When Amazon finished making it (UTC), as Amazon says.
    created_at: datetime | None = None
    #: Amazon's own words about a failure.
    reason: str = ""
    #: Whether Amazon says that it began to make it: only what still queues can be cancelled by somebody.
    started: bool = False
    #: Already known address (Ads); None: ask `locate`.
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A report that Amazon has or is making, whoever asked for it."""

    report_id: str
    created_at: datetime | None
    #: The marketplaces it is said to be about: often all of the seller's.
    marketplace_ids: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    reports: tuple[Listed, ...]
    #: What to ask for the next page with; "" after the last one.
    token: str = ""


class Reports(Protocol):
    source: str

    def find(
        self, report_type: str, marketplace_id: str, since: datetime, token: str = "", *, unfinished: bool = False
    ) -> Page:
        """A page of the finished reports of a type made since then, on request with those still being made.

        BadRequest when the token is no longer good.
        """

    def request(self, wanted: Request) -> str:
        """Ask for a report; its id. Duplicate names the one that is being made already."""

    def look(self, report_id: str) -> Status:
        """How far it is. NotFound when Amazon forgot it."""

    def locate(self, report_id: str, document_id: str) -> Link:
        """A fresh address of a finished document."""


def reports_for(scope: AccountMarketplace, api: str, urgent: bool = False) -> Reports:
    """The report service ("sp" or "ads") of a scope; NoCredentials when it has none.

    `urgent`: a person waits, so the reserve of the scarce operations may be used.
    """
    from . import ads_api, sp_api

    return sp_api.SpReportService(scope, urgent) if api == "sp" else ads_api.AdsReportService(scope, urgent)


def instant(text: object) -> datetime | None:
    """Amazon's ISO 8601 text as an aware instant; None when absent or unreadable."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
