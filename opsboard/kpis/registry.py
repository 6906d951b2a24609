"""What is measured and what it is held against: one declaration per measure and per KPI.

A measure is a sum over one account, marketplace and day. A KPI is a ratio of two measures
over a window (sums over sums, never a mean of ratios) or a stated figure of Amazon's, with
dated limits. Domains declare both in their `kpis.py`; measures are named by key, so a KPI
may cross domains without importing one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = _StrPromise | str


class Unit(StrEnum):
    MONEY = "money"  # minor units inside, the marketplace's currency on screen
    COUNT = "count"
    RATE = "rate"  # fraction inside, percent on screen; changes are shown in points
    DAYS = "days"
    PER_YEAR = "per_year"
    TIMES = "times"  # 4.2: so many units of money for one
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that adds up: SQL aggregate over one fact table, per account, marketplace, day."""

    key: str  # "ads.spend"
    label: Label
    unit: Unit
    dataset: str  # whose dirty days make it stale, and whose coverage says if a day is missing
    model: type[models.Model] | None  # None: typed in by hand (kpis.ManualValue)
    sql: str  # "sum(spend_minor)"; must be an aggregate over the fact table's columns
    #: Days after which the figure is no longer expected to move enough to judge by.
    mature_days: int = 3
    #: Sales a click brought: over how many days after it is said wherever they are shown.
    attributed: bool = False


class Grain(StrEnum):
    """What one figure of a KPI is about."""

    MARKETPLACE = "marketplace"  # an account in a marketplace
    ASIN = "asin"
    SKU = "sku"
    CAMPAIGN = "campaign"
    TERM = "term"


class Window(StrEnum):
    SUM = "sum"  # both measures are summed over the last `days` mature days
    LATEST = "latest"  # both measures of the newest covered day (snapshots, Amazon's own windows)
    AVERAGE_DENOMINATOR = "average_denominator"  # numerator of the newest day / mean of the denominator over `days`


@dataclass(frozen=True, slots=True)
class Limit:
    """A dated threshold. A value below `low` or above `high` breaches; `warn_*` warns before.

    A KPI keeps every limit it ever had: a changed one is a further `Limit` with its own day and source.
    `marketplace` is a marketplace code or "" for all; the newest `valid_from` not after the
    judged day wins, a marketplace's own before the general one.
    """

    valid_from: date
    source: str
    low: Decimal | None = None
    high: Decimal | None = None
    warn_low: Decimal | None = None
    warn_high: Decimal | None = None
    marketplace: str = ""
    #: "breach" opens an episode and mails; "warn" only colours the tile.
    severity: str = "breach"


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One line of "why": a label, cells already formatted for people, and a link."""

    label: str
    cells: tuple[str, ...]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    title: str
    headers: tuple[str, ...]
    rows: tuple[EvidenceRow, ...]
    #: Which of the headers stand over words; the others, but for the first, stand over figures.
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Orders:
    """What an order-based figure counts one by one, so that it can be said how many more its limit bears.

    The counted are the numerator or, where the limit is a lower one (valid tracking), what the denominator
    has beside it. Without `days` they are dated by the figure's own days.
    """

    more: Callable[[int], str]  # 2 -> "2 more late orders"
    #: Measures: how many days Amazon counted, and how many days before the stated day they end.
    days: str = ""
    lag: str = ""


@dataclass(frozen=True, slots=True)
class Kpi:
    """A judged figure.

    Value = scale * numerator / denominator (denominator "" means the numerator itself).
    `target` names a measure holding Amazon's own target of that day, which wins over `limits`
    as the breach limit on the side `target_side`.
    """

    key: str  # "acos"
    label: Label
    unit: Unit
    numerator: str
    denominator: str = ""
    scale: Decimal = Decimal(1)
    window: Window = Window.SUM
    days: int = 30
    limits: tuple[Limit, ...] = ()
    target: str = ""
    target_side: str = "high"
    #: +1 more is better, -1 less is better, 0 neither (a band).
    direction: int = -1
    domain: str = ""  # "ads": whose page the tile leads to
    meaning: Label = ""
    formula: Label = ""
    amazon_name: str = ""
    amazon_page: str = ""
    #: (account_id, marketplace_id, first, last) -> rows that make the figure what it is.
    evidence: Callable[[int, int, date, date], Evidence] | None = None
    #: What to do first when it breaches, in the operators' own words.
    next_step: Label = ""
    grain: Grain = Grain.MARKETPLACE
    #: The measure with the same figure as Amazon states it, shown beside ours.
    counterpart: str = ""
    #: A value on the limit breaks it: Amazon asks for less than 1 %, not for 1 % at most.
    strict: bool = False
    orders: Orders | None = None
    #: Where its rows are: an address by name ("ads:index#campaigns"), and what it takes ("health:metric", "odr_mfn").
    rows: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The measures the figure is made of."""
        return tuple(name for name in (self.numerator, self.denominator) if name)

    @property
    def mature_days(self) -> int:
        """How many of the newest days are not judged by, because one of its measures may still move."""
        return max((_measures[name].mature_days for name in self.parts if name in _measures), default=0)


_measures: dict[str, Measure] = {}
_kpis: dict[str, Kpi] = {}


def register_measures(*items: Measure) -> None:
    for item in items:
        if item.key in _measures and _measures[item.key] is not item:
            raise ValueError(f"two measures are called {item.key}")
        _measures[item.key] = item


def register_kpis(*items: Kpi) -> None:
    for item in items:
        if item.key in _kpis and _kpis[item.key] is not item:
            raise ValueError(f"two KPIs are called {item.key}")
        _kpis[item.key] = item


def measures() -> Mapping[str, Measure]:
    return _measures


def kpis() -> Mapping[str, Kpi]:
    return _kpis


def autodiscover() -> None:
    autodiscover_modules("kpis")
