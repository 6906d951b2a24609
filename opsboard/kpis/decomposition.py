"""What moved a figure: its change split over the factors it is the product of, exactly.

ACoS = price of a click ÷ (orders a click × sales an order). Each factor gets the logarithmic mean of the two
figures times the logarithm of its own change (LMDI): the order of the factors does not matter, one that stood
still gets nothing, and the parts add up to the change without a rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from math import prod
from typing import TYPE_CHECKING

from .registry import Unit

if TYPE_CHECKING:
    from .registry import Label

#: So many that factors which changed places multiply to the very same: their order must not be a change.
DIGITS = 100


@dataclass(frozen=True, slots=True)
class Factor:
    """A ratio of two measures that multiplies a figure (sign 1) or divides it (sign -1)."""

    label: Label
    unit: Unit
    numerator: str
    denominator: str = ""
    sign: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """What one factor did: from, to, and its part of the figure's change in the figure's own unit."""

    factor: Factor
    before: Decimal
    now: Decimal
    moved: Decimal


def split(before: Sequence[Decimal], now: Sequence[Decimal], signs: Sequence[int]) -> list[Decimal]:
    """The change of a product, factor by factor; all factors over zero. The parts add up to it exactly."""
    old, new = product(before, signs), product(now, signs)
    with localcontext(prec=DIGITS):
        change = new - old
        mean = old if old == new else change / (new / old).ln()
        parts = [sign * mean * (b / a).ln() for a, b, sign in zip(before, now, signs, strict=True)]
        # The last digit of Decimal's logarithms, put where it is the smallest share.
        largest = max(range(len(parts)), key=lambda at: abs(parts[at]))
        parts[largest] = change - sum((part for at, part in enumerate(parts) if at != largest), Decimal(0))
        return parts


def product(values: Sequence[Decimal], signs: Sequence[int]) -> Decimal:
    with localcontext(prec=DIGITS):
        above = prod((value for value, sign in zip(values, signs, strict=True) if sign > 0), start=Decimal(1))
        below = prod((value for value, sign in zip(values, signs, strict=True) if sign < 0), start=Decimal(1))
        return above / below


def rounded(parts: Sequence[Decimal], digits: int) -> list[Decimal]:
    """The parts to so many digits, still adding up to their rounded sum: what is over goes to the largest rests."""
    unit = Decimal(1).scaleb(-digits)
    found = [part.quantize(unit) for part in parts]
    rest = int((sum(parts, Decimal(0)).quantize(unit) - sum(found, Decimal(0))) / unit)
    order = sorted(range(len(parts)), key=lambda at: parts[at] - found[at], reverse=rest > 0)
    for at in order[: abs(rest)]:
        found[at] += unit if rest > 0 else -unit
    return found
