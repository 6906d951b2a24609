"""The settlements Amazon makes by itself: every second Tuesday, of the fortnight before, for each account.

Their lines are what the orders of the truth brought and cost, and they add up to the header to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from .business import Account
from .orders import CHANNELS

if TYPE_CHECKING:
    from .truth import Truth

#: A Tuesday; all others are whole fortnights away.
ANCHOR = date(2026, 1, 6)
PERIOD = timedelta(days=14)
#: After the end of a settlement Amazon takes a while to make the report of it.
MAKING = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Span:
    """A settlement: from..to as instants, the last one not included."""

    id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Amount:
    posted: datetime
    transaction: str
    order_id: str
    item_id: str
    sku: str
    afn: bool
    quantity: int
    kind: str
    description: str
    amount: Decimal
    named: bool = True


def spans(account: Account, since: datetime, now: datetime) -> Iterator[Span]:
    """The settlements whose report was made from `since` to `now`, the oldest first."""
    first = (since.date() - ANCHOR) // PERIOD - 1
    for number in range(first, first + (now - since) // PERIOD + 4):
        start, end = (
            datetime.combine(ANCHOR + (number + n) * PERIOD, time(8), account.zone).astimezone(UTC) for n in (0, 1)
        )
        if since <= end + MAKING <= now:
            yield Span(f"{ord(account.key[0])}{100_000 + number:06d}11", start, end)


def amounts(truth: Truth, account: Account, span: Span) -> Iterator[Amount]:
    """What was posted in a settlement: sales as they were shipped, then what the account costs."""
    own = CHANNELS[account.marketplace]
    day, last = (moment.astimezone(account.zone).date() for moment in (span.since, span.until))
    day -= timedelta(days=2)
    while day <= last:
        for order in truth.orders(account.key, day):
            if order.channel != own or order.cancelled or not span.since <= order.shipped < span.until:
                continue
            for number, line in enumerate(order.lines):
                item = f"{order.id.replace('-', '')[4:]}{number + 1}"
                common = (order.shipped, "Order", order.id, item, line.sku.sku, order.amazon, line.quantity)
                price = _money(account, line.price)
                yield Amount(*common, "ItemPrice", "Principal", price)
                yield Amount(*common, "ItemFees", "Commission", -_money(account, line.price * 0.15))
                if order.amazon:
                    fee = _money(account, 3.2 * line.quantity * (160 if account.digits == 0 else 1))
                    yield Amount(*common, "ItemFees", "FBAPerUnitFulfillmentFee", -fee)
        day += timedelta(days=1)
    costs = (
        ("Subscription Fee", 39.99, True),
        ("Storage Fee", 412.37, True),
        ("TransactionTotalAmount", 1830.52, False),
    )
    for description, dollars, named in costs:
        amount = -_money(account, dollars * (150 if account.digits == 0 else 1))
        kind = "Cost of Advertising" if not named else "other-transaction"
        yield Amount(
            span.until - timedelta(hours=5), "ServiceFee", "", "", "", False, 0, kind, description, amount, named
        )


def _money(account: Account, amount: float) -> Decimal:
    return round(Decimal(repr(round(amount, account.digits))), account.digits)
