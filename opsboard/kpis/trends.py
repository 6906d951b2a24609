"""The trend of a figure: its days with the limit, the compared period, what was known of it and what was restated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import charts, formats
from opsboard.ui.filters import Days, PageState

from . import restatements, vintages
from .daily import measures_by_day
from .figures import change_of, in_words, tick_words
from .models import Verdict
from .registry import Unit, kpis, measures
from .worth import Row, day_value, days_for, ends_of, label_of, mature_days, measures_of, moving_from, unit_of


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit in force for a KPI in a scope, as the last verdict held it."""

    low: Decimal | None
    high: Decimal | None


def limit_of(kpi: str, scope: AccountMarketplace) -> Limits | None:
    """The limit a KPI is judged by in a scope; None before the first verdict."""
    found = Verdict.objects.filter(account_id=scope.account_id, marketplace_id=scope.marketplace_id, kpi=kpi).first()
    return Limits(found.low, found.high) if found else None


def chart(key: str, scope: AccountMarketplace, state: PageState) -> charts.Trend:
    """The trend of one KPI or measure with its limit, the compared period and what was known of it on ?known=."""
    days, before = days_for(key, scope, state), state.compared(scope)
    table = measures_by_day(scope, measures_of(key), (days.first, days.last), ends_of(before))
    by_day = {row["date"]: row for row in table}
    moving = moving_from(key, scope)
    points = [charts.Point(day, day_value(key, by_day.get(day)), day >= moving) for day in days]
    compared = [day_value(key, by_day.get(day)) for day in before] if before else []
    unit, limits = unit_of(key), limit_of(key, scope)
    bars = unit in {Unit.MONEY, Unit.COUNT} and not (kpis()[key].denominator if key in kpis() else False)
    line = None
    if limits and (value := limits.high if limits.high is not None else limits.low) is not None:
        line = charts.LimitLine(value, _("limit %(value)s") % {"value": in_words(value, unit, scope.marketplace)})
    scale = Decimal(1)
    if unit == Unit.MONEY:
        scale = Decimal(1).scaleb(-scope.marketplace.minor_digits)
    elif unit == Unit.RATE:
        scale = Decimal(100)
    lines = [charts.Series(label_of(key), points, colour=1, bars=bars, compared=compared)]
    if state.known_on is not None:
        label = _("as known on %(day)s") % {"day": formats.day(state.known_on)}
        lines.append(charts.Series(label, _known_points(key, scope, days, state.known_on), colour=3, bars=bars))
    drawn = charts.trend(
        label_of(key),
        lines,
        show=lambda value: in_words(value, unit, scope.marketplace, whole=True),
        show_tick=lambda value: tick_words(value, unit, scope.marketplace),
        scale=scale,
        limit=line,
    )
    return replace(
        drawn,
        restated=tuple(restated_days(key, scope, table, days)),
        twin=tuple(replace(row, url=_day_url(key, scope, row.day, state)) for row in drawn.twin),
    )


def restated_days(key: str, scope: AccountMarketplace, table: Sequence[Row], days: Days) -> list[charts.Restatement]:
    """The days of a figure's trend that read differently from when they were final, the newest first."""
    needed, unit, marketplace = measures_of(key), unit_of(key), scope.marketplace
    news = vintages.restated(scope.account_id, marketplace, needed, days.first, days.last)
    now_by_day = {row["date"]: row for row in table}
    was_by_day = {row["date"]: row for row in restatements.as_first_final(table, news, needed)}
    told, named = restatements.newest_by_day(news), restatements.sources(scope, news)
    found = []
    for day in sorted(told, reverse=True):
        was, now = day_value(key, was_by_day.get(day)), day_value(key, now_by_day.get(day))
        words = in_words(was, unit, marketplace), in_words(now, unit, marketplace)
        if words[0] == words[1]:
            continue
        by, _tone = change_of(now, was, unit, 0, marketplace)
        source, url = named.get(told[day].document_id or 0, (formats.NOTHING, ""))
        found.append(
            charts.Restatement(day, *words, by or formats.NOTHING, source, url, restatements.when(scope, told[day]))
        )
    return found


def _known_points(key: str, scope: AccountMarketplace, days: Days, on: date) -> list[charts.Point]:
    """The figure day by day as a person saw it when the marketplace's day `on` ended."""
    needed = measures_of(key)
    known = vintages.as_known_on(scope.account_id, scope.marketplace, needed, days.first, days.last, on)
    rows = ((day, {name: known.get(name, {}).get(day) for name in needed}) for day in days)
    moving = date.fromordinal(on.toordinal() - mature_days(key))
    return [charts.Point(day, day_value(key, row), bool(mature_days(key)) and day >= moving) for day, row in rows]


def _day_url(key: str, scope: AccountMarketplace, day: date, state: PageState) -> str:
    """The page of the rows behind a day of a figure; empty for what is typed in."""
    dataset = measures()[measures_of(key)[0]].dataset
    if not dataset:
        return ""
    return reverse("feeds:coverage-day", args=[dataset, day.isoformat()]) + state.carried(scope)


def explorable(keys: Sequence[str], key: str, scope: AccountMarketplace, state: PageState) -> dict[str, Any] | None:
    """The figure for plotly when the address asks to explore (?explore=1): the chosen trend over a year back,
    the page's other tiles of the same unit as hidden lines. None otherwise."""
    if state.query_dict.get("explore") != "1":
        return None
    last = state.days(scope).last
    first = date.fromordinal(last.toordinal() - 364)
    unit = unit_of(key)
    alike = [key, *(other for other in keys if other != key and unit_of(other) == unit)]
    table = measures_by_day(scope, sorted({name for one in alike for name in measures_of(one)}), (first, last))
    by_day = {row["date"]: row for row in table}
    factor = Decimal(1)
    if unit == Unit.MONEY:
        factor = Decimal(1).scaleb(-scope.marketplace.minor_digits)
    elif unit == Unit.RATE:
        factor = Decimal(100)
    days = list(Days(first, last))
    traces = []
    for one in alike:
        values = [day_value(one, by_day.get(day)) for day in days]
        traces.append(
            {
                "name": label_of(one),
                "x": [day.isoformat() for day in days],
                "y": [None if value is None else float(value * factor) for value in values],
                "visible": True if one == key else "legendonly",
            }
        )
    limits = limit_of(key, scope)
    limit = None
    if limits and (value := limits.high if limits.high is not None else limits.low) is not None:
        limit = {
            "y": float(value * factor),
            "label": _("limit %(value)s") % {"value": in_words(value, unit, scope.marketplace)},
        }
    shown = state.days(scope)
    suffix = {Unit.RATE: " %", Unit.MONEY: " " + scope.marketplace.currency}.get(unit, "")
    return {
        "traces": traces,
        "limit": limit,
        "suffix": suffix,
        "range": [shown.first.isoformat(), shown.last.isoformat()],
        "all": _("all"),
        "month": _("1 month"),
        "quarter": _("3 months"),
    }
