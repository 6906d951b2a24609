"""What the fault suite measured, as the table of docs/reliability.md."""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: The long form: as many tries as the promise deserves, rather than as many as a coffee allows.
SOAK = os.environ.get("SOAK", "") not in {"", "0"}


#: Seconds a claim holds. What a dead worker left is looked at again after this.
LEASE = 2

#: With all other tests (`make test`): just enough to see that it still holds.
brief = False


def times(usual: int, long: int, few: int | None = None) -> int:
    """How often something is tried: usually, in the long form, and beside all other tests."""
    if brief and few is not None:
        return few
    return long if SOAK else usual


@dataclass
class Measured:
    """One fault: how often it was tried, and what came of it."""

    fault: str
    group: str
    tried: int = 0
    lost: int = 0
    doubled: int = 0
    #: Seconds from the end of the fault until everything was done.
    recovery: list[float] = field(default_factory=list)
    note: str = ""
    passed: bool = False

    @property
    def to_recover(self) -> str:
        if not self.recovery:
            return "–"
        worst = max(self.recovery)
        if len(self.recovery) == 1:
            return f"{worst:.1f} s"
        return f"{statistics.median(self.recovery):.1f} s, at most {worst:.1f} s"


measured: list[Measured] = []

_HEAD = """\
# Reliability

What opsboard does when something breaks, measured by `make faults`: real PostgreSQL, Redis, Celery workers, SMTP and
web server, a simulated Amazon, and a proxy that can make the way to each of them bad. After every fault the same
checker looks: no work is stuck, stored figures are exactly what Amazon's truth adds up to, one mail an alert and
person, no orphan file or staging table, the page's freshness is that of the newest data, nobody sees another
seller's rows, and no secret or buyer is in a log or a database dump.

*Lost* and *doubled* count days of figures, requests to Amazon and mails together. *Time to recover* runs from the end
of the fault until everything was fetched, stored, judged and mailed; claims are held for {lease} seconds here (120 in
an installation), and what a dead worker held waits for that long. Measured on {cores} cores that do other things as
well; `SOAK=1 make faults` tries longer.

| Fault | Tried | Lost | Doubled | Time to recover |
|---|---:|---:|---:|---|
"""


def table(rows: list[Measured]) -> str:
    """The page: every fault that was tried, group by group."""
    lines = []
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            lines.append(f"| **{group}** | | | | |")
        fault = row.fault + (f" ({row.note})" if row.note else "")
        lines.append(f"| {fault} | {row.tried} | {row.lost} | {row.doubled} | {row.to_recover} |")
    return _HEAD.format(lease=LEASE, cores=os.cpu_count()) + "\n".join(lines) + "\n"


def save(file: Path, rows: list[Measured]) -> None:
    file.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")


def load(file: Path) -> list[Measured]:
    return [Measured(**row) for row in json.loads(file.read_text(encoding="utf-8"))]


def write(page: Path, rows: list[Measured]) -> None:
    groups = list(dict.fromkeys(row.group for row in rows))
    page.write_text(table(sorted(rows, key=lambda row: groups.index(row.group))), encoding="utf-8")
