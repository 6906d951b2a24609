"""Is a workbook what it seems? Looked at as text, in blocks, before a library builds its tables in memory.

A few kilobytes of XLSX can ask for gigabytes: a cell in the last corner of a sheet, one long text
shown a thousand times, entities that multiply. And some readable workbooks do not say what they
show: formulas nobody worked out, cells that hold an error.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

from . import unpacking
from .errors import BadDocument, TooBig, UnknownKind

MAX_SHEETS = 60
_MAX_PARTS = 2_000
_MAX_TEXTS = 3_000_000
_STRINGS = "xl/sharedstrings.xml"
#: A cell holds 32,767 characters, of up to six bytes as they are written in XML.
_LONGEST_TEXT = 32_767 * 6
#: What is looked for may lie across two blocks; a formula has at most 8,192 characters.
_OVERLAP = 1 << 14
#: Empty cells of the rectangle that holds all cells: allowed per filled cell, and in any case.
_EMPTY_PER_CELL, _EMPTY = 10, 500_000
#: Bytes of text in cells: allowed in any case, and per byte of the sheets.
_TEXT, _TEXT_PER_BYTE = 24 << 20, 10
_COLUMN = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})[0-9]""")
_ROW = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]{0,3}([0-9]{1,7})["']""")
#: A cell that shows an error reads as an empty one, which is not what stood there.
_ERROR_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*\bt\s*=\s*["']e["']""")
_NOT_WORKED_OUT = re.compile(
    rb"""<(?:\w+:)?c(?=[\s>])(?![^>]*\bt\s*=\s*["']str["'])[^>]*>\s*<(?:\w+:)?f(?=[\s/>])"""
    rb"""(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
_SHARED = re.compile(rb"""<(?:\w+:)?c\s[^>]*\bt\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>\s*([0-9]{1,9})""")
_ITEM = re.compile(rb"<(?:\w+:)?si[\s>]")


def check(raw: BinaryIO, size: int, ratio: int) -> None:
    """Look through every part of a workbook once, keeping nothing.

    Raises TooBig where its tables would not fit in memory, Truncated where it is damaged, another
    BadDocument where it does not say what it shows.
    """
    parts = unpacking.directory(raw)
    if len(parts) > _MAX_PARTS or len({part.filename.casefold() for part in parts}) < len(parts):
        raise unpacking.too_big()
    sheets = [part for part in parts if part.filename.startswith("xl/worksheets/sheet")]
    if len(sheets) > MAX_SHEETS:
        raise TooBig(
            _("The workbook has %(count)d sheets") % {"count": len(sheets)},
            todo=_("Save the sheet with the report as a file of its own and send that."),
        )
    shown = written = 0
    lengths = array("I")
    for part in parts:
        looked = _Part(raw, part, size - written, ratio)
        written += looked.size
        shown += looked.shared
        lengths = looked.lengths or lengths
    allowed = max(_TEXT, _TEXT_PER_BYTE * written)
    if shown * max(lengths, default=0) > allowed:
        for part in parts:
            if part.filename.endswith(".xml"):
                allowed -= _shown(unpacking.unpack(raw, part, size, ratio), lengths, allowed)


class _Part:
    """One part of a workbook, read through: how large it is, what it shows how often."""

    def __init__(self, raw: BinaryIO, part: zipfile.ZipInfo, size: int, ratio: int) -> None:
        self.size = self.shared = self.cells = self.last_row = self.last_column = 0
        #: Of each shared text, with its marks.
        self.lengths = array("I")
        name = part.filename.casefold()
        blocks = unpacking.unpack(raw, part, size, ratio)
        if name == _STRINGS:
            blocks = self._measured(blocks)
        rest = b""
        for block in blocks:
            self.size += len(block)
            if name.endswith((".xml", ".rels")):  # pictures and the like are never opened
                text = rest + block
                self._check_text(text)
                if name != _STRINGS:
                    self._see_cells(text, block)
                rest = text[-_OVERLAP:]

    def _measured(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks of the shared texts; their lengths are noted on the way."""
        start: int | None = None
        before, rest = 0, b""
        for block in blocks:
            text = rest + block
            for match in _ITEM.finditer(text):
                here = before + match.start()
                if start is not None:
                    self.lengths.append(here - start)
                start = here
            if len(self.lengths) > _MAX_TEXTS:
                raise unpacking.too_big()
            # A mark cut by the edge of the block is met again, a whole one is not.
            kept = len(text) - text.rfind(b"<") if 0 <= text.rfind(b"<") >= len(text) - 32 else 0
            kept = 0 if kept and _ITEM.match(text, len(text) - kept) else kept
            rest, before = text[len(text) - kept :], before + len(text) - kept
            yield block
        if start is not None:
            self.lengths.append(before + len(rest) - start)

    def _check_text(self, text: bytes) -> None:
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise UnknownKind(
                _("The workbook has definitions in it that no spreadsheet writes, so it is not opened"),
                todo=_("Download the file again."),
            )
        at = 0
        while len(text) - at > _LONGEST_TEXT:
            if (after := text.rfind(b"<", at + 1, at + _LONGEST_TEXT)) < 0:
                raise TooBig(
                    _("A cell of the workbook holds more text than a spreadsheet can"),
                    todo=_("Download the file again."),
                )
            at = after

    def _see_cells(self, text: bytes, block: bytes) -> None:
        if _ERROR_CELL.search(text):
            raise BadDocument(
                _("A cell of the workbook holds an error such as #N/A instead of a value"),
                todo=_("Send the file as Amazon gave it."),
            )
        if (b"<f" in text or b":f" in text) and _NOT_WORKED_OUT.search(text):
            raise BadDocument(
                _("A cell of the workbook holds a formula that was never worked out"),
                todo=_("Open it in a spreadsheet, save it and send it again, or send the file as Amazon gave it."),
            )
        self.cells += sum(map(block.count, (b"<c ", b"<c>", b":c ", b":c>")))
        self.shared += sum(map(block.count, (b't="s"', b"t='s'")))
        rows, columns = set(_ROW.findall(text)), set(_COLUMN.findall(text))
        self.last_row = max(self.last_row, max(map(int, rows), default=0))
        self.last_column = max(self.last_column, max(map(_number, columns), default=0))
        if self.last_row * self.last_column > self.cells * _EMPTY_PER_CELL + _EMPTY:
            raise TooBig(
                _("A sheet of the workbook goes to row %(row)d and is almost empty") % {"row": self.last_row},
                todo=_("Copy the rows of the report into a new workbook, or download the report again."),
            )


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _shown(blocks: Iterable[bytes], lengths: array[int], allowed: int) -> int:
    """How long the shared texts are in all cells of a sheet together; TooBig beyond `allowed`."""
    shown = 0
    rest = b""
    for block in blocks:
        text = rest + block
        end = max(text.rfind(b"<c"), text.rfind(b":c"), 0)
        shown += sum(lengths[int(n)] for n in _SHARED.findall(text, 0, end) if int(n) < len(lengths))
        if shown > allowed:
            raise unpacking.too_big()
        rest = text[end:]
    return shown
