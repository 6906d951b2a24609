"""Which limit counts for a KPI in a scope on a day, and what a value means against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from opsboard.accounts.models import Marketplace

from .models import ThresholdOverride, Verdict
from .registry import Kpi
from .words import AMAZON_TARGET, OWN_LIMIT


@dataclass(frozen=True, slots=True)
class LimitInForce:
    low: Decimal | None
    high: Decimal | None
    warn_low: Decimal | None
    warn_high: Decimal | None
    source: str  # shown through opsboard.kpis.words.source_words
    mails: bool = True  # False: colours the tile and opens no episode
    strict: bool = False  # a value on the limit breaks it


def in_force(
    kpi: Kpi,
    marketplace: Marketplace,
    day: date,
    overrides: Iterable[ThresholdOverride] = (),
    target: Decimal | None = None,
) -> LimitInForce | None:
    """The limit judged by on `day`: a person's, else Amazon's own target, else the declared default.

    `overrides` are those of the account, newest first; one for the marketplace beats one for all.
    """
    mine = [
        item
        for item in overrides
        if item.kpi == kpi.key and item.valid_from <= day and item.marketplace_id in {None, marketplace.pk}
    ]
    mine.sort(key=lambda item: (item.marketplace_id is None, -item.valid_from.toordinal(), -item.pk))
    if mine:
        chosen = mine[0]
        return LimitInForce(chosen.low, chosen.high, chosen.warn_low, chosen.warn_high, OWN_LIMIT, strict=kpi.strict)
    dated = [item for item in kpi.limits if item.valid_from <= day and item.marketplace in {"", marketplace.code}]
    declared = max(dated, key=lambda item: (bool(item.marketplace), item.valid_from), default=None)
    if target is not None:
        if kpi.target_side == "high":
            warn = declared.warn_high if declared else None
            ahead = warn if warn is not None and warn < target else None
            return LimitInForce(None, target, None, ahead, AMAZON_TARGET, strict=kpi.strict)
        warn = declared.warn_low if declared else None
        ahead = warn if warn is not None and warn > target else None
        return LimitInForce(target, None, ahead, None, AMAZON_TARGET, strict=kpi.strict)
    if declared is None:
        return None
    return LimitInForce(
        declared.low,
        declared.high,
        declared.warn_low,
        declared.warn_high,
        declared.source,
        declared.severity == "breach",
        kpi.strict,
    )


def status_of(value: Decimal, limit: LimitInForce | None) -> Verdict.Status:
    """A value on the limit keeps it, unless the limit is strict; beyond it breaches."""
    if limit is None:
        return Verdict.Status.NO_LIMIT
    broken = (limit.high is not None and value > limit.high) or (limit.low is not None and value < limit.low)
    if broken or (limit.strict and value in {limit.high, limit.low}):
        return Verdict.Status.BREACH if limit.mails else Verdict.Status.WARN
    if limit.warn_high is not None and value > limit.warn_high:
        return Verdict.Status.WARN
    if limit.warn_low is not None and value < limit.warn_low:
        return Verdict.Status.WARN
    return Verdict.Status.OK
