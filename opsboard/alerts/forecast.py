"""A straight line through the same weekday of the last weeks, and where it meets a limit, with its error stated.

Steps of seven days leave the week's own rhythm out. The line is least squares; its error is that of a prediction
(the points' own scatter, and how far the day is from them). It knows of no seasons and no plans, and says so
wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

#: How many weeks back, and how many of them must be known.
WEEKS, ENOUGH = 8, 5


@dataclass(frozen=True, slots=True)
class Line:
    """y = level + slope * x, x in days from the newest point; `scatter` is one standard error of the points."""

    level: Decimal
    slope: Decimal
    scatter: Decimal
    mean_x: Decimal
    spread: Decimal
    points: int

    def at(self, x: int) -> Decimal:
        return self.level + self.slope * x

    def error(self, x: int) -> Decimal:
        """One standard error of a prediction for day `x`."""
        return self.scatter * (1 + Decimal(1) / self.points + (x - self.mean_x) ** 2 / self.spread).sqrt()


@dataclass(frozen=True, slots=True)
class Crossing:
    """In how many days from the newest point the limit is crossed, give or take `error_days`."""

    days: int
    error_days: int


def fit(points: Sequence[tuple[int, Decimal]]) -> Line | None:
    """The least-squares line; None with too few points."""
    count = len(points)
    if count < ENOUGH:
        return None
    mean_x = Decimal(sum(x for x, _y in points)) / count
    mean_y = sum((y for _x, y in points), Decimal(0)) / count
    spread = sum(((x - mean_x) ** 2 for x, _y in points), Decimal(0))
    slope = sum(((x - mean_x) * (y - mean_y) for x, y in points), Decimal(0)) / spread
    level = mean_y - slope * mean_x
    rest = sum(((y - level - slope * x) ** 2 for x, y in points), Decimal(0))
    return Line(level, slope, (rest / (count - 2)).sqrt(), mean_x, spread, count)


def crossing(line: Line, limit: Decimal, upward: bool, ahead: int, *, sure: bool) -> Crossing | None:
    """When the line crosses the limit within `ahead` days; `sure`: only if it does even one standard error short."""
    sign = 1 if upward else -1
    if line.slope * sign <= 0:
        return None
    reached = line.at(ahead) - sign * (line.error(ahead) if sure else Decimal(0))
    if (reached - limit) * sign <= 0:
        return None
    days = int(max((limit - line.level) / line.slope, Decimal(0)).to_integral_value(ROUND_CEILING))
    error = round(line.error(days) / abs(line.slope), 6).to_integral_value(ROUND_CEILING)
    return Crossing(days, int(min(error, Decimal(999))))
