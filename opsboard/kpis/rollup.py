"""Keep the account-day roll-up in step with the facts: only dirty days are summed again.

Called inside the judge's transaction: the dirty marks vanish in the commit that makes the
sums true, so a crash in between repeats the work and loses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import connection

from .registry import Measure, measures

_CLAIM = """
WITH claimed AS (
    SELECT id FROM feeds_dirtyday
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
    ORDER BY id FOR UPDATE
)
DELETE FROM feeds_dirtyday d USING claimed WHERE d.id = claimed.id RETURNING d.dataset, d.date
"""

# A covered day without rows counts as zero (Amazon answered "nothing"); a day nobody covers gets
# no row at all. `summed` leans on the fact table's primary key (account, marketplace, date, ...).
_SUMS = """
WITH covered AS (
    SELECT date FROM feeds_coverage
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s
      AND date = ANY(%(days)s)
), summed AS (
    SELECT date, {aggregates} FROM {table}
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date = ANY(%(days)s)
    GROUP BY date
), wanted AS (
    SELECT c.date, v.measure, v.value
    FROM covered c LEFT JOIN summed s USING (date)
    CROSS JOIN LATERAL (VALUES {values}) AS v(measure, value)
    WHERE v.value IS NOT NULL
), gone AS (
    DELETE FROM kpis_accountday a
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date = ANY(%(days)s)
      AND measure = ANY(%(measures)s)
      AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.date = a.date AND w.measure = a.measure)
    RETURNING a.date, a.measure, NULL::numeric AS value
), written AS (
    INSERT INTO kpis_accountday (account_id, marketplace_id, date, measure, value)
    SELECT %(account)s, %(marketplace)s, date, measure, value FROM wanted
    ON CONFLICT (account_id, marketplace_id, date, measure) DO UPDATE SET value = EXCLUDED.value
        WHERE kpis_accountday.value IS DISTINCT FROM EXCLUDED.value
    RETURNING date, measure, value
)
INSERT INTO kpis_accountdayvintage (account_id, marketplace_id, date, measure, value, known_at)
SELECT %(account)s, %(marketplace)s, date, measure, value, now() FROM
    (SELECT * FROM gone UNION ALL SELECT * FROM written) AS changed
"""


def refresh(account_id: int, marketplace_id: int) -> int:
    """Sum the dirty days of a scope again; returns how many (day, measure) values changed.

    Must run in a transaction. Two at once on one scope wait for each other.
    """
    scope = {"account": account_id, "marketplace": marketplace_id}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, scope)
        dirty: dict[str, set[date]] = defaultdict(set)
        for dataset, day in cursor.fetchall():
            dirty[dataset].add(day)
        return sum(_sum_days(cursor, scope, dataset, sorted(days)) for dataset, days in sorted(dirty.items()))


def rebuild(account_id: int, marketplace_id: int) -> int:
    """Sum every covered day of a scope again (after a new measure was declared)."""
    scope = {"account": account_id, "marketplace": marketplace_id}
    changed = 0
    with connection.cursor() as cursor:
        for dataset in sorted({measure.dataset for measure in measures().values() if measure.model}):
            cursor.execute(
                "SELECT array_agg(date) FROM feeds_coverage WHERE account_id = %(account)s "
                "AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s",
                {**scope, "dataset": dataset},
            )
            if days := cursor.fetchone()[0]:
                changed += _sum_days(cursor, scope, dataset, days)
    return changed


def _sum_days(cursor: Any, scope: dict[str, int], dataset: str, days: Iterable[date]) -> int:
    tables: dict[str, list[Measure]] = defaultdict(list)
    for measure in measures().values():
        if measure.dataset == dataset and measure.model is not None:
            tables[measure.model._meta.db_table].append(measure)
    changed = 0
    for table, items in sorted(tables.items()):
        names = [f"m{number}" for number in range(len(items))]
        aggregates = ", ".join(f"{item.sql} AS {name}" for item, name in zip(items, names, strict=True))
        # Sums of an empty day are zero; a target or other maximum of nothing is nothing.
        values = ", ".join(f"('{item.key}', {_or_zero(item, name)})" for item, name in zip(items, names, strict=True))
        cursor.execute(
            _SUMS.format(aggregates=aggregates, table=table, values=values),
            {**scope, "dataset": dataset, "days": list(days), "measures": [item.key for item in items]},
        )
        changed += cursor.rowcount
    return changed


def _or_zero(measure: Measure, name: str) -> str:
    if measure.sql.startswith("sum(") and "FILTER" not in measure.sql:
        return f"CASE WHEN s.date IS NULL THEN 0 ELSE s.{name} END::numeric"
    return f"s.{name}::numeric"
