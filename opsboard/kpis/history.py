"""Every limit a KPI was ever held against in a scope: declared, Amazon's own, and what people set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import connection

from opsboard.accounts.models import AccountMarketplace

from .limits import in_force
from .models import ThresholdOverride
from .registry import Kpi
from .words import AMAZON_TARGET, OWN_LIMIT


@dataclass(frozen=True, slots=True)
class PastLimit:
    """A limit from a day on. `source` is shown through opsboard.kpis.words.source_words."""

    valid_from: date
    source: str
    low: Decimal | None = None
    high: Decimal | None = None
    warn_low: Decimal | None = None
    warn_high: Decimal | None = None
    marketplace: str = ""
    mails: bool = True
    by: str = ""
    note: str = ""
    #: It is the one judged by today.
    current: bool = False


# A target is told anew with each report; the days on which it was another than the one told before are kept.
# Leans on vintage_by_day (account, marketplace, measure, date, known_at): one range a measure.
_TARGETS = """
    SELECT measure, date, value FROM (
        SELECT measure, date, value, lag(value) OVER (PARTITION BY measure ORDER BY date) AS told FROM (
            SELECT DISTINCT ON (measure, date) measure, date, value FROM kpis_accountdayvintage
             WHERE account_id = %s AND marketplace_id = %s AND measure = ANY(%s)
             ORDER BY measure, date, known_at DESC, id DESC) AS known
         WHERE value IS NOT NULL) AS told_by_day
     WHERE told IS DISTINCT FROM value ORDER BY measure, date
"""


def histories(scope: AccountMarketplace, items: Sequence[Kpi]) -> dict[str, list[PastLimit]]:
    """The limits of these KPIs in a scope by KPI, the newest first."""
    overrides = list(
        ThresholdOverride.objects.filter(account=scope.account_id, kpi__in=[kpi.key for kpi in items]).select_related(
            "marketplace", "set_by"
        )
    )
    targets = _targets(scope, [kpi.target for kpi in items if kpi.target])
    return {kpi.key: _history(scope, kpi, overrides, targets.get(kpi.target, [])) for kpi in items}


def _targets(scope: AccountMarketplace, measures: list[str]) -> dict[str, list[tuple[date, Decimal]]]:
    found: dict[str, list[tuple[date, Decimal]]] = {}
    if measures:
        with connection.cursor() as cursor:
            cursor.execute(_TARGETS, [scope.account_id, scope.marketplace_id, measures])
            for measure, day, value in cursor.fetchall():
                found.setdefault(measure, []).append((day, value))
    return found


def _history(
    scope: AccountMarketplace, kpi: Kpi, overrides: list[ThresholdOverride], targets: list[tuple[date, Decimal]]
) -> list[PastLimit]:
    market = scope.marketplace
    found = [
        PastLimit(
            limit.valid_from,
            limit.source,
            limit.low,
            limit.high,
            limit.warn_low,
            limit.warn_high,
            limit.marketplace,
            limit.severity == "breach",
        )
        for limit in kpi.limits
        if limit.marketplace in {"", market.code}
    ]
    low = kpi.target_side == "low"
    found += [
        PastLimit(day, AMAZON_TARGET, low=value if low else None, high=None if low else value) for day, value in targets
    ]
    found += [
        PastLimit(
            item.valid_from,
            OWN_LIMIT,
            item.low,
            item.high,
            item.warn_low,
            item.warn_high,
            item.marketplace.code if item.marketplace else "",
            by=str(item.set_by or ""),
            note=item.note,
        )
        for item in overrides
        if item.kpi == kpi.key and item.marketplace_id in {None, market.pk}
    ]
    found.sort(key=lambda item: (item.valid_from, item.source == OWN_LIMIT), reverse=True)
    return _marked(scope, kpi, overrides, targets, found)


def _marked(
    scope: AccountMarketplace,
    kpi: Kpi,
    overrides: list[ThresholdOverride],
    targets: list[tuple[date, Decimal]],
    found: list[PastLimit],
) -> list[PastLimit]:
    """The same list with the limit in force marked."""
    today = scope.marketplace.today()
    now = in_force(kpi, scope.marketplace, today, overrides, targets[-1][1] if targets else None)
    if now is None:
        return found
    for at, item in enumerate(found):
        same = (item.source, item.low, item.high) == (now.source, now.low, now.high)
        if same and item.valid_from <= today:
            found[at] = replace(item, current=True)
            break
    return found
