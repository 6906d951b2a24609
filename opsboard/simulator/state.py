"""What the server remembers: tokens, reports asked for, documents, the clock, what was called."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .business import ACCOUNTS, Account
from .faults import Faults
from .limits import Limits
from .settlements import MAKING, spans
from .truth import Truth

URL_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(hours=1)


@dataclass
class Report:
    """A report somebody asked for, from the Reports API or the Ads API."""

    id: str
    account: Account
    kind: str  # reportType or reportTypeId
    body: dict[str, Any]
    created: datetime
    done_at: datetime
    first: date | None = None
    last: date | None = None
    #: The moments themselves, where the type is made of moments rather than days.
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = "DONE"
    document_id: str = ""
    why: str = ""
    cancelled: bool = False
    #: IN_QUEUE until then, if it is to queue for long.
    queued_until: datetime | None = None
    empty: bool | None = None  # a planned fault, decided when the document is first rendered
    size: int | None = None  # of the Ads document


@dataclass
class State:
    """Shared by all threads of a server; requests are short, one lock is enough."""

    truth: Truth
    limits: Limits
    delay_factor: float = 1.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    faults: Faults = field(default_factory=Faults)
    tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # access token -> (account key, expiry)
    reports: dict[str, Report] = field(default_factory=dict)
    documents: dict[str, Report] = field(default_factory=dict)
    links: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # signature -> (document, expiry)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)
    rng: random.Random = field(default_factory=lambda: random.Random(99))
    next_number: int = 50000

    def now(self) -> datetime:
        return self.clock()

    def today(self, account: Account) -> date:
        return self.now().astimezone(account.zone).date()

    def issue_token(self, key: str) -> str:
        token = f"Atza|{uuid.uuid4().hex}"
        with self.lock:
            self.tokens[token] = key, self.now() + TOKEN_LIFE
        return token

    def account_of(self, token: str) -> Account | None:
        key, expires = self.tokens.get(token.removeprefix("Bearer ").strip(), ("", self.now()))
        return ACCOUNTS[key] if key and self.now() < expires else None

    def add_report(self, account: Account, kind: str, body: dict[str, Any], *, ads: bool) -> Report:
        """Queue a report; it is done after a delay like Amazon's (median 100 s) times the factor."""
        with self.lock:
            delay = self.rng.lognormvariate(4.6, 0.6) * self.delay_factor
            self.next_number += 1
            name = str(uuid.uuid4()) if ads else f"{self.next_number}020{self.next_number % 97:03d}"
            now = self.now()
            report = Report(name, account, kind, body, now, now + timedelta(seconds=delay))
            self.reports[name] = report
            return report

    def make_settlements(self, account: Account, since: datetime) -> None:
        """Those whose day has come, as Amazon makes them without being asked."""
        kind = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
        with self.lock:
            for span in spans(account, since, self.now()):
                name = f"{span.id}020{int(span.id) % 97:03d}"
                made = span.until + MAKING
                body = {
                    "marketplaceIds": [account.marketplace_id],
                    "dataStartTime": span.since.isoformat(),
                    "dataEndTime": span.until.isoformat(),
                }
                report = Report(name, account, kind, body, made, made, since=span.since, until=span.until)
                self.reports.setdefault(name, report)

    def document_for(self, report: Report) -> str:
        with self.lock:
            if not report.document_id:
                report.document_id = f"amzn1.spdoc.1.4.{report.account.key.lower()}.{uuid.uuid4()}.{report.id}"
                self.documents[report.document_id] = report
            return report.document_id

    def sign(self, document_id: str) -> tuple[str, datetime]:
        """A link to a document that lives five minutes."""
        signature = uuid.uuid4().hex
        expires = self.now() + URL_LIFE
        with self.lock:
            kind = self.documents[document_id].kind
            if self.faults.due("expired_url", operation="download", report_type=kind):
                expires = self.now() - timedelta(seconds=1)
            self.links[signature] = (document_id, expires)
        return f"/documents/{signature}?X-Amz-Expires=300&X-Amz-Signature={signature}", expires
