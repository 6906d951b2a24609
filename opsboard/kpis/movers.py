"""What moved a figure between two weeks: which ASIN, campaign or term, by how much, and why.

Domains declare their movers in `movers.py`; the kernel adds nothing of its own. A mover's change is its
exact contribution, so that those listed and the others together are the whole change. Where a figure is a
product (sales = sessions × conversion × price) the change comes apart into shares that add up to it; what
else was seen beside it (a lost Buy Box, an empty shelf) is a clue, with no share claimed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from itertools import permutations
from typing import TYPE_CHECKING

from django.utils.module_loading import autodiscover_modules

from .registry import Unit

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = _StrPromise | str

#: How many that rose and how many that fell are told of each figure.
MOST = 3


@dataclass(frozen=True, slots=True)
class Clue:
    """Something seen beside a change: a code of its declaration, and figures by name with their units."""

    code: str
    values: tuple[tuple[str, Unit, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Mover:
    """One entity's contribution to the change; `parts` add up to it, or are empty where it does not come apart."""

    key: str
    label: str
    now: Decimal | None
    before: Decimal | None
    change: Decimal
    parts: tuple[tuple[str, Decimal], ...] = ()
    clues: tuple[Clue, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """The whole change and those that made most of it; `others` is how many more there are."""

    now: Decimal | None
    before: Decimal | None
    change: Decimal
    movers: tuple[Mover, ...]
    others: int

    @property
    def others_change(self) -> Decimal:
        return self.change - sum((one.change for one in self.movers), Decimal(0))


#: (account_id, marketplace_id, days, the same weekdays a week before, how many up and down) -> Moved.
Find = Callable[[int, int, Sequence[date], Sequence[date], int], Moved]


@dataclass(frozen=True, slots=True)
class Movers:
    """A figure whose change is told entity by entity."""

    key: str  # "listings.sales_by_asin"
    title: Label
    unit: Unit
    #: Whose coverage says which days can be compared.
    dataset: str
    find: Find
    #: +1 more is better, -1 less is better, 0 neither.
    direction: int
    factors: Mapping[str, Label]
    clues: Mapping[str, Label]
    #: What its entities are called; witnesses speak about the same.
    about: str
    #: Where an entity is shown, by address name; takes the entity's key.
    page: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """What another domain saw of the same entities in these days."""

    key: str
    about: str
    clue: Label
    #: (account_id, marketplace_id, days, keys) -> {key: Clue}
    find: Callable[[int, int, Sequence[date], Sequence[str]], Mapping[str, Clue]]


_movers: dict[str, Movers] = {}
_witnesses: dict[str, Witness] = {}


def register_movers(*items: Movers) -> None:
    _movers.update({item.key: item for item in items})


def register_witness(item: Witness) -> None:
    _witnesses[item.key] = item


def movers() -> Mapping[str, Movers]:
    return _movers


def witnesses() -> Mapping[str, Witness]:
    return _witnesses


def autodiscover() -> None:
    autodiscover_modules("movers")


def shares(before: Sequence[Decimal], now: Sequence[Decimal]) -> list[Decimal]:
    """What each factor of a product contributed to the product's change; they add up to it.

    The order in which factors change is nobody's to choose, so every order counts the same (Shapley).
    """
    count = len(before)
    found = [Decimal(0)] * count
    orders = list(permutations(range(count)))
    for order in orders:
        held = list(before)
        for at in order:
            old = _product(held)
            held[at] = now[at]
            found[at] += _product(held) - old
    return [value / len(orders) for value in found]


def whole(parts: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    """The parts in whole units that still add up to the (whole) total: the largest remainders are rounded up."""
    floors = [part.to_integral_value(ROUND_FLOOR) for part in parts]
    short = int(total - sum(floors, Decimal(0)))
    by_remainder = sorted(range(len(parts)), key=lambda at: floors[at] - parts[at])
    for at in by_remainder[: max(0, short)]:
        floors[at] += 1
    return floors


def _product(factors: Sequence[Decimal]) -> Decimal:
    result = Decimal(1)
    for factor in factors:
        result *= factor
    return result


def ranked(sums: str, change: str, names: str = "") -> str:
    """SQL of the entities that moved most, with the totals of all beside each.

    `sums` selects one row an entity from %(...)s parameters, `change` is an expression over its columns and the
    totals `t_...` of those listed in `names`. At most %(most)s that rose and as many that fell; all their count
    as `moved`, the whole change as `whole`.
    """
    totals = "".join(f", sum({name}) OVER () AS t_{name}" for name in names.split())
    return f"""
        WITH sums AS ({sums}), totalled AS (SELECT sums.*{totals} FROM sums),
        changed AS (SELECT totalled.*, {change} AS change FROM totalled),
        ranked AS (
            SELECT changed.*, sum(change) OVER () AS whole, count(*) FILTER (WHERE change <> 0) OVER () AS moved,
                   row_number() OVER (ORDER BY change DESC NULLS LAST, key) AS up,
                   row_number() OVER (ORDER BY change NULLS LAST, key) AS down
              FROM changed)
        SELECT * FROM ranked WHERE (up <= %(most)s AND change > 0) OR (down <= %(most)s AND change < 0)
         ORDER BY abs(change) DESC, key"""
