"""What a report is: one declaration from Amazon's columns to a fact table.

Domains declare `ReportSpec`s in their `reports.py`; `autodiscover()` imports those, so the
kernel knows no domain and no report by name. System checks (opsboard.feeds.checks) verify
each declaration at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from .models import Document
    from .tables import Table


class Kind(StrEnum):
    """How a cell is read and what is stored for it."""

    TEXT = "text"  # stripped text, "" when absent
    INTEGER = "integer"  # whole number
    MONEY = "money"  # decimal amount in the marketplace's currency -> bigint minor units
    RATE = "rate"  # fraction 0-1 -> numeric
    PERCENT = "percent"  # 0-100 on Amazon's side -> numeric fraction
    NUMBER = "number"  # exact decimal
    DATE = "date"  # the marketplace's own day
    INSTANT = "instant"  # a moment with its zone ("2026-03-02T07:35:42+00:00") -> timestamptz
    ID = "id"  # Amazon's own numeric id -> bigint; names from the console become negative hashes
    CURRENCY = "currency"  # not stored: every cell must name the marketplace's currency
    KEY = "key"  # free text -> 64-bit hash (opsboard.feeds.keys.key64); the text lives in a dimension


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column and where it comes from.

    `names` are header names or JSON paths ("salesByDate.unitsOrdered"), Amazon's current
    spelling first, then old and localised ones; matching ignores case, spaces, hyphens and
    underscores. `low`/`high` bound what is believable, in the unit of the source.
    """

    field: str
    kind: Kind
    names: tuple[str, ...]
    required: bool = False
    low: int | None = 0
    high: int | None = None
    #: Stored when the cell is empty; None keeps NULL.
    default: object = None
    #: DATE only: the day may be one that is still to come.
    ahead: bool = False
    #: KEY only: also stage the text under this name, for a dimension.
    text_field: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """Names that belong to an entity rather than to a day, taken from the same rows.

    `columns` maps fields of `model` to staged fields; the newest row of a document wins and
    a document older than the stored one changes nothing that is already known.
    """

    model: type[models.Model]
    key: tuple[str, ...]
    columns: Mapping[str, str]
    #: Staged columns that only dimensions use (not stored in the fact table).
    extra: tuple[Column, ...] = ()


class Scope(StrEnum):
    DAYS = "days"  # rows carry a date; a document replaces the days it covers
    DAY = "day"  # rows carry no date: they are the state of the document's one day, history kept
    STATE = "state"  # rows carry no date and only the newest document counts
    GROUPS = "groups"  # rows carry a date and belong to groups (an order); a document replaces the groups it names


class Period(StrEnum):
    """What a dated row is about; its date is the first day of it."""

    DAY = "day"
    WEEK = "week"  # Sunday to Saturday, as Amazon counts
    MONTH = "month"

    def first_days(self, first: date, last: date) -> list[date]:
        """The first day of each period that begins within first..last, both included, in order."""
        days = (date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1))
        return [day for day in days if self.begins(day)]

    def begins(self, day: date) -> bool:
        if self is Period.WEEK:
            return day.isoweekday() == 7
        return self is Period.DAY or day.day == 1

    def end(self, first: date) -> date:
        """The last day of the period that begins on `first`."""
        if self is Period.WEEK:
            return first + timedelta(days=6)
        if self is Period.MONTH:
            return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return first


@dataclass(frozen=True, slots=True)
class Dataset:
    """A fact table fed by (a part of) a report.

    A model whose key has `ordinal` holds rows that have no key of their own (two equal lines of an
    order): those that share the rest of the key are numbered in the order of the document.
    """

    key: str
    label: _StrPromise | str
    model: type[models.Model]
    columns: tuple[Column, ...]
    scope: Scope
    #: JSON: the path of the array of rows, "" for the document itself. A callable gets the
    #: whole (small) document and yields flat rows.
    rows: str | Callable[[Any], Iterable[dict[str, Any]]] = ""
    dimensions: tuple[Dimension, ...] = ()
    #: Days after which Amazon has every row of a day / no longer restates it in earnest.
    lag_days: int = 1
    mature_days: int = 3
    #: DAY, STATE: a header without rows says that there are none; otherwise such a document is refused.
    may_be_empty: bool = False
    #: Fact columns to add up when a document carries one key twice; empty: refuse the document.
    sums: tuple[str, ...] = ()
    #: Stored columns made of staged ones: {field: SQL over alias s}.
    derived: Mapping[str, str] = field(default_factory=dict)
    #: Takes part only when it says so for this document's window (e.g. rows without dates need one day).
    applies: Callable[[date, date], bool] | None = None
    period: Period = Period.DAY
    #: GROUPS: the stored fields that name a row's group. With "date" among them a group is one of that day.
    group: tuple[str, ...] = ()
    #: GROUPS: the stored field that says how new a row is (Amazon's last-updated); goes before the document's age.
    version: str = ""
    #: GROUPS: two staged days from..to that a document says it is complete for; else its window, else its rows' days.
    complete: tuple[str, str] | None = None
    #: Looks at the staged rows as a whole, before anything is stored: (cursor, staging table, document).
    #: Raises BadDocument to refuse the document, Held to keep it until a person looks.
    verify: Callable[[Any, str, Document], None] | None = None
    #: SQL that makes the rows to store of the staged ones, in brackets; `{table}` are those. Some lines of a
    #: document only speak of it as a whole, others say several things at once.
    source: str = "{table}"
    #: A column in which every row of it says something: lines of the document with nothing there are not read.
    filled: str = ""
    #: The TEXT column that names the marketplace a row is about ("Amazon.de"): rows that name another one
    #: are left out, and the document says so.
    shop: str = ""

    @property
    def is_eventful(self) -> bool:
        """It speaks of single days, when something happened on them (a deposit), and of no day in between."""
        return self.complete is not None and self.complete[0] == self.complete[1]


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """A report type of Amazon's: how to ask for it, how to read it, what it feeds."""

    key: str
    label: _StrPromise | str
    report_type: str  # SP-API reportType or Ads reportTypeId
    api: str  # "sp" | "ads" | "" (upload only)
    format: str  # "tsv" | "json" | "csv"
    datasets: tuple[Dataset, ...]
    #: Longest window one request may cover and how far back Amazon answers, in days (source: Amazon).
    max_days: int = 1
    lookback_days: int = 1
    #: How far back is what opsboard asks for; Amazon documents no limit, or has more.
    modest: bool = False
    #: Routine: hours between pulls, and how many of the newest days each pull asks again.
    every_hours: int = 24
    reask_days: int = 1
    #: Hours after its last success from which the report is late, and from which pages call its figures stale;
    #: 0: one and a half and three times the rhythm of the feed (opsboard.feeds.slots).
    late_hours: int = 0
    stale_hours: int = 0
    #: Deeper now and then: once in `deep_every_days` (7: on Sundays) a pull asks so many of the newest days. 0: never.
    deep_reask_days: int = 0
    deep_every_days: int = 7
    #: A pull asks for what is missing or was told before it was final, looked for so many days back, instead of
    #: asking `reask_days` whatever is held of them. 0: it does not.
    until_final_days: int = 0
    #: No schedule may ask oftener than once in so many hours: Amazon makes nothing newer before.
    fastest_hours: int = 1
    #: Codes of the marketplaces Amazon does not make it for.
    not_in: frozenset[str] = frozenset()
    #: False: Amazon gives the state of now only; there is nothing to back-fill.
    history: bool = True
    #: Amazon takes the moments of a request literally: it is asked from midnight to midnight of the marketplace.
    moments: bool = False
    #: Amazon makes it by itself: it is found with getReports and never asked for.
    discovered: bool = False
    #: Discovered: the columns that name a document's marketplaces ("Amazon.de") and its currency. Amazon lists
    #: such reports for the whole seller, and only the document says which of its marketplaces one is about.
    whose: tuple[str, str] | None = None
    #: Amazon's own files of it write numbers and days as the marketplace does ("1.234,56"), or as a program would.
    localised: bool = False
    #: Amazon makes it no oftener than once in so many hours.
    rest_hours: int = 0
    #: A report that anybody had Amazon make so many minutes ago or less is taken instead of asking for another one;
    #: 0: never. Only where no option changes what is in it: Amazon's list does not name options.
    reusable_minutes: int = 0
    #: Of a state of now, Amazon wants a start of so many hours back all the same.
    since_hours: int = 0
    #: reportOptions that depend on what is stored: (account, marketplace, first, last) -> options beside
    #: `options`, or None when there is nothing to ask for.
    ask: Callable[[int, int, date, date], Mapping[str, str] | None] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    #: Ads v3 configuration: adProduct, groupBy, columns.
    ads_configuration: Mapping[str, Any] = field(default_factory=dict)
    #: Amazon's own name and page for it, shown on the Data page.
    source_page: str = ""
    #: JSON: sees each top-level value beside the rows (e.g. reportSpecification) and the document;
    #: raises BadDocument when the rows do not mean what the datasets would make of them.
    preflight: Callable[[str, Any, Document], None] | None = None
    #: Names Amazon documents and opsboard does not keep; `*` stands for anything. Seeing them is no drift.
    unstored: tuple[str, ...] = ()
    #: Names of columns about people (buyers): their cells are emptied before the document is kept, and never read;
    #: `*` stands for anything. Tables only.
    personal: tuple[str, ...] = ()
    #: Names of columns people wrote in: of a cell with an e-mail address or a telephone number in it only
    #: `personal.WITHHELD` is kept. Tables only.
    written: tuple[str, ...] = ()
    #: Over how many days after a click it counts sales, where it says so (opsboard.feeds.attribution).
    attribution_days: int = 0
    #: csv: how a person's download of it is laid out.
    table: Table | None = None

    @property
    def shortest_hours(self) -> int:
        """The shortest time between two pulls that Amazon allows, in hours."""
        return max(1, self.rest_hours, self.fastest_hours)

    @property
    def period(self) -> Period:
        return self.datasets[0].period if self.datasets else Period.DAY

    def windows(self, first: date, last: date) -> list[tuple[date, date]]:
        """Cut first..last (both included) into requestable windows, the newest first.

        Weeks and months are asked for one by one, and only whole.
        """
        if self.period is not Period.DAY:
            whole = [(day, self.period.end(day)) for day in self.period.first_days(first, last)]
            return [window for window in reversed(whole) if window[1] <= last]
        found = []
        end = last
        while end >= first:
            start = max(first, end - timedelta(days=self.max_days - 1))
            found.append((start, end))
            end = start - timedelta(days=1)
        return found


_specs: dict[str, ReportSpec] = {}


def register(*specs: ReportSpec) -> None:
    for spec in specs:
        if spec.key in _specs and _specs[spec.key] is not spec:
            raise ValueError(f"two report specs are called {spec.key}")
        _specs[spec.key] = spec


def spec(key: str) -> ReportSpec:
    """The declared spec; KeyError names the ones that exist."""
    try:
        return _specs[key]
    except KeyError:
        raise KeyError(f"no report spec {key!r}; there are: {', '.join(sorted(_specs))}") from None


def specs() -> tuple[ReportSpec, ...]:
    return tuple(_specs.values())


def datasets() -> dict[str, Dataset]:
    return {dataset.key: dataset for spec_ in _specs.values() for dataset in spec_.datasets}


def autodiscover() -> None:
    autodiscover_modules("reports")
