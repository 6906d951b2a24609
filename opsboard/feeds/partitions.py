"""Monthly partitions of fact tables, made when a document first needs them."""

from __future__ import annotations

from datetime import date

from django.db import connection, models, transaction

#: Percent of a page that loading fills. Amazon restates the newest weeks daily: a row rewritten within
#: its page leaves the indexes alone.
FILL = 85

_made: set[tuple[str, int, int]] = set()


def months(first: date, last: date) -> list[tuple[int, int]]:
    """(year, month) of every month touched by first..last, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [divmod(first.year * 12 + first.month - 1 + step, 12) for step in range(count + 1)]


def ensure(model: type[models.Model], first: date, last: date) -> None:
    """Make the missing monthly partitions for first..last; safe with several workers at once."""
    table = model._meta.db_table
    for year, month in months(first, last):
        if (table, year, month) in _made:
            continue
        start = date(year, month + 1, 1)
        end = date(year + (month == 11), (month + 1) % 12 + 1, 1)
        name = f"{table}_y{year}m{month + 1:02d}"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                # Two workers may both find it missing: the lock makes the second one look again.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table])
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {connection.ops.quote_name(name)} "
                    f"PARTITION OF {connection.ops.quote_name(table)} FOR VALUES FROM (%s) TO (%s) "
                    f"WITH (fillfactor = {FILL})",
                    [start, end],
                )
        if not connection.in_atomic_block:  # a rolled-back partition must not be remembered
            _made.add((table, year, month))


def analyze(model: type[models.Model], first: date, last: date) -> None:
    """Count the partitions of first..last anew.

    After a big load the server would plan for the empty table it knew until autovacuum comes by.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        for year, month in months(first, last):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(f'{table}_y{year}m{month + 1:02d}')}")


def analyze_unknown(model: type[models.Model]) -> None:
    """Count the partitions that nobody has counted yet: taken for empty, one would be gone through row by row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass AND c.reltuples < 0 AND pg_relation_size(c.oid) > 0",
            [model._meta.db_table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {name}")
