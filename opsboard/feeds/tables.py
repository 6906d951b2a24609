"""Files people download by hand (CSV, tabs, XLSX) as the same column batches the APIs give.

Every cell comes out as canonical text: a decimal dot, an ISO day, no currency sign; what cannot
be read comes out as it stands, so that the sentence about it quotes the file. The kept document
stays as it was received: how to read it again (`options`) is kept beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from . import cells, glossary, moments, table_rows
from .errors import BadDocument, BadRow, UnknownCurrency, WrongMarketplace
from .readers import BATCH_ROWS, BATCH_TEXT, MAX_COLUMNS, Batch
from .registry import Column, Dataset, Kind, ReportSpec
from .staging import canonical, columns_of
from .table_rows import Block

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from .decode import Decoded

#: Kept of each line above a header.
PREAMBLE_LETTERS = 1000
NUMERIC = frozenset({Kind.INTEGER, Kind.MONEY, Kind.RATE, Kind.PERCENT, Kind.NUMBER})
#: Adds columns to those of one batch. A BadDocument it raises has the place of the row in the batch for its line.
Prepare = Callable[[dict[str, list[str]]], None]


@dataclass(frozen=True, slots=True)
class Table:
    """How a person's download of a report differs from a plain table of days."""

    #: Two columns that must name the same day where there is no column "Date".
    span: tuple[str, str] | None = None
    #: Rows carry no day at all: they are totals, and the operator says of which one day.
    needs_day: bool = False
    #: The report has a row for every day, so rows a week or more apart are totals of longer periods.
    every_day: bool = False
    #: Column -> values its rows may have; other rows are another report's business.
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: A required column -> what looks like it and must not be taken for it -> why (one sentence).
    instead: Mapping[str, Mapping[str, _StrPromise | str]] = field(default_factory=dict)
    #: Columns of a sister report that has all of ours besides: its rows are something else. `*` stands for
    #: anything, so that a spelling nobody declared is not overlooked; a column that is read is never foreign.
    foreign: tuple[str, ...] = ()
    #: Columns nobody reads and every such report has: without them it is another one.
    needs: tuple[str, ...] = ()
    #: Amazon's English name -> its names in other languages, where they are known for sure.
    spelt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: In another language one of these must be there: the names that tell its sisters apart may be unknown.
    telling: tuple[str, ...] = ()
    #: One of these columns must be there, or a sheet be called so (its beginning), to tell the report from a
    #: sister with all its columns; else it is a question between this one and `sister` (keys of reports).
    proofs: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sister: str = ""
    #: Known columns nobody reads: not drift.
    ignored: tuple[str, ...] = ()
    #: Columns `prepare` makes -> the columns of the file it needs for them.
    made: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Adds columns to each batch, e.g. ids for names; made once a document from its options.
    prepare: Callable[[Mapping[str, Any]], Prepare] | None = None
    #: What to do when the rows are totals over more than a day.
    how_daily: _StrPromise | str = ""
    #: How the report is created, where whoever does it chooses the columns.
    how: _StrPromise | str = ""
    #: The report's columns are chosen freely, and one nobody declared may divide its rows: it is refused.
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the table stands in the file."""

    header: tuple[str, ...]
    header_line: int = 1
    delimiter: str = "\t"  # "" in a workbook
    sheet: str = ""
    #: Cells may stand in quotation marks; in Amazon's own tab files such a mark is part of the text.
    quoted: bool = True

    def options(self) -> dict[str, Any]:
        return {
            "header_line": self.header_line,
            "delimiter": self.delimiter,
            "sheet": self.sheet,
            "quoted": self.quoted,
        }


@dataclass(frozen=True, slots=True)
class Style:
    """How the file writes numbers and days, and the currency its amounts are in."""

    point: str = "."
    #: Percentages have their own: a German Business Report writes "5.255,61 €" beside "1,234" and "12.5%".
    percent_point: str = "."
    order: str = cells.DMY
    currency: str = ""
    #: Workbook: numeric cells of percent columns are fractions (Excel shows 0.86 as 86 %).
    fractions: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Style:
        point = str(options.get("point") or ".")
        return cls(
            point,
            str(options.get("percent_point") or point),
            str(options.get("date_order") or cells.DMY),
            str(options.get("currency") or ""),
            bool(options.get("fractions")),
        )


def is_quoted(text: str) -> bool:
    """Whether the first line has every name in quotation marks, as tab files of some reports have every cell."""
    first = text.lstrip("\ufeff").partition("\n")[0].rstrip("\r").split("\t")
    return len(first) > 1 and all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in first)


# --- batches --------------------------------------------------------------------------------------


def open_table(decoded: Decoded, spec: ReportSpec, dataset: Dataset, options: Mapping[str, Any]) -> Iterator[Batch]:
    """The rows of a kept upload as batches for `dataset`, read the way `options` say.

    What has to be asked of the database is asked here, before the first batch is: the connection
    may be busy storing while the batches are drawn.
    """
    layout = reopen_layout(decoded, options)
    table = spec.table or Table()
    prepare = table.prepare(options) if table.prepare else None
    return _batches(decoded, layout, table, prepare, dataset, Style.of(options))


def _batches(
    decoded: Decoded, layout: Layout, table: Table, prepare: Prepare | None, dataset: Dataset, style: Style
) -> Iterator[Batch]:
    names = header_names(layout.header)
    nameless = {name for name, written in zip(names, layout.header, strict=True) if not written}
    kinds = kinds_of(dataset, names)
    date_from = span_column(table, names)
    ignored = {canonical(name) for name in table.ignored}
    stream = table_rows.blocks(decoded, layout)
    taken: list[Block] = []
    while True:  # the first batch has no rows: it tells which columns there are
        numbers = [line for block in taken for line in block.lines]
        rows = (row for block in taken for row in block.rows)
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
        named: dict[str, list[str]] = {}
        for name, column in zip(names, columns, strict=True):
            if name == date_from:
                named["Date"] = canonical_cells(column, Kind.DATE, style, name, numbers)
            elif canonical(name) not in ignored and name not in nameless:
                named[name] = canonical_cells(column, kinds.get(name, Kind.TEXT), style, name, numbers)
        if prepare:
            try:
                prepare(named)
            except BadRow as error:
                error.line = numbers[error.row]
                raise
        yield Batch(numbers, named)
        if not (taken := list(_some(stream, decoded))):
            return


def _some(stream: Iterator[Block], decoded: Decoded) -> Iterator[Block]:
    """Rows for a batch: fewer of them where they are long."""
    start, count = decoded.file.tell(), 0
    for block in stream:
        yield block
        count += len(block.rows)
        if count >= BATCH_ROWS or decoded.file.tell() - start > BATCH_TEXT:
            return


def preamble(decoded: Decoded, layout: Layout) -> list[str]:
    """What stands above the header, line by line: there Amazon says what was chosen on the page."""
    above = itertools.takewhile(
        lambda one: one[0] < layout.header_line,
        table_rows.lines(decoded, layout.delimiter, layout.sheet, quoted=layout.quoted),
    )
    return [",".join(filter(None, map(cells.text, row)))[:PREAMBLE_LETTERS] for _line, row in above]


def reopen_layout(decoded: Decoded, options: Mapping[str, Any]) -> Layout:
    delimiter, sheet = (
        str(options.get("delimiter", "\t")),
        str(options.get("sheet") or ""),
    )
    # Before this was kept beside a document, every tab file was read as Amazon's own.
    quoted = bool(options.get("quoted", delimiter != "\t"))
    at = int(options.get("header_line") or 1)
    for line, row in table_rows.lines(decoded, delimiter, sheet, quoted=quoted):
        if line == at:
            return Layout(tuple(map(cells.text, row)), at, delimiter, sheet, quoted)
    raise BadDocument(_("The header line is not where it was"), line=at)


def header_names(header: Sequence[str]) -> list[str]:
    """Clean, distinct names for the columns of a batch; a column without a name keeps its place."""
    if len(header) > MAX_COLUMNS:
        raise BadDocument(_("The first line has %(n)d columns") % {"n": len(header)}, line=1)
    names: list[str] = []
    for index, name in enumerate(map(glossary.english, header)):
        unique = name or f"column {index + 1}"
        names.append(unique if unique not in names else f"{unique} [{index + 1}]")
    return names


def kinds_of(dataset: Dataset, names: Sequence[str]) -> dict[str, Kind]:
    """How each column of the file is written, by the dataset columns that read it."""
    return {name: column.kind for name, column in columns_by_name(dataset, names).items()}


def columns_by_name(dataset: Dataset, names: Sequence[str]) -> dict[str, Column]:
    """The dataset column that reads each column of the file."""
    by_alias = {canonical(alias): column for column in columns_of(dataset) for alias in column.names}
    return {name: by_alias[canonical(name)] for name in names if canonical(name) in by_alias}


def span_column(table: Table, names: Sequence[str]) -> str:
    """The column that stands for "Date" where a file only has a range; "" when it has days, or half a range."""
    if table.span is None or any(canonical(name) == "date" for name in names):
        return ""
    first, last = (next((n for n in names if canonical(n) == canonical(end)), "") for end in table.span)
    return first if last else ""


def canonical_cells(
    column: list[Any],
    kind: Kind,
    style: Style,
    name: str = "",
    numbers: Sequence[int] = (),
) -> list[str]:
    """Each different cell is read once: columns of reports repeat themselves."""
    import pandas as pd  # takes a second to import: only an upload pays for it

    codes, uniques = pd.factorize(pd.Series(column, dtype=object), use_na_sentinel=False)
    read = [canonical_cell(cell, kind, style) for cell in uniques]
    for index, found in enumerate(read):
        if isinstance(found, BadDocument):
            found.line, found.column = numbers[int((codes == index).argmax())], name
            raise found
    return [read[code] for code in codes]  # type: ignore[misc]


def canonical_cell(cell: Any, kind: Kind, style: Style) -> str | BadDocument:
    if kind is Kind.DATE:
        return _canonical_day(cell, style)
    found = cells.text(cell)
    if kind is Kind.INSTANT:
        return moments.canonical(found, style.order, style.currency)
    if kind not in NUMERIC:
        return found.upper() if kind is Kind.CURRENCY else found
    if isinstance(cell, int | float):
        return str(Decimal(repr(cell)) * 100) if kind is Kind.PERCENT and style.fractions else found
    if cells.is_nothing(found) or (amount := cells.amount(found)) is None:
        return "" if cells.is_nothing(found) else found
    if amount.symbol and (wrong := wrong_currency(amount.symbol, style.currency)):
        return wrong
    if (amount.percent and kind is not Kind.PERCENT) or (
        amount.symbol and kind in {Kind.INTEGER, Kind.PERCENT, Kind.RATE}
    ):
        return found  # "12%" is no amount, and "$5" no count: columns that changed places show so
    point = style.percent_point if kind is Kind.PERCENT else style.point
    try:
        digits = (cells.whole_digits if kind is Kind.INTEGER else cells.plain_digits)(amount.digits, point)
    except ValueError:
        return found
    return f"-{digits}" if amount.negative else digits


def _canonical_day(cell: Any, style: Style) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, int | float) and (serial := cells.excel_day(cell)) is not None:
        return serial.isoformat()
    found = cells.text(cell)
    read = cells.day(found)
    chosen = read.read(style.order) if read else None
    return chosen.isoformat() if chosen else found


def wrong_currency(symbol: str, ours: str) -> BadDocument | None:
    """What is wrong with a currency sign or code in a marketplace that sells in `ours`; None when nothing is."""
    theirs = cells.SYMBOLS.get(symbol) or frozenset({symbol.rstrip("$")} & cells.CODES)
    if not theirs:
        return UnknownCurrency(_("“%(code)s” is not a currency opsboard knows") % {"code": symbol[:20]})
    if ours and ours not in theirs:
        return WrongMarketplace(
            _("The amounts are in %(theirs)s, but this marketplace sells in %(ours)s")
            % {"theirs": symbol, "ours": ours},
            todo=_("Choose the marketplace the file was downloaded from."),
        )
    return None
