"""The rows of a table file (CSV, tabs, XLSX) in blocks, each row with the line it begins in.

Nearly every block is plain: its rows are as wide as the header, none is blank, and no name of the header
stands in them. That is seen of a whole block at once; only one that is not is gone through row by row.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from .charset import MAX_LINE
from .errors import BadDocument
from .readers import MAX_BLANK, MAX_COLUMNS, too_blank

if TYPE_CHECKING:
    from .decode import Decoded
    from .tables import Layout

#: Characters of a block: few enough that its cells stay in the processor's cache while they are looked at.
BLOCK_TEXT = 1 << 16
#: Rows of a block of a workbook.
BLOCK_ROWS = 100
Row = tuple[int, list[Any]]


class Block(NamedTuple):
    """Rows that follow one another, and the line each begins in."""

    lines: Sequence[int]
    rows: Sequence[list[Any]]


# --- below the header -----------------------------------------------------------------------------


def blocks(decoded: Decoded, layout: Layout, on_header: Callable[[], None] | None = None) -> Iterator[Block]:
    """Every row after the header that is not blank and does not repeat the header.

    `on_header` is called where the header stands again, between the rows before and those behind it. Raises
    BadDocument for another header or a row of another width, when the rows before it were given.
    """
    sieve = _Sieve(layout)
    for block in _blocks(decoded, layout.delimiter, layout.sheet, layout.quoted):
        if sieve.passes(block):
            yield block
        else:
            yield from sieve.sieved(block, on_header)


class _Sieve:
    """Takes out of blocks what is no row of the table."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.width = len(layout.header)
        self.names = set(filter(None, layout.header))
        #: Blank lines since the last row.
        self.blank = 0

    def passes(self, block: Block) -> bool:
        """Whether all of the block are rows of the table, as far as that can be seen of all at once."""
        passes = (
            block.lines[0] > self.layout.header_line
            and set(map(len, block.rows)) == {self.width}
            and all(row[0] or any(row) for row in block.rows)
            and self.names.isdisjoint(itertools.chain.from_iterable(block.rows))
        )
        self.blank = 0 if passes else self.blank
        return passes

    def sieved(self, block: Block, on_header: Callable[[], None] | None) -> Iterator[Block]:
        """Those of the block that are, looked at one by one."""
        kept: list[Row] = []
        try:
            for line, row in zip(*block, strict=True):
                if self._is_nothing(line, row):
                    continue
                fitted = self._fitted(line, row)
                if not self._repeats_header(fitted):
                    kept.append((line, fitted))
                elif on_header is not None:
                    yield from _as_block(kept)
                    kept = []
                    on_header()
        except BadDocument:  # what is wrong with a row before is said before what is wrong with this one
            yield from _as_block(kept)
            raise
        yield from _as_block(kept)

    def _is_nothing(self, line: int, row: list[Any]) -> bool:
        if len(row) > MAX_COLUMNS:
            raise self._misfit(line, row, _("Download the file again."))
        is_nothing = line <= self.layout.header_line or not any(cell not in {"", None} for cell in row)
        self.blank = self.blank + 1 if is_nothing else 0
        if self.blank > MAX_BLANK:
            raise too_blank(line)
        return is_nothing

    def _fitted(self, line: int, row: list[Any]) -> list[Any]:
        """The row as wide as the header: empty cells behind the last column are none."""
        if self._names_columns(row) and _is_header(row, self.names) and not self._repeats_header(row[: self.width]):
            raise BadDocument(
                _("Another header stands here, so two files were joined into one"),
                line=line,
                todo=_("Send them one by one."),
            )
        if len(row) < self.width or any(cell not in {"", None} for cell in row[self.width :]):
            raise self._misfit(line, row, _("The file may be cut off: download it again."))
        return row[: self.width]

    def _names_columns(self, row: list[Any]) -> bool:
        return not self.names.isdisjoint(row)

    def _repeats_header(self, row: list[Any]) -> bool:
        """A placeholder row: most of its filled cells say what the header above them says."""
        if not self._names_columns(row):
            return False
        same: int = sum(bool(cell) and cell == name for cell, name in zip(row, self.layout.header, strict=False))
        filled: int = sum(cell not in {"", None} for cell in row)
        return same >= 2 and same * 2 > filled

    def _misfit(self, line: int, row: list[Any], todo: str) -> BadDocument:
        return BadDocument(
            _("The line has %(got)d cells, the header has %(want)d") % {"got": len(row), "want": self.width},
            line=line,
            todo=todo,
        )


def _as_block(rows: Sequence[Row]) -> Iterator[Block]:
    if rows:
        yield Block([line for line, _row in rows], [row for _line, row in rows])


def _is_header(row: Sequence[Any], names: set[str]) -> bool:
    """Most of its filled cells are names of columns, in whatever order."""
    filled = [cell for cell in row if cell not in {"", None}]
    return len(filled) > 3 and sum(cell in names for cell in filled) * 2 > len(filled)


# --- of the file ----------------------------------------------------------------------------------


def lines(decoded: Decoded, delimiter: str, sheet: str = "", *, quoted: bool = True) -> Iterator[Row]:
    """Every row of the file from its first line, cells as they are."""
    for block in _blocks(decoded, delimiter, sheet, quoted):
        yield from zip(*block, strict=True)


def _blocks(decoded: Decoded, delimiter: str, sheet: str, quoted: bool) -> Iterator[Block]:
    if decoded.workbook:
        with _opening():
            found = workbook(decoded).get_sheet_by_name(sheet)
            line = (found.start or (0, 0))[0] + 1
            every = found.iter_rows()
            while taken := list(itertools.islice(every, BLOCK_ROWS)):
                yield Block(range(line, line + len(taken)), taken)
                line += len(taken)
        return
    decoded.file.seek(0)
    text = io.TextIOWrapper(decoded.file, encoding=decoded.charset, errors="strict", newline="")
    try:
        yield from _Text(text, delimiter, quoted).blocks()
    finally:
        text.detach()


class _Text:
    """The rows of a text, of which one may go on over many lines where cells stand in quotation marks."""

    def __init__(self, text: io.TextIOWrapper, delimiter: str, quoted: bool) -> None:
        self.text = text
        self.delimiter = delimiter
        self.quoted = quoted
        #: The line that comes next.
        self.line = 1

    def blocks(self) -> Iterator[Block]:
        while taken := self.text.readlines(BLOCK_TEXT):
            rows = self._a_row_a_line(taken)
            if rows is None:
                yield from self._one_by_one(taken)
            else:
                yield Block(range(self.line, self.line + len(rows)), rows)
                self.line += len(rows)

    def _reader(self, lines: Iterable[str]) -> Any:
        quoting: Any = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        return csv.reader(lines, delimiter=self.delimiter, quoting=quoting)

    def _a_row_a_line(self, taken: list[str]) -> list[list[str]] | None:
        """The rows of lines in which no quotation mark opens a cell; None where it may be otherwise."""
        if (self.quoted and any('"' in line for line in taken)) or max(map(len, taken)) > MAX_LINE:
            return None
        try:
            return list(self._reader(taken))
        except csv.Error:
            return None

    def _one_by_one(self, taken: list[str]) -> Iterator[Block]:
        """The rows that begin in the lines taken; the last one may go on behind them."""
        physical = _Physical(itertools.chain(taken, self.text))
        reader = self._reader(physical)
        first, kept = self.line, list[Row]()
        try:
            for row in reader:
                if first + reader.line_num > self.line + 1 and self.quoted and physical.marks % 2 and physical.ended:
                    raise csv.Error  # the reader takes the end of the file for the end of the cell
                physical.taken = physical.marks = 0
                kept.append((self.line, row))
                self.line = first + reader.line_num
                if reader.line_num >= len(taken):
                    break
        except csv.Error:
            yield from _as_block(kept)
            raise BadDocument(
                _("A quotation mark is opened and never closed"),
                line=self.line,
                todo=_("Download the file again."),
            ) from None
        yield from _as_block(kept)


class _Physical:
    """The lines of a text for the reader of its rows, which may take many for one: up to a limit."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = lines
        #: Characters and quotation marks of the row so far.
        self.taken = self.marks = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.taken += len(line)
            if self.taken > MAX_LINE:
                raise csv.Error
            self.marks += line.count('"')
            yield line
        self.ended = True


def workbook(decoded: Decoded) -> CalamineWorkbook:
    """Raises BadDocument when the workbook is damaged or protected."""
    decoded.file.seek(0)
    with _opening():
        return CalamineWorkbook.from_filelike(io.BytesIO(decoded.file.read()))


@contextmanager
def _opening() -> Iterator[None]:
    """What the library says of a workbook it cannot open, as a sentence."""
    try:
        yield
    except CalamineError as error:
        why = str(error)
    except BaseException as error:
        # A panic of the library (a day in the year 10^15) is no Exception, and no reason to end the process.
        if type(error).__name__ != "PanicException":
            raise
        why = str(error)
    else:
        return
    raise BadDocument(
        _("The workbook cannot be opened (%(why)s)") % {"why": why[:80]},
        todo=_("Remove its password if it has one, or download the file again."),
    )
