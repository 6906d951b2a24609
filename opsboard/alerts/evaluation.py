"""What a rule says of a KPI: a pure function of the rule's version and of the figures as they are known.

Nothing here reads the clock or, but for how long the sales of a report are counted, the database: the judge's
transaction and a replay of the past ask the same question. A finding that nobody can make (missing, immature,
nothing to compare with) is None, never "no".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from opsboard.accounts.models import Marketplace
from opsboard.kpis import judge
from opsboard.kpis.limits import in_force
from opsboard.kpis.models import ThresholdOverride, Verdict
from opsboard.kpis.registry import Kpi, Window

from . import forecast
from .models import Rule

Kind = Rule.Kind


#: Kinds that hold a value against a limit, so that "back inside by so much" and "so many days in a row" mean something.
WITH_LIMIT = frozenset({Kind.LIMIT, Kind.THRESHOLD, Kind.SUPPLY, Kind.CHANGE})
#: How many of the same weekdays a day is compared with, and how many of them must be there.
WEEKDAYS, ENOUGH_WEEKDAYS = 4, 3
#: What a figure that is no sum is compared with: itself so many days before.
STATE_DAYS_BACK = 7
_KEPT = {Verdict.Status.OK, Verdict.Status.WARN, Verdict.Status.NO_LIMIT}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a scope on a day of its marketplace."""

    figures: judge.Figures
    marketplace: Marketplace
    today: date
    overrides: Sequence[ThresholdOverride] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a rule fires for a KPI (None: nobody can know), and what by."""

    fires: bool | None
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    source: str = ""
    first: date | None = None
    last: date | None = None
    since: date | None = None
    compared: Decimal | None = None
    expected_on: date | None = None
    error_days: int | None = None
    #: How many SKUs or campaigns it is about; 0 for the marketplace as a whole.
    count: int = 0


UNKNOWN = Finding(None)


class Judged(Protocol):
    """A verdict, or a judgement that was not written down."""

    @property
    def status(self) -> str: ...
    @property
    def value(self) -> Decimal | None: ...
    @property
    def low(self) -> Decimal | None: ...
    @property
    def high(self) -> Decimal | None: ...
    @property
    def limit_source(self) -> str: ...
    @property
    def first(self) -> date | None: ...
    @property
    def last(self) -> date | None: ...
    @property
    def breached_since(self) -> date | None: ...


def of_verdict(rule: Rule, judged: Judged, running: bool) -> Finding:
    """A rule about the limit in force, from the judgement by it."""
    value, low, high = judged.value, judged.low, judged.high
    found = Finding(None, value, low, high, judged.limit_source, judged.first, judged.last, judged.breached_since)
    if value is None or (judged.status != Verdict.Status.BREACH and judged.status not in _KEPT):
        return found
    if judged.status == Verdict.Status.BREACH:
        days = (judged.last - judged.breached_since).days + 1 if judged.last and judged.breached_since else 1
        return replace(found, fires=running or days >= rule.for_days)
    return replace(found, fires=running and judged.status != Verdict.Status.NO_LIMIT and not _clear(rule, found))


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """A judgement in the shape of a verdict."""

    status: str
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    limit_source: str
    first: date | None
    last: date | None
    breached_since: date | None


def evaluate(rule: Rule, kpi: Kpi, known: Known, running: bool = False, since_days: int = judge.SINCE_DAYS) -> Finding:
    """What the rule says of the KPI; `running`: whether it has fired before and is not over yet.

    "Since" is looked for at most `since_days` back, and never less than the rule asks for.
    """
    reach = max(since_days, rule.for_days)
    match Kind(rule.kind):
        case Kind.LIMIT:
            found = judge.judge_kpi(
                kpi, known.figures, known.marketplace, known.today, list(known.overrides), since_days=reach
            )
            limit = found.limit
            low, high, source = (limit.low, limit.high, limit.source) if limit else (None, None, "")
            verdict = _Unwritten(found.status, found.value, low, high, source, found.first, found.last, found.since)
            return of_verdict(rule, verdict, running)
        case Kind.NO_DATA:
            return _silence(rule, kpi, known)
        case Kind.FORECAST:
            return _forecast(rule, kpi, known, running)
    newest = judge.reading(kpi, known.figures, judge.last_final_day(kpi, known.figures.scope, known.today))
    if newest.value is None:
        return UNKNOWN
    found_now = _at(rule, kpi, known, newest.last)
    if found_now.fires is None:
        return UNKNOWN
    if not found_now.fires:
        return replace(found_now, fires=running and rule.kind in WITH_LIMIT and not _clear(rule, found_now))
    days, since = 1, newest.last
    while days < reach:
        before = _at(rule, kpi, known, newest.last - timedelta(days=days))
        if not before.fires:
            break
        since = newest.last - timedelta(days=days)
        days += 1
    return replace(found_now, fires=running or days >= rule.for_days, since=since)


def _clear(rule: Rule, found: Finding) -> bool:
    """Whether a figure that is inside its limits is so by as much as the rule asks for."""
    return found.value is None or inside_by_enough(rule, found.value, found.low, found.high)


def inside_by_enough(rule: Rule, value: Decimal, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether a value inside its bounds is so by as much as the rule asks for before it is over."""
    if not rule.clear_by:
        return True
    if high is not None and value > high - abs(high) * rule.clear_by:
        return False
    return low is None or value >= low + abs(low) * rule.clear_by


def _at(rule: Rule, kpi: Kpi, known: Known, end: date) -> Finding:
    """Whether the figure that ends on a day is beyond what the rule allows on that day."""
    if rule.kind == Kind.WEEKDAY:
        one = replace(kpi, days=1)
        now = judge.window(one, known.figures, end)
        then = _same_weekdays(one, known, end)
    else:
        now = judge.window(kpi, known.figures, end)
        then = _period_before(kpi, known, now) if rule.kind == Kind.CHANGE else None
    if now.value is None:
        return UNKNOWN
    low, high = rule.low, rule.high
    if rule.kind in {Kind.CHANGE, Kind.WEEKDAY}:
        if not then:
            return UNKNOWN  # nothing to compare with, and no share of nothing
        low = None if rule.change_down is None else then - abs(then) * rule.change_down
        high = None if rule.change_up is None else then + abs(then) * rule.change_up
    beyond = (high is not None and now.value > high) or (low is not None and now.value < low)
    return Finding(beyond, now.value, low, high, "", now.first, now.last, now.last, then)


def _period_before(kpi: Kpi, known: Known, now: judge.Reading) -> Decimal | None:
    """The figure of the window just before, or of a week before where it is no sum."""
    if kpi.window is Window.SUM:
        return judge.window(kpi, known.figures, now.first - timedelta(days=1)).value
    return judge.window(kpi, known.figures, now.last - timedelta(days=STATE_DAYS_BACK)).value


def _same_weekdays(one: Kpi, known: Known, day: date) -> Decimal | None:
    """The same weekday of the weeks before: the mean of sums, or the ratio of all of them together."""
    top, bottom = known.figures.days(one.numerator), known.figures.days(one.denominator)
    days = [day - timedelta(days=7 * week) for week in range(1, WEEKDAYS + 1)]
    there = [d for d in days if d in top and (not one.denominator or d in bottom)]
    if len(there) < ENOUGH_WEEKDAYS:
        return None
    divisor = sum((bottom[d] for d in there), Decimal(0)) if one.denominator else Decimal(len(there))
    return one.scale * sum((top[d] for d in there), Decimal(0)) / divisor if divisor else None


def _silence(rule: Rule, kpi: Kpi, known: Known) -> Finding:
    """How many days nothing came that should have. A figure that never was there is not missed."""
    expected = judge.last_final_day(kpi, known.figures.scope, known.today)
    days = set(known.figures.days(kpi.numerator))
    if kpi.denominator:
        days &= set(known.figures.days(kpi.denominator))
    newest = max((day for day in days if day <= expected), default=None)
    if newest is None:
        return UNKNOWN
    silent = (expected - newest).days
    allowed = Decimal(rule.days or 1)
    return Finding(
        silent >= allowed,
        Decimal(silent),
        None,
        allowed,
        first=newest,
        last=expected,
        since=newest + timedelta(days=1) if silent else None,
    )


def _forecast(rule: Rule, kpi: Kpi, known: Known, running: bool) -> Finding:
    """Whether the limit will be crossed within the days looked ahead, by the line through the same weekdays."""
    end = judge.last_final_day(kpi, known.figures.scope, known.today)
    now = judge.reading(kpi, known.figures, end)
    if now.value is None:
        return UNKNOWN
    low, high, source = rule.low, rule.high, ""
    if low is None and high is None:
        target = judge.target_on(kpi, known.figures, now.last)
        limit = in_force(kpi, known.marketplace, known.today, known.overrides, target)
        if limit is None or (limit.low is None and limit.high is None):
            return UNKNOWN
        low, high, source = limit.low, limit.high, limit.source
    found = Finding(False, now.value, low, high, source, now.first, now.last, None)
    if (high is not None and now.value > high) or (low is not None and now.value < low):
        return replace(found, fires=running)  # it came true: the limit itself is told of by its own rule
    points = [
        (-7 * week, reading.value)
        for week in range(forecast.WEEKS)
        if (reading := judge.window(kpi, known.figures, now.last - timedelta(days=7 * week))).value is not None
    ]
    line = forecast.fit([(x, y) for x, y in points if y is not None])
    if line is None:
        return UNKNOWN
    ahead = (rule.days or 14) + (known.today - now.last).days
    for bound, upward in ((high, True), (low, False)):
        crossing = forecast.crossing(line, bound, upward, ahead, sure=not running) if bound is not None else None
        if crossing is not None:
            return replace(
                found,
                fires=True,
                low=None if upward else low,
                high=high if upward else None,
                expected_on=max(now.last + timedelta(days=crossing.days), known.today),
                error_days=crossing.error_days,
            )
    return found
