"""Replace a scope: what a document says about its days becomes what the fact table says.

One transaction per dataset: rows that differ are written, rows that are gone are deleted,
rows that are the same are not touched, and the days whose figures may have moved are marked
dirty in the same commit. A day already held by a newer document is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, ProgrammingError, connection, models, transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from . import partitions, registry
from .errors import BadDocument
from .models import Document
from .registry import Column, Dataset, Dimension, Kind, Scope
from .staging import Staged

#: Fewer stored rows than this are not worth a suspicion when they vanish.
EMPTINESS_FLOOR = 20
EMPTINESS_SHARE = 0.2
UNIQUE_VIOLATION, CARDINALITY_VIOLATION = "23505", "21000"
_BOOKKEEPING = {"account_id", "marketplace_id", "document_id", "line"}


class SuddenEmptiness(BadDocument):
    """Most of what was stored for these days is not in the document: held until a person looks."""


@dataclass(slots=True)
class Replaced:
    rows: int = 0
    changed: int = 0  # inserted or rewritten
    deleted: int = 0
    days: tuple[date, ...] = ()
    skipped_days: int = 0  # a newer document holds them
    moved: bool = False  # something a KPI could see is different now


def replace(
    staged: Staged, document: Document, marketplace: Marketplace, *, day: date | None, force: bool = False
) -> Replaced:
    """Apply `staged` to the fact table of its dataset.

    `day` dates rows that carry no date (Scope.DAY and Scope.STATE). `force` applies a document
    although it empties the scope. Raises SuddenEmptiness or BadDocument with nothing changed.
    """
    work = _Replacement(staged, document, marketplace, day)
    work.check_window()
    days = work.days()
    if not days:
        return Replaced()
    if work.dated:
        partitions.ensure(work.model, days[0], days[-1])
    with transaction.atomic():
        return work.run(days, force)


class _Replacement:
    def __init__(self, staged: Staged, document: Document, marketplace: Marketplace, day: date | None) -> None:
        self.staged = staged
        self.dataset: Dataset = staged.dataset
        self.model: type[models.Model] = staged.dataset.model
        self.document = document
        self.marketplace = marketplace
        self.day = day
        self.table = self.model._meta.db_table
        #: Whether the document said a key more than once, so that its rows are not all rows of ours.
        self.added_up = False
        fields = [field.attname for field in self.model._meta.concrete_fields]
        #: Fact tables have a date of their own; state tables only have "now".
        self.dated = "date" in fields
        primary_key = self.model._meta.pk
        assert isinstance(primary_key, models.CompositePrimaryKey)
        self.key = [name for name in primary_key.field_names if name not in {"account_id", "marketplace_id"}]
        self.columns = {column.field: column for column in self.dataset.columns}
        self.values = [name for name in fields if name not in _BOOKKEEPING and name not in self.key]
        self.values = [name for name in self.values if name in self.columns]
        #: Nobody asked for days: Amazon says itself which day its newest snapshot is of, often yesterday.
        self.snapshot = not registry.spec(document.spec).history

    # --- what days is this about ------------------------------------------------------------

    @property
    def row_date(self) -> str:
        """SQL for the day of a staged row."""
        return "s.date" if self.dataset.scope is Scope.DAYS else f"DATE '{self.day:%Y-%m-%d}'"

    def check_window(self) -> None:
        """Rows of days nobody asked for mean the document is not what it claims to be."""
        if self.dataset.scope is not Scope.DAYS or not self.document.window_start or self.snapshot:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT s.date, min(s.line) FROM {self.staged.table} s WHERE s.date NOT BETWEEN %s AND %s "
                "GROUP BY 1 ORDER BY 2 LIMIT 1",
                [self.document.window_start, self.document.window_end],
            )
            if stray := cursor.fetchone():
                raise BadDocument(
                    _("%(day)s is not one of the days this report was asked for (%(first)s to %(last)s)")
                    % {"day": stray[0], "first": self.document.window_start, "last": self.document.window_end},
                    line=stray[1],
                    todo=_("Nothing was changed."),
                )

    def days(self) -> list[date]:
        """The days the document speaks for, in order: its window, or those its rows name."""
        if self.dataset.scope is not Scope.DAYS:
            assert self.day is not None
            return [self.day]
        window: list[date] = []
        if self.document.window_start and self.document.window_end:
            first, last = self.document.window_start, self.document.window_end
            window = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
        if window and not (self.snapshot and self.staged.rows):
            return window
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT s.date FROM {self.staged.table} s ORDER BY 1")
            return [row[0] for row in cursor.fetchall()]

    # --- the transaction ----------------------------------------------------------------------

    def run(self, days: list[date], force: bool) -> Replaced:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [self.dataset.key, self._lock_key()])
            open_days = self._older_than_us(cursor, days)
            if not open_days:
                return Replaced(skipped_days=len(days))
            before = self._held(cursor, open_days)
            rows = self._staged_rows(cursor, open_days)
            if not force and before >= EMPTINESS_FLOOR and rows < before * EMPTINESS_SHARE:
                raise SuddenEmptiness(
                    _("It has %(rows)d rows where %(before)d are stored") % {"rows": rows, "before": before},
                    todo=_("Nothing was changed. Ask for the report again; if it is right, apply it by hand."),
                )
            changed = self._write(cursor, open_days, empty=before == 0)
            # Rows that were there and are not in the document: looked for only if there can be any.
            gone = before and (self.added_up or self._stored(cursor, open_days) > rows)
            deleted = self._delete_vanished(cursor, open_days) if gone else 0
            for dimension, table in zip(self.dataset.dimensions, self.staged.dimension_tables, strict=True):
                self._write_dimension(cursor, dimension, table)
            new_days = self._cover(cursor, open_days)
            moved = bool(changed or deleted or new_days)
            if moved:
                self._mark_dirty(cursor, open_days if (changed or deleted) else new_days)
        return Replaced(rows, changed, deleted, tuple(open_days), len(days) - len(open_days), moved)

    def _lock_key(self) -> int:
        return self.document.account_id * 1000 + self.document.marketplace_id

    def _scope(self, alias: str) -> str:
        where = f"{alias}.account_id = %(account)s AND {alias}.marketplace_id = %(marketplace)s"
        return f"{where} AND {alias}.date = ANY(%(days)s)" if self.dated else where

    def _parameters(self, days: list[date]) -> dict[str, Any]:
        return {
            "account": self.document.account_id,
            "marketplace": self.document.marketplace_id,
            "document": self.document.pk,
            "days": days,
        }

    def _older_than_us(self, cursor: Any, days: list[date]) -> list[date]:
        """The days that no newer document holds. A state dataset is one day: whatever is newest."""
        cursor.execute(
            "SELECT date FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s "
            "AND dataset = %(dataset)s AND (source_created_at, document_id) > (%(created)s, %(document)s)"
            + ("" if self.dataset.scope is Scope.STATE else " AND date = ANY(%(days)s)"),
            {**self._parameters(days), "dataset": self.dataset.key, "created": self.document.source_created_at},
        )
        newer = {row[0] for row in cursor.fetchall()}
        if self.dataset.scope is Scope.STATE:
            return [] if newer else days
        return [day for day in days if day not in newer]

    def _held(self, cursor: Any, days: list[date]) -> int:
        """How many rows the documents that hold these days had: what is stored, without counting it."""
        cursor.execute(
            "SELECT coalesce(sum(rows), 0) FROM feeds_coverage WHERE account_id = %(account)s "
            "AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s"
            + ("" if self.dataset.scope is Scope.STATE else " AND date = ANY(%(days)s)"),
            {**self._parameters(days), "dataset": self.dataset.key},
        )
        return int(cursor.fetchone()[0])

    def _stored(self, cursor: Any, days: list[date]) -> int:
        cursor.execute(f"SELECT count(*) FROM {self.table} f WHERE {self._scope('f')}", self._parameters(days))
        return int(cursor.fetchone()[0])

    def _staged_rows(self, cursor: Any, days: list[date]) -> int:
        cursor.execute(
            f"SELECT count(*) FROM {self.staged.table} s WHERE {self.row_date} = ANY(%(days)s)", {"days": days}
        )
        return int(cursor.fetchone()[0])

    def _expression(self, name: str) -> str:
        """SQL that makes the stored value of a column from its staged text."""
        column: Column | None = self.columns.get(name)
        if name == "date":
            return self.row_date
        if name in self.dataset.derived:
            return self.dataset.derived[name]
        assert column is not None, name
        if column.kind is Kind.PERCENT:
            return f"round(s.{name} / 100, 6)"
        return f"s.{name}"

    def _join_keys(self) -> str:
        return " AND ".join(f"f.{name} = {self._expression(name)}" for name in self.key)

    def _delete_vanished(self, cursor: Any, days: list[date]) -> int:
        cursor.execute(
            f"DELETE FROM {self.table} f WHERE {self._scope('f')} AND NOT EXISTS "
            f"(SELECT 1 FROM {self.staged.table} s WHERE {self._join_keys() or 'true'})",
            self._parameters(days),
        )
        return int(cursor.rowcount)

    def _write(self, cursor: Any, days: list[date], *, empty: bool) -> int:
        """Insert and update; a document that says a key twice is noticed by the index, then dealt with."""
        try:
            with transaction.atomic():
                return self._write_from(cursor, self.staged.table, days, empty=empty)
        except (IntegrityError, ProgrammingError) as error:
            if getattr(error.__cause__, "pgcode", "") not in {UNIQUE_VIOLATION, CARDINALITY_VIOLATION}:
                raise
            self.added_up = True
            return self._write_from(cursor, self._one_row_a_key(cursor), days, empty=False)

    def _write_from(self, cursor: Any, source: str, days: list[date], *, empty: bool) -> int:
        targets = ["account_id", "marketplace_id", *self.key, *self.values, "document_id", "line"]
        selected = [
            "%(account)s::smallint",
            "%(marketplace)s::smallint",
            *(self._expression(name) for name in [*self.key, *self.values]),
            "%(document)s::bigint",
            "s.line",
        ]
        where = [f"{self.row_date} = ANY(%(days)s)"]
        join = ""
        conflict = ""
        if not empty:
            # Rows that are already stored as they are drop out in a hash join: only what differs
            # goes through the index of the fact table.
            join = f" LEFT JOIN {self.table} f ON {self._scope('f')} AND {self._join_keys() or 'true'}"
            mine = ", ".join(f"f.{name}" for name in self.values)
            theirs = ", ".join(self._cast(name) for name in self.values)
            where.append(f"(f.account_id IS NULL OR ROW({mine}) IS DISTINCT FROM ROW({theirs}))")
            updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*self.values, "document_id", "line"])
            keys = ", ".join(["account_id", "marketplace_id", *self.key])
            conflict = f" ON CONFLICT ({keys}) DO UPDATE SET {updates}"
        cursor.execute(
            f"INSERT INTO {self.table} ({', '.join(targets)}) SELECT {', '.join(selected)} "
            f"FROM {source} s{join} WHERE {' AND '.join(where)}{conflict}",
            self._parameters(days),
        )
        return int(cursor.rowcount)

    def _cast(self, name: str) -> str:
        """The staged value with the type of the stored column, so that equal values compare equal."""
        field = self.model._meta.get_field(name)
        expression = self._expression(name)
        if isinstance(field, models.DecimalField):
            return f"({expression})::numeric({field.max_digits},{field.decimal_places})"
        return expression

    def _one_row_a_key(self, cursor: Any) -> str:
        """SQL for the staged rows added up by key; BadDocument where they cannot be."""
        keys = ", ".join(self._expression(name) for name in self.key)
        if not self.dataset.sums:
            cursor.execute(
                f"SELECT min(s.line), max(s.line) FROM {self.staged.table} s GROUP BY {keys} HAVING count(*) > 1 "
                "ORDER BY 1 LIMIT 1"
            )
            first, second = cursor.fetchone()
            raise BadDocument(
                _("It repeats what line %(line)d already says, and the two cannot be told apart") % {"line": first},
                line=second,
                todo=_("Nothing was changed. Download the report again."),
            )
        columns = []
        for name in ["line", *(c.field for c in self.columns.values() if c.kind is not Kind.CURRENCY)]:
            staged_key = name in self.key and name != "date"
            if name in self.dataset.sums:
                columns.append(f"sum({name}) AS {name}")
            elif staged_key or (name == "date" and self.dataset.scope is Scope.DAYS):
                columns.append(name)
            else:
                columns.append(f"min({name}) AS {name}")
        grouping = ", ".join(n for n in self.key if n != "date" or self.dataset.scope is Scope.DAYS)
        return f"(SELECT {', '.join(columns)} FROM {self.staged.table} GROUP BY {grouping})"

    def _write_dimension(self, cursor: Any, dimension: Dimension, staged: str) -> None:
        """Names follow the newest document; an old one only adds what is not known yet."""
        key = list(dimension.key)
        names = [*key, *(name for name in dimension.columns if name not in key)]
        expressions = [f"s.{dimension.columns.get(name, name)}" for name in names]
        order = ", ".join(expressions[: len(key)])
        table = dimension.model._meta.db_table
        values = names[len(key) :]
        update = "DO NOTHING"
        known = " AND ".join(f"d.{name} = {expression}" for name, expression in zip(key, expressions, strict=False))
        if values and self._is_newest(cursor):
            known += f" AND ROW({', '.join(f'd.{name}' for name in values)}) IS NOT DISTINCT FROM "
            known += f"ROW({', '.join(expressions[len(key) :])})"
            mine = ", ".join(f"{table}.{name}" for name in values)
            theirs = ", ".join(f"EXCLUDED.{name}" for name in values)
            update = (
                f"DO UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in values)} "
                f"WHERE ROW({mine}) IS DISTINCT FROM ROW({theirs})"
            )
        # What is known already drops out in a hash join; the rest is sorted by key, so that two
        # documents that name the same entities lock them in the same order.
        cursor.execute(
            f"INSERT INTO {table} (account_id, marketplace_id, {', '.join(names)}) "
            f"SELECT DISTINCT ON ({order}) %(account)s::smallint, %(marketplace)s::smallint, {', '.join(expressions)} "
            f"FROM {staged} s WHERE {' AND '.join(f'{e} IS NOT NULL' for e in expressions[: len(key)])} "
            f"AND NOT EXISTS (SELECT 1 FROM {table} d WHERE d.account_id = %(account)s "
            f"AND d.marketplace_id = %(marketplace)s AND {known}) "
            f"ORDER BY {order}, s.line DESC "
            f"ON CONFLICT (account_id, marketplace_id, {', '.join(key)}) {update}",
            self._parameters([]),
        )

    def _is_newest(self, cursor: Any) -> bool:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT 1 FROM feeds_coverage WHERE account_id = %(account)s "
            "AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s "
            "AND (date, source_created_at) > (%(last)s, %(created)s))",
            {
                **self._parameters([]),
                "created": self.document.source_created_at,
                "dataset": self.dataset.key,
                "last": self.document.window_end or self.day or date.min,
            },
        )
        return bool(cursor.fetchone()[0])

    def _cover(self, cursor: Any, days: list[date]) -> list[date]:
        """Say which document holds each day now; returns the days nobody held before."""
        cursor.execute(
            f"SELECT {self.row_date}, count(*) FROM {self.staged.table} s GROUP BY 1"
            if self.dataset.scope is Scope.DAYS
            else f"SELECT {self.row_date}, count(*) FROM {self.staged.table} s"
        )
        counts = dict(cursor.fetchall())
        if self.dataset.scope is Scope.STATE:
            cursor.execute(
                "DELETE FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s "
                "AND dataset = %(dataset)s AND date <> ALL(%(days)s)",
                {**self._parameters(days), "dataset": self.dataset.key},
            )
        cursor.execute(
            "INSERT INTO feeds_coverage (account_id, marketplace_id, dataset, date, document_id, source_created_at, "
            "rows, applied_at) SELECT %(account)s, %(marketplace)s, %(dataset)s, d.day, %(document)s, %(created)s, "
            "d.rows, now() FROM unnest(%(days)s::date[], %(counts)s::int[]) AS d(day, rows) "
            "ON CONFLICT (account_id, marketplace_id, dataset, date) DO UPDATE SET document_id = EXCLUDED.document_id, "
            "source_created_at = EXCLUDED.source_created_at, rows = EXCLUDED.rows, applied_at = EXCLUDED.applied_at "
            "RETURNING date, xmax = 0",
            {
                **self._parameters(days),
                "dataset": self.dataset.key,
                "created": self.document.source_created_at,
                "counts": [counts.get(day, 0) for day in days],
            },
        )
        return [day for day, is_new in cursor.fetchall() if is_new]

    def _mark_dirty(self, cursor: Any, days: list[date]) -> None:
        cursor.execute(
            "INSERT INTO feeds_dirtyday (account_id, marketplace_id, dataset, date, marked_at) "
            "SELECT %(account)s, %(marketplace)s, %(dataset)s, d, now() FROM unnest(%(days)s::date[]) AS d "
            "ON CONFLICT (account_id, marketplace_id, dataset, date) DO UPDATE SET marked_at = EXCLUDED.marked_at",
            {**self._parameters(days), "dataset": self.dataset.key},
        )
