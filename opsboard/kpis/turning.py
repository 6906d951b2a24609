"""Since when a figure is another one: the day that parts its days best into before and after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

#: So many days must lie on both sides: fewer are a blip, not a change.
LEAST = 3


def turned_on(days: Mapping[date, Decimal], direction: int) -> date | None:
    """The first day of the new level, higher (1) or lower (-1); None where nothing turned that way.

    The split with the largest difference of means, weighed by how many days stand behind both.
    """
    order = sorted(days)
    total, count = sum(days.values(), Decimal(0)), len(order)
    best, found, seen = Decimal(0), None, Decimal(0)
    for at, day in enumerate(order):
        if LEAST <= at <= count - LEAST:
            moved = direction * ((total - seen) / (count - at) - seen / at)
            score = moved * moved * at * (count - at)
            if moved > 0 and score > best:
                best, found = score, day
        seen += days[day]
    return found
