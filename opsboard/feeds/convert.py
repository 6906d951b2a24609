"""Cells to stored values, a column at a time.

Each converter takes one column of raw cells (text from TSV, JSON values from the APIs) and
returns COPY-ready text plus the cells it refused. The common case is one pass at C speed
over the whole column; only a column with something odd in it is walked cell by cell.
Amounts stay decimal text from end to end: no arithmetic is ever done on floats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from .keys import key64, name_id
from .registry import Column, Kind

NULL = "\\N"
#: Days outside this range are typing errors or another calendar, not report days.
FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2100, 1, 1)
_INT_MAX = 2**31 - 1
_BIG_MAX = 2**63 - 1

STAGED_TYPE = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.MONEY: "numeric",
    Kind.RATE: "numeric",
    Kind.PERCENT: "numeric",
    Kind.NUMBER: "numeric",
    Kind.DATE: "date",
    Kind.ID: "bigint",
    Kind.KEY: "bigint",
}

_WHOLE = re.compile(r"(?:-?\d{1,9}\n)*+")
_DECIMAL = re.compile(r"(?:-?\d{1,15}(?:\.\d{1,12})?\n)*+")
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A cell that cannot be what its column says."""

    index: int  # position in the batch
    column: str
    value: str
    why: str


Converted = tuple[list[str], list[Refusal]]


def convert(column: Column, name: str, cells: Sequence[Any]) -> Converted:
    """COPY text for every cell of `column`, found in the file as `name`; refused cells read NULL."""
    fast = _FAST.get(column.kind)
    if fast is not None:
        done = fast(column, cells)
        if done is not None:
            return done, []
    return _by_cell(column, name, cells, _CELL[column.kind])


def _by_cell(column: Column, name: str, cells: Sequence[Any], read: Callable[[Column, Any], str]) -> Converted:
    out: list[str] = []
    refused: list[Refusal] = []
    empty = NULL if column.default is None else str(column.default)
    for index, cell in enumerate(cells):
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            if column.required and column.default is None:
                refused.append(Refusal(index, name, "", _("is empty")))
            out.append(empty)
            continue
        try:
            out.append(read(column, cell))
        except ValueError as error:
            refused.append(Refusal(index, name, str(cell)[:80], str(error)))
            out.append(NULL)
    return out, refused


# --- whole columns ------------------------------------------------------------------------


def _in_bounds(column: Column, low: Any, high: Any) -> bool:
    return (column.low is None or low >= column.low) and (column.high is None or high <= column.high)


def _whole_column(column: Column, cells: Sequence[Any]) -> list[str] | None:
    types = set(map(type, cells))
    if types == {int}:
        top = _INT_MAX if column.high is None else column.high
        if min(cells) < (-_INT_MAX if column.low is None else column.low) or max(cells) > top:
            return None
        return list(map(str, cells))
    if types == {str} and _WHOLE.fullmatch("\n".join(cells) + "\n"):
        if column.low is not None or column.high is not None:
            values = list(map(int, cells))
            if not _in_bounds(column, min(values), max(values)):
                return None
        return list(cells)
    return None


def _decimal_column(column: Column, cells: Sequence[Any]) -> list[str] | None:
    types = set(map(type, cells))
    if types <= {int, float} and types:
        # repr of a float is the shortest text that reads back the same: the digits of the file.
        text = list(map(repr, cells))
        if not _in_bounds(column, min(cells), max(cells)) or not _DECIMAL.fullmatch("\n".join(text) + "\n"):
            return None
        return text
    if types == {str} and _DECIMAL.fullmatch("\n".join(cells) + "\n"):
        if column.low is not None or column.high is not None:
            values = list(map(float, cells))
            if not _in_bounds(column, min(values), max(values)):
                return None
        return list(cells)
    return None


def _id_column(column: Column, cells: Sequence[Any]) -> list[str] | None:
    if set(map(type, cells)) == {int} and min(cells) > 0 and max(cells) <= _BIG_MAX:
        return list(map(str, cells))
    return None


def _text_column(column: Column, cells: Sequence[Any]) -> list[str] | None:
    if set(map(type, cells)) != {str}:
        return None
    stripped = list(map(str.strip, cells))
    if column.required and column.default is None and not all(stripped):
        return None
    if _SPECIAL.search("".join(stripped)):
        return list(map(escape, stripped))
    return stripped


def _date_column(column: Column, cells: Sequence[Any]) -> list[str] | None:
    try:
        read = {cell: _date(column, cell) for cell in set(cells)}
    except (ValueError, TypeError):
        return None
    return [read[cell] for cell in cells]


def _key_column(column: Column, cells: Sequence[Any]) -> list[str] | None:
    if set(map(type, cells)) != {str} or not all(cells):
        return None
    # strip() before hashing: a stray blank in a file is not another search term
    return [str(key64(cell)) for cell in map(str.strip, cells)]


_FAST: dict[Kind, Callable[[Column, Sequence[Any]], list[str] | None]] = {
    Kind.INTEGER: _whole_column,
    Kind.MONEY: _decimal_column,
    Kind.RATE: _decimal_column,
    Kind.PERCENT: _decimal_column,
    Kind.NUMBER: _decimal_column,
    Kind.ID: _id_column,
    Kind.TEXT: _text_column,
    Kind.DATE: _date_column,
    Kind.KEY: _key_column,
}


# --- single cells -------------------------------------------------------------------------


def escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: _ESCAPES[match.group()], text)


def _text(column: Column, cell: Any) -> str:
    return escape(str(cell).strip())


def _decimal(column: Column, cell: Any) -> str:
    text = repr(cell) if isinstance(cell, float) else str(cell).strip()
    if text in {"--", "N/A", "n/a", "NA"}:
        return NULL
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(_("is not a number")) from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 15:
        raise ValueError(_("is not a believable number"))
    _check_bounds(column, value)
    return format(value, "f")


def _integer(column: Column, cell: Any) -> str:
    text = _decimal(column, cell)
    if text == NULL:
        return text
    value = Decimal(text)
    if value != value.to_integral_value():
        raise ValueError(_("is not a whole number"))
    if abs(value) > _INT_MAX:
        raise ValueError(_("is not a believable number"))
    return str(int(value))


def _check_bounds(column: Column, value: Decimal) -> None:
    if column.low is not None and value < column.low:
        if column.low == 0:
            raise ValueError(_("is negative, which it cannot be"))
        raise ValueError(_("is less than %(low)s") % {"low": column.low})
    if column.high is not None and value > column.high:
        raise ValueError(_("is more than %(high)s") % {"high": column.high})


def _date(column: Column, cell: Any) -> str:
    try:
        day = date.fromisoformat(str(cell).strip()[:10])
    except ValueError:
        raise ValueError(_("is not a date like 2026-11-23")) from None
    if not FIRST_DAY <= day < LAST_DAY:
        raise ValueError(_("is not a believable day"))
    return day.isoformat()


def _id(column: Column, cell: Any) -> str:
    text = str(cell).strip()
    if text.isdecimal() and text.isascii() and 0 < int(text) <= _BIG_MAX:
        return text.lstrip("0")
    return str(name_id(text))


def _key(column: Column, cell: Any) -> str:
    return str(key64(str(cell).strip()))


_CELL: dict[Kind, Callable[[Column, Any], str]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.MONEY: _decimal,
    Kind.RATE: _decimal,
    Kind.PERCENT: _decimal,
    Kind.NUMBER: _decimal,
    Kind.DATE: _date,
    Kind.ID: _id,
    Kind.KEY: _key,
}
