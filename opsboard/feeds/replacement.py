"""How the rows of whole days are replaced (Scope.DAYS, DAY and STATE); opsboard.feeds.replace is the way in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, ProgrammingError, connection, models, transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from . import followers, partitions, registry
from .errors import BadDocument
from .models import Document
from .readers import Batch
from .registry import Column, Dataset, Kind, Scope
from .staging import Names, Staged, Stager

#: Fewer stored rows than this are not worth a suspicion when they vanish.
EMPTINESS_FLOOR = 20
EMPTINESS_SHARE = 0.2
#: What the server may use to join the staged rows with the stored ones; a month of a large seller fits.
JOIN_MEMORY = "64MB"
#: As many rows new at once change how a table is best read.
BIG_LOAD = 50_000
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


@dataclass(slots=True)
class Written:
    changed: int = 0
    deleted: int = 0
    #: How many rows a day has now, where that is not how many were staged.
    rows: dict[date, int] = field(default_factory=dict)


def lock(cursor: Any, dataset: str, document: Document) -> None:
    """Wait until no other document changes this dataset of the shop; until the transaction ends."""
    shop = document.account_id * 1000 + document.marketplace_id
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [dataset, shop])


class _SaidTwice(Exception):
    """More rows were staged than keys: some key stands in the document more than once."""


class Replacement:
    def __init__(self, staged: Staged, document: Document, marketplace: Marketplace, day: date | None) -> None:
        self.staged = staged
        self.dataset: Dataset = staged.dataset
        self.model: type[models.Model] = staged.dataset.model
        self.document = document
        self.marketplace = marketplace
        self.day = day
        #: A document whose rows are taken over even where they say the same.
        self.disowned = 0
        self.table = self.model._meta.db_table
        fields = [field.attname for field in self.model._meta.concrete_fields]
        #: Fact tables have a date of their own; state tables only have "now".
        self.dated = "date" in fields
        primary_key = self.model._meta.pk
        assert isinstance(primary_key, models.CompositePrimaryKey)
        self.key = [name for name in primary_key.field_names if name not in {"account_id", "marketplace_id"}]
        self.columns = {column.field: column for column in self.dataset.columns}
        self.values = [name for name in fields if name not in _BOOKKEEPING and name not in self.key]
        self.values = [name for name in self.values if name in self.columns or name in self.dataset.derived]
        #: Nobody asked for days: Amazon says itself which day its newest snapshot is of, often yesterday.
        self.snapshot = not registry.spec(document.spec).history

    # --- what days is this about ------------------------------------------------------------

    @property
    def row_date(self) -> str:
        """SQL for the day of a staged row."""
        if "date" in self.dataset.derived:
            return self.dataset.derived["date"]
        return "s.date" if self.dataset.scope is Scope.DAYS else f"DATE '{self.day:%Y-%m-%d}'"

    def days(self) -> list[date]:
        """The days the document speaks for, in order: its window, or those its rows name."""
        if self.dataset.scope is not Scope.DAYS:
            assert self.day is not None
            return [self.day]
        if self.document.window_start and self.document.window_end and not (self.snapshot and self.staged.rows):
            return self.dataset.period.first_days(self.document.window_start, self.document.window_end)
        return sorted(day for day in self.staged.days if day is not None)

    def _own(self, day: date) -> date | None:
        """Under which day the staged rows of `day` are counted."""
        return day if self.dataset.scope is Scope.DAYS else None

    @property
    def source(self) -> str:
        """SQL for the staged rows, numbered where they have no key of their own."""
        rows = self._rows
        if "ordinal" not in self.key:
            return rows
        shared = ", ".join(self._expression(name) for name in self.key if name != "ordinal")
        numbered = f"row_number() OVER (PARTITION BY {shared} ORDER BY s.line) AS ordinal"
        return f"(SELECT s.*, {numbered} FROM {rows} s)"

    @property
    def _rows(self) -> str:
        """SQL for what the staged lines say, row by row."""
        return self.dataset.source.format(table=self.staged.table)

    # --- the transaction ----------------------------------------------------------------------

    def run(self, days: list[date], force: bool) -> Replaced:
        with connection.cursor() as cursor:
            self._lock(cursor)
            open_days = self._older_than_us(cursor, days)
            if not open_days:
                self._remember(cursor, days, {day: self.staged.said(self._own(day)).rows for day in days})
                return Replaced(skipped_days=len(days))
            held = self._held(cursor, open_days)
            rows = {day: self.staged.said(self._own(day)).rows for day in open_days}
            before, now = sum(day_rows for day_rows, _digest in held.values()), sum(rows.values())
            if not force and before >= EMPTINESS_FLOOR and now < before * EMPTINESS_SHARE:
                raise SuddenEmptiness(
                    _("It has %(rows)d rows where %(before)d are stored") % {"rows": now, "before": before},
                    todo=_("Nothing was changed. Ask for the report again; if it is right, apply it by hand."),
                )
            differing = [day for day in open_days if force or not self._is_held(held, day)]
            written = Written()
            if differing:
                kept = 0 if self.dataset.scope is Scope.STATE else sum(held[d][0] for d in held.keys() - set(differing))
                written = self._write(cursor, differing, before - kept)
            if differing or not self._names_are_known(cursor, open_days):
                for names in self.staged.names:
                    self._write_dimension(cursor, names)
            new_days = self._cover(cursor, open_days, rows | written.rows)
            self._remember(cursor, days, {d: self.staged.said(self._own(d)).rows for d in days} | written.rows)
            moved = bool(written.changed or written.deleted or new_days)
            if moved:
                self._mark_dirty(cursor, differing if (written.changed or written.deleted) else new_days)
        return Replaced(now, written.changed, written.deleted, tuple(open_days), len(days) - len(open_days), moved)

    def load(self, stager: Stager, batches: Iterable[Batch], days: list[date]) -> Replaced | None:
        with connection.cursor() as cursor:
            self._lock(cursor)
            cursor.execute(
                "SELECT 1 FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s "
                "AND dataset = %(dataset)s AND date = ANY(%(days)s) LIMIT 1",
                self._parameters(days),
            )
            if cursor.fetchone():
                return None
            stager.copy(
                batches,
                self.table,
                {
                    "account_id": self.document.account_id,
                    "marketplace_id": self.document.marketplace_id,
                    "document_id": self.document.pk,
                },
            )
            for names in self.staged.names:
                self._write_dimension(cursor, names)
            rows = {day: self.staged.said(day).rows for day in days}
            self._cover(cursor, days, rows)
            self._remember(cursor, days, rows)
            self._mark_dirty(cursor, days)
            if sum(rows.values()) >= BIG_LOAD:
                partitions.analyze(self.model, days[0], days[-1])
        return Replaced(sum(rows.values()), sum(rows.values()), 0, tuple(days), moved=True)

    def _lock(self, cursor: Any) -> None:
        """One document at a time for a dataset of a shop."""
        lock(cursor, self.dataset.key, self.document)

    def _scope(self, alias: str) -> str:
        where = f"{alias}.account_id = %(account)s AND {alias}.marketplace_id = %(marketplace)s"
        return f"{where} AND {alias}.date = ANY(%(days)s)" if self.dated else where

    def _parameters(self, days: list[date]) -> dict[str, Any]:
        return {
            "account": self.document.account_id,
            "marketplace": self.document.marketplace_id,
            "document": self.document.pk,
            "days": days,
            "dataset": self.dataset.key,
            "created": self.document.source_created_at,
            "zone": self.marketplace.time_zone,
        }

    def _older_than_us(self, cursor: Any, days: list[date]) -> list[date]:
        """The days that no newer document holds. A state dataset is one day: whatever is newest."""
        cursor.execute(
            "SELECT date FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s "
            "AND dataset = %(dataset)s AND (source_created_at, document_id) > (%(created)s, %(document)s)"
            + ("" if self.dataset.scope is Scope.STATE else " AND date = ANY(%(days)s)"),
            self._parameters(days),
        )
        newer = {row[0] for row in cursor.fetchall()}
        if self.dataset.scope is Scope.STATE:
            return [] if newer else days
        return [day for day in days if day not in newer]

    def _held(self, cursor: Any, days: list[date]) -> dict[date, tuple[int, str]]:
        """By day: how many rows are stored of it, and the digest of the document that holds it."""
        cursor.execute(
            "SELECT date, rows, digest FROM feeds_coverage WHERE account_id = %(account)s "
            "AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s"
            + ("" if self.dataset.scope is Scope.STATE else " AND date = ANY(%(days)s)"),
            self._parameters(days),
        )
        return {day: (rows, digest) for day, rows, digest in cursor.fetchall()}

    def _is_held(self, held: dict[date, tuple[int, str]], day: date) -> bool:
        """Whether what the document says of a day is what is stored. A state has one day, whichever it was."""
        of_day = list(held.values()) if self.dataset.scope is Scope.STATE else [held[day]] if day in held else []
        return [digest for _rows, digest in of_day] == [self.staged.digest(self._own(day))]

    def _names_are_known(self, cursor: Any, days: list[date]) -> bool:
        """Whether the document that holds all these days is the newest there is, so that its names stand."""
        cursor.execute(
            "SELECT count(DISTINCT document_id) FILTER (WHERE date = ANY(%(days)s)), "
            "max(source_created_at) FILTER (WHERE date = ANY(%(days)s)) = max(source_created_at) "
            "FROM feeds_coverage WHERE account_id = %(account)s "
            "AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s",
            self._parameters(days),
        )
        documents, newest = cursor.fetchone()
        return bool(documents == 1 and newest)

    def _expression(self, name: str) -> str:
        """SQL that makes the stored value of a column from its staged text."""
        column: Column | None = self.columns.get(name)
        if name == "date":
            return self.row_date
        if name == "ordinal":
            return "s.ordinal"
        if name in self.dataset.derived:
            return self.dataset.derived[name]
        assert column is not None, name
        if column.kind is Kind.PERCENT:
            return f"round(s.{name} / 100, 6)"
        return f"s.{name}"

    def _write(self, cursor: Any, days: list[date], before: int) -> Written:
        """Make the stored rows of `days` those staged; a document that says a key twice is added up first.

        A key said twice is noticed by the index, or by the rows stored afterwards being fewer than
        those staged.
        """
        try:
            with transaction.atomic():
                if not before:
                    return Written(self._insert(cursor, days))
                written, new = self._apply(cursor, self.source, days)
                if before + new - written.deleted != sum(self.staged.said(self._own(day)).rows for day in days):
                    raise _SaidTwice
                return written
        except (IntegrityError, ProgrammingError) as error:
            if getattr(error.__cause__, "pgcode", "") not in {UNIQUE_VIOLATION, CARDINALITY_VIOLATION}:
                raise
        except _SaidTwice:
            pass
        source = self._one_row_a_key(cursor)
        written, _new = self._apply(cursor, source, days)
        cursor.execute(f"SELECT {self.row_date}, count(*) FROM {source} s GROUP BY 1", self._parameters(days))
        counts = dict(cursor.fetchall())
        written.rows = {day: counts.get(day, 0) for day in days}
        return written

    @property
    def _staged_values(self) -> str:
        """SQL for the staged columns beside the key, each with its comma; some facts have none."""
        return " ".join(f"s.{name}," for name in self.values)

    @property
    def _is_same(self) -> str:
        """SQL: a stored row (f) says what the staged row (s) of its key says."""
        if not self.values:
            return "TRUE"
        theirs, ours = (", ".join(f"{alias}.{name}" for name in self.values) for alias in "fs")
        return f"ROW({theirs}) IS NOT DISTINCT FROM ROW({ours})"

    def _insert(self, cursor: Any, days: list[date]) -> int:
        """Store the staged rows where nothing is stored; the index refuses a key said twice."""
        targets = ["account_id", "marketplace_id", *self.key, *self.values, "document_id", "line"]
        selected = ", ".join(self._expression(name) for name in [*self.key, *self.values])
        cursor.execute(
            f"INSERT INTO {self.table} ({', '.join(targets)}) "
            f"SELECT %(account)s::smallint, %(marketplace)s::smallint, {selected}, %(document)s::bigint, s.line "
            f"FROM {self.source} s WHERE {self.row_date} = ANY(%(days)s)",
            self._parameters(days),
        )
        return int(cursor.rowcount)

    def _apply(self, cursor: Any, source: str, days: list[date]) -> tuple[Written, int]:
        """What was written, and how many of the rows are new.

        Staged and stored rows meet in one hash join; those that are the same drop out of it, so that
        only what differs goes through the indexes of the fact table.
        """
        fields = [*self.key, *self.values]
        joined = [name for name in self.key if name != "date" or self.dataset.scope is Scope.DAYS]
        theirs = ", ".join(f"{self._cast(name)} AS {name}" for name in fields)
        keys = ", ".join(f"coalesce(s.{name}, f.{name}) AS {name}" for name in self.key)
        is_same = self._is_same
        if self.disowned:
            is_same = f"({is_same} AND f.document_id <> %(disowned)s)"
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*self.values, "document_id", "line"])
        cursor.execute(f"SET LOCAL work_mem = '{JOIN_MEMORY}'")
        # A table that was filled a moment ago has no statistics: taken for one of one row, it would be
        # gone through once for every row that differs.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(
            f"""
            WITH diff AS MATERIALIZED (
                SELECT {keys}, {self._staged_values} s.line, f.{joined[0]} IS NULL AS is_new
                FROM (SELECT {theirs}, s.line FROM {source} s WHERE {self.row_date} = ANY(%(days)s)) s
                FULL JOIN (SELECT {", ".join(fields)}, document_id FROM {self.table} f WHERE {self._scope("f")}) f
                ON {" AND ".join(f"f.{name} = s.{name}" for name in joined)}
                WHERE s.line IS NULL OR f.{joined[0]} IS NULL OR NOT {is_same}
            ), gone AS (
                DELETE FROM {self.table} f USING diff WHERE diff.line IS NULL AND {self._scope("f")}
                AND {" AND ".join(f"f.{name} = diff.{name}" for name in self.key)} RETURNING 1
            ), written AS (
                INSERT INTO {self.table} (account_id, marketplace_id, {", ".join(fields)}, document_id, line)
                SELECT %(account)s::smallint, %(marketplace)s::smallint, {", ".join(fields)}, %(document)s::bigint, line
                FROM diff WHERE line IS NOT NULL
                ON CONFLICT (account_id, marketplace_id, {", ".join(self.key)}) DO UPDATE SET {updates} RETURNING 1
            )
            SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM gone),
                   (SELECT count(*) FROM diff WHERE is_new)
            """,
            {**self._parameters(days), "disowned": self.disowned},
        )
        changed, deleted, new = cursor.fetchone()
        cursor.execute("SET LOCAL enable_nestloop = on")
        return Written(changed, deleted), new

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
                "ORDER BY 1 LIMIT 1",
                self._parameters([]),
            )
            twice = cursor.fetchone()
            if twice is None:
                return self.staged.table
            first, second = twice
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

    def _write_dimension(self, cursor: Any, names_seen: Names) -> None:
        """Names follow the newest document; an old one only adds what is not known yet."""
        names_seen.stage()
        dimension, staged = names_seen.dimension, names_seen.table
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
                "last": self.document.window_end or self.day or date.min,
            },
        )
        return bool(cursor.fetchone()[0])

    def _cover(self, cursor: Any, days: list[date], rows: dict[date, int]) -> list[date]:
        """Say which document holds each day now; returns the days nobody held before."""
        if self.dataset.scope is Scope.STATE:
            cursor.execute(
                "DELETE FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s "
                "AND dataset = %(dataset)s AND date <> ALL(%(days)s)",
                self._parameters(days),
            )
        cursor.execute(
            "INSERT INTO feeds_coverage (account_id, marketplace_id, dataset, date, document_id, source_created_at, "
            "rows, digest, applied_at) SELECT %(account)s, %(marketplace)s, %(dataset)s, d.day, %(document)s, "
            "%(created)s, d.rows, d.digest, now() "
            "FROM unnest(%(days)s::date[], %(counts)s::int[], %(digests)s::text[]) AS d(day, rows, digest) "
            "ON CONFLICT (account_id, marketplace_id, dataset, date) DO UPDATE SET document_id = EXCLUDED.document_id, "
            "source_created_at = EXCLUDED.source_created_at, rows = EXCLUDED.rows, digest = EXCLUDED.digest, "
            "applied_at = EXCLUDED.applied_at RETURNING date, xmax = 0",
            {
                **self._parameters(days),
                "counts": [rows[day] for day in days],
                "digests": [self.staged.digest(self._own(day)) for day in days],
            },
        )
        return [day for day, is_new in cursor.fetchall() if is_new]

    def _remember(self, cursor: Any, days: list[date], rows: dict[date, int]) -> None:
        """What the document said of each day, held by a newer one or not: what a withdrawal falls back to."""
        cursor.execute(
            "INSERT INTO feeds_documentday (account_id, marketplace_id, dataset, date, document_id, "
            "source_created_at, rows, digest, applied_at) SELECT %(account)s, %(marketplace)s, %(dataset)s, d.day, "
            "%(document)s, %(created)s, d.rows, d.digest, now() "
            "FROM unnest(%(days)s::date[], %(counts)s::int[], %(digests)s::text[]) AS d(day, rows, digest) "
            "ON CONFLICT (document_id, dataset, date) DO UPDATE SET rows = EXCLUDED.rows, digest = EXCLUDED.digest, "
            "applied_at = EXCLUDED.applied_at",
            {
                **self._parameters(days),
                "counts": [rows[day] for day in days],
                "digests": [self.staged.digest(self._own(day)) for day in days],
            },
        )

    def _mark_dirty(self, cursor: Any, days: list[date]) -> None:
        mark_dirty(cursor, self._parameters(days))


def mark_dirty(cursor: Any, scope: dict[str, Any]) -> None:
    """Note that figures of `days` of an account, marketplace and dataset may have moved, and tell who follows them."""
    cursor.execute(
        "INSERT INTO feeds_dirtyday (account_id, marketplace_id, dataset, date, marked_at) "
        "SELECT %(account)s, %(marketplace)s, %(dataset)s, d, now() FROM unnest(%(days)s::date[]) AS d "
        "ON CONFLICT (account_id, marketplace_id, dataset, date) DO UPDATE SET marked_at = EXCLUDED.marked_at",
        scope,
    )
    followers.tell(
        cursor,
        followers.Moved(
            scope["account"], scope["marketplace"], scope["dataset"], tuple(scope["days"]), scope["document"]
        ),
    )
