"""How the rows of groups are replaced (Scope.GROUPS): orders, settlements, promotions.

A document names groups and says all there is of each; when a line of it changes, the whole group
is told again, in another document and perhaps months later. So a group is replaced as a whole,
wherever its days lie, and only by a document (or a version of the row) that is not older than
what is stored. A group the document does not name is none of its business.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from . import partitions
from .errors import BadDocument
from .replacement import BIG_LOAD, JOIN_MEMORY, Replaced, Replacement

#: A document that claims to be complete for longer than this misreads its days.
LONGEST = 3660
_GROUPS = "staged_groups"


class GroupReplacement(Replacement):
    def days(self) -> list[date]:
        """The days the document is complete for, in order."""
        if self.dataset.complete is None:
            if self.document.window_start and self.document.window_end:
                return self.dataset.period.first_days(self.document.window_start, self.document.window_end)
            return self._select_days(f"SELECT DISTINCT {self.row_date} FROM {self._rows} s WHERE {self._since}")
        first, last = self.dataset.complete
        found: set[date] = set()
        for start, end in self._spans(first, last):
            if not 0 <= (end - start).days < LONGEST:
                raise BadDocument(
                    _("It says it is about %(first)s to %(last)s, which cannot be") % {"first": start, "last": end},
                    todo=_("Nothing was changed. Download the report again."),
                )
            found.update(start + timedelta(days=n) for n in range((end - start).days + 1))
        return sorted(found)

    @property
    def _since(self) -> str:
        """SQL for the rows of days that a document without a window can be complete for.

        A file of what changed last week names an order of last spring, and not the others of its day: only
        of days since the oldest change in it are all orders there.
        """
        if not self.dataset.version:
            return "TRUE"
        oldest = f"SELECT min({self._expression(self.dataset.version)}) FROM {self._table} s"
        return f"{self.row_date} >= (({oldest}) AT TIME ZONE %(zone)s)::date"

    def make_partitions(self) -> None:
        months = self._select_days(f"SELECT DISTINCT date_trunc('month', {self.row_date})::date FROM {self._rows} s")
        for month in months:
            partitions.ensure(self.model, month, month)

    def run(self, days: list[date], force: bool) -> Replaced:
        """`force` is for days that were emptied; groups are never held for that."""
        with connection.cursor() as cursor:
            self._lock(cursor)
            cursor.execute(f"SET LOCAL work_mem = '{JOIN_MEMORY}'")
            counts = self._counts(cursor)
            stored = self._is_anything_stored(cursor)
            if stored:
                partitions.analyze_unknown(self.model)
            taken, held = self._choose(cursor, stored)
            changed, deleted, moved_days = self._write_groups(cursor, stored) if taken else (0, 0, [])
            for names in self.staged.names:
                self._write_dimension(cursor, names)
            new_days = self._cover_complete(cursor, days, counts)
            self._remember(cursor, days, {day: counts.get(day, 0) for day in days})
            if dirty := sorted({*moved_days, *new_days}):
                self._mark_dirty(cursor, dirty)
            cursor.execute(f"DROP TABLE {_GROUPS}")
            if changed >= BIG_LOAD:
                for day in {day.replace(day=1) for day in moved_days}:
                    partitions.analyze(self.model, day, day)
        superseded = bool(held and not taken and not new_days)
        told = () if superseded else tuple(days or moved_days or sorted(counts))
        rows = self.staged.rows - self.staged.refused
        return Replaced(rows, changed, deleted, told, len(days) * superseded, moved=bool(dirty))

    # --- reading the staged rows --------------------------------------------------------------

    @property
    def _table(self) -> str:
        return self.staged.table

    def _select_days(self, sql: str) -> list[date]:
        with connection.cursor() as cursor:
            cursor.execute(sql, self._parameters([]))
            return sorted(row[0] for row in cursor.fetchall() if row[0] is not None)

    def _spans(self, first: str, last: str) -> list[tuple[date, date]]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT s.{first}, s.{last} FROM {self._table} s "
                f"WHERE s.{first} IS NOT NULL AND s.{last} IS NOT NULL"
            )
            return list(cursor.fetchall())

    def _counts(self, cursor: Any) -> dict[date, int]:
        cursor.execute(f"SELECT {self.row_date}, count(*) FROM {self._rows} s GROUP BY 1", self._parameters([]))
        return dict(cursor.fetchall())

    # --- whose groups -------------------------------------------------------------------------

    def _is_anything_stored(self, cursor: Any) -> bool:
        cursor.execute(
            f"SELECT 1 FROM {self.table} f WHERE f.account_id = %(account)s AND f.marketplace_id = %(marketplace)s "
            "LIMIT 1",
            self._parameters([]),
        )
        return cursor.fetchone() is not None

    def _choose(self, cursor: Any, stored: bool) -> tuple[int, int]:
        """Name the groups to replace in a temporary table; how many are taken, how many a newer document holds."""
        names = ", ".join(f"{self._expression(name)} AS {name}" for name in self.dataset.group)
        grouping = ", ".join(str(number + 1) for number in range(len(self.dataset.group)))
        version = f"max({self._expression(self.dataset.version)})" if self.dataset.version else "NULL::timestamptz"
        cursor.execute(f"DROP TABLE IF EXISTS {_GROUPS}")
        cursor.execute(
            f"CREATE TEMP TABLE {_GROUPS} ON COMMIT DROP AS "
            f"SELECT {names}, {version} AS newest FROM {self._rows} s GROUP BY {grouping}",
            self._parameters([]),
        )
        taken = int(cursor.rowcount)
        if not stored or not taken:
            return taken, 0
        cursor.execute(f"ANALYZE {_GROUPS}")
        theirs = f"coalesce(f.{self.dataset.version}, '-infinity')" if self.dataset.version else "1"
        ours = "coalesce(g.newest, '-infinity')" if self.dataset.version else "1"
        same = " AND ".join(f"f.{name} = g.{name}" for name in self.dataset.group)
        cursor.execute(
            f"DELETE FROM {_GROUPS} g WHERE EXISTS (SELECT 1 FROM {self.table} f "
            "JOIN feeds_document d ON d.id = f.document_id "
            f"WHERE f.account_id = %(account)s AND f.marketplace_id = %(marketplace)s AND {same} "
            f"AND ({theirs}, d.source_created_at, d.id) > ({ours}, %(created)s, %(document)s))",
            self._parameters([]),
        )
        held = int(cursor.rowcount)
        return taken - held, held

    # --- writing ------------------------------------------------------------------------------

    def _write_groups(self, cursor: Any, stored: bool) -> tuple[int, int, list[date]]:
        """(rows that are new or differ, rows that are gone, the days of both)."""
        fields = [*self.key, *self.values]
        theirs = ", ".join(f"{self._cast(name)} AS {name}" for name in fields)
        chosen = " AND ".join(f"{self._expression(name)} = g.{name}" for name in self.dataset.group)
        group = ", ".join(f"g.{name}" for name in self.dataset.group)
        newest = f"{self._expression(self.dataset.version)} DESC NULLS LAST, " if self.dataset.version else ""
        stamp = f"row_number() OVER (PARTITION BY {group} ORDER BY {newest}s.line) = 1 AS stamps"
        staged = f"SELECT {theirs}, s.line, {stamp} FROM {self.source} s JOIN {_GROUPS} g ON {chosen}"
        insert = (
            f"INSERT INTO {self.table} (account_id, marketplace_id, {', '.join(fields)}, document_id, line) "
            f"SELECT %(account)s::smallint, %(marketplace)s::smallint, {', '.join(fields)}, %(document)s::bigint, line "
        )
        if not stored:
            cursor.execute(
                f"WITH written AS ({insert} FROM ({staged}) s RETURNING date) "
                "SELECT count(*), array_agg(DISTINCT date) FROM written",
                self._parameters([]),
            )
            count, days = cursor.fetchone()
            return count, 0, days or []
        keys = ", ".join(f"coalesce(s.{name}, f.{name}) AS {name}" for name in self.key)
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*self.values, "document_id", "line"])
        same_group = " AND ".join(f"f.{name} = g.{name}" for name in self.dataset.group)
        # Rows that say the same are left alone, but for one of each group: stamped with the newer document,
        # the newest row of a group tells how new the group is.
        cursor.execute(
            f"""
            WITH diff AS MATERIALIZED (
                SELECT {keys}, {self._staged_values} s.line,
                       f.date IS NOT NULL AND s.line IS NOT NULL AND {self._is_same} AS is_same
                FROM ({staged}) s
                FULL JOIN (
                    SELECT {", ".join(f"f.{name}" for name in fields)}, f.document_id
                    FROM {self.table} f JOIN {_GROUPS} g ON {same_group}
                    WHERE f.account_id = %(account)s AND f.marketplace_id = %(marketplace)s
                ) f ON {" AND ".join(f"f.{name} = s.{name}" for name in self.key)}
                WHERE s.line IS NULL OR f.date IS NULL OR NOT {self._is_same}
                OR (s.stamps AND f.document_id <> %(document)s)
            ), gone AS (
                DELETE FROM {self.table} f USING diff WHERE diff.line IS NULL
                AND f.account_id = %(account)s AND f.marketplace_id = %(marketplace)s
                AND {" AND ".join(f"f.{name} = diff.{name}" for name in self.key)} RETURNING f.date
            ), written AS (
                {insert} FROM diff WHERE line IS NOT NULL
                ON CONFLICT (account_id, marketplace_id, {", ".join(self.key)}) DO UPDATE SET {updates} RETURNING 1
            )
            SELECT (SELECT count(*) FROM diff WHERE line IS NOT NULL AND NOT is_same), (SELECT count(*) FROM gone),
                   (SELECT array_agg(DISTINCT date) FROM diff WHERE NOT is_same), (SELECT count(*) FROM written)
            """,
            self._parameters([]),
        )
        changed, deleted, days, _written = cursor.fetchone()
        return changed, deleted, days or []

    def _cover_complete(self, cursor: Any, days: list[date], counts: dict[date, int]) -> list[date]:
        """Say which document is the newest that is complete for each day; returns days none was before."""
        cursor.execute(
            "INSERT INTO feeds_coverage (account_id, marketplace_id, dataset, date, document_id, source_created_at, "
            "rows, digest, applied_at) SELECT %(account)s, %(marketplace)s, %(dataset)s, d.day, %(document)s, "
            "%(created)s, d.rows, '', now() FROM unnest(%(days)s::date[], %(counts)s::int[]) AS d(day, rows) "
            "ON CONFLICT (account_id, marketplace_id, dataset, date) DO UPDATE SET document_id = EXCLUDED.document_id, "
            "source_created_at = EXCLUDED.source_created_at, rows = EXCLUDED.rows, applied_at = EXCLUDED.applied_at "
            "WHERE (feeds_coverage.source_created_at, feeds_coverage.document_id) "
            "<= (EXCLUDED.source_created_at, EXCLUDED.document_id) RETURNING date, xmax = 0",
            {**self._parameters(days), "counts": [counts.get(day, 0) for day in days]},
        )
        return [day for day, is_new in cursor.fetchall() if is_new]
