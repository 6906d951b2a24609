"""How the rows of groups are replaced (Scope.GROUPS): orders, settlements, promotions.

A document names groups and says all there is of each; when a line of it changes, the whole group
is told again, in another document and perhaps months later. So a group is replaced as a whole,
wherever its days lie, and only by a document (or a version of the row) that is not older than
what is stored. A group the document does not name is none of its business.

Rows that say the same are left alone, with the name of the document that said so first. That a newer
one stands behind the whole group too is noted beside it (`ToldGroups`): most of what Amazon tells
again is the same, and rewriting a row of every order would cost more than all that did change.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from . import partitions
from .errors import BadDocument
from .models import ToldGroups
from .registry import Dataset
from .replacement import BIG_LOAD, JOIN_MEMORY, Replaced, Replacement

#: A document that claims to be complete for longer than this misreads its days.
LONGEST = 3660
_GROUPS = "staged_groups"


def version_key(dataset: Dataset, groups: str, newest: str) -> str:
    """SQL for a number that names a version of a group; `groups` is what its columns are taken from (s, g)."""
    key = f"coalesce((extract(epoch FROM {newest}) * 1000000)::bigint, 0)"
    for name in dataset.group:
        key = f"hashtextextended({groups}.{name}::text, {key})"
    return key


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
        for month in sorted({day.replace(day=1) for day in self._counts}):
            partitions.ensure(self.model, month, month)

    def run(self, days: list[date], force: bool) -> Replaced:
        """`force` is for days that were emptied; groups are never held for that."""
        with connection.cursor() as cursor:
            self._lock(cursor)
            cursor.execute(f"SET LOCAL work_mem = '{JOIN_MEMORY}'")
            counts = self._counts
            stored = self._is_anything_stored(cursor)
            if stored:
                partitions.analyze_unknown(self.model)
            taken, held = self._choose(cursor, stored)
            changed, deleted, moved_days = self._write_groups(cursor, stored) if taken else (0, 0, [])
            self._note_told(cursor, stored)
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
        return Replaced(sum(counts.values()), changed, deleted, told, len(days) * superseded, moved=bool(dirty))

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

    @cached_property
    def _counts(self) -> dict[date, int]:
        """How many of the staged rows are of each day."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {self.row_date}, count(*) FROM {self._rows} s GROUP BY 1", self._parameters([]))
            return {day: rows for day, rows in cursor.fetchall() if day is not None}

    # --- whose groups -------------------------------------------------------------------------

    @staticmethod
    def _here(alias: str) -> str:
        return f"{alias}.account_id = %(account)s AND {alias}.marketplace_id = %(marketplace)s"

    def _is_anything_stored(self, cursor: Any) -> bool:
        cursor.execute(
            f"SELECT 1 FROM {self.table} f WHERE {self._here('f')} LIMIT 1",
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
            f"JOIN feeds_document d ON d.id = f.document_id WHERE {self._here('f')} AND {same} "
            f"AND ({theirs}, d.source_created_at, d.id) > ({ours}, %(created)s, %(document)s))",
            self._parameters([]),
        )
        held = int(cursor.rowcount)
        cursor.execute(
            f"DELETE FROM {_GROUPS} g WHERE {version_key(self.dataset, 'g', 'g.newest')} IN ("
            "SELECT unnest(t.groups) FROM feeds_toldgroups t JOIN feeds_document d ON d.id = t.document_id "
            f"WHERE {self._here('t')} AND t.dataset = %(dataset)s "
            "AND d.withdrawn_at IS NULL AND (d.source_created_at, d.id) > (%(created)s, %(document)s)) "
            f"AND EXISTS (SELECT 1 FROM {self.table} f WHERE {self._here('f')} AND {same})",
            self._parameters([]),
        )
        held += int(cursor.rowcount)
        return taken - held, held

    # --- writing ------------------------------------------------------------------------------

    def _write_groups(self, cursor: Any, stored: bool) -> tuple[int, int, list[date]]:
        """(rows that are new or differ, rows that are gone, the days of both)."""
        fields = [*self.key, *self.values]
        theirs = ", ".join(f"{self._cast(name)} AS {name}" for name in fields)
        chosen = " AND ".join(f"{self._expression(name)} = g.{name}" for name in self.dataset.group)
        staged = f"SELECT {theirs}, s.line FROM {self.source} s JOIN {_GROUPS} g ON {chosen}"
        insert = (
            f"INSERT INTO {self.table} (account_id, marketplace_id, {', '.join(fields)}, document_id, line) "
            f"SELECT %(account)s::smallint, %(marketplace)s::smallint, {', '.join(fields)}, %(document)s::bigint, line "
        )
        if not stored:
            cursor.execute(f"{insert} FROM ({staged}) s", self._parameters([]))
            return cursor.rowcount, 0, sorted(self._counts)
        keys = ", ".join(f"coalesce(s.{name}, f.{name}) AS {name}" for name in self.key)
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*self.values, "document_id", "line"])
        same_group = " AND ".join(f"f.{name} = g.{name}" for name in self.dataset.group)
        cursor.execute(
            f"""
            WITH diff AS MATERIALIZED (
                SELECT {keys}, {self._staged_values} s.line
                FROM ({staged}) s
                FULL JOIN (
                    SELECT {", ".join(f"f.{name}" for name in fields)}
                    FROM {self.table} f JOIN {_GROUPS} g ON {same_group}
                    WHERE {self._here("f")}
                ) f ON {" AND ".join(f"f.{name} = s.{name}" for name in self.key)}
                WHERE s.line IS NULL OR f.date IS NULL OR NOT {self._is_same}
            ), gone AS (
                DELETE FROM {self.table} f USING diff WHERE diff.line IS NULL
                AND {self._here("f")} AND {" AND ".join(f"f.{name} = diff.{name}" for name in self.key)} RETURNING 1
            ), written AS (
                {insert} FROM diff WHERE line IS NOT NULL
                ON CONFLICT (account_id, marketplace_id, {", ".join(self.key)}) DO UPDATE SET {updates} RETURNING 1
            )
            SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM gone),
                   (SELECT array_agg(DISTINCT date) FROM diff)
            """,
            self._parameters([]),
        )
        changed, deleted, days = cursor.fetchone()
        return changed, deleted, days or []

    def _note_told(self, cursor: Any, stored: bool) -> None:
        """Note the groups taken. Where nothing was stored before, every row of theirs bears the document's name."""
        ToldGroups.objects.filter(document=self.document, dataset=self.dataset.key).delete()
        if stored:
            key = version_key(self.dataset, "g", "g.newest")
            cursor.execute(
                "INSERT INTO feeds_toldgroups (account_id, marketplace_id, document_id, dataset, groups) "
                "SELECT %(account)s, %(marketplace)s, %(document)s, %(dataset)s, told.groups "
                f"FROM (SELECT array_agg({key}) AS groups FROM {_GROUPS} g) told WHERE told.groups IS NOT NULL",
                self._parameters([]),
            )

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
