"""From batches of cells to a staging table: match columns by name, convert, COPY.

The staging table is temporary: unlogged, private to the connection and gone with it, so a
worker that dies leaves nothing to clean up.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any

import polars as pl
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from .convert import STAGED_TYPE, Refusal, blank, convert, series
from .errors import BadDocument, MissingColumn, UnknownCurrency, WrongMarketplace
from .readers import Batch
from .registry import Column, Dataset, Dimension, Kind

#: More refused rows than this share and the document is held, not half applied.
REFUSED_SHARE = 0.01
KEPT_ERRORS = 50
_AS_TEXT = Column("", Kind.TEXT, ())
_NOISE = re.compile(r"[\s\-_/]+")


def canonical(name: str) -> str:
    """A header name without what varies between generations of the same report."""
    return _NOISE.sub("", name.strip().strip("\ufeff").casefold())


@dataclass(slots=True)
class Staged:
    """What a document's rows became: temporary tables and what was refused on the way."""

    dataset: Dataset
    table: str
    #: One temporary table a dimension: its key, its names, and `line` to tell the newest.
    dimension_tables: list[str] = field(default_factory=list)
    rows: int = 0
    refused: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)


def columns_of(dataset: Dataset) -> list[Column]:
    """Every column read for a dataset: stored ones, checked ones and those only dimensions use."""
    return [*dataset.columns, *(column for dimension in dataset.dimensions for column in dimension.extra)]


def match(columns: Iterable[Column], header: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """{field: header name} and the header names nobody asked for. MissingColumn names what is missing."""
    available = {canonical(name): name for name in header}
    found: dict[str, str] = {}
    for column in columns:
        for alias in column.names:
            if (name := available.get(canonical(alias))) is not None:
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
    """Fills one staging table from batches: create, copy (once or more), drop."""

    def __init__(self, dataset: Dataset, marketplace: Marketplace, known: Iterable[str] = ()) -> None:
        self.columns = columns_of(dataset)
        self.stored = [column for column in dataset.columns if column.kind is not Kind.CURRENCY]
        self.currency = marketplace.currency
        self.minor_digits = marketplace.minor_digits
        #: Header names that are not drift: read by other datasets of the report, or knowingly not kept ("*B2B").
        self.known = re.compile("|".join(fnmatch.translate(canonical(name)) for name in known) or r"(?!)")
        #: {field: header name}; grows when a later batch of JSON brings a key the first had not.
        self.mapping: dict[str, str] | None = None
        self.seen: set[str] = set()
        self.staged = Staged(dataset, f"stage_{dataset.key}")
        self.names = [Names(dimension, self.columns, self.staged) for dimension in dataset.dimensions]

    def create(self) -> Stager:
        fields = ", ".join(f"{column.field} {STAGED_TYPE[column.kind]}" for column in self.stored)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{self.staged.table}")
            cursor.execute(f"CREATE TEMP TABLE {self.staged.table} (line integer NOT NULL, {fields})")
        return self

    def drop(self) -> None:
        """Give the space back early; the tables go with the connection anyway."""
        for names in self.names:
            names.close()
        if connection.needs_rollback or connection.connection is None or connection.connection.closed:
            return
        with connection.cursor() as cursor:
            for table in [self.staged.table, *self.staged.dimension_tables]:
                cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")

    def copy(self, batches: Iterable[Batch]) -> None:
        """Stream the batches in; parsing here and storing in the server overlap.

        Raises BadDocument (TooManyRefused over the tolerated share) with nothing stored.
        """
        names = ", ".join(["line", *(column.field for column in self.stored)])
        copy_from(f"COPY {self.staged.table} ({names}) FROM STDIN", self._rows(batches))
        if self.staged.refused and self.staged.refused > self.staged.rows * REFUSED_SHARE:
            raise TooManyRefused(self.staged)
        for dimension in self.names:
            dimension.stage()

    def _rows(self, batches: Iterable[Batch]) -> Iterator[bytes]:
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
            if len(batch.lines):
                yield self._encode(batch, self.mapping)

    def _drift(self, extra: Iterable[str]) -> None:
        unknown = self.staged.unknown_columns
        unknown += [name for name in extra if not self.known.match(canonical(name)) and name not in unknown]

    def _encode(self, batch: Batch, mapping: Mapping[str, str]) -> bytes:
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
        for dimension in self.names:
            dimension.see(frame)
        return copy_text(frame.select("line", *(column.field for column in self.stored)))

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


class TooManyRefused(BadDocument):
    """Over the tolerated share of rows could not be read: the document is held as a whole."""

    def __init__(self, staged: Staged) -> None:
        first = staged.errors[0]
        super().__init__(
            _("%(bad)d of %(all)d rows cannot be read; the first: “%(value)s” %(why)s")
            % {"bad": staged.refused, "all": staged.rows, "value": first["value"], "why": first["why"]},
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

    HELD = 20_000

    def __init__(self, dimension: Dimension, columns: list[Column], staged: Staged) -> None:
        self.dimension = dimension
        kinds = {column.field: STAGED_TYPE[column.kind] for column in columns if column.kind is not Kind.CURRENCY}
        kinds |= {column.text_field: "text" for column in columns if column.text_field}
        self.key = list(dimension.key)
        fields = [*self.key, *(source for source in dimension.columns.values() if source not in dimension.key)]
        self.types = {name: kinds[name] for name in fields}
        self.table = f"{staged.table}_{dimension.model._meta.model_name}"
        self.staged = staged
        self.held: list[pl.DataFrame] = []
        self.overflow: IO[bytes] | None = None

    def see(self, frame: pl.DataFrame) -> None:
        self.held.append(self._last(frame.select("line", *self.types)))
        if sum(map(len, self.held)) > self.HELD:
            self.held = [self._last(pl.concat(self.held))]
            if len(self.held[0]) > self.HELD // 2:
                if self.overflow is None:
                    self.overflow = tempfile.TemporaryFile()
                self.overflow.write(copy_text(self.held[0]))
                self.held = []

    def _last(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.unique(self.key, keep="last", maintain_order=False)

    def stage(self) -> None:
        """COPY what was seen into the dimension's own staging table."""
        fields = ", ".join(f"{name} {kind}" for name, kind in self.types.items())
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {self.table} (line integer, {fields})")
        if self.table not in self.staged.dimension_tables:
            self.staged.dimension_tables.append(self.table)
        copy_from(f"COPY {self.table} (line, {', '.join(self.types)}) FROM STDIN", self._blocks())
        self.held = []

    def _blocks(self) -> Iterator[bytes]:
        if self.overflow is not None:
            self.overflow.seek(0)
            while block := self.overflow.read(1 << 20):
                yield block
            self.overflow.seek(0)
            self.overflow.truncate()
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
