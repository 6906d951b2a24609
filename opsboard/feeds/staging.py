"""From batches of cells to a staging table: match columns by name, convert, COPY.

The staging table is temporary: unlogged, private to the connection and gone with it, so a
worker that dies leaves nothing to clean up.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from typing import IO, Any

import polars as pl
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from . import shops
from .ahead import read_ahead
from .convert import STAGED_TYPE, Refusal, blank, convert, series
from .errors import BadDocument, MissingColumn, UnknownCurrency, WrongMarketplace
from .readers import Batch
from .registry import Column, Dataset, Dimension, Kind, Scope

#: More refused rows than this share and the document is held, not half applied.
REFUSED_SHARE = 0.01
KEPT_ERRORS = 50
_SEEDS = (0x6F7073, 0x626F6172)
_AS_TEXT = Column("", Kind.TEXT, ())
_NOISE = re.compile(r"[\s\-_/]+")


def canonical(name: str) -> str:
    """A header name without what varies between generations of the same report."""
    return _NOISE.sub("", name.strip().strip("\ufeff").casefold())


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether a header name is one of these; `*` stands for anything."""
    return any(fnmatch.fnmatchcase(canonical(name), canonical(pattern)) for pattern in patterns)


@dataclass(slots=True)
class DayRows:
    """What a document says of one day: how many rows, and a digest of them whatever their order."""

    rows: int = 0
    sums: tuple[int, int] = (0, 0)

    def add(self, rows: int, first: int, second: int) -> None:
        self.rows += rows
        self.sums = ((self.sums[0] + first) % 2**64, (self.sums[1] + second) % 2**64)


@dataclass(slots=True)
class Staged:
    """What a document's rows became: where they are, and what was refused on the way."""

    dataset: Dataset
    #: The temporary table with the rows.
    table: str
    #: What digests of these columns begin with: those of other columns are not comparable.
    mark: str = ""
    #: By the rows' own day; under None where rows carry no date.
    days: dict[date | None, DayRows] = field(default_factory=dict)
    #: The names of entities the rows speak of, one collection a dimension of the dataset.
    names: list[Names] = field(default_factory=list)
    rows: int = 0
    refused: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    #: Which column of the document each field is read from.
    mapping: Mapping[str, str] = field(default_factory=dict)
    #: Rows about other marketplaces, which are not read, by the name of each.
    elsewhere: Counter[str] = field(default_factory=Counter)

    def said(self, day: date | None) -> DayRows:
        return self.days.get(day) or DayRows()

    def digest(self, day: date | None) -> str:
        """The same for the same rows in any order, names included; "" never comes out."""
        first, second = self.said(day).sums
        return f"{self.mark}{first:016x}{second:016x}"


def columns_of(dataset: Dataset) -> list[Column]:
    """Every column read for a dataset: stored ones, checked ones and those only dimensions use."""
    return [*dataset.columns, *(column for dimension in dataset.dimensions for column in dimension.extra)]


def match(columns: Iterable[Column], header: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """{field: header name} and the header names nobody asked for. MissingColumn names what is missing."""
    available = {canonical(name): name for name in header}
    twins = {canonical(name): name for name in header if available[canonical(name)] != name}
    found: dict[str, str] = {}
    for column in columns:
        for alias in column.names:
            if (name := available.get(canonical(alias))) is not None:
                if (twin := twins.get(canonical(alias))) is not None:
                    raise BadDocument(
                        _("The columns “%(one)s” and “%(other)s” mean the same") % {"one": twin, "other": name},
                        line=1,
                        todo=_("Download the report again, or remove one of the two."),
                    )
                found[column.field] = name
                break
        else:
            if column.required:
                raise MissingColumn(
                    _("The column “%(name)s” is missing") % {"name": column.names[0]},
                    line=1,
                    todo=_("Download the report again with all its columns; nothing was changed."),
                )
    used = set(found.values())
    return found, [name for name in header if name not in used]


class Stager:
    """Fills one staging table from batches: create, copy (once or more), drop.

    `window` are the days the document was asked for, both included: a row of another day refuses it.
    """

    def __init__(
        self,
        dataset: Dataset,
        marketplace: Marketplace,
        known: Iterable[str] = (),
        window: tuple[date, date] | None = None,
    ) -> None:
        self.columns = columns_of(dataset)
        self.dated = dataset.scope is Scope.DAYS
        self.window = window if self.dated else None
        self.stored = [column for column in dataset.columns if column.kind is not Kind.CURRENCY]
        self.code = marketplace.code
        self.currency = marketplace.currency
        self.minor_digits = marketplace.minor_digits
        #: Header names that are not drift: read by other datasets of the report, or knowingly not kept ("*B2B").
        self.known = re.compile("|".join(fnmatch.translate(canonical(name)) for name in known) or r"(?!)")
        #: {field: header name}; grows when a later batch of JSON brings a key the first had not.
        self.mapping: dict[str, str] | None = None
        self.seen: set[str] = set()
        #: Lines about this marketplace, those that are no rows of the dataset included.
        self.lines = 0
        self.staged = Staged(dataset, f"stage_{dataset.key}", _mark(dataset, marketplace))
        self.staged.names = [Names(item, self.columns, self.staged.table) for item in dataset.dimensions]

    def create(self) -> Stager:
        fields = ", ".join(f"{column.field} {STAGED_TYPE[column.kind]}" for column in self.stored)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{self.staged.table}")
            cursor.execute(f"CREATE TEMP TABLE {self.staged.table} (line integer NOT NULL, {fields})")
        return self

    def drop(self) -> None:
        """Give the space back early; the tables go with the connection anyway."""
        for names in self.staged.names:
            names.close()
        if connection.needs_rollback or connection.connection is None or connection.connection.closed:
            return
        with connection.cursor() as cursor:
            for table in [self.staged.table, *(names.table for names in self.staged.names)]:
                cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")

    def copy(self, batches: Iterable[Batch], table: str = "", constants: Mapping[str, int] | None = None) -> None:
        """Stream the batches in; reading, converting here and storing in the server overlap.

        They go to the staging table, or to another `table` with `constants` beside each row. Raises
        BadDocument (TooManyRefused over the tolerated share) with nothing stored.
        """
        constants = constants or {}
        names = ", ".join(["line", *(column.field for column in self.stored), *constants])
        with closing(read_ahead(self._rows(batches, constants), depth=1)) as blocks:
            copy_from(f"COPY {table or self.staged.table} ({names}) FROM STDIN", blocks)
        if self.staged.refused and self.staged.refused > self.lines * REFUSED_SHARE:
            raise TooManyRefused(self.staged)

    def _rows(self, batches: Iterable[Batch], constants: Mapping[str, int]) -> Iterator[bytes]:
        for batch in batches:
            if not batch.columns:
                continue
            if self.mapping is None:
                self.mapping, extra = match(self.columns, list(batch.columns))
                self._drift(extra)
            elif batch.columns.keys() - self.seen:
                missing = [
                    replace(column, required=False) for column in self.columns if column.field not in self.mapping
                ]
                found, extra = match(missing, [name for name in batch.columns if name not in self.mapping.values()])
                self.mapping |= found
                self._drift(extra)
            self.seen |= batch.columns.keys()
            self.staged.mapping = self.mapping
            batch = self._ours(batch, self.mapping)
            self.lines += len(batch.lines)
            batch = self._filled(batch, self.mapping)
            if len(batch.lines):
                frame = self._frame(batch, self.mapping)
                fixed = [pl.lit(value).alias(name) for name, value in constants.items()]
                yield copy_text(frame.select("line", *(column.field for column in self.stored), *fixed))

    def _ours(self, batch: Batch, mapping: Mapping[str, str]) -> Batch:
        """The batch without rows that are about another marketplace: by its name, else by the currency."""
        name = mapping.get(self.staged.dataset.shop, "")
        if name not in batch.columns or not len(batch.lines):
            return batch
        named = series(batch.columns[name]).cast(pl.String).fill_null("").str.strip_chars()
        codes = {text: shops.code_of(text) for text in named.unique()}
        theirs = named.is_in([text for text, code in codes.items() if code not in {"", self.code}])
        currency = next((c.field for c in self.columns if c.kind is Kind.CURRENCY), "")
        if (paid := mapping.get(currency, "")) in batch.columns and "" in codes.values():
            money = series(batch.columns[paid]).cast(pl.String).fill_null("").str.strip_chars()
            nameless = named.is_in([text for text, code in codes.items() if not code])
            theirs = theirs | (nameless & ~money.is_in(["", self.currency]))
        if not theirs.any():
            return batch
        self.staged.elsewhere.update(named.filter(theirs).to_list())
        return _only(batch, ~theirs)

    def _filled(self, batch: Batch, mapping: Mapping[str, str]) -> Batch:
        """The batch without lines that say nothing in the column every row of the dataset has (`Dataset.filled`)."""
        name = mapping.get(self.staged.dataset.filled, "")
        if name not in batch.columns or not len(batch.lines):
            return batch
        return _only(batch, series(batch.columns[name]).cast(pl.String).str.strip_chars() != "")

    def _drift(self, extra: Iterable[str]) -> None:
        unknown = self.staged.unknown_columns
        unknown += [name for name in extra if not self.known.match(canonical(name)) and name not in unknown]

    def _frame(self, batch: Batch, mapping: Mapping[str, str]) -> pl.DataFrame:
        count = len(batch.lines)
        columns: dict[str, pl.Series] = {"line": pl.Series(batch.lines, dtype=pl.Int32)}
        refusals: list[Refusal] = []
        for column in self.columns:
            name = mapping.get(column.field, "")
            cells = batch.columns.get(name) if name else None
            if column.kind is Kind.CURRENCY:
                if cells is not None:
                    self._check_currency(name, cells, batch.lines)
                continue
            if cells is None:
                columns[column.field] = blank(column, count)
                if column.required and column.default is None:  # the key is in other rows, not in these
                    refusals += [Refusal(index, name or column.names[0], "", _("is empty")) for index in range(count)]
                if column.text_field:
                    columns[column.text_field] = blank(_AS_TEXT, count)
                continue
            columns[column.field], refused = convert(column, name, cells, self.minor_digits)
            refusals += refused
            if column.text_field:
                columns[column.text_field] = convert(_AS_TEXT, name, cells, 0)[0]
        self.staged.rows += count
        frame = pl.DataFrame(columns)
        if refusals:
            self._record(refusals, batch.lines)
            bad = {refusal.index for refusal in refusals}
            self.staged.refused += len(bad)
            frame = frame.filter(pl.Series([index not in bad for index in range(count)]))
        self._count(frame)
        for names in self.staged.names:
            names.see(frame)
        return frame

    def _count(self, frame: pl.DataFrame) -> None:
        """Add the rows to what the document says of their days."""
        bare = frame.drop("line")
        days = frame["date"] if self.dated else pl.repeat(None, len(frame), dtype=pl.Date, eager=True)
        hashes = [bare.hash_rows(seed) for seed in _SEEDS]
        # Two sums of independent hashes: alike by chance once in 2^128.
        counted = (
            pl.DataFrame({"day": days, "line": frame["line"], "a": hashes[0], "b": hashes[1]})
            .group_by("day")
            .agg(pl.len(), pl.col("line").min(), pl.col("a").sum(), pl.col("b").sum())
        )
        for day, rows, line, first, second in counted.sort("line").iter_rows():
            if self.window and not self.window[0] <= day <= self.window[1]:
                raise BadDocument(
                    _("%(day)s is not one of the days this report was asked for (%(first)s to %(last)s)")
                    % {"day": day, "first": self.window[0], "last": self.window[1]},
                    line=line,
                    todo=_("Nothing was changed."),
                )
            self.staged.days.setdefault(day, DayRows()).add(rows, first, second)

    def _record(self, refusals: list[Refusal], lines: Sequence[int]) -> None:
        for refusal in itertools.islice(refusals, max(0, KEPT_ERRORS - len(self.staged.errors))):
            self.staged.errors.append(
                {"line": lines[refusal.index], "column": refusal.column, "value": refusal.value, "why": refusal.why}
            )

    def _check_currency(self, name: str, cells: Sequence[Any] | pl.Series, lines: Sequence[int]) -> None:
        found = series(cells).cast(pl.String).str.strip_chars()
        for wrong in set(found.unique()) - {self.currency, None, ""}:
            line = lines[(found == wrong).arg_max() or 0]
            if not re.fullmatch(r"[A-Z]{3}", str(wrong)):
                raise UnknownCurrency(
                    _("“%(code)s” is not a currency opsboard knows") % {"code": str(wrong)[:20]}, line=line, column=name
                )
            raise WrongMarketplace(
                _("The amounts are in %(theirs)s, but this marketplace sells in %(ours)s")
                % {"theirs": wrong, "ours": self.currency},
                line=line,
                column=name,
                todo=_("Choose the marketplace the file was downloaded from."),
            )


def _mark(dataset: Dataset, marketplace: Marketplace) -> str:
    """Eight characters that change with what a digest of the dataset's rows depends on besides the rows."""
    dimensions = [(d.model.__name__, d.key, d.columns, d.extra) for d in dataset.dimensions]
    parts = (pl.__version__, dataset.key, dataset.columns, dataset.derived, dataset.sums, dimensions)
    return blake2b(repr((*parts, marketplace.minor_digits)).encode(), digest_size=4).hexdigest()


def _only(batch: Batch, wanted: pl.Series) -> Batch:
    kept = wanted.arg_true().to_list()
    columns = {
        name: cells.gather(kept) if isinstance(cells, pl.Series) else [cells[index] for index in kept]
        for name, cells in batch.columns.items()
    }
    return Batch([batch.lines[index] for index in kept], columns)


class TooManyRefused(BadDocument):
    """Over the tolerated share of rows could not be read: the document is held as a whole."""

    def __init__(self, staged: Staged) -> None:
        first = staged.errors[0]
        cell = {"value": first["value"], "why": first["why"]}
        what = _("“%(value)s” %(why)s") % cell if first["value"] else _("the cell %(why)s") % cell
        super().__init__(
            _("%(bad)d of %(all)d rows cannot be read; the first: %(what)s")
            % {"bad": staged.refused, "all": staged.rows, "what": what},
            line=first["line"],
            column=first["column"],
            todo=_("Nothing was changed. Download the report again, or correct these cells."),
        )
        self.staged = staged


class Names:
    """Collects the rows of one dimension while its dataset streams by, memory bounded.

    A month names each campaign thirty times: the last row of each is held, and what would be
    too much to hold goes to a temporary file, so a million search terms cost disk only.
    """

    HELD = 64_000

    def __init__(self, dimension: Dimension, columns: list[Column], table: str) -> None:
        self.dimension = dimension
        kinds = {column.field: STAGED_TYPE[column.kind] for column in columns if column.kind is not Kind.CURRENCY}
        kinds |= {column.text_field: "text" for column in columns if column.text_field}
        self.key = list(dimension.key)
        fields = [*self.key, *(source for source in dimension.columns.values() if source not in dimension.key)]
        self.types = {name: kinds[name] for name in fields}
        #: The temporary table `stage` makes: the key, the names, and `line` to tell the newest.
        self.table = f"{table}_{dimension.model._meta.model_name}"
        self.held: list[pl.DataFrame] = []
        self.limit = self.HELD // 4
        self.overflow: IO[bytes] | None = None

    def see(self, frame: pl.DataFrame) -> None:
        self.held.append(self._last(frame.select("line", *self.types)))
        if sum(map(len, self.held)) > self.limit:
            known = self._last(pl.concat(self.held))
            if len(known) > self.HELD:
                if self.overflow is None:
                    self.overflow = tempfile.TemporaryFile()
                self.overflow.write(copy_text(known))
                known = known.clear()
            self.held = [known]
            # Room for as much again: what is held is gone through once for every doubling.
            self.limit = max(self.HELD // 4, 2 * len(known))

    def _last(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.unique(self.key, keep="last", maintain_order=False)

    def stage(self) -> None:
        """COPY what was seen into a temporary table."""
        fields = ", ".join(f"{name} {kind}" for name, kind in self.types.items())
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{self.table}")
            cursor.execute(f"CREATE TEMP TABLE {self.table} (line integer, {fields})")
        copy_from(f"COPY {self.table} (line, {', '.join(self.types)}) FROM STDIN", self._blocks())

    def _blocks(self) -> Iterator[bytes]:
        if self.overflow is not None:
            self.overflow.seek(0)
            while block := self.overflow.read(1 << 20):
                yield block
            self.overflow.seek(0, os.SEEK_END)
        for frame in self.held:
            yield copy_text(frame)

    def close(self) -> None:
        if self.overflow is not None:
            self.overflow.close()


def copy_text(frame: pl.DataFrame) -> bytes:
    """The frame in COPY's text format."""
    escaped = [
        pl.col(name).str.replace_many(["\\", "\t", "\n", "\r"], ["\\\\", "\\t", "\\n", "\\r"])
        for name, kind in frame.schema.items()
        if kind == pl.String and frame[name].str.contains(r"[\\\t\n\r]").any()
    ]
    if escaped:
        frame = frame.with_columns(escaped)
    text: str = frame.write_csv(include_header=False, separator="\t", quote_style="never", null_value="\\N")
    return text.encode()


def copy_from(sql: str, blocks: Iterator[bytes]) -> None:
    """COPY from a generator, all or nothing; what the generator raises comes out as it was."""
    feed = _Feed(blocks)
    try:
        with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.cursor.copy_expert(sql, feed, size=1 << 16)
    except DatabaseError:
        if feed.error is not None:  # the reader gave up, not the database
            raise feed.error from None
        raise


class _Feed:
    """What COPY reads from: a generator of byte blocks behind `read(size)`."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks
        self.rest = memoryview(b"")
        #: What the generator raised: the driver would only keep its text.
        self.error: Exception | None = None

    def read(self, size: int = 1 << 16) -> bytes:
        while not self.rest:
            try:
                block = next(self.blocks, None)
            except Exception as error:
                self.error = error
                raise
            if block is None:
                return b""
            self.rest = memoryview(block)
        taken = self.rest[:size]
        self.rest = self.rest[size:]
        return bytes(taken)
