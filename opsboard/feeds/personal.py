"""Columns about people are emptied before a document is kept (`ReportSpec.personal`), and so are cells of
what they wrote that tell how to reach them (`ReportSpec.written`).

Where a buyer lives is nobody's business here, so it is neither stored as a fact nor left in the bytes
behind the facts. The header keeps its names and every line its number, so what is said about a line of
the document stays true of the file it came from.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import io
import itertools
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.utils.translation import gettext as _

from . import cells, glossary
from .decode import Decoded
from .errors import BadDocument
from .registry import ReportSpec
from .staging import canonical

#: What is kept of a text with an address or a number in it.
WITHHELD = "[withheld]"
#: An e-mail address, or eight digits and more that may be a telephone number (order numbers go with them).
_REACHABLE = re.compile(r"[^\s@]@[^\s@]|\d(?:[\s().+/_-]*\d){7}")


@dataclass(frozen=True, slots=True)
class Emptied:
    """A document without what is personal; `file` stands at its first byte."""

    file: BinaryIO
    sha256: str
    size: int


@contextmanager
def emptied(decoded: Decoded, spec: ReportSpec, options: Mapping[str, Any]) -> Iterator[Emptied]:
    """The document with its personal cells empty. Raises BadDocument for a workbook, which cannot be rewritten."""
    if decoded.workbook:
        raise BadDocument(
            _("It has columns about buyers, which opsboard does not keep and cannot take out of a workbook"),
            todo=_("Nothing was kept. Send the file as Amazon gives it, or save it as CSV."),
        )
    hashed, size = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as file:
        encoder = io.TextIOWrapper(file, encoding=decoded.charset, errors="strict", newline="", write_through=True)
        decoded.file.seek(0)
        text = io.TextIOWrapper(decoded.file, encoding=decoded.charset, errors="strict", newline="")
        try:
            for part in _parts(text, spec, options):
                encoder.write(part)
            encoder.flush()
        finally:
            text.detach()
            encoder.detach()
        file.seek(0)
        while block := file.read(1 << 20):
            hashed.update(block)
            size += len(block)
        file.seek(0)
        yield Emptied(cast(BinaryIO, file), hashed.hexdigest(), size)


def _parts(text: io.TextIOWrapper, spec: ReportSpec, options: Mapping[str, Any]) -> Iterator[str]:
    delimiter = str(options.get("delimiter") or ("," if spec.format == "csv" else "\t"))
    header_line = int(options.get("header_line") or 1)
    quoted = bool(options.get("quoted", delimiter != "\t"))
    header: list[str] | None = None
    personal: list[int] = []
    written: list[int] = []
    out = io.StringIO(newline="")
    for line, row, end in _quoted_rows(text, delimiter) if quoted else _plain_rows(text, delimiter):
        if line >= header_line:
            if header is None:
                header = row
                names = [canonical(glossary.english(cells.text(name))) for name in header]
                personal, written = _places(names, spec.personal), _places(names, spec.written)
            elif any(row):
                row = _withheld(_without(row, personal, len(header)), written)
        if not quoted:
            yield delimiter.join(row) + end
            continue
        csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(row)
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _places(names: Sequence[str], patterns: Sequence[str]) -> list[int]:
    wanted = [canonical(pattern) for pattern in patterns]
    return [index for index, name in enumerate(names) if any(fnmatch.fnmatchcase(name, one) for one in wanted)]


def _withheld(row: list[str], written: Sequence[int]) -> list[str]:
    for index in written:
        if index < len(row) and _REACHABLE.search(row[index]):
            row[index] = WITHHELD + "\n" * row[index].count("\n")
    return row


def _without(row: Sequence[str], personal: Sequence[int], width: int) -> list[str]:
    """The row with its personal cells empty; of a row of another width nobody knows which cells those are."""
    if len(row) != width:
        return ["\n" * cell.count("\n") for cell in row]
    kept = list(row)
    for index in personal:
        kept[index] = "\n" * kept[index].count("\n")  # the lines that follow keep their numbers
    return kept


def _plain_rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """(line, cells, the end of the line) of a table without quotation marks; only LF ends a line."""
    pieces: list[str] = []
    line = 0
    while block := text.read(1 << 18):
        first, *others = block.split("\n")
        pieces.append(first)
        if not others:
            continue
        for found in ("".join(pieces), *others[:-1]):
            line += 1
            bare = found.rstrip("\r")
            yield line, bare.split(delimiter), found[len(bare) :] + "\n"
        pieces = others[-1:]
    rest = "".join(pieces)
    if rest:
        bare = rest.rstrip("\r")
        yield line + 1, bare.split(delimiter), rest[len(bare) :]


def _quoted_rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    first = text.readline()
    end = "\r\n" if first.endswith("\r\n") else "\n"
    reader = csv.reader(itertools.chain([first], text), delimiter=delimiter)
    line = 1
    try:
        for row in reader:
            yield line, row, end
            line = reader.line_num + 1
    except csv.Error:
        raise BadDocument(
            _("A quotation mark is opened and never closed"), line=reader.line_num, todo=_("Download the file again.")
        ) from None
