"""What buyers say and send back, and which listings Amazon hides: made of the truth's orders and stories."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from .. import stories
from ..business import Account
from ..orders import CHANNELS, Order
from ..truth import Truth
from .flat_files import _file, _price

FEEDBACK, RETURNS = "GET_SELLER_FEEDBACK_DATA", "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
SUPPRESSED = "GET_MERCHANTS_LISTINGS_FYP_REPORT"
FEEDBACK_HEADER = "Date|Rating|Comments|Your Response|Order ID|Rater Email".split("|")
RETURNS_HEADER = (
    "Order ID|Order date|Return request date|Return request status|Amazon RMA ID|Merchant RMA ID|Label type|Label cost|"
    "Currency code|Return carrier|Tracking ID|Label to be paid by|A-to-Z Claim|Is prime|ASIN|Merchant SKU|Item Name|"
    "Return quantity|Return Reason|In policy|Return type|Resolution|Invoice number|Return delivery date|Order Amount|"
    "Order quantity|SafeT Action reason|SafeT claim id|SafeT claim state|SafeT claim creation time|"
    "SafeT claim reimbursement amount|Refunded Amount|Order Item ID"
).split("|")
SUPPRESSED_HEADER = "Status|Reason|SKU|ASIN|Product name|Condition|Status Change Date|Issue Description".split("|")
_SAID = ("Arrived late.", "Not as described.", "Call me on 555 0100 200, it is broken.", "Box was dented.", "")
_REASONS = ("Item defective or doesn't work", "No longer needed", "Wrong item was sent", "Bought by mistake")
#: A buyer writes feedback, or asks to send something back, so many days after the order at most.
_LATEST = 12


def suppressed(truth: Truth, account: Account, today: date) -> bytes:
    told = truth.told("suppressed", account.key, today)
    since = truth.anchor - timedelta(days=stories.STORIES["suppressed"].days_ago)
    hidden = [sku for sku in truth.skus(account.key) if told and sku.index in stories.SUPPRESSED_SKUS]
    return _file(
        account,
        SUPPRESSED_HEADER,
        (
            {
                "Status": "Search Suppressed",
                "Reason": reason,
                "SKU": sku.sku,
                "ASIN": sku.asin,
                "Product name": sku.title,
                "Condition": "New",
                "Status Change Date": since.isoformat(),
                "Issue Description": f"{reason}. Edit the listing to show it again.",
            }
            for sku in hidden
            for reason in ("Missing main image", "Missing bullet points")[: 1 + sku.index % 2]
        ),
    )


def feedback(truth: Truth, account: Account, first: date, last: date, today: date) -> bytes:
    """Neutral and negative feedback given from `first` to `last`; a very bad one is taken away after a month."""
    rows: list[dict[str, object]] = []
    for day, order, chance in _later(truth, account, first, last, "feedback", 0.004):
        rating = 1 + int(chance * 3000) % 3
        if rating == 1 and day < today - timedelta(days=30):
            continue
        rows.append(
            {
                "Date": _slashed(account, day),
                "Rating": rating,
                "Comments": _SAID[int(chance * 5000) % len(_SAID)],
                "Your Response": "We are sorry." if rating == 2 else "",
                "Order ID": order.id,
                "Rater Email": f"buyer{order.id[-7:]}@marketplace.example",
            }
        )
    return _file(account, FEEDBACK_HEADER, rows)


def returns(truth: Truth, account: Account, first: date, last: date, today: date) -> bytes:
    """Returns of orders the seller shipped himself, asked for from `first` to `last`."""
    rows: list[dict[str, object]] = []
    for day, order, chance in _later(truth, account, first, last, "returns", 0.05):
        if order.amazon:
            continue
        line, arrived = order.lines[0], day + timedelta(days=9)
        over = arrived <= today
        rows.append(
            {
                "Order ID": order.id,
                "Order date": _named(order.bought.astimezone(account.zone).date()),
                "Return request date": _named(day),
                "Return request status": "Completed" if over else "Approved",
                "Amazon RMA ID": f"D{order.id[4:11]}RRMA",
                "Label type": "AmazonUnPaidLabel",
                "Label cost": _price(account, 0),
                "Currency code": account.currency,
                "Tracking ID": f"TRACK{order.id[-7:]}",
                "Label to be paid by": "Customer",
                "A-to-Z Claim": "N",
                "Is prime": "N",
                "ASIN": line.sku.asin,
                "Merchant SKU": line.sku.sku,
                "Item Name": line.sku.title,
                "Return quantity": line.quantity,
                "Return Reason": _REASONS[int(chance * 4000) % len(_REASONS)],
                "In policy": "Y",
                "Return type": "C-Returns",
                "Resolution": "StandardRefund",
                "Return delivery date": _named(arrived) if over else "",
                "Order Amount": _price(account, sum(one.price for one in order.lines)),
                "Order quantity": sum(one.quantity for one in order.lines),
                "Refunded Amount": _price(account, line.price) if over else "",
                "Order Item ID": f"{int(order.id[-7:]) + 10**13}",
            }
        )
    return _file(account, RETURNS_HEADER, rows)


def _later(
    truth: Truth, account: Account, first: date, last: date, what: str, share: float
) -> Iterator[tuple[date, Order, float]]:
    """Orders to which something happened days later: (that day, the order, a number of its own)."""
    found = []
    for offset in range(-_LATEST, (last - first).days + 1):
        bought = first + timedelta(days=offset)
        rng = random.Random(f"{truth.seed}:{account.key}:{bought.toordinal()}:{what}")
        for order in truth.orders(account.key, bought):
            chance, wait = rng.random(), 3 + int(rng.random() * (_LATEST - 2))
            day = bought + timedelta(days=wait)
            own = order.channel == CHANNELS[account.marketplace] and not order.cancelled
            if own and chance < share and first <= day <= last:
                found.append((day, order, chance / share))
    yield from sorted(found, key=lambda one: (one[0], one[1].id))


def _slashed(account: Account, day: date) -> str:
    """A day as the marketplace writes it."""
    return day.strftime({"US": "%m/%d/%y", "DE": "%d.%m.%y"}.get(account.marketplace, "%Y/%m/%d"))


def _named(day: date) -> str:
    return day.strftime("%d-%b-%Y")
