"""Keep the account-day roll-up in step with the facts, and every value it ever had (AccountDayVintage).

`follow` sums the days a document changed in the transaction that changes them, so that no value between
two documents is lost. `refresh` sums what is dirty again inside the judge's transaction: the dirty marks
vanish in the commit that makes the sums true, so a crash in between repeats the work and loses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone

from opsboard.feeds.followers import Moved

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
    SELECT date, document_id FROM feeds_coverage
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s
      AND date = ANY(%(days)s)
), summed AS (
    SELECT date, {aggregates} FROM {table}
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date = ANY(%(days)s)
    GROUP BY date
), wanted AS (
    SELECT c.date, c.document_id, v.measure, v.value
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
INSERT INTO kpis_accountdayvintage (account_id, marketplace_id, date, measure, value, known_at, document_id)
SELECT %(account)s, %(marketplace)s, date, measure, value, {known_at}, document_id FROM
    (SELECT date, measure, value, %(document)s::bigint AS document_id FROM gone
     UNION ALL SELECT n.date, n.measure, n.value, w.document_id FROM written n JOIN wanted w USING (date, measure)
    ) AS changed
"""
_NOW = "%(now)s"
# What is summed for the first time was known as soon as the document that says it was downloaded.
_AS_DOWNLOADED = """
    coalesce((SELECT d.received_at FROM feeds_document d WHERE d.id = changed.document_id AND NOT EXISTS (
        SELECT 1 FROM kpis_accountdayvintage v WHERE v.account_id = %(account)s
           AND v.marketplace_id = %(marketplace)s AND v.measure = changed.measure AND v.date = changed.date)), %(now)s)
"""


def follow(cursor: Any, moved: Moved) -> None:
    """Sum days that a document just changed; part of the transaction that changes them."""
    if not any(measure.dataset == moved.dataset for measure in measures().values()):
        return
    scope = {"account": moved.account_id, "marketplace": moved.marketplace_id}
    # The rows are new to the planner, who takes them for one: fetched by index and sorted, a million take thrice
    # as long as read page by page and hashed.
    cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_sort = off")
    _sum_days(cursor, scope, moved.dataset, moved.days, document=moved.document_id)
    cursor.execute("SET LOCAL enable_indexscan TO DEFAULT; SET LOCAL enable_sort TO DEFAULT")


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
    """Sum every covered day of a scope again (after a new measure was declared): how many values changed.

    Values summed for the first time count as known since their documents were downloaded.
    """
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
                changed += _sum_days(cursor, scope, dataset, days, known_at=_AS_DOWNLOADED)
    return changed


# The newest vintage of a day is what the document says that holds the day now.
_NAME = """
    UPDATE kpis_accountdayvintage v SET document_id = c.document_id
      FROM feeds_coverage c, kpis_accountday a
     WHERE v.account_id = %(account)s AND v.marketplace_id = %(marketplace)s AND v.measure = ANY(%(measures)s)
       AND v.document_id IS NULL AND v.value = a.value
       AND NOT EXISTS (SELECT 1 FROM kpis_accountdayvintage n
                        WHERE n.account_id = v.account_id AND n.marketplace_id = v.marketplace_id
                          AND n.measure = v.measure AND n.date = v.date
                          AND (n.known_at, n.id) > (v.known_at, v.id))
       AND a.account_id = v.account_id AND a.marketplace_id = v.marketplace_id AND a.measure = v.measure
       AND a.date = v.date
       AND c.account_id = v.account_id AND c.marketplace_id = v.marketplace_id AND c.dataset = %(dataset)s
       AND c.date = v.date
"""


def name_documents(account_id: int, marketplace_id: int) -> int:
    """Give vintages written before they named documents the one that holds their day; how many it named."""
    by_dataset: dict[str, list[str]] = defaultdict(list)
    for measure in measures().values():
        if measure.model is not None:
            by_dataset[measure.dataset].append(measure.key)
    named = 0
    with connection.cursor() as cursor:
        for dataset, keys in sorted(by_dataset.items()):
            scope: dict[str, Any] = {"account": account_id, "marketplace": marketplace_id, "dataset": dataset}
            cursor.execute(_NAME, {**scope, "measures": keys})
            named += cursor.rowcount
    return named


def _sum_days(
    cursor: Any,
    scope: dict[str, int],
    dataset: str,
    days: Iterable[date],
    *,
    document: int | None = None,
    known_at: str = _NOW,
) -> int:
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
            _SUMS.format(aggregates=aggregates, table=table, values=values, known_at=known_at),
            {
                **scope,
                "dataset": dataset,
                "days": list(days),
                "measures": [item.key for item in items],
                "document": document,
                "now": timezone.now(),
            },
        )
        changed += cursor.rowcount
    return changed


def _or_zero(measure: Measure, name: str) -> str:
    counted = measure.sql.startswith(("count(", "coalesce("))
    if counted or (measure.sql.startswith("sum(") and "FILTER" not in measure.sql):
        return f"CASE WHEN s.date IS NULL THEN 0 ELSE s.{name} END::numeric"
    return f"s.{name}::numeric"
