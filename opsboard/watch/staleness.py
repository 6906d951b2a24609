"""Which feeds are behind, by the ages their reports declare (ReportSpec.late_after, stale_after)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from opsboard.feeds import registry


@dataclass(frozen=True, slots=True)
class Late:
    """A report whose last success is older than its rhythm allows; the oldest of the scopes asked about."""

    spec: str
    label: str
    #: Seconds since the last success, and since the newest of the scopes.
    age: float
    every_hours: int
    #: So old that its figures are called stale.
    stale: bool


def judge(spec_key: str, age: float) -> Late | None:
    """What a feed's age means; None while it is in time, or when no report of this name is declared any more."""
    spec = next((one for one in registry.specs() if one.key == spec_key), None)
    if spec is None or age <= spec.late_after.total_seconds():
        return None
    return Late(spec.key, str(spec.label), age, spec.every_hours, age > spec.stale_after.total_seconds())


# The table has a row a scope and report. A feed that has never succeeded is not late: its page says why.
_AGES = """
    SELECT f.spec, EXTRACT(EPOCH FROM clock_timestamp() - f.last_success_at)::float8
      FROM feeds_feed f
      JOIN accounts_accountmarketplace s ON s.account_id = f.account_id AND s.marketplace_id = f.marketplace_id
      JOIN accounts_selleraccount a ON a.id = f.account_id
     WHERE f.enabled AND s.active AND a.active AND f.last_success_at IS NOT NULL
       AND (%s::int[] IS NULL OR f.account_id = ANY(%s::int[]))"""


def ages(accounts: Sequence[int] | None = None) -> list[tuple[str, float]]:
    """(report, seconds since its last success) of each running feed."""
    ids = None if accounts is None else list(accounts)
    with connection.cursor() as cursor:
        cursor.execute(_AGES, [ids, ids])
        return [(spec, float(age)) for spec, age in cursor.fetchall()]


def late(accounts: Sequence[int] | None = None) -> list[Late]:
    """Every running feed that is behind."""
    return [found for spec, age in ages(accounts) if (found := judge(spec, age))]
