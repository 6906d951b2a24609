"""What a KPI or a plain measure is worth over days: sums over sums, states by their newest day, missing never zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import attribution
from opsboard.ui.entities import Alike
from opsboard.ui.filters import Days, PageState

from .registry import Measure, Unit, Window, kpis, measures

#: A day of the roll-up: "date" and a value (or None) for each measure.
Row = Mapping[str, Any]


def ends_of(days: Days | None) -> tuple[date, date] | None:
    return (days.first, days.last) if days else None


def measures_of(key: str) -> list[str]:
    kpi = kpis().get(key)
    return [name for name in (kpi.numerator, kpi.denominator) if name] if kpi else [key]


def _is_snapshot(measure: Measure) -> bool:
    """Whether days of the measure are states (stock) rather than amounts: judged by the newest day or typed in."""
    return not measure.dataset or any(
        kpi.window != Window.SUM and measures()[kpi.numerator].dataset == measure.dataset
        for kpi in kpis().values()
        if kpi.numerator in measures()
    )


def is_state(key: str) -> bool:
    """Whether a figure is what was so on a day, rather than what happened over days."""
    kpi = kpis().get(key)
    return kpi.window != Window.SUM if kpi else _is_snapshot(measures()[key])


def days_for(key: str, scope: AccountMarketplace, state: PageState) -> Days:
    """The days a figure is shown over: states may include today, sums end with the newest complete day."""
    return state.snapshot_days(scope) if is_state(key) else state.days(scope)


def value_over(key: str, table: Sequence[Row], days: Days | None) -> Decimal | None:
    """The figure of a KPI or measure over a span: sums over sums, or the newest day's for states."""
    if days is None:
        return None
    inside = [row for row in table if days.first <= row["date"] <= days.last]
    kpi = kpis().get(key)
    if kpi is None:
        present = [row[key] for row in inside if row[key] is not None]
        if not present:
            return None
        return present[-1] if _is_snapshot(measures()[key]) else sum(present, Decimal(0))
    if not kpi.denominator:
        present = [row[kpi.numerator] for row in inside if row[kpi.numerator] is not None]
        if not present:
            return None
        return kpi.scale * (sum(present, Decimal(0)) if kpi.window == Window.SUM else present[-1])
    both = [row for row in inside if row[kpi.numerator] is not None and row[kpi.denominator] is not None]
    if not both:
        return None
    if kpi.window == Window.LATEST:
        both = both[-1:]
    top: Decimal = sum((row[kpi.numerator] for row in both), Decimal(0))
    bottom: Decimal = sum((row[kpi.denominator] for row in both), Decimal(0))
    if kpi.window == Window.AVERAGE_DENOMINATOR:
        held_from = date.fromordinal(days.last.toordinal() - kpi.days + 1)
        held = [
            r[kpi.denominator] for r in table if held_from <= r["date"] <= days.last and r[kpi.denominator] is not None
        ]
        top, bottom = both[-1][kpi.numerator], sum(held, Decimal(0)) / len(held)
    return kpi.scale * top / bottom if bottom else None


def known_days(key: str, table: Sequence[Row]) -> set[date]:
    """The days all figures of a KPI or measure are known of."""
    needed = measures_of(key)
    return {row["date"] for row in table if all(row[name] is not None for name in needed)}


def compared_over(
    key: str, table: Sequence[Row], days: Days, before: Days | None
) -> tuple[Decimal | None, Decimal | None]:
    """What is compared: (now, then). Sums are compared over days known on both sides: a missing day is no change."""
    if before is None or is_state(key):
        return value_over(key, table, days), value_over(key, table, before)
    alike = Alike.of(known_days(key, table), days, before)
    now = value_over(key, [row for row in table if row["date"] in alike.now], days)
    return now, value_over(key, [row for row in table if row["date"] in alike.before], before)


def day_value(key: str, row: Row | None) -> Decimal | None:
    """The figure of one day for a chart; None is a gap."""
    if row is None:
        return None
    kpi = kpis().get(key)
    if kpi is None:
        found: Decimal | None = row[key]
        return found
    top = row[kpi.numerator]
    if not kpi.denominator:
        return None if top is None else kpi.scale * top
    bottom = row[kpi.denominator]
    return None if top is None or not bottom else kpi.scale * top / bottom


def mature_days(key: str) -> int:
    return max((measures()[name].mature_days for name in measures_of(key) if name in measures()), default=0)


def moving_from(key: str, scope: AccountMarketplace) -> date:
    """The first day whose figure may still move; no day at all where figures never do."""
    wait, today = mature_days(key), scope.marketplace.today()
    if not wait:
        return date.max
    moving = today - timedelta(days=wait)
    for measure in (measures()[name] for name in measures_of(key) if name in measures()):
        if measure.attributed:
            still = attribution.still_counting(scope.account_id, scope.marketplace_id, measure.dataset, today)
            moving = min(moving, still or moving)
    return moving


def unit_of(key: str) -> Unit:
    kpi = kpis().get(key)
    return kpi.unit if kpi else measures()[key].unit


def label_of(key: str) -> str:
    kpi = kpis().get(key)
    return str(kpi.label if kpi else measures()[key].label)
