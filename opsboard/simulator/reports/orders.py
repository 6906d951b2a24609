"""All orders by last update, as known when the report is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..business import Account
from ..orders import CHANNELS, LONGEST_WAIT, Line, Order
from ..truth import Truth

HEADER = (
    "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel "
    "order-channel ship-service-level product-name sku asin item-status quantity currency item-price item-tax "
    "shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount "
    "ship-city ship-state ship-postal-code ship-country promotion-ids is-business-order purchase-order-number "
    "price-designation"
).split()
_PLACES = {
    "US": ("Springfield", "IL", "62701", "US"),
    "DE": ("Musterstadt", "", "12345", "DE"),
    "JP": ("千代田区", "東京都", "100-0001", "JP"),
}


def orders(truth: Truth, account: Account, since: datetime, until: datetime, now: datetime) -> bytes:
    """The orders last updated from `since` to `until`, as Amazon knows them at `now`."""
    lines = ["\t".join(HEADER)]
    for order, updated in updated_between(truth, account, since, min(until, now), now):
        lines += ["\t".join(_cells(account, order, line, updated, now)) for line in order.lines]
    return ("\n".join(lines) + "\n").encode(account.charset)


def updated_between(
    truth: Truth, account: Account, since: datetime, until: datetime, now: datetime
) -> Iterator[tuple[Order, datetime]]:
    first = since.astimezone(account.zone).date() - timedelta(days=LONGEST_WAIT)
    last = until.astimezone(account.zone).date()
    for offset in range((last - first).days + 1):
        for order in truth.orders(account.key, first + timedelta(days=offset)):
            updated = order.shipped if order.shipped <= now else order.bought
            if since <= updated <= until:
                yield order, updated


def _cells(account: Account, order: Order, line: Line, updated: datetime, now: datetime) -> list[str]:
    over = order.shipped <= now
    own = order.channel == CHANNELS[account.marketplace]
    status = "Cancelled" if order.cancelled and over else "Shipped" if over else "Pending"
    paid = status == "Shipped" and order.channel.startswith("Amazon")
    city, state, postcode, country = _PLACES[account.marketplace]
    price = f"{line.price:.{account.digits}f}" if paid else ""
    nothing = f"{0:.{account.digits}f}" if paid else ""
    # The tax is on top of a price in the United States and inside it elsewhere.
    rate = {"US": 0.07, "DE": 0.19 / 1.19, "JP": 0.10 / 1.10}[account.marketplace]
    tax = f"{line.price * rate:.{account.digits}f}" if paid else ""
    return [
        order.id,
        "",
        _iso(order.bought),
        _iso(updated),
        status,
        "Amazon" if order.amazon else "Merchant",
        order.channel,
        "",
        "Expedited" if order.amazon else "Standard",
        line.sku.title,
        line.sku.sku,
        line.sku.asin,
        {"Shipped": "Shipped", "Cancelled": "Cancelled"}.get(status, "Unshipped"),
        "0" if status == "Cancelled" else str(line.quantity),
        account.currency if paid else "",
        price,
        tax,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        city,
        state,
        postcode,
        country if own else "FR",
        "",
        str(order.business).lower(),
        "",
        "",
    ]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
