"""Geometry of the charts; their looks are static/css/charts.css.

Two rules hold everywhere: a missing day is a gap, never a line to zero, and provisional
days are hatched. x is in percent of the width and y in pixels, so text keeps its size on
every screen; only lines live in a stretched inner drawing (0-1000 wide).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import floor, log10

from django.utils.functional import Promise

from . import formats, joins

Words = str | Promise
Format = Callable[[Decimal], str]


@dataclass(frozen=True, slots=True)
class Point:
    """One day: None is "no data", which is not zero."""

    day: date
    value: Decimal | None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One line or row of bars. `compared[i]` is the figure of the compared period's i-th day."""

    label: Words
    points: Sequence[Point]
    colour: int = 1
    bars: bool = False
    compared: Sequence[Decimal | None] = ()


@dataclass(frozen=True, slots=True)
class LimitLine:
    value: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: str
    label: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Rect:
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series ready to draw."""

    label: str
    colour: int
    path: str = ""
    dots: tuple[Dot, ...] = ()
    bars: tuple[Rect, ...] = ()
    compared: str = ""
    end: Tick | None = None
    end_y: str = ""


@dataclass(frozen=True, slots=True)
class TwinRow:
    """A row of the table that says what the chart draws."""

    day: date
    cells: tuple[str, ...]
    provisional: bool
    #: The page of the rows the day is made of.
    url: str = ""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A day whose figure changed after it was final, all in words, and the document that changed it."""

    day: date
    was: str
    now: str
    by: str
    source: str
    url: str
    when: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart ready for templates/ui/trend.html."""

    title: str
    summary: str
    height: int
    plot_top: int
    plot_height: int
    series: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    base: str
    hatched: tuple[Rect, ...]
    gaps: tuple[Rect, ...]
    limit_y: str
    limit_label: str
    has_compared: bool
    has_bars: bool
    headers: tuple[str, ...]
    twin: tuple[TwinRow, ...] = field(repr=False, default=())
    restated: tuple[Restatement, ...] = field(repr=False, default=())

    @property
    def view_box(self) -> str:
        return f"0 0 1000 {self.plot_height}"

    @property
    def bottom(self) -> int:
        return self.plot_top + self.plot_height


def _n(value: float) -> str:
    """A coordinate without needless digits (and never in a locale's own spelling)."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _percent(value: float) -> str:
    return _n(value) + "%"


def runs(values: Sequence[object | None]) -> list[tuple[int, int]]:
    """Index spans (start, end exclusive) of present values, in order: a line is drawn per run."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for index, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = index
        elif value is None and start is not None:
            found.append((start, index))
            start = None
    return found


def path(values: Sequence[Decimal | None], x: Callable[[int], float], y: Callable[[Decimal], float]) -> str:
    """An SVG path with a break wherever a value is missing; a lone day becomes a dot elsewhere."""
    parts = []
    for start, end in runs(values):
        if end - start < 2:
            continue
        steps = [f"{_n(x(i))} {_n(y(value))}" for i in range(start, end) if (value := values[i]) is not None]
        parts.append("M" + "L".join(steps))
    return "".join(parts)


def nice_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round values from at most `low` to at least `high`, about `wanted` of them."""
    if high <= low:
        high = low + (abs(low) or 1)
    rough = (high - low) / max(1, wanted - 1)
    power = 10 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = floor(low / step) * step
    ticks = [first]
    while ticks[-1] < high - step * 1e-9:
        ticks.append(round(ticks[-1] + step, 12))
    return ticks


def bounds(values: Sequence[Decimal], *, from_zero: bool) -> tuple[float, float]:
    """What the axis must span: from zero, unless a line lives high above it (98 % of 100 %)."""
    if not values:
        return 0.0, 1.0
    low, high = float(min(values)), float(max(values))
    if from_zero or low <= 0 or low < 0.6 * high:
        low = min(0.0, low)
    return low, high


def trend(
    title: Words,
    series: Sequence[Series],
    *,
    show: Format,
    scale: Decimal = Decimal(1),
    show_tick: Format | None = None,
    limit: LimitLine | None = None,
    height: int = 240,
) -> Trend:
    """Lay a chart out. All series share days and unit; `scale` turns a value into what the axis counts in.

    `show_tick` words the axis where its steps are whole ("$2,000" rather than "$2,000.00").
    """
    points = series[0].points if series else ()
    days = [point.day for point in points]
    count = max(1, len(days))
    every = [v for s in series for v in (*(p.value for p in s.points), *s.compared) if v is not None]
    if limit is not None:
        every.append(limit.value)
    low, high = bounds([value * scale for value in every], from_zero=any(s.bars for s in series))
    ticks = nice_ticks(low, high)
    bottom_value, top_value = ticks[0], ticks[-1]
    word_tick = show_tick if show_tick and all(float(t).is_integer() for t in ticks) else show
    top, plot = 18, height - 18 - 24

    def y(value: Decimal) -> float:
        return (top_value - float(value * scale)) / (top_value - bottom_value) * plot

    def middle(i: int) -> float:
        return (i + 0.5) * 1000 / count

    def percent(i: float) -> str:
        return _percent(i * 100 / count)

    floor_y = y(Decimal(str(max(bottom_value, 0.0))) / scale)
    drawn = tuple(_draw(s, slot, len(series), count, top, middle, y, floor_y, show) for slot, s in enumerate(series))
    present = [any(i < len(s.points) and s.points[i].value is not None for s in series) for i in range(len(days))]
    gaps = tuple(
        Rect(percent(a), percent(b - a), str(top), str(plot)) for a, b in runs([None if p else 1 for p in present])
    )
    hatched = tuple(
        Rect(percent(a), percent(b - a), str(top), str(plot))
        for a, b in runs([1 if p.provisional and present[i] else None for i, p in enumerate(points)])
    )
    names = tuple(str(s.label) for s in series)
    has_compared = any(v is not None for s in series for v in s.compared)
    return Trend(
        title=str(title),
        summary=_summary(title, series, show),
        height=height,
        plot_top=top,
        plot_height=plot,
        series=drawn,
        x_ticks=_day_ticks(days),
        y_ticks=tuple(Tick(_n(top + y(Decimal(str(t)) / scale)), word_tick(Decimal(str(t)) / scale)) for t in ticks),
        base=_n(top + floor_y),
        hatched=hatched,
        gaps=gaps,
        limit_y=_n(top + y(limit.value)) if limit else "",
        limit_label=limit.label if limit else "",
        has_compared=has_compared,
        has_bars=any(s.bars for s in series),
        headers=names,
        twin=tuple(
            TwinRow(
                day,
                tuple(
                    formats.NOTHING if (v := s.points[i].value if i < len(s.points) else None) is None else show(v)
                    for s in series
                ),
                points[i].provisional,
            )
            for i, day in enumerate(days)
        ),
    )


def _draw(
    series: Series,
    slot: int,
    slots: int,
    count: int,
    top: int,
    middle: Callable[[int], float],
    y: Callable[[Decimal], float],
    floor_y: float,
    show: Format,
) -> Drawn:
    values = [point.value for point in series.points]
    compared = path(series.compared, middle, y)
    last = max((i for i, value in enumerate(values) if value is not None), default=None)
    end = end_y = None
    if last is not None and (value := values[last]) is not None:
        at = middle(last) / 10
        end = Tick(_percent(at), show(value), "end" if at > 80 else "start")
        end_y = _n(max(12.0, top + y(value) - 8))
    if series.bars:
        width = 100 / count * 0.72 / slots
        bars = tuple(
            Rect(
                _percent(middle(i) / 10 - width * slots / 2 + width * slot),
                _percent(width),
                _n(top + min(y(value), floor_y)),
                _n(abs(floor_y - y(value))),
            )
            for i, value in enumerate(values)
            if value is not None
        )
        return Drawn(str(series.label), series.colour, bars=bars, compared=compared, end=end, end_y=end_y or "")
    lone = [start for start, stop in runs(values) if stop - start == 1]
    dots = {*lone, *([last] if last is not None else [])}
    return Drawn(
        str(series.label),
        series.colour,
        path=path(values, middle, y),
        dots=tuple(
            Dot(_percent(middle(i) / 10), _n(top + y(value))) for i in sorted(dots) if (value := values[i]) is not None
        ),
        compared=compared,
        end=end,
        end_y=end_y or "",
    )


def _day_ticks(days: Sequence[date], wanted: int = 5) -> tuple[Tick, ...]:
    """At most `wanted` dated ticks, the first and the last day among them."""
    if not days:
        return ()
    last = len(days) - 1
    chosen = (
        sorted({round(last * i / max(1, wanted - 1)) for i in range(wanted)}) if last >= wanted else range(last + 1)
    )
    found = []
    for i in chosen:
        at = (i + 0.5) * 100 / len(days)
        anchor = "start" if at < 6 else "end" if at > 94 else "middle"
        found.append(
            Tick(_percent(at if anchor == "middle" else 0 if anchor == "start" else 100), formats.day(days[i]), anchor)
        )
    return tuple(found)


def _summary(title: Words, series: Sequence[Series], show: Format) -> str:
    """One sentence for those who hear the chart: its name, days, and where each line ends."""
    if not series or not series[0].points:
        return str(title)
    points = series[0].points
    parts = [joins.listed((title, formats.span(points[0].day, points[-1].day)))]
    for one in series:
        present = [point for point in one.points if point.value is not None]
        if present and present[-1].value is not None:
            parts.append(joins.headed(one.label, joins.aside(show(present[-1].value), formats.day(present[-1].day))))
    return joins.clauses(parts)


@dataclass(frozen=True, slots=True)
class Spark:
    """A tile's little line, ready for templates/ui/sparkline.html (44 px high)."""

    path: str
    dots: tuple[Dot, ...]
    last: Dot | None
    hatched: tuple[Rect, ...]
    limit_y: str


def sparkline(points: Sequence[tuple[date, Decimal | None, bool]], limit: Decimal | None = None) -> Spark | None:
    """Draw (day, value, provisional) points; None when no day has a figure."""
    values = [value for _day, value, _provisional in points]
    present = [value for value in values if value is not None]
    if not present:
        return None
    spanned = present if limit is None or not _reachable(present, limit) else [*present, limit]
    low, high = bounds(spanned, from_zero=False)
    if high == low:
        high = low + (abs(low) or 1)
    count, top, plot = len(values), 4, 36

    def y(value: Decimal) -> float:
        return top + (high - float(value)) / (high - low) * plot

    def middle(i: int) -> float:
        return (i + 0.5) * 1000 / count

    lone = [start for start, stop in runs(values) if stop - start == 1]
    last = max(i for i, value in enumerate(values) if value is not None)
    dot = {i: Dot(_percent(middle(i) / 10), _n(y(value))) for i in {*lone, last} if (value := values[i]) is not None}
    hatched = tuple(
        Rect(_percent(a * 100 / count), _percent((b - a) * 100 / count), "0", "44")
        for a, b in runs([1 if p and values[i] is not None else None for i, (_d, _v, p) in enumerate(points)])
    )
    return Spark(
        path=path(values, middle, y),
        dots=tuple(dot[i] for i in lone if i != last),
        last=dot[last],
        hatched=hatched,
        limit_y=_n(y(limit)) if limit is not None and _reachable(present, limit) else "",
    )


def _reachable(values: Sequence[Decimal], limit: Decimal) -> bool:
    """A limit is drawn unless it is so far off that it would flatten the line."""
    top = max(abs(value) for value in values)
    return top > 0 and abs(limit) <= 4 * top
