"""Which feeds are behind, by their own rhythm and the ages their reports declare (opsboard.feeds.slots)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from opsboard.feeds import registry, slots


@dataclass(frozen=True, slots=True)
class Late:
    """A report whose last success is older than its rhythm allows; the oldest of the scopes asked about."""

    spec: str
    label: str
    #: Seconds since the last success.
    age: float
    #: The longest time without a new one while all is well.
    every_hours: int
    #: So old that its figures are called stale.
    stale: bool


def judge(spec_key: str, age: float, hours: Sequence[int] = (), weekdays: Sequence[int] = ()) -> Late | None:
    """What a feed's age means; None while it is in time, or when no report of this name is declared any more."""
    spec = next((one for one in registry.specs() if one.key == spec_key), None)
    if spec is None or age <= slots.late_after(spec, hours, weekdays).total_seconds():
        return None
    stale = age > slots.stale_after(spec, hours, weekdays).total_seconds()
    return Late(spec.key, str(spec.label), age, slots.quiet_hours(spec, hours, weekdays), stale)


# The table has a row a scope and report. A feed that has never succeeded is not late: its page says why.
_AGES = """
    SELECT f.spec, EXTRACT(EPOCH FROM clock_timestamp() - f.last_success_at)::float8, f.hours::text, f.weekdays::text
      FROM feeds_feed f
      JOIN accounts_accountmarketplace s ON s.account_id = f.account_id AND s.marketplace_id = f.marketplace_id
      JOIN accounts_selleraccount a ON a.id = f.account_id
     WHERE f.enabled AND s.active AND a.active AND f.last_success_at IS NOT NULL
       AND (%s::int[] IS NULL OR f.account_id = ANY(%s::int[]))"""


def ages(accounts: Sequence[int] | None = None) -> list[tuple[str, float, list[int], list[int]]]:
    """(report, seconds since its last success, chosen hours, chosen weekdays) of each running feed."""
    ids = None if accounts is None else list(accounts)
    with connection.cursor() as cursor:
        cursor.execute(_AGES, [ids, ids])
        return [(spec, float(age), json.loads(hours), json.loads(days)) for spec, age, hours, days in cursor.fetchall()]


def late(accounts: Sequence[int] | None = None) -> list[Late]:
    """Every running feed that is behind."""
    return [found for feed in ages(accounts) if (found := judge(*feed))]
