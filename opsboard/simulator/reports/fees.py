"""The referral fee preview and FBA reimbursements of the made-up seller."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

from ..business import Account
from ..truth import Truth

REFERRAL_FEES, REIMBURSEMENTS = "GET_REFERRAL_FEE_PREVIEW_REPORT", "GET_FBA_REIMBURSEMENTS_DATA"
REFERRAL_HEADER = "seller-sku asin item-name price estimated-referral-fee-per-item".split()
REIMBURSEMENT_HEADER = (
    "approval-date reimbursement-id case-id amazon-order-id reason sku fnsku asin product-name condition currency-unit "
    "amount-per-unit amount-total quantity-reimbursed-cash quantity-reimbursed-inventory quantity-reimbursed-total "
    "original-reimbursement-id original-reimbursement-type"
).split()
RATE = 0.15


def referral_fees(truth: Truth, account: Account, _today: date) -> bytes:
    lines = ["\t".join(REFERRAL_HEADER)]
    for sku in truth.skus(account.key):
        amounts = [f"{amount:.{account.digits}f}" for amount in (sku.price, sku.price * RATE)]
        lines.append("\t".join([sku.sku, sku.asin, sku.title, *amounts]))
    return ("\n".join(lines) + "\n").encode(account.charset)


def reimbursements(truth: Truth, account: Account, since: datetime, until: datetime) -> bytes:
    """What was approved from `since` to `until`: about one a week."""
    lines = ["\t".join(REIMBURSEMENT_HEADER)]
    day, last = (moment.astimezone(account.zone).date() for moment in (since, until))
    while day <= last:
        lines += ["\t".join(cells) for cells in _of_day(truth, account, day)]
        day += timedelta(days=1)
    return ("\n".join(lines) + "\n").encode(account.charset)


def _of_day(truth: Truth, account: Account, day: date) -> list[list[str]]:
    rng = random.Random(f"{truth.seed}:{account.key}:{day.toordinal()}:reimbursements")
    if rng.random() > 1 / 7:
        return []
    sku = rng.choice([sku for sku in truth.skus(account.key) if sku.fba])
    pieces = rng.choice([1, 1, 2])
    approved = datetime.combine(day, time(rng.randrange(4, 20)), account.zone).astimezone(UTC)
    each, total = (f"{sku.price * 0.7 * count:.{account.digits}f}" for count in (1, pieces))
    reason = rng.choice(["Lost_Warehouse", "Damaged_Warehouse", "CustomerReturn"])
    number = f"{day.toordinal()}{ord(account.key[0])}"
    return [
        [approved.isoformat(), number, "", "", reason, sku.sku, sku.fnsku, sku.asin, sku.title, "NewItem",
         account.currency, each, total, str(pieces), "0", str(pieces), "", ""]
    ]  # fmt: skip
