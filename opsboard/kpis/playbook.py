"""Why a limit broke: questions in the operators' own order, each answered from our data.

A domain declares its steps and playbooks in `diagnoses.py`. A step knows its own facts only; a playbook names
steps by key, so a question about the Buy Box may stand in one about advertising without either importing the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from django.http import QueryDict
from django.urls import reverse
from django.utils.module_loading import autodiscover_modules

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.feeds import freshness

from .decomposition import Factor
from .judge import ENOUGH_DAYS, Figures
from .registry import Evidence, Kpi, Window

if TYPE_CHECKING:
    from .registry import Label

Found = TypeVar("Found")
#: States (stock, Amazon's own rates) have no days of their own: what led to them is looked for in so many.
STATE_DAYS = 30


class Result(StrEnum):
    FAIL = "fail"  # this is off: a likely cause
    PASS = "pass"  # looked at, and it is not this
    UNKNOWN = "unknown"  # our data cannot say


@dataclass(frozen=True, slots=True)
class Finding:
    """A step's answer: a sentence with figures and days, the rows behind it, where to go on."""

    result: Result
    sentence: str
    evidence: Evidence | None = None
    #: What to do now, where it is more exact than what the step always says.
    action: str = ""
    url: str = ""


@dataclass(eq=False)
class Case:
    """What a playbook looks into: one scope, its days, and as many just before. Reads are kept for later steps."""

    scope: AccountMarketplace
    first: date
    last: date
    #: The ASINs the breach is about; empty: all of them.
    suspects: frozenset[str] = frozenset()
    _kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_kpi(cls, kpi: Kpi, scope: AccountMarketplace, first: date, last: date) -> Case:
        if kpi.window is not Window.SUM:
            first = last - timedelta(days=STATE_DAYS - 1)
        return cls(scope, first, last)

    @property
    def account_id(self) -> int:
        return self.scope.account_id

    @property
    def marketplace(self) -> Marketplace:
        return self.scope.marketplace

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> tuple[date, date]:
        """As many days just before."""
        return self.first - timedelta(days=self.length), self.first - timedelta(days=1)

    @property
    def params(self) -> dict[str, Any]:
        """What the steps' SQL is given."""
        return {
            "account": self.account_id,
            "marketplace": self.scope.marketplace_id,
            "first": self.first,
            "last": self.last,
            "before": self.before[0],
        }

    def once(self, key: str, read: Callable[[], Found]) -> Found:
        """Read for the first step that asks; the others get the same."""
        if key not in self._kept:
            self._kept[key] = read()
        found: Found = self._kept[key]
        return found

    @cached_property
    def _figures(self) -> Figures:
        # Leans on the primary key of kpis_accountday (account, marketplace, date).
        return Figures(self.account_id, self.marketplace, self.before[0], self.last)

    def sums(self, *measures: str) -> tuple[dict[str, Decimal], dict[str, Decimal]] | None:
        """The measures' sums of the days and of those before, over days that have all of them.

        None where one side has too few of its days to be compared by.
        """
        both = []
        for first, last in ((self.first, self.last), self.before):
            days = [{d for d in self._figures.days(name) if first <= d <= last} for name in measures]
            common = set.intersection(*days)
            if len(common) < self.length * ENOUGH_DAYS:
                return None
            both.append({name: sum((self._figures.days(name)[day] for day in common), Decimal(0)) for name in measures})
        return both[0], both[1]

    def days(self, measure: str) -> Mapping[date, Decimal]:
        """A measure of each day that has it, those before included."""
        return self._figures.days(measure)

    def by_day(self, numerator: str, denominator: str) -> dict[date, Decimal]:
        """A ratio of two measures on each day that has both."""
        top, bottom = self._figures.days(numerator), self._figures.days(denominator)
        return {day: top[day] / bottom[day] for day in top if bottom.get(day)}

    def covers(self, dataset: str, *, before: bool = True) -> bool:
        """Whether enough of the days, and of those before, are there to be looked into."""
        spans = [(self.first, self.last)] + ([self.before] if before else [])
        held = freshness.covered_days(self.scope, dataset, spans[-1][0], self.last)
        return all(sum(a <= day <= b for day in held) >= self.length * ENOUGH_DAYS for a, b in spans)

    def ask(self, source: str) -> Any:
        """What another domain supplies under a name (`register_source`); None where nobody does."""
        return self.once(f"source:{source}", lambda: _sources[source](self)) if source in _sources else None

    def url(self, name: str, *args: object, fragment: str = "") -> str:
        """A page of this scope, over the days looked into."""
        query = QueryDict(mutable=True)
        query.update({"scope": str(self.scope.pk), "period": "custom"})
        query.update({"from": self.first.isoformat(), "to": self.last.isoformat()})
        return f"{reverse(name, args=args)}?{query.urlencode()}{fragment}"


@dataclass(frozen=True, slots=True)
class Step:
    """A question and what to do if it is that. `check` only reads, in one or two queries on an index it names."""

    key: str  # "ads.cpc"
    question: Label
    action: Label
    check: Callable[[Case], Finding]


@dataclass(frozen=True, slots=True)
class Playbook:
    """The steps of some KPIs, in the order operators take them."""

    kpis: tuple[str, ...]
    title: Label
    steps: tuple[str, ...]
    #: The figure as a product; its change is told factor by factor above the steps.
    factors: tuple[Factor, ...] = ()
    #: Which ASINs the breach is about: steps of all domains then look at these.
    suspects: Callable[[Case], frozenset[str]] | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """A state of a shop that no limit tells, and its steps.

    `detect` names those of some shops that are in it: {scope's id: the sentence that says so}.
    """

    key: str
    title: Label
    domain: str  # on whose page it is shown, beside Today
    days: int
    steps: tuple[str, ...]
    detect: Callable[[Sequence[AccountMarketplace]], Mapping[int, str]]


_steps: dict[str, Step] = {}
_playbooks: dict[str, Playbook] = {}
_situations: dict[str, Situation] = {}
_sources: dict[str, Callable[[Case], Any]] = {}


def register_steps(*items: Step) -> None:
    for item in items:
        if item.key in _steps and _steps[item.key] is not item:
            raise ValueError(f"two steps are called {item.key}")
        _steps[item.key] = item


def register_playbooks(*items: Playbook) -> None:
    for item in items:
        for kpi in item.kpis:
            if kpi in _playbooks and _playbooks[kpi] is not item:
                raise ValueError(f"two playbooks are for {kpi}")
            _playbooks[kpi] = item


def register_situations(*items: Situation) -> None:
    for item in items:
        if item.key in _situations and _situations[item.key] is not item:
            raise ValueError(f"two situations are called {item.key}")
        _situations[item.key] = item


def register_source(name: str, read: Callable[[Case], Any]) -> None:
    """Let steps of other domains ask for something this one knows."""
    if name in _sources and _sources[name] is not read:
        raise ValueError(f"two sources are called {name}")
    _sources[name] = read


def steps() -> Mapping[str, Step]:
    return _steps


def playbooks() -> Mapping[str, Playbook]:
    """By KPI."""
    return _playbooks


def situations() -> Mapping[str, Situation]:
    return _situations


def of(keys: Sequence[str]) -> list[Step]:
    """The declared ones of these steps; a domain that is switched off leaves its own out."""
    return [_steps[key] for key in keys if key in _steps]


def autodiscover() -> None:
    autodiscover_modules("diagnoses")
