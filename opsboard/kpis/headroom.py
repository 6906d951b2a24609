"""How many more orders a limit bears, and when enough of the old ones are no longer counted.

Exact, on the counts behind a figure and at its present denominator. When something stops counting is known
to the day where each event is dated. Where only Amazon's totals of a moving window are known, the totals of
the days before bound it: what Amazon counted while the old events were the new ones is at least, and at most,
so much of what it counts now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from .limits import LimitInForce
from .registry import Kpi, Window

Days = Mapping[date, Decimal]

#: How surely the day is known on which a broken limit is kept again if nothing new comes.
EXACT, LATEST, UNSTATED = "exact", "latest", "unstated"


@dataclass(frozen=True, slots=True)
class Headroom:
    """Events until the limit is broken, the one that breaks it included; negative: so many too many."""

    more: int
    clear_on: date | None = None
    how: str = ""


def headroom(
    kpi: Kpi, by_measure: Mapping[str, Days], limit: LimitInForce | None, first: date, last: date, today: date
) -> Headroom | None:
    """What the limit bears beyond the figure of first..last; None where nothing is counted or limited."""
    if kpi.orders is None or limit is None or (limit.high is None and limit.low is None):
        return None
    top, bottom = by_measure.get(kpi.numerator, {}), by_measure.get(kpi.denominator, {})
    lower = limit.high is None
    events = {day: bottom[day] - value if lower else value for day, value in top.items() if not lower or day in bottom}
    if kpi.window is Window.SUM:
        inside = [day for day in events if first <= day <= last and (not kpi.denominator or day in bottom)]
        whole = sum((bottom[day] for day in inside), Decimal(0)) if kpi.denominator else Decimal(1)
    else:
        inside = [last] if last in events and (not kpi.denominator or last in bottom) else []
        whole = bottom[last] if inside and kpi.denominator else Decimal(1)
    if not inside or whole <= 0:
        return None
    borne = most_borne(limit, whole)
    over = int(sum(events[day] for day in inside)) - borne
    if over <= 0:
        return Headroom(1 - over)
    if kpi.window is Window.SUM:
        return Headroom(-over, _own_days(events, first, borne, today), EXACT)
    return _stated_days(kpi, by_measure, events, last, borne, over, today)


def most_borne(limit: LimitInForce, whole: Decimal) -> int:
    """The largest number of events that keeps the limit."""
    bound = limit.high * whole if limit.high is not None else whole - (limit.low or Decimal(0)) * whole
    if limit.strict:
        return int(bound.to_integral_value(ROUND_CEILING)) - 1
    return int(bound.to_integral_value(ROUND_FLOOR))


def _own_days(events: Days, first: date, borne: int, today: date) -> date:
    """The day on which the moving window of our own days holds few enough; younger events than it has now count."""
    for step in range(1, (today - first).days + 1):
        if sum(value for day, value in events.items() if day >= first + timedelta(days=step)) <= borne:
            return today + timedelta(days=step)
    return today + timedelta(days=(today - first).days + 1)


def _stated_days(
    kpi: Kpi, by_measure: Mapping[str, Days], stated: Days, last: date, borne: int, over: int, today: date
) -> Headroom:
    """The same from what Amazon stated day by day of its own moving window.

    Of W days that end with `last`, the oldest k leave in k days. They were the newest of the window stated W - k
    days ago; the rest of that window was in the one stated W days ago. So at least the difference of those two
    totals leaves, and at most the whole of the first. When the last of the W days is gone, nothing is left.
    """
    assert kpi.orders is not None
    lengths, lags = by_measure.get(kpi.orders.days, {}), by_measure.get(kpi.orders.lag, {})
    length = lengths.get(last)
    if not length:
        return Headroom(-over, None, UNSTATED)
    days = int(length)
    # Amazon may count other days than it used to: those totals are no bound for these.
    stated = {
        day: value for day, value in stated.items() if lengths.get(day) == length and lags.get(day) == lags.get(last)
    }
    before = stated.get(last - timedelta(days=days))
    at_least, earliest = Decimal(0), days
    for step in range(1, days):
        then = stated.get(last - timedelta(days=days - step))
        if then is None:
            earliest = min(earliest, step)  # nothing is known of what leaves by then
            continue
        if then >= over:
            earliest = min(earliest, step)
        if before is not None:
            at_least = max(at_least, then - before)
        if at_least >= over:
            how = EXACT if step == earliest else LATEST
            return Headroom(-over, max(last + timedelta(days=step), today), how)
    return Headroom(-over, last + timedelta(days=days), EXACT if earliest == days else LATEST)
