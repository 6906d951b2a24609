"""Planned misbehaviour: what Amazon does on a bad day, on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date
from typing import Any

KINDS = (
    "throttle",  # 429, JSON body
    "html",  # 429 with a proxy's HTML page and no Retry-After
    "server_error",  # 503
    "unauthorized",  # 401
    "cancelled",  # the report ends CANCELLED
    "fatal",  # the report ends FATAL without a document
    "fatal_with_document",  # ... with a document that says why
    "truncated_gzip",
    "cut_off",  # the connection ends before the document does
    "mislabelled_gzip",  # says GZIP, is plain
    "unlabelled_gzip",  # does not say GZIP and is (operation getReportDocument)
    "wrong_charset",  # UTF-16 bytes where UTF-8 was declared
    "expired_url",
    "cancelled_in_queue",  # somebody cancels the report before Amazon begins it
    "cancelled_too_soon",  # the report ends CANCELLED with a document that says it was asked for too soon
    "stalled",  # the report stays IN_QUEUE for six hours
    "role_missing",  # 403: the application may not have this report type
    "revoked",  # the seller took the authorisation back: no refresh token is good any more
    "wrong_secret",  # the client secret has run out
    "token_refused",  # 401 for every access token, fresh ones too
    "suspended",  # the seller's listings are suspended
    "no_ads_access",  # the application is not approved for the Ads API
    "empty",  # a document with a header, or an empty array, and no rows
)


@dataclass
class Fault:
    kind: str
    operation: str = ""  # createReport, getReport, download, adsReporting ...; "" any
    report_type: str = ""
    times: int = 1
    #: So many matching requests are answered properly first.
    after: int = 0
    #: How much of the document arrives, where it does not arrive whole.
    share: float = 2 / 3
    #: Only of the report that begins with this day.
    day: date | None = None


@dataclass
class Faults:
    planned: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(
        self,
        kind: str,
        *,
        operation: str = "",
        report_type: str = "",
        times: int = 1,
        after: int = 0,
        share: float = 2 / 3,
        day: date | None = None,
    ) -> Fault:
        """Have the next `times` matching requests misbehave."""
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are: {', '.join(KINDS)}")
        fault = Fault(kind, operation, report_type, times, after, share, day)
        with self._lock:
            self.planned.append(fault)
        return fault

    def plan_from(self, body: dict[str, Any]) -> Fault:
        return self.plan(
            body["kind"],
            operation=body.get("operation", ""),
            report_type=body.get("reportType", ""),
            times=int(body.get("times", 1)),
        )

    def due(self, *kinds: str, operation: str = "", report_type: str = "") -> str:
        """The kind of a planned fault that fits here, using one of its times up; "" for none."""
        found = self.take(*kinds, operation=operation, report_type=report_type)
        return found.kind if found else ""

    def take(self, *kinds: str, operation: str = "", report_type: str = "", day: date | None = None) -> Fault | None:
        """A planned fault that fits here, one of its times used up."""
        with self._lock:
            for fault in self.planned:
                if fault.times <= 0 or fault.kind not in kinds:
                    continue
                if fault.operation and fault.operation != operation:
                    continue
                if fault.report_type and fault.report_type != report_type:
                    continue
                if fault.day is not None and fault.day != day:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None
