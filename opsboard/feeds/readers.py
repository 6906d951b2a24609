"""Streaming readers: a document of any size as batches of columns, memory flat.

A batch is column-major because everything after it (validation, COPY) works on whole
columns: one C-speed pass a column instead of Python work a cell.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson
import polars as pl
from django.utils.translation import gettext as _

from . import unique
from .errors import BadDocument, Empty
from .records import Shape

BATCH_ROWS = 20_000
_SPACE = b" \t\r\n"
_SEAM = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
#: Bytes of JSON parsed at a time: small enough to stay in the processor's cache.
_CHUNK = 1 << 19
#: Characters of lines taken at a time: a batch of long lines has fewer of them.
BATCH_TEXT = 4 << 20
#: No report of Amazon's comes near it; a file that does is not one.
MAX_COLUMNS = 2_000
#: Empty lines in a row; more of them are no report.
MAX_BLANK = 10_000
#: Bytes of one record, or of one value beside the records.
MAX_VALUE = 1 << 20
#: Objects in one another whose names are told apart.
MAX_DEPTH = 20
_BLANKS = re.compile(rb"[ \t\r\n]*")


@dataclass(slots=True)
class Batch:
    """`columns[name]` are the cells of the lines in `lines` (1-based, as an editor counts them)."""

    lines: Sequence[int]
    columns: Mapping[str, Sequence[Any] | pl.Series]


def read_tsv(content: BinaryIO, charset: str) -> Iterator[Batch]:
    """Amazon's flat files: one header line, tabs, no quoting. The first batch carries every column.

    Raises BadDocument naming the line when a row has too many or too few cells.
    """
    text = io.TextIOWrapper(content, encoding=charset, errors="strict", newline="\n")
    try:
        yield from _read_tsv(text)
    finally:
        text.detach()  # whoever opened the file closes it


def _read_tsv(text: io.TextIOWrapper) -> Iterator[Batch]:
    head = text.readline().lstrip("\ufeff").rstrip("\r\n")
    if not head.strip():
        raise Empty(_("The file is empty"))
    header = [name.strip() for name in head.split("\t")]
    # Some reports have every cell in quotation marks; in all others such a mark is part of the text.
    quoted = len(header) > 1 and all(len(name) > 1 and name[0] == name[-1] == '"' for name in header)
    if quoted:
        header = _unquoted(header)
    width = len(header)
    if width > MAX_COLUMNS:
        raise BadDocument(_("The first line has %(n)d columns") % {"n": width}, line=1)
    if len(set(header)) != width:
        twice = next(name for name in header if header.count(name) > 1)
        raise BadDocument(_("The column “%(name)s” stands twice in the header") % {"name": twice}, line=1)
    line = 2
    yield Batch((), {name: [] for name in header})
    blank = 0
    while taken := _some_lines(text):
        _check_width(taken, line)
        if not any(row.strip("\r\n") for row in taken):  # half a million of them are not split into cells first
            blank, line = blank + len(taken), line + len(taken)
            if blank > MAX_BLANK:
                raise too_blank(line - 1)
            continue
        rows = [row.rstrip("\r\n").split("\t") for row in taken]
        if quoted:
            rows = [_unquoted(row) for row in rows]
        lines: Sequence[int] = range(line, line + len(rows))
        line += len(rows)
        if set(map(len, rows)) != {width}:
            kept = [(number, row) for number, row in zip(lines, rows, strict=True) if row != [""]]
            for number, row in kept:
                if (
                    len(row) < width
                    and number == lines[-1]
                    and len(taken) < BATCH_ROWS
                    and not taken[-1].endswith("\n")
                ):
                    raise BadDocument(_("The last line is cut off"), line=number, todo=_("Download the file again."))
                if len(row) != width:
                    raise BadDocument(
                        _("The line has %(got)d cells, the header has %(want)d") % {"got": len(row), "want": width},
                        line=number,
                    )
            lines, rows = [n for n, _row in kept], [row for _n, row in kept]
        yield Batch(lines, dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)))


def _unquoted(cells: list[str]) -> list[str]:
    return [cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]


def _some_lines(text: io.TextIOWrapper) -> list[str]:
    """Lines for a batch: fewer of them where they are long."""
    taken: list[str] = []
    size = 0
    while len(taken) < BATCH_ROWS and size < BATCH_TEXT and (some := text.readlines(BATCH_TEXT // 8)):
        taken += some
        size += sum(map(len, some))
    return taken


def _check_width(taken: list[str], first: int) -> None:
    """A line of a million cells is refused before they are cells."""
    if max(map(len, taken)) > MAX_COLUMNS:
        for number, row in enumerate(taken, first):
            if len(row) > MAX_COLUMNS and (got := row.count("\t")) > MAX_COLUMNS:
                raise BadDocument(_("The line has %(got)d cells") % {"got": got + 1}, line=number)


def too_blank(line: int) -> BadDocument:
    return BadDocument(
        _("Thousands of lines are empty, so it is not a report"), line=line, todo=_("Download the file again.")
    )


def records_to_batch(records: list[Any], first_line: int) -> Batch:
    """Python objects (flat or nested) as a batch; a key that is absent from a record reads as null."""
    offset = next((index for index, record in enumerate(records) if not isinstance(record, dict)), None)
    if offset is not None:
        raise BadDocument(_("An object was expected here"), line=first_line + offset)
    return _frame_batch(_infer(records), first_line)


def _parse(array: bytes) -> pl.DataFrame:
    """A JSON array of objects as a frame. Types are inferred from every record, so nothing is
    lost: numbers and text in one column become text, digits as they stand in the file."""
    return pl.read_json(io.BytesIO(array), infer_schema_length=None)


def _infer(records: list[dict[str, Any]]) -> pl.DataFrame:
    try:
        return _parse(orjson.dumps(records))
    except (pl.exceptions.PolarsError, orjson.JSONEncodeError):
        pass
    try:
        return _as_text(records)
    except UnicodeEncodeError:
        raise BadDocument(
            _("A text in it has half a character, so it is damaged"), todo=_("Download the file again.")
        ) from None


def _as_text(records: list[dict[str, Any]]) -> pl.DataFrame:
    """What no kind of column holds (objects beside numbers, numbers of 70 bits), as text cell by cell."""
    flat = [dict(_leaves("", record)) for record in records]
    names = dict.fromkeys(name for record in flat for name in record)
    return pl.DataFrame({name: pl.Series([record.get(name) for record in flat], dtype=pl.String) for name in names})


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, inner)
    else:
        yield name, value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _frame_batch(frame: pl.DataFrame, first_line: int) -> Batch:
    """The frame's columns, nested objects flattened: {"a": {"b": 1}} becomes "a.b"."""
    columns: dict[str, pl.Series] = {}
    waiting = [(column.name, column) for column in frame]
    while waiting:
        name, column = waiting.pop(0)
        if isinstance(column.dtype, pl.Struct):
            waiting += [(f"{name}.{field.name}", column.struct.field(field.name)) for field in column.dtype.fields]
        else:
            columns[name] = column
    return Batch(range(first_line, first_line + len(frame)), columns)


def read_json(content: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Walk a JSON document: ("", Batch) for a top-level array, else (key, Batch | value) in order.

    Arrays of objects stream in batches; an empty array gives one empty batch. "Lines" are the
    ordinals of the records. Raises BadDocument where the JSON is broken or cut off.
    """
    source = _Source(content)
    source.drop_bom()
    opening = source.peek()
    if opening == b"[":
        yield from (("", batch) for batch in _array(source))
    elif opening == b"{":
        source.skip(1)
        seen: set[Any] = set()
        while source.peek() != b"}":
            key = source.value()
            if not isinstance(key, str):
                raise _broken()
            if key in seen:
                raise unique.stands_twice(key)
            seen.add(key)
            source.expect(b":")
            if source.peek() == b"[":
                yield from ((key, batch) for batch in _array(source))
            else:
                yield key, source.value()
            if source.peek() == b",":
                source.skip(1)
            elif source.peek() != b"}":
                raise _broken()
        source.skip(1)
    else:
        raise BadDocument(_("This is not JSON"), todo=_("Download the file again."))
    if opening == b"{" and source.peek() == b"{":
        raise BadDocument(
            _("It is one JSON record a line, as Amazon's Data Kiosk gives them, and opsboard cannot read those yet"),
            todo=_("Download the report in Seller Central, or send the document that the Reports API gives."),
        )
    if source.peek():
        raise BadDocument(_("There is something after the end of the JSON"))


def _check_keys(array: bytes) -> bool:
    """Records that each bring keys of their own are refused before they are a table of all keys by all records.

    So is a record that has a key twice: of its two values nobody can say which one counts. False when nothing
    could be seen: an end that was guessed wrongly, or digits and depths that others judge.
    """
    try:
        records = orjson.loads(array)
    except orjson.JSONDecodeError:
        return False
    _check_names(records)
    unique.check(array, records)
    return True


def _check_names(records: list[Any]) -> None:
    names: set[tuple[str, ...]] = set()
    for record in records:
        if isinstance(record, dict):
            _see_names(record, (), names)
            if len(names) > MAX_COLUMNS:
                raise BadDocument(
                    _("Its records have more different parts than any report of Amazon's"),
                    todo=_("Download the file again."),
                )
    if not names and any(isinstance(record, dict) for record in records):
        raise BadDocument(_("Its records are empty"), todo=_("Download the file again."))


def _see_names(record: dict[str, Any], path: tuple[str, ...], names: set[tuple[str, ...]]) -> None:
    for key, value in record.items():
        name = (*path, key)
        names.add(name)
        if isinstance(value, dict) and len(path) < MAX_DEPTH:
            _see_names(value, name, names)


class _Source:
    """A growing window on the bytes of a JSON document."""

    def __init__(self, content: BinaryIO) -> None:
        self.content = content
        #: What the records read so far look like.
        self.shape: Shape | None = None
        self.buffer = b""
        #: What is before it was taken; it is dropped when more is read, not byte by byte.
        self.at = 0
        self.ended = False

    def fill(self) -> bool:
        block = self.content.read(_CHUNK)
        self.ended = not block
        self.buffer = self.buffer[self.at :] + block
        self.at = 0
        return bool(block)

    def records(self, array: bytes) -> pl.DataFrame:
        """The records of a JSON array; ComputeError when it is not one."""
        frame = self.shape.read(array) if self.shape is not None else None
        if frame is not None:
            # Each record has each key of the shape, so a key more is one that stands twice.
            unique.check_count(array, len(frame) * len(frame.columns))
        else:
            looked = _check_keys(array)
            frame = _parse(array)
            if not looked:
                unique.check_each(array)
            self.shape = Shape.learn(frame, self.shape)
        return frame

    def drop_bom(self) -> None:
        while len(self.buffer) < 3 and self.fill():
            pass
        if self.buffer.startswith(b"\xef\xbb\xbf"):
            self.skip(3)

    def peek(self) -> bytes:
        """The next byte that is not white space, b"" at the end; white space is dropped."""
        while True:
            byte = self.buffer[self.at : self.at + 1]
            if byte and byte in _SPACE and (blanks := _BLANKS.match(self.buffer, self.at)):
                self.at = blanks.end()
                byte = self.buffer[self.at : self.at + 1]
            if byte or not self.fill():
                return byte

    def skip(self, count: int) -> None:
        self.at += count

    def expect(self, token: bytes) -> None:
        if self.peek() != token:
            raise _broken()
        self.skip(1)

    def value(self) -> Any:
        """One complete JSON value, reading on until it is whole."""
        self.peek()
        size = 1 << 10
        while True:
            window = self.buffer[self.at : self.at + size]
            whole = self.at + size >= len(self.buffer)
            # A character cut by the window's edge is left for the next, larger window; the bytes
            # as a whole were checked to be UTF-8 when the document was decoded.
            text = window.decode("utf-8", "ignore")
            try:
                found, end = unique.DECODER.raw_decode(text)
            except ValueError:
                found, end = None, len(text)
            except RecursionError:  # a thousand brackets in one another are no report
                raise _broken() from None
            if end < len(text) or (whole and self.ended and found is not None):
                self.skip(len(text[:end].encode()))
                return found
            # Not whole yet (or a number that may go on): look at more of it.
            if len(window) > MAX_VALUE:
                raise _too_large()
            if not whole:
                size *= 8
            elif self.ended or not self.fill():
                if found is not None or text.strip() == "null":
                    self.skip(len(window))
                    return found
                raise _broken()


def _too_large() -> BadDocument:
    return BadDocument(_("A record is larger than any of Amazon's, or never ends"), todo=_("Download the file again."))


def _broken() -> BadDocument:
    return BadDocument(_("The JSON is broken or cut off"), todo=_("Download the file again."))


def _array(source: _Source) -> Iterator[Batch]:
    """Stream the array that starts at the window: whole records are cut off its front.

    A cut is tried at the last "},{" of the window, however spaced: inside a string or a nested
    array the piece left of it is not valid JSON, so a wrong cut is noticed and an earlier one tried.
    """
    source.expect(b"[")
    line = 1
    if source.peek() == b"]":
        source.skip(1)
        yield Batch((), {})
        return
    for frame in _gathered(_fronts(source)):
        yield _frame_batch(frame, line)
        line += len(frame)


def _fronts(source: _Source) -> Iterator[pl.DataFrame]:
    more = True
    while more:
        frame, more = _front(source)
        yield frame


def _gathered(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The frames in fewer, larger ones: neighbours of one shape together, up to a batch."""
    held: list[pl.DataFrame] = []
    for frame in frames:
        if held and (frame.schema != held[0].schema or sum(map(len, held)) + len(frame) > BATCH_ROWS):
            yield pl.concat(held)
            held = []
        held.append(frame)
    yield pl.concat(held)


def _seams(source: _Source) -> list[re.Match[bytes]]:
    """The last places in the window that look like the end of one record and the start of the next."""
    for reach in (1 << 14, len(source.buffer)):
        found = [*_SEAM.finditer(source.buffer, max(source.at, len(source.buffer) - reach))]
        if found:
            return found[:-5:-1]
    return []


def _front(source: _Source) -> tuple[pl.DataFrame, bool]:
    """The complete records at the front of the window and whether the array goes on."""
    if len(source.buffer) - source.at < _CHUNK:
        source.fill()
    for seam in _seams(source):
        try:
            frame = source.records(b"[" + source.buffer[source.at : seam.start() + 1] + b"]")
        except pl.exceptions.PolarsError:
            continue
        source.at = seam.end() - 1
        return frame, True
    # Few records left, spaced-out JSON or nested arrays: one record at a time.
    records: list[Any] = []
    more = True
    while more and len(records) < BATCH_ROWS:
        records.append(source.value())
        following = source.peek()
        if following not in {b",", b"]"}:
            raise _broken()
        source.skip(1)
        more = following == b","
    if not all(isinstance(record, dict) for record in records):
        raise BadDocument(_("An object was expected here"))
    _check_names(records)
    return _infer(records), more
