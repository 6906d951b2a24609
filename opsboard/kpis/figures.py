"""Figures, limits and distances as people read them: unit, currency and language of the reader."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace
from opsboard.ui import formats, joins

from .headroom import EXACT
from .registry import Kpi, Unit
from .words import reason_words


def in_words(value: Decimal | None, unit: Unit, marketplace: Marketplace, *, whole: bool = False) -> str:
    """A figure with its unit."""
    if value is None:
        return formats.NOTHING
    match unit:
        case Unit.MONEY:
            return formats.money(value, marketplace, whole=whole)
        case Unit.RATE:
            return formats.percent(value, formats.rate_digits(value))
        case Unit.DAYS:
            return _("%(days)s days") % {"days": formats.decimals(value)}
        case Unit.PER_YEAR:
            return _("%(times)s a year") % {"times": formats.decimals(value, 1)}
        case Unit.TIMES:
            return formats.decimals(value, 2)
        case _:
            return formats.decimals(value)


def tick_words(value: Decimal, unit: Unit, marketplace: Marketplace) -> str:
    """A whole figure on an axis."""
    if unit == Unit.MONEY:
        return formats.money(value, marketplace, cents=False)
    if unit == Unit.RATE:
        return formats.percent(value, 0)
    return formats.decimals(value)


def difference(value: Decimal, unit: Unit, marketplace: Marketplace) -> str:
    """A distance in the words of the unit, unsigned: "6.2 pts", "$12.00", "9 days"."""
    if unit == Unit.RATE:
        return formats.points(abs(value), 2 if abs(value) < Decimal("0.002") else 1).lstrip("+")
    return in_words(abs(value), unit, marketplace)


class Limited(Protocol):
    """Anything with a limit: a declared or a set one, a verdict, an episode."""

    @property
    def low(self) -> Any: ...
    @property
    def high(self) -> Any: ...


class Held(Limited, Protocol):
    """A value held against a limit: a verdict or an episode."""

    @property
    def value(self) -> Any: ...


def limit_words(limit: Limited, kpi: Kpi, marketplace: Marketplace) -> str:
    """ "at least 12.0 %, at most 18.0 %", or "under 1.00 %" where the limit itself breaks it; empty without a limit."""
    parts = []
    if limit.low is not None:
        text = _("over %(value)s") if kpi.strict else _("at least %(value)s")
        parts.append(text % {"value": in_words(limit.low, kpi.unit, marketplace)})
    if limit.high is not None:
        text = _("under %(value)s") if kpi.strict else _("at most %(value)s")
        parts.append(text % {"value": in_words(limit.high, kpi.unit, marketplace)})
    if limit.low is None and (wish := getattr(limit, "warn_low", None)) is not None:
        parts.append(_("better over %(value)s") % {"value": in_words(wish, kpi.unit, marketplace)})
    if limit.high is None and (wish := getattr(limit, "warn_high", None)) is not None:
        parts.append(_("better under %(value)s") % {"value": in_words(wish, kpi.unit, marketplace)})
    return joins.listed(parts)


def status_words(verdict: Any) -> str:
    """What a status is called where its usual word would mislead; empty where that word says it.

    A limit that only colours is a warning when it is broken: then the figure is not "close to" it.
    """
    value = verdict.value
    if verdict.status != "warn" or value is None:
        return ""
    over = verdict.high is not None and value > verdict.high
    under = verdict.low is not None and value < verdict.low
    return _("over the line, no alert") if over or under else ""


def headroom(verdict: Held, kpi: Kpi, marketplace: Marketplace) -> str:
    """ "6.2 pts over 25 %" or "3.1 pts to the limit"; empty without a value or a limit.

    Of figures that count orders it is told in orders: "2 more late orders until 4 %".
    """
    value = verdict.value
    if value is None:
        return reason_words(getattr(verdict, "reason", ""))
    if verdict.low is None and verdict.high is None:
        return ""
    if (more := getattr(verdict, "more", None)) is not None and kpi.orders is not None:
        return _in_orders(more, verdict, kpi, marketplace)
    # A side with a wish and no limit (TACoS under 12 %) is told by the wish.
    high = verdict.high if verdict.high is not None else getattr(verdict, "warn_high", None)
    low = verdict.low if verdict.low is not None else getattr(verdict, "warn_low", None)
    for limit, over in ((high, True), (low, False)):
        if limit is not None and ((value > limit) if over else (value < limit)):
            words = {
                "by": difference(value - limit, kpi.unit, marketplace),
                "limit": in_words(limit, kpi.unit, marketplace),
            }
            return (_("%(by)s over %(limit)s") if over else _("%(by)s under %(limit)s")) % words
    nearest = min((limit for limit in (verdict.high, verdict.low) if limit is not None), key=lambda x: abs(x - value))
    if nearest == value:
        return _("on the limit")
    return _("%(by)s to the limit") % {"by": difference(nearest - value, kpi.unit, marketplace)}


def _in_orders(more: int, verdict: Held, kpi: Kpi, marketplace: Marketplace) -> str:
    """How many orders a limit still bears or, broken, how many are too many and when they stop counting."""
    assert kpi.orders is not None
    limit = verdict.high if verdict.high is not None else verdict.low
    words = {"limit": in_words(limit, kpi.unit, marketplace)}
    if more > 0:
        if kpi.strict:
            text = _("%(events)s until %(limit)s")
        else:
            text = (
                _("%(events)s until over %(limit)s")
                if verdict.high is not None
                else _("%(events)s until under %(limit)s")
            )
        return text % {**words, "events": kpi.orders.more(more)}
    text = _("%(n)s too many for %(limit)s") % {**words, "n": formats.decimals(-more)}
    return text + " · " + roll_off(verdict)


def roll_off(verdict: Any) -> str:
    """When a broken limit is kept again if nothing new comes; empty where that was not asked."""
    if verdict.clear_on is None:
        return _("Amazon does not state the days it counts: when they drop out cannot be known")
    day = {"day": formats.day(verdict.clear_on)}
    if verdict.clear_how == EXACT:
        return _("kept again on %(day)s if nothing new comes") % day
    return _("kept again by %(day)s at the latest if nothing new comes") % day


def change_of(
    now: Decimal | None, then: Decimal | None, unit: Unit, direction: int, marketplace: Marketplace
) -> tuple[str, str]:
    """(signed change in words, good/bad/""): points for rates, plain for scores, relative for the rest."""
    if now is None or then is None:
        return "", ""
    if unit == Unit.RATE:
        digits = formats.rate_digits(now)
        words = formats.points(now - then, digits)
        then = now if not round((now - then) * 100, digits) else then
    elif unit in {Unit.SCORE, Unit.DAYS, Unit.PER_YEAR, Unit.TIMES}:
        digits = {Unit.PER_YEAR: 1, Unit.TIMES: 2}.get(unit, 0)
        moved = round(now - then, digits)
        words = formats.signed(formats.decimals(moved, digits), moved)
    elif then:
        words = formats.relative(now, then)
    else:
        return "", ""
    tone = "" if not direction or now == then else "good" if (now > then) == (direction > 0) else "bad"
    return words, tone
