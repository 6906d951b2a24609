"""Tiles and trends of a page: KPIs and plain measures over the page's own days, from the roll-up.

The figure is that of the page's period; the status is the verdict over the KPI's own judged
window (opsboard.kpis.judge), so choosing another period never hides a breach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.feeds import attribution
from opsboard.ui import charts, formats, joins
from opsboard.ui.entities import Alike
from opsboard.ui.filters import Days, PageState

from . import contract, restatements, vintages
from .daily import measures_by_day
from .figures import change_of, difference, headroom, in_words, limit_words, roll_off, status_words, tick_words
from .models import Verdict
from .registry import Kpi, Measure, Unit, Window, kpis, measures
from .words import reason_words, source_words

__all__ = [
    "Card",
    "Limits",
    "cards",
    "change_of",
    "chart",
    "chosen",
    "days_for",
    "difference",
    "explorable",
    "headroom",
    "in_words",
    "limit_of",
    "limit_words",
    "roll_off",
    "tick_words",
    "value_over",
    "verdicts",
]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit in force for a KPI in a scope, as the last verdict held it."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Card:
    """A tile ready for templates/ui/tile.html."""

    key: str
    label: str
    value: str
    change: str
    tone: str
    status: str
    status_words: str
    headroom: str
    spark: charts.Spark | None
    as_of: str
    url: str
    current: bool = False
    where: str = ""
    limit_words: str = ""
    contract: contract.Contract | None = None
    #: "restated: was ..., now ..." where days of the period changed after they were final.
    restated: str = ""
    #: "sales within 7 days of a click" of figures made of attributed sales.
    counted: str = ""


def chosen(request: HttpRequest, keys: Sequence[str]) -> str:
    """The tile whose trend the page draws: ?chart=..., else the first."""
    asked = request.GET.get("chart", "")
    return asked if asked in keys else keys[0]


def verdicts(scopes: Iterable[AccountMarketplace]) -> dict[tuple[int, int, str], Verdict]:
    """The newest verdicts of these (visible) scopes, by account, marketplace and KPI."""
    pairs = {(scope.account_id, scope.marketplace_id) for scope in scopes}
    found = Verdict.objects.filter(account_id__in={a for a, _m in pairs}, marketplace_id__in={m for _a, m in pairs})
    return {(v.account_id, v.marketplace_id, v.kpi): v for v in found if (v.account_id, v.marketplace_id) in pairs}


def limit_of(kpi: str, scope: AccountMarketplace) -> Limits | None:
    """The limit a KPI is judged by in a scope; None before the first verdict."""
    found = Verdict.objects.filter(account_id=scope.account_id, marketplace_id=scope.marketplace_id, kpi=kpi).first()
    return Limits(found.low, found.high) if found else None


def cards(keys: Sequence[str], scope: AccountMarketplace, state: PageState, *, elsewhere: bool = False) -> list[Card]:
    """Tiles of one scope in the given order; `elsewhere` names the scope and links to the domain's page."""
    known = verdicts([scope])
    days, before = state.days(scope), state.compared(scope)
    needed = {name for key in keys for name in _needed(key)}
    beside = {name for key in keys for name in _beside(key)}
    shelf = contract.Shelf(scope, [key for key in keys if key in kpis() or key in measures()])
    newest = state.snapshot_days(scope).last
    first = _earliest(keys, days)
    table = measures_by_day(scope, sorted(needed | beside), (first, newest), _span(before))
    news = vintages.restated(scope.account_id, scope.marketplace, sorted(needed), first, newest)
    first_final = restatements.as_first_final(table, news, sorted(needed)) if news else table
    return [
        _card(
            key,
            scope,
            state,
            table,
            first_final,
            days_for(key, scope, state),
            before,
            known.get((scope.account_id, scope.marketplace_id, key)),
            elsewhere,
            shelf,
        )
        for key in keys
        if key in kpis() or key in measures()
    ]


def _span(days: Days | None) -> tuple[date, date] | None:
    return (days.first, days.last) if days else None


def _earliest(keys: Sequence[str], days: Days) -> date:
    """Averages look further back than the page does."""
    averaged = [kpis()[key].days for key in keys if key in kpis() and kpis()[key].window == Window.AVERAGE_DENOMINATOR]
    return min([days.first, *(date.fromordinal(days.last.toordinal() - n + 1) for n in averaged)])


def _needed(key: str) -> list[str]:
    kpi = kpis().get(key)
    return [name for name in (kpi.numerator, kpi.denominator) if name] if kpi else [key]


def _beside(key: str) -> list[str]:
    """What a contract tells beside the figure: Amazon's own, and the days Amazon counted."""
    kpi = kpis().get(key)
    if kpi is None:
        return []
    return [name for name in (kpi.counterpart, *((kpi.orders.days, kpi.orders.lag) if kpi.orders else ())) if name]


def _is_snapshot(measure: Measure) -> bool:
    """Whether days of the measure are states (stock) rather than amounts: judged by the newest day or typed in."""
    return not measure.dataset or any(
        kpi.window != Window.SUM and measures()[kpi.numerator].dataset == measure.dataset
        for kpi in kpis().values()
        if kpi.numerator in measures()
    )


def _is_state(key: str) -> bool:
    """Whether a figure is what was so on a day, rather than what happened over days."""
    kpi = kpis().get(key)
    return kpi.window != Window.SUM if kpi else _is_snapshot(measures()[key])


def days_for(key: str, scope: AccountMarketplace, state: PageState) -> Days:
    """The days a figure is shown over: states may include today, sums end with the newest complete day."""
    return state.snapshot_days(scope) if _is_state(key) else state.days(scope)


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


def _known(key: str, table: Sequence[Row]) -> set[date]:
    """The days all figures of a KPI or measure are known of."""
    needed = _needed(key)
    return {row["date"] for row in table if all(row[name] is not None for name in needed)}


def compared_over(
    key: str, table: Sequence[Row], days: Days, before: Days | None
) -> tuple[Decimal | None, Decimal | None]:
    """What is compared: (now, then). Sums are compared over days known on both sides: a missing day is no change."""
    if before is None or _is_state(key):
        return value_over(key, table, days), value_over(key, table, before)
    alike = Alike.of(_known(key, table), days, before)
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
    return max((measures()[name].mature_days for name in _needed(key) if name in measures()), default=0)


def moving_from(key: str, scope: AccountMarketplace) -> date:
    """The first day whose figure may still move; no day at all where figures never do."""
    wait, today = mature_days(key), scope.marketplace.today()
    if not wait:
        return date.max
    moving = today - timedelta(days=wait)
    for measure in (measures()[name] for name in _needed(key) if name in measures()):
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


def _card(
    key: str,
    scope: AccountMarketplace,
    state: PageState,
    table: Sequence[Row],
    first_final: Sequence[Row],
    days: Days,
    before: Days | None,
    verdict: Verdict | None,
    elsewhere: bool,
    shelf: contract.Shelf,
) -> Card:
    kpi, unit, marketplace = kpis().get(key), unit_of(key), scope.marketplace
    now = value_over(key, table, days)
    change, tone = change_of(
        *compared_over(key, table, days, before),
        unit,
        kpi.direction if kpi else 1 if key.startswith("listings.") else 0,
        marketplace,
    )
    by_day = {row["date"]: row for row in table}
    moving = moving_from(key, scope)
    points = [(day, day_value(key, by_day.get(day)), day >= moving) for day in days]
    limit = None
    if verdict is not None:
        limit = verdict.high if verdict.high is not None else verdict.low
    last = max((day for day, value, _p in points if value is not None), default=None)
    status, words = _status(verdict)
    restated = _restated(now, value_over(key, first_final, days), unit, marketplace)
    return Card(
        key=key,
        label=label_of(key),
        value=in_words(now, unit, marketplace, whole=True),
        change=change,
        tone=tone,
        status=status,
        status_words=words,
        headroom=_headroom(verdict, kpi, now, marketplace) if verdict and kpi and last else "",
        spark=charts.sparkline(points, limit),
        as_of=_as_of(last, moving, kpi, days, _known(key, table), _is_state(key)),
        url=_url(key, kpi, scope, state, elsewhere),
        current=not elsewhere and state.query_dict.get("chart") == key,
        where=f"{scope.account.name} · {marketplace.code}" if elsewhere and state.scope is None else "",
        limit_words=_limit_words(verdict, kpi, marketplace),
        contract=_contract(key, shelf, table, days, verdict, restated, state),
        restated=restated,
        counted=counted(key, scope.account_id, scope.marketplace_id, days, before),
    )


def _contract(
    key: str,
    shelf: contract.Shelf,
    table: Sequence[Row],
    days: Days,
    verdict: Verdict | None,
    restated: str,
    state: PageState,
) -> contract.Contract:
    """What the tile opens: the promise behind the figure, with what only this page knows of it."""
    kpi = kpis().get(key)
    if kpi is None:
        return contract.of_measure(measures()[key], shelf)
    inside = [row for row in table if days.first <= row["date"] <= days.last]
    newest = next((row for row in reversed(inside) if row.get(kpi.numerator) is not None), None)
    facts = (
        contract.stated_days(kpi, newest),
        contract.counterpart(kpi, inside, shelf.scope) if kpi.counterpart else None,
        contract.Fact(_("Since it was final"), restated or _("unchanged")),
    )
    made = contract.of_kpi(kpi, shelf, verdict=verdict, more=[fact for fact in facts if fact])
    if not made.rows_url:
        return made
    place, hash_, fragment = made.rows_url.partition("#")
    return replace(made, rows_url=place + state.carried(shelf.scope) + hash_ + fragment)


class Spanned(Protocol):
    """Days from first to last: those of a page, of a verdict or of an episode."""

    @property
    def first(self) -> Any: ...
    @property
    def last(self) -> Any: ...


def counted(
    key: str,
    account_id: int,
    marketplace_id: int,
    days: Spanned,
    before: Spanned | None = None,
    *,
    brief: bool = False,
) -> str:
    """Over how many days after a click the sales behind a figure are counted; "" for a figure without such sales.

    `brief` is for a cell, and says nothing of the window that sellers are used to.
    """
    measure = next((measures()[n] for n in _needed(key) if n in measures() and measures()[n].attributed), None)
    if measure is None or not (days.first and days.last):
        return ""
    found, compared = (
        attribution.windows(account_id, marketplace_id, measure.dataset, span.first, span.last) if span else None
        for span in (days, before)
    )
    if brief:
        return attribution.briefly(found or Counter(), compared or Counter())
    return attribution.words(found or Counter(), compared)


def _restated(now: Decimal | None, was: Decimal | None, unit: Unit, marketplace: Marketplace) -> str:
    """What became of the figure since its days were final; nothing where one reads the same as before."""
    words = {"was": in_words(was, unit, marketplace), "now": in_words(now, unit, marketplace)}
    if words["was"] == words["now"]:
        return ""
    by, _tone = change_of(now, was, unit, 0, marketplace)
    if not by:
        return _("restated: was %(was)s, now %(now)s") % words
    return _("restated: was %(was)s, now %(now)s (%(by)s)") % {**words, "by": by}


def restated_days(key: str, scope: AccountMarketplace, table: Sequence[Row], days: Days) -> list[charts.Restatement]:
    """The days of a figure's trend that read differently from when they were final, the newest first."""
    needed, unit, marketplace = _needed(key), unit_of(key), scope.marketplace
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


def _status(verdict: Verdict | None) -> tuple[str, str]:
    if verdict is None:
        return "", ""
    if verdict.status == "breach" and verdict.breached_since:
        return "breach", _("breach since %(day)s") % {"day": formats.day(verdict.breached_since)}
    return verdict.status, status_words(verdict)


def _headroom(verdict: Verdict, kpi: Kpi, now: Decimal | None, marketplace: Marketplace) -> str:
    """How far from the limit; where that is told of another value than the tile shows (its days may move), of which."""
    told = headroom(verdict, kpi, marketplace)
    if not told or verdict.value is None or now is None:
        return told
    judged = in_words(verdict.value, kpi.unit, marketplace, whole=True)
    if judged == in_words(now, kpi.unit, marketplace, whole=True):
        return told
    return joins.listed((told, _("judged at %(value)s") % {"value": judged}))


def _as_of(last: date | None, moving: date, kpi: Kpi | None, days: Days, known: set[date], is_state: bool) -> str:
    if last is None:
        return _("no data in these days")
    if kpi and kpi.window != Window.SUM:
        return _("as of %(day)s") % {"day": formats.day(last)}
    text = _("to %(day)s") % {"day": formats.day(last)}
    span = Days(days.first, last)
    if not is_state and (missing := sum(day not in known for day in span)):
        text += " · " + ngettext("%(n)s of %(all)s days missing", "%(n)s of %(all)s days missing", missing) % {
            "n": formats.decimals(missing),
            "all": formats.decimals(len(span)),
        }
    return text + (" · " + _("provisional from %(day)s") % {"day": formats.day(moving)} if moving <= last else "")


def _limit_words(verdict: Verdict | None, kpi: Kpi | None, marketplace: Marketplace) -> str:
    if verdict is None or kpi is None:
        return ""
    parts = [words] if (words := limit_words(verdict, kpi, marketplace)) else []
    if parts and verdict.limit_source:
        parts.append(f"({source_words(verdict.limit_source)})")
    if parts and kpi.window == Window.SUM:
        parts.append(_("judged over %(n)s mature days") % {"n": kpi.days})
        if verdict.reason:
            parts.append(f"({reason_words(verdict.reason)})")
    return " ".join(parts)


def _url(key: str, kpi: Kpi | None, scope: AccountMarketplace, state: PageState, elsewhere: bool) -> str:
    if not elsewhere:
        return state.query(chart=key) + "#trend"
    domain = kpi.domain if kpi else key.partition(".")[0]
    try:
        return reverse(f"{domain}:index") + state.carried(scope, chart=key) + "#trend"
    except NoReverseMatch:
        return ""


def explorable(keys: Sequence[str], key: str, scope: AccountMarketplace, state: PageState) -> dict[str, Any] | None:
    """The figure for plotly when the address asks to explore (?explore=1): the chosen trend over a year back,
    the page's other tiles of the same unit as hidden lines. None otherwise."""
    if state.query_dict.get("explore") != "1":
        return None
    last = state.days(scope).last
    first = date.fromordinal(last.toordinal() - 364)
    unit = unit_of(key)
    alike = [key, *(other for other in keys if other != key and unit_of(other) == unit)]
    table = measures_by_day(scope, sorted({name for one in alike for name in _needed(one)}), (first, last))
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


def chart(key: str, scope: AccountMarketplace, state: PageState) -> charts.Trend:
    """The trend of one KPI or measure with its limit, the compared period and what was known of it on ?known=."""
    days, before = days_for(key, scope, state), state.compared(scope)
    table = measures_by_day(scope, _needed(key), (days.first, days.last), _span(before))
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


def _day_url(key: str, scope: AccountMarketplace, day: date, state: PageState) -> str:
    """The page of the rows behind a day of a figure; empty for what is typed in."""
    dataset = measures()[_needed(key)[0]].dataset
    if not dataset:
        return ""
    return reverse("feeds:coverage-day", args=[dataset, day.isoformat()]) + state.carried(scope)


def _known_points(key: str, scope: AccountMarketplace, days: Days, on: date) -> list[charts.Point]:
    """The figure day by day as a person saw it when the marketplace's day `on` ended."""
    needed = _needed(key)
    known = vintages.as_known_on(scope.account_id, scope.marketplace, needed, days.first, days.last, on)
    rows = ((day, {name: known.get(name, {}).get(day) for name in needed}) for day in days)
    moving = date.fromordinal(on.toordinal() - mature_days(key))
    return [charts.Point(day, day_value(key, row), bool(mature_days(key)) and day >= moving) for day, row in rows]
