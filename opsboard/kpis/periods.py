"""A KPI over any days: day by day for one scope, or one figure over several scopes.

Sums over sums, exactly, from the roll-up. Money of two currencies is never added: figures over
several scopes come apart by currency wherever a measure is money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from opsboard.accounts.models import AccountMarketplace, Marketplace

from .judge import Figures, last_final_day
from .registry import Kpi, Unit, Window, measures


@dataclass(frozen=True, slots=True)
class DayValue:
    date: date
    value: Decimal | None  # None: missing, not zero
    provisional: bool


@dataclass(frozen=True, slots=True)
class PeriodValue:
    """A figure over a period; without a value, `reason` is a code for opsboard.kpis.words.reason_words."""

    value: Decimal | None
    #: (scope, day) pairs of the period without data; the figure is over the others.
    missing_days: int
    reason: str = ""


def series(kpi: Kpi, account_id: int, marketplace: Marketplace, first: date, last: date) -> list[DayValue]:
    """The KPI of each single day from `first` to `last`."""
    figures = Figures(account_id, marketplace, first, last)
    top, bottom = figures.days(kpi.numerator), figures.days(kpi.denominator)
    mature = last_final_day(kpi, figures.scope, marketplace.today())
    found = []
    for day in _days(first, last):
        value = top.get(day)
        if value is not None and kpi.denominator:
            below = bottom.get(day)
            value = value / below if below else None
        found.append(DayValue(day, None if value is None else kpi.scale * value, day > mature))
    return found


def period_value(kpi: Kpi, scopes: Sequence[AccountMarketplace], first: date, last: date) -> dict[str, PeriodValue]:
    """The KPI over several scopes, by currency; by "" where no money is in it.

    Ratios are the sum of all numerators over the sum of all denominators. States (stock, Amazon's
    own rates) are taken from each scope's newest day in the period.
    """
    money = any(measures()[name].unit is Unit.MONEY for name in (kpi.numerator, kpi.denominator) if name)
    groups: dict[str, list[AccountMarketplace]] = defaultdict(list)
    for scope in scopes:
        groups[scope.marketplace.currency if money else ""].append(scope)
    return {currency: _over(kpi, members, first, last) for currency, members in sorted(groups.items())}


def _over(kpi: Kpi, scopes: Sequence[AccountMarketplace], first: date, last: date) -> PeriodValue:
    top, bottom, missing, any_data = Decimal(0), Decimal(0), 0, False
    for scope in scopes:
        figures = Figures(scope.account_id, scope.marketplace, first, last)
        above, below = figures.days(kpi.numerator), figures.days(kpi.denominator)
        both = sorted(above.keys() & below.keys()) if kpi.denominator else sorted(above)
        if not both:
            missing += (last - first).days + 1
            continue
        any_data = True
        if kpi.window is Window.SUM:
            missing += (last - first).days + 1 - len(both)
            top += sum((above[day] for day in both), Decimal(0))
            bottom += sum((below[day] for day in both), Decimal(0)) if kpi.denominator else 0
        else:
            top += above[both[-1]]
            if kpi.denominator:
                averaged = kpi.window is Window.AVERAGE_DENOMINATOR
                bottom += sum(below.values(), Decimal(0)) / len(below) if averaged else below[both[-1]]
    if not any_data:
        return PeriodValue(None, missing, "no_data")
    if kpi.denominator and not bottom:
        return PeriodValue(None, missing, "no_denominator")
    return PeriodValue(kpi.scale * top / bottom if kpi.denominator else kpi.scale * top, missing)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
