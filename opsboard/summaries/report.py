"""A summary in words, line by line, as page, mails and workbook show it; made by opsboard.summaries.words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from opsboard.alerts.models import Episode


@dataclass(frozen=True, slots=True)
class KpiLine:
    key: str
    label: str
    url: str
    now: str
    before: str
    change: str
    tone: str
    limit: str
    status: str
    #: What its status is called where the usual word would mislead.
    word: str
    #: What its status is over: "31.2 % over 30 days to 19 Nov".
    judged: str
    #: What is to be known before it is believed: days missing, provisional from.
    note: str
    head: bool


@dataclass(frozen=True, slots=True)
class MoverLine:
    label: str
    url: str
    now: str
    before: str
    change: str
    tone: str
    up: bool
    parts: tuple[str, ...]
    clues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoverBlock:
    title: str
    now: str
    before: str
    change: str
    tone: str
    lines: tuple[MoverLine, ...]
    others: str
    days: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    what: str
    url: str
    state: str  # open, acknowledged, resolved
    new: bool
    did: str
    severity: Decimal


@dataclass(frozen=True, slots=True)
class RestatedLine:
    label: str
    was: str
    now: str
    change: str


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    now: str
    change: str
    tone: str
    day: str


@dataclass(frozen=True, slots=True)
class Section:
    """One account in one marketplace."""

    scope_id: int
    where: str
    country: str
    currency: str
    zone: str
    lead: str
    kpis: tuple[KpiLine, ...] = ()
    figures: tuple[Figure, ...] = ()
    movers: tuple[MoverBlock, ...] = ()
    alerts: tuple[AlertLine, ...] = ()
    gaps: tuple[str, ...] = ()
    restated: tuple[RestatedLine, ...] = ()
    addendum: tuple[RestatedLine, ...] = ()
    not_over: str = ""

    @property
    def head(self) -> tuple[KpiLine, ...]:
        """What is over or close to its limit, worst first, and the figures everybody asks for."""
        return tuple(line for line in self.kpis if line.head)

    @property
    def rest(self) -> tuple[KpiLine, ...]:
        return tuple(line for line in self.kpis if not line.head)

    @property
    def worst(self) -> Decimal:
        """How far over its limit the worst of the new alerts is, as a share of the limit."""
        return max((line.severity for line in self.alerts if line.new), default=Decimal(-1))

    @property
    def changed(self) -> bool:
        """Whether a brief has anything to say of it."""
        return bool(self.news or self.gaps or self.restated)

    @property
    def news(self) -> tuple[AlertLine, ...]:
        """Alerts that came or went, the new ones first."""
        return tuple(line for line in self.alerts if line.new or line.state == Episode.State.RESOLVED)


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    finding: str
    period: str
    made: str
    restated_title: str
    sections: tuple[Section, ...] = ()
