"""What the page of one entity shows: figures with their change, and charts over its days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from opsboard.accounts.models import Marketplace

from . import charts, formats
from .filters import Days

DayRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    label: charts.Words
    text: str
    change: str = ""
    tone: str = ""


def rows(sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a query of a queries.py and name its columns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(params))
        names = [description[0] for description in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Alike:
    """The days a figure is made of and compared over: those that some document covers.

    `now` and `before` are the days whose counterpart is covered as well, so that a missing day makes no
    change; `days` are all that are covered of the period.
    """

    days: frozenset[date]
    now: frozenset[date] = frozenset()
    before: frozenset[date] = frozenset()

    @classmethod
    def of(cls, covered: Collection[date], span: Days, compared: Days | None) -> Alike:
        known = frozenset(day for day in span if day in covered)
        if compared is None:
            return cls(known)
        shift = span.first - compared.first
        now = frozenset(day for day in known if day - shift in covered)
        return cls(known, now, frozenset(day - shift for day in now))


@dataclass(frozen=True, slots=True)
class Sums:
    """One column over the covered days of a period, and over the days that are compared."""

    whole: int | None
    now: int | None
    before: int | None

    @classmethod
    def of(cls, rows: Sequence[DayRow], key: str, alike: Alike) -> Sums:
        return cls(*(total_over(rows, key, days) for days in (alike.days, alike.now, alike.before)))

    def per(self, whole: Sums) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """The ratios of these sums to others: sums over sums."""
        return ratio(self.whole, whole.whole), ratio(self.now, whole.now), ratio(self.before, whole.before)


def total_over(rows: Sequence[DayRow], key: str, days: Collection[date]) -> int | None:
    """The sum of one column over covered days: zero where none has a row, None where none has a figure or day."""
    inside = [row[key] for row in rows if row["date"] in days]
    found = [value for value in inside if value is not None]
    return sum(found) if found else None if inside or not days else 0


def ratio(numerator: int | None, denominator: int | None) -> Decimal | None:
    return None if numerator is None or not denominator else Decimal(numerator) / Decimal(denominator)


def summed(label: charts.Words, sums: Sums, unit: str, marketplace: Marketplace, direction: int = 1) -> Figure:
    """A sum of the period with its change over the days that both spans cover."""
    change = figure(label, sums.now, sums.before, unit, marketplace, direction)
    return replace(change, text=text(sums.whole, unit, marketplace))


def rated(
    label: charts.Words, top: Sums, bottom: Sums, unit: str, marketplace: Marketplace, direction: int = 1
) -> Figure:
    """A ratio of the period with its change over the days that both spans cover."""
    whole, now, before = top.per(bottom)
    return replace(figure(label, now, before, unit, marketplace, direction), text=text(whole, unit, marketplace))


def figure(
    label: charts.Words,
    now: Decimal | int | None,
    before: Decimal | int | None,
    unit: str,
    marketplace: Marketplace,
    direction: int = 1,
) -> Figure:
    """A figure with its change: in points for rates, relative for sums."""
    change, tone, by = "", "", Decimal(0)
    if now is not None and before is not None:
        by = Decimal(now) - Decimal(before)
        if unit == "rate":
            digits = formats.rate_digits(now)
            change, by = formats.points(by, digits), round(by * 100, digits)
        elif before:
            change = formats.relative(now, before)
    if change and by and direction:  # what rounds to nothing is neither good nor bad
        tone = "good" if (by > 0) == (direction > 0) else "bad"
    return Figure(label, text(now, unit, marketplace), change, tone)


def text(value: Decimal | int | None, unit: str, marketplace: Marketplace) -> str:
    """A figure with its unit, as tiles and charts say it."""
    if unit == "money":
        return formats.money(value, marketplace)
    if unit == "rate":
        return formats.percent(value, formats.rate_digits(value))
    return formats.decimals(value, 1 if unit == "number" else 0)


def shower(unit: str, marketplace: Marketplace) -> charts.Format:
    """How a chart words a value of this unit (big sums without cents)."""
    if unit == "money":
        return lambda value: formats.money(value, marketplace, whole=True)
    if unit == "rate":
        return lambda value: formats.percent(value)
    return lambda value: formats.decimals(value)


def tick_shower(unit: str, marketplace: Marketplace) -> charts.Format:
    """How an axis with whole steps words a value."""
    if unit == "money":
        return lambda value: formats.money(value, marketplace, cents=False)
    if unit == "rate":
        return lambda value: formats.percent(value, 0)
    return lambda value: formats.decimals(value)


def scale(unit: str, marketplace: Marketplace) -> Decimal:
    if unit == "money":
        return Decimal(1).scaleb(-marketplace.minor_digits)
    return Decimal(100) if unit == "rate" else Decimal(1)


def series(
    label: charts.Words,
    days: Sequence[DayRow],
    span: Days,
    numerator: str,
    denominator: str = "",
    *,
    covered: set[date] | None = None,
    before: Days | None = None,
    provisional_from: date | None = None,
    colour: int = 1,
    bars: bool = False,
) -> charts.Series:
    """A day series of one column (or a ratio of two); a covered day without a row is a true zero."""
    by_day = {row["date"]: row for row in days}

    def value(day: date) -> Decimal | None:
        row = by_day.get(day)
        if row is None:
            return Decimal(0) if covered is not None and day in covered and not denominator else None
        if denominator:
            return ratio(row[numerator], row[denominator])
        return None if row[numerator] is None else Decimal(row[numerator])

    points = [
        charts.Point(day, value(day), provisional=provisional_from is not None and day >= provisional_from)
        for day in span
    ]
    compared = [value(day) for day in before] if before else []
    return charts.Series(label, points, colour=colour, bars=bars, compared=compared)
