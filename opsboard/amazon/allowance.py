"""What Amazon allows an account just now, read for estimates: nothing is taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsboard.accounts.models import SellerAccount

from .models import Bucket
from .throttle import RATES

#: The operation that paces the reports of each API.
PACING = {"sp": "createReport", "ads": "ads.createReport"}


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls a second in the long run, and how many may be made at once now."""

    rate: float
    tokens: float


def allowance(account: SellerAccount, api: str, now: datetime) -> Allowance:
    """As Amazon said last for this account; as published, and unused, where it has not been asked yet."""
    operation = PACING[api]
    partner = account.selling_partner_id or f"account-{account.pk}"
    bucket = Bucket.objects.filter(partner=partner, operation=operation).order_by("-filled_at").first()
    if bucket is None:
        return Allowance(*RATES[operation])
    since = max(0.0, (now - bucket.filled_at).total_seconds())
    return Allowance(bucket.rate, min(bucket.burst, bucket.tokens + bucket.rate * since))
