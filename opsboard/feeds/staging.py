"""From batches of cells to a staging table: match columns by name, convert, COPY.

The staging table is temporary: unlogged, private to the connection and gone with it, so a
worker that dies leaves nothing to clean up.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from .convert import NULL, STAGED_TYPE, Refusal, convert, escape
from .errors import BadDocument, MissingColumn, UnknownCurrency, WrongMarketplace
from .readers import Batch
from .registry import Column, Dataset, Kind

#: More refused rows than this share and the document is held, not half applied.
REFUSED_SHARE = 0.01
KEPT_ERRORS = 50
_NOISE = re.compile(r"[\s\-_/]+")


def canonical(name: str) -> str:
    """A header name without what varies between generations of the same report."""
    return _NOISE.sub("", name.strip().strip("\ufeff").casefold())


@dataclass(slots=True)
class Staged:
    """What a document's rows became: a temporary table and what was refused on the way."""

    dataset: Dataset
    table: str
    rows: int = 0
    refused: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)


def columns_of(dataset: Dataset) -> list[Column]:
    """Every column read for a dataset: stored ones, checked ones and those only dimensions use."""
    seen: dict[str, Column] = {column.field: column for column in dataset.columns}
    for dimension in dataset.dimensions:
        for column in dimension.extra:
            seen.setdefault(column.field, column)
    return list(seen.values())


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

    def __init__(self, dataset: Dataset, currency: str, known: Iterable[str] = ()) -> None:
        self.columns = columns_of(dataset)
        self.stored = [column for column in self.columns if column.kind is not Kind.CURRENCY]
        self.currency = currency
        #: Header names other datasets of the same report read: not drift.
        self.known = {canonical(name) for name in known}
        self.mapping: dict[str, str] | None = None
        self.staged = Staged(dataset, f"stage_{dataset.key}")

    def create(self) -> Stager:
        fields = ["line integer NOT NULL"]
        for column in self.stored:
            fields.append(f"{column.field} {STAGED_TYPE[column.kind]}")
            if column.text_field:
                fields.append(f"{column.text_field} text")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{self.staged.table}")
            cursor.execute(f"CREATE TEMP TABLE {self.staged.table} ({', '.join(fields)})")
        return self

    def drop(self) -> None:
        """Give the space back early; the table goes with the connection anyway."""
        if connection.needs_rollback or connection.connection is None or connection.connection.closed:
            return
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{self.staged.table}")

    def copy(self, batches: Iterable[Batch]) -> None:
        """Stream the batches in; parsing here and storing in the server overlap."""
        names = ["line"]
        for column in self.stored:
            names.append(column.field)
            if column.text_field:
                names.append(column.text_field)
        feed = _Feed(self._rows(batches))
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.cursor.copy_expert(f"COPY {self.staged.table} ({', '.join(names)}) FROM STDIN", feed, size=1 << 16)
        except DatabaseError:
            if feed.error is not None:  # the reader gave up, not the database
                raise feed.error from None
            raise
        if self.staged.refused > max(self.staged.rows * REFUSED_SHARE, 0) and self.staged.refused:
            raise TooManyRefused(self.staged)

    def _rows(self, batches: Iterable[Batch]) -> Iterator[bytes]:
        for batch in batches:
            if not batch.columns:
                continue
            if self.mapping is None:
                self.mapping, extra = match(self.columns, list(batch.columns))
                self.staged.unknown_columns = [name for name in extra if canonical(name) not in self.known]
            if len(batch.lines):
                yield self._encode(batch, self.mapping)

    def _encode(self, batch: Batch, mapping: Mapping[str, str]) -> bytes:
        count = len(batch.lines)
        texts: list[list[str]] = [list(map(str, batch.lines))]
        refusals: list[Refusal] = []
        for column in self.columns:
            name = mapping.get(column.field, "")
            cells = batch.columns.get(name) if name else None
            if column.kind is Kind.CURRENCY:
                if cells is not None:
                    self._check_currency(name, cells, batch.lines)
                continue
            if cells is None:
                blank = NULL if column.default is None else str(column.default)
                texts.append([blank] * count)
                if column.text_field:
                    texts.append([NULL] * count)
                continue
            values, refused = convert(column, name, cells)
            texts.append(values)
            refusals += refused
            if column.text_field:
                texts.append([NULL if cell is None else escape(str(cell).strip()) for cell in cells])
        rows: Iterable[tuple[str, ...]] = zip(*texts, strict=True)
        if refusals:
            self._record(refusals, batch.lines)
            bad = {refusal.index for refusal in refusals}
            self.staged.refused += len(bad)
            rows = (row for index, row in enumerate(rows) if index not in bad)
        self.staged.rows += count
        return ("\n".join(map("\t".join, rows)) + "\n").encode() if not refusals else _join(rows)

    def _record(self, refusals: list[Refusal], lines: Sequence[int]) -> None:
        for refusal in itertools.islice(refusals, max(0, KEPT_ERRORS - len(self.staged.errors))):
            self.staged.errors.append(
                {"line": lines[refusal.index], "column": refusal.column, "value": refusal.value, "why": refusal.why}
            )

    def _check_currency(self, name: str, cells: Sequence[Any], lines: Sequence[int]) -> None:
        for wrong in {cell for cell in cells if cell} - {self.currency}:
            line = lines[cells.index(wrong)]
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


def _join(rows: Iterable[tuple[str, ...]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()


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


