"""Streaming readers: a document of any size as batches of columns, memory flat.

A batch is column-major because everything after it (validation, COPY) works on whole
columns: one C-speed pass a column instead of Python work a cell.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson
from django.utils.translation import gettext as _

from .errors import BadDocument, Empty

BATCH_ROWS = 20_000
_CHUNK = 4 << 20
#: No report of Amazon's comes near it; a file that does is not one.
MAX_COLUMNS = 2_000


@dataclass(slots=True)
class Batch:
    """`columns[name]` are the cells of the lines in `lines` (1-based, as an editor counts them)."""

    lines: Sequence[int]
    columns: dict[str, list[Any]]


def read_tsv(content: BinaryIO, charset: str) -> Iterator[Batch]:
    """Amazon's flat files: one header line, tabs, no quoting. The first batch carries every column.

    Raises BadDocument naming the line when a row has too many or too few cells.
    """
    text = io.TextIOWrapper(content, encoding=charset, errors="strict", newline="\n")
    head = text.readline().lstrip("\ufeff").rstrip("\r\n")
    if not head.strip():
        raise Empty(_("The file is empty"))
    header = [name.strip() for name in head.split("\t")]
    width = len(header)
    if width > MAX_COLUMNS:
        raise BadDocument(_("The first line has %(n)d columns") % {"n": width}, line=1)
    if len(set(header)) != width:
        twice = next(name for name in header if header.count(name) > 1)
        raise BadDocument(_("The column “%(name)s” stands twice in the header") % {"name": twice}, line=1)
    line = 2
    yield Batch((), {name: [] for name in header})
    while taken := list(itertools.islice(text, BATCH_ROWS)):
        rows = [row.rstrip("\r\n").split("\t") for row in taken]
        lines: Sequence[int] = range(line, line + len(rows))
        line += len(rows)
        if set(map(len, rows)) != {width}:
            kept = [(number, row) for number, row in zip(lines, rows, strict=True) if row != [""]]
            for number, row in kept:
                if len(row) < width and number == lines[-1] and len(taken) < BATCH_ROWS and not taken[-1].endswith("\n"):
                    raise BadDocument(_("The last line is cut off"), line=number, todo=_("Download the file again."))
                if len(row) != width:
                    raise BadDocument(
                        _("The line has %(got)d cells, the header has %(want)d") % {"got": len(row), "want": width},
                        line=number,
                    )
            if not kept:
                continue
            lines, rows = [n for n, _row in kept], [row for _n, row in kept]
        yield Batch(lines, dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)))


def flatten(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}; arrays are left alone."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def records_to_batch(records: list[Any], first_line: int) -> Batch:
    """Flat or nested JSON objects as columns; a key that is absent from a record reads as None."""
    if set(map(type, records)) != {dict}:
        offset = next(index for index, record in enumerate(records) if not isinstance(record, dict))
        raise BadDocument(_("An object was expected here"), line=first_line + offset)
    if any(isinstance(value, dict) for value in records[0].values()):
        records = [flatten(record) for record in records]
    lines = range(first_line, first_line + len(records))
    names: dict[str, None] = dict.fromkeys(records[0])
    if set(map(tuple, records)) == {tuple(names)}:  # same keys in the same order: no look-ups
        return Batch(lines, dict(zip(names, map(list, zip(*map(dict.values, records), strict=True)), strict=True)))
    names = dict.fromkeys(itertools.chain.from_iterable(records))
    return Batch(lines, {name: [record.get(name) for record in records] for name in names})


def read_json(content: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Walk a JSON document: ("", Batch) for a top-level array, else (key, Batch | value) in order.

    Arrays of objects stream in batches; an empty array gives one empty batch. "Lines" are the
    ordinals of the records. Raises BadDocument where the JSON is broken or cut off.
    """
    source = _Source(content)
    opening = source.peek()
    if opening == b"[":
        yield from (("", batch) for batch in _array(source))
    elif opening == b"{":
        source.skip(1)
        while source.peek() != b"}":
            key = source.value()
            source.expect(b":")
            if source.peek() == b"[":
                yield from ((key, batch) for batch in _array(source))
            else:
                yield key, source.value()
            if source.peek() == b",":
                source.skip(1)
        source.skip(1)
    else:
        raise BadDocument(_("This is not JSON"), todo=_("Download the file again."))
    if source.peek():
        raise BadDocument(_("There is something after the end of the JSON"))


class _Source:
    """A growing window on the bytes of a JSON document."""

    def __init__(self, content: BinaryIO) -> None:
        self.content = content
        self.buffer = b""
        self.ended = False

    def fill(self) -> bool:
        block = self.content.read(_CHUNK)
        self.ended = not block
        self.buffer += block
        return bool(block)

    def peek(self) -> bytes:
        """The next byte that is not white space, b"" at the end; white space is dropped."""
        while True:
            self.buffer = self.buffer.lstrip()
            if self.buffer or not self.fill():
                return self.buffer[:1]

    def skip(self, count: int) -> None:
        self.buffer = self.buffer[count:]

    def expect(self, token: bytes) -> None:
        if self.peek() != token:
            raise _broken()
        self.skip(1)

    def value(self) -> Any:
        """One complete JSON value, reading on until it is whole."""
        self.peek()
        size = 1 << 14
        while True:
            window = self.buffer[:size]
            whole = size >= len(self.buffer)
            # A character cut by the window's edge is left for the next, larger window; the bytes
            # as a whole were checked to be UTF-8 when the document was decoded.
            text = window.decode("utf-8", "ignore")
            try:
                found, end = json.JSONDecoder().raw_decode(text)
            except ValueError:
                found, end = None, len(text)
            if end < len(text) or (whole and self.ended and found is not None):
                self.skip(len(text[:end].encode()))
                return found
            # Not whole yet (or a number that may go on): look at more of it.
            if not whole:
                size *= 8
            elif self.ended or not self.fill():
                if found is not None or text.strip() == "null":
                    self.skip(len(window))
                    return found
                raise _broken()


def _broken() -> BadDocument:
    return BadDocument(_("The JSON is broken or cut off"), todo=_("Download the file again."))


def _array(source: _Source) -> Iterator[Batch]:
    """Stream the array that starts at the window: whole records are cut off its front.

    A cut is tried at the last "},{" of the window: inside a string or a nested array the piece
    left of it is not valid JSON, so a wrong cut is noticed and an earlier one tried.
    """
    source.expect(b"[")
    line = 1
    if source.peek() == b"]":
        source.skip(1)
        yield Batch((), {})
        return
    while True:
        records, more = _front_records(source)
        for start in range(0, len(records), BATCH_ROWS):
            part = records[start : start + BATCH_ROWS]
            yield records_to_batch(part, line)
            line += len(part)
        if not more:
            return


def _front_records(source: _Source) -> tuple[list[Any], bool]:
    """The complete records at the front of the window and whether the array goes on."""
    if len(source.buffer) < _CHUNK:
        source.fill()
    cut = len(source.buffer)
    for _try in range(4):
        cut = source.buffer.rfind(b"},{", 0, cut)
        if cut < 0:
            break
        try:
            records = orjson.loads(b"[" + source.buffer[: cut + 1] + b"]")
        except orjson.JSONDecodeError:
            continue
        source.skip(cut + 2)
        return records, True
    # Few records left, spaced-out JSON or nested arrays: one record at a time.
    records = []
    while len(records) < BATCH_ROWS:
        records.append(source.value())
        following = source.peek()
        if following == b",":
            source.skip(1)
        elif following == b"]":
            source.skip(1)
            return records, False
        else:
            raise _broken()
    return records, True
