"""Settlements, flat file V2: dates and decimals as the marketplace writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ..business import Account
from ..orders import CHANNELS
from ..settlements import Amount, Span, amounts
from ..truth import Truth

KIND = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
HEADER = (
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type "
    "order-id merchant-order-id adjustment-id shipment-id marketplace-name amount-type amount-description amount "
    "fulfillment-id posted-date posted-date-time order-item-code merchant-order-item-id merchant-adjustment-item-id "
    "sku quantity-purchased promotion-id"
).split()
#: Where Amazon writes days and decimals as the country does.
_LOCALISED = {"DE"}


def settlement(truth: Truth, account: Account, span: Span) -> bytes:
    found = list(amounts(truth, account, span))
    total = sum((one.amount for one in found), Decimal())
    head = [""] * len(HEADER)
    head[:6] = [
        span.id,
        _moment(account, span.since),
        _moment(account, span.until),
        _moment(account, span.until + timedelta(days=2)),
        _number(account, total),
        account.currency,
    ]
    lines = ["\t".join(HEADER), "\t".join(head), *("\t".join(_cells(account, span, one)) for one in found)]
    return ("\n".join(lines) + "\n").encode(account.charset)


def _cells(account: Account, span: Span, one: Amount) -> list[str]:
    moment = _moment(account, one.posted)
    return [
        span.id,
        "",
        "",
        "",
        "",
        "",
        one.transaction,
        one.order_id,
        "",
        "",
        "",
        CHANNELS[account.marketplace] if one.named else "",
        one.kind,
        one.description,
        _number(account, one.amount),
        ("AFN" if one.afn else "MFN") if one.order_id else "",
        moment.partition(" ")[0],
        moment,
        one.item_id,
        "",
        "",
        one.sku,
        str(one.quantity) if one.quantity else "",
        "",
    ]


def _moment(account: Account, moment: datetime) -> str:
    shape = "%d.%m.%Y %H:%M:%S UTC" if account.marketplace in _LOCALISED else "%Y-%m-%d %H:%M:%S UTC"
    return moment.astimezone(UTC).strftime(shape)


def _number(account: Account, amount: Decimal) -> str:
    text = f"{amount:,.{account.digits}f}" if account.marketplace in _LOCALISED else f"{amount:.{account.digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if account.marketplace in _LOCALISED else text
