"""The orders behind the units sold: deterministic by seed, account and day.

The lines of an account's own shop add up, SKU by SKU, to the units of the truth. Beside them are
orders that were cancelled, orders FBA only ships for other shops, and in Europe a few orders of a
neighbouring marketplace, which Amazon lists in the same report.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from .business import ACCOUNTS, Account, Sku

if TYPE_CHECKING:
    from .truth import Truth

CHANNELS = {"US": "Amazon.com", "DE": "Amazon.de", "JP": "Amazon.co.jp"}
#: Where an account also sells: its money is not this marketplace's.
NEIGHBOUR = {"DE": "Amazon.fr"}
#: An order is on its way after at most so many days.
LONGEST_WAIT = 2


@dataclass(frozen=True, slots=True)
class Line:
    sku: Sku
    quantity: int
    price: float  # of the whole line


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    bought: datetime
    shipped: datetime
    lines: tuple[Line, ...]
    channel: str
    cancelled: bool = False
    business: bool = False

    @property
    def amazon(self) -> bool:
        """Ships from Amazon's warehouse; an order is of one kind."""
        return self.lines[0].sku.fba


def orders_of(truth: Truth, key: str, day: date) -> tuple[Order, ...]:
    """Every order of a marketplace's day, in the order they were bought."""
    account = ACCOUNTS[key]
    rng = random.Random(f"{truth.seed}:{key}:{day.toordinal()}:orders")
    draw = rng.random
    number = (day.toordinal() - 700_000) * 10_000
    channel = CHANNELS[account.marketplace]
    found: list[Order] = []
    beside: list[Order] = []
    for item in truth.asins(key, day):
        left = item.units
        while left:
            quantity = 2 if left > 1 and draw() < 1 / 12 else 1
            left -= quantity
            line = _line(account, item.sku, quantity)
            chance = draw()
            if found and chance < 0.06 and found[-1].amazon == item.sku.fba:
                found[-1] = replace(found[-1], lines=(*found[-1].lines, line))
                continue
            number += 1
            bought = _moment(account, day, draw())
            shipped = bought + timedelta(hours=5 + 30 * draw())
            found.append(Order(_id(key, number), bought, shipped, (line,), channel, business=chance > 0.97))
            if chance > 0.98:
                number += 1
                beside.append(_beside(account, replace(found[-1], id=_id(key, number)), chance))
    return tuple(sorted([*found, *beside], key=lambda order: (order.bought, order.id)))


def _beside(account: Account, order: Order, chance: float) -> Order:
    """An order that is in the report and not in the shop's sales."""
    if chance > 0.99:
        return replace(order, cancelled=True, shipped=order.bought + timedelta(hours=3))
    if chance > 0.985 and account.marketplace in NEIGHBOUR:
        return replace(order, channel=NEIGHBOUR[account.marketplace])
    return replace(order, id=f"S01-{order.id[4:]}", channel="Non-Amazon")


def _line(account: Account, sku: Sku, quantity: int) -> Line:
    return Line(sku, quantity, round(sku.price * quantity, account.digits))


def _id(key: str, number: int) -> str:
    prefix = {"NA": "112", "EU": "302", "FE": "503"}[key]
    return f"{prefix}-{number // 10**7:07d}-{number % 10**7:07d}"


def _moment(account: Account, day: date, share: float) -> datetime:
    """A moment of the marketplace's day; clocks are not changed in the middle of it."""
    midnight = datetime.combine(day, time(12), account.zone).astimezone(UTC) - timedelta(hours=12)
    return midnight + timedelta(seconds=int(3600 * 3 + share * 3600 * 20))
