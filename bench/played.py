"""Amazon, played for the simulated day: its published limits, its slow reports, its outages, and nothing else.

It stands where the two client libraries send their requests, so that everything of opsboard's runs: the
token buckets, the reading of answers, the fetch's steps. Its own buckets share no code with opsboard's, and
a request reaches it up to half a second after it was sent.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from opsboard.amazon.calls import Answer

#: Calls a second and burst: the usage plans in Amazon's model of the Reports API (2021-06-30). For Ads Amazon
#: publishes none; this one is slower than what opsboard begins with.
PUBLISHED: dict[str, tuple[float, float]] = {
    "createReport": (0.0167, 15),
    "getReports": (0.0222, 10),
    "getReport": (2.0, 15),
    "getReportDocument": (0.0167, 15),
    "ads": (5.0, 50),
}
#: How long a report takes: lognormal, half of them under 100 seconds, one in a thousand over an hour.
MEDIAN_SECONDS, SIGMA, LONGEST_SECONDS = 100.0, 1.2, 4 * 3600.0
TRAVEL_SECONDS = 0.5


@dataclass
class Amazon:
    now: Callable[[], datetime]
    random: random.Random
    #: From when to when whoever `out_for` names gets nothing but 503.
    outage: tuple[datetime, datetime] | None = None
    out_for: frozenset[str] = frozenset()
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    _buckets: dict[tuple[str, str], tuple[float, datetime]] = field(default_factory=dict)
    _ready: dict[str, datetime] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    def ask(self, seller: str, operation: str, answer: Callable[[], dict[str, Any]]) -> Answer:
        now = self.now()
        if self.outage and seller in self.out_for and self.outage[0] <= now < self.outage[1]:
            return Answer(503, {}, None)
        self.calls[seller, operation] += 1
        rate, burst = PUBLISHED[operation]
        headers = {} if operation == "ads" else {"x-amzn-RateLimit-Limit": f"{rate}"}
        tokens, then = self._buckets.get((seller, operation), (burst, now))
        at = max(then, now + timedelta(seconds=self.random.uniform(0, TRAVEL_SECONDS)))
        tokens = min(burst, tokens + rate * (at - then).total_seconds())
        passes = tokens >= 1
        self._buckets[seller, operation] = (tokens - 1 if passes else tokens, at)
        if not passes:
            self.refused[operation] += 1
            return Answer(429, headers, {"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota"}]})
        return Answer(200, headers, answer())

    def make(self) -> str:
        seconds = min(LONGEST_SECONDS, MEDIAN_SECONDS * self.random.lognormvariate(0, SIGMA))
        report = f"R{next(self._numbers)}"
        self._ready[report] = self.now() + timedelta(seconds=seconds)
        return report

    def made_at(self, report: str) -> datetime | None:
        """When it was made; None while Amazon works on it."""
        return self._ready[report] if self._ready[report] <= self.now() else None


class SpClient:
    """The part of the SP-API's client library that opsboard uses; the refresh token names the seller."""

    token = ""

    def __init__(self, amazon: Amazon, seller: str) -> None:
        self._amazon, self._seller = amazon, seller

    def create_report(self, **_: Any) -> Answer:
        return self._amazon.ask(self._seller, "createReport", lambda: {"reportId": self._amazon.make()})

    def get_reports(self, **_: Any) -> Answer:
        return self._amazon.ask(self._seller, "getReports", lambda: {"reports": []})

    def get_report(self, report: str) -> Answer:
        def answer() -> dict[str, Any]:
            made = self._amazon.made_at(report)
            if made is None:
                return {"processingStatus": "IN_PROGRESS"}
            return {"processingStatus": "DONE", "reportDocumentId": report, "processingEndTime": made.isoformat()}

        return self._amazon.ask(self._seller, "getReport", answer)

    def get_report_document(self, document: str) -> Answer:
        return self._amazon.ask(self._seller, "getReportDocument", lambda: {"url": f"https://played/{document}"})


class AdsClient:
    """The same of the Ads API's; the profile names the seller."""

    def __init__(self, amazon: Amazon, profile: str) -> None:
        self._amazon, self._profile = amazon, profile

    def post_report(self, **_: Any) -> Answer:
        return self._amazon.ask(self._profile, "ads", lambda: {"reportId": self._amazon.make()})

    def get_report(self, reportId: str) -> Answer:
        def answer() -> dict[str, Any]:
            made = self._amazon.made_at(reportId)
            if made is None:
                return {"status": "PROCESSING"}
            return {"status": "COMPLETED", "url": f"https://played/{reportId}", "generatedAt": made.isoformat()}

        return self._amazon.ask(self._profile, "ads", answer)
