"""Cells to stored values, a column at a time.

`convert` takes one column of raw cells (text from flat files, JSON values from the APIs) and
returns the column as it is stored, plus the cells it refused. The work is done by polars on
whole columns; only cells it could not read are looked at one by one, for a second reading
("12.0", "--") or for the sentence that says what is wrong. Amounts go from the digits of the
file to minor units through fixed-point decimals: no arithmetic is done on floats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl
from django.utils.translation import gettext as _

from .keys import key64, name_id
from .registry import Column, Kind

#: Days outside this range are typing errors or another calendar, not report days.
FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2100, 1, 1)
INT_MAX = 2**31 - 1
#: No amount, rate or quantity of a seller's reaches it.
BELIEVABLE = 10**12
BIG_MAX = 2**63 - 1
#: Digits kept behind the point of figures that are not money.
PLACES = 6
#: A day, with nothing behind it but a time: a second day would make it a span.
_DAY_AND_TIME = r"^.{10}(?:$|[T ]\d{1,2}:\d{2})"
_NOTHING = frozenset({"", "--", "-", "N/A", "n/a", "NA"})

#: The column of the staging table that holds a converted column.
STAGED_TYPE = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.MONEY: "bigint",
    Kind.RATE: "numeric",
    Kind.PERCENT: "numeric",
    Kind.NUMBER: "numeric",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamptz",
    Kind.ID: "bigint",
    Kind.KEY: "bigint",
}
_DTYPE: dict[Kind, Any] = {
    Kind.TEXT: pl.String,
    Kind.INTEGER: pl.Int64,
    Kind.MONEY: pl.Int64,
    Kind.RATE: pl.Decimal(18, PLACES),
    Kind.PERCENT: pl.Decimal(18, PLACES),  # still 0-100: the fact table gets a fraction
    Kind.NUMBER: pl.Decimal(18, PLACES),
    Kind.DATE: pl.Date,
    Kind.INSTANT: pl.Datetime("us", "UTC"),
    Kind.ID: pl.Int64,
    Kind.KEY: pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A cell that cannot be what its column says."""

    index: int  # position in the batch
    column: str
    value: str
    why: str


def convert(
    column: Column, name: str, cells: Sequence[Any] | pl.Series, minor_digits: int
) -> tuple[pl.Series, list[Refusal]]:
    """`cells` of `column` (found in the file as `name`) as stored; refused cells read null."""
    raw = series(cells)
    missing = raw.is_null()
    if raw.dtype == pl.String:
        raw = raw.str.strip_chars()
        missing = missing | (raw == "").fill_null(True)
    read = _READ[column.kind](raw, minor_digits)
    good = read.is_not_null() & _believable(column, raw, read)
    refused: list[Refusal] = []
    if not (good | missing).all():
        read, refused = _second_reading(column, name, raw, read, good | missing, minor_digits)
        # "--" and "N/A" say nothing, as an empty cell does.
        said = pl.Series([True]).new_from_index(0, len(read)).scatter([item.index for item in refused], False)
        missing = missing | (read.is_null() & said)
    if missing.any():
        if column.default is not None:
            read = read.fill_null(column.default)
        elif column.required:
            refused += [Refusal(index, name, "", _("is empty")) for index in missing.arg_true()]
        elif column.kind is Kind.TEXT:
            read = read.fill_null("")
    return read, refused


def blank(column: Column, count: int) -> pl.Series:
    """The stored column of a file that does not have it."""
    dtype = _DTYPE[column.kind]
    if column.default is None and column.kind is Kind.TEXT:
        return pl.Series([""], dtype=dtype).new_from_index(0, count)
    if column.default is None:
        return pl.Series([None], dtype=dtype).new_from_index(0, count)
    return pl.Series([column.default], dtype=dtype).new_from_index(0, count)


def series(cells: Sequence[Any] | pl.Series) -> pl.Series:
    """Raw cells as one polars column: integers, floats or text; anything else becomes text."""
    if isinstance(cells, pl.Series):
        if cells.dtype in {pl.Int64, pl.Float64, pl.String}:
            return cells
        if cells.dtype.is_nested():  # a list where a value should be is quoted as it stands
            said = [None if cell is None else json.dumps(cell, ensure_ascii=False) for cell in cells.to_list()]
            return pl.Series(said, dtype=pl.String)
        return cells.cast(pl.String, strict=False)
    types = set(map(type, cells)) - {type(None)}
    if types == {str}:
        return pl.Series(cells, dtype=pl.String)
    if types == {int} and all(-BIG_MAX <= cell <= BIG_MAX for cell in (min(_some(cells)), max(_some(cells)))):
        return pl.Series(cells, dtype=pl.Int64)
    if types and types <= {int, float}:
        # repr of a float is the shortest text that reads back the same: the digits of the file.
        return pl.Series(cells, dtype=pl.Float64, strict=False)
    return pl.Series([None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _some(cells: Sequence[Any]) -> Sequence[Any]:
    return [cell for cell in cells if cell is not None] if None in cells else cells


# --- whole columns: what cannot be read comes out null --------------------------------------


def _read_text(raw: pl.Series, _minor_digits: int) -> pl.Series:
    return raw.cast(pl.String)


def _read_integer(raw: pl.Series, _minor_digits: int) -> pl.Series:
    if raw.dtype == pl.Float64:
        whole = raw.cast(pl.Int64, strict=False)
        return whole.set(~(whole.cast(pl.Float64) == raw).fill_null(False), None)
    return raw.cast(pl.Int64, strict=False)


def _fixed(raw: pl.Series, places: int) -> pl.Series:
    """The digits as a whole number of 10^-places, rounded half to even; exponents are not digits."""
    return raw.cast(pl.String).cast(pl.Decimal(18, places), strict=False).to_physical().cast(pl.Int64)


def _read_money(raw: pl.Series, minor_digits: int) -> pl.Series:
    return _fixed(raw, minor_digits)


def _read_number(raw: pl.Series, _minor_digits: int) -> pl.Series:
    return raw.cast(pl.String).cast(pl.Decimal(18, PLACES), strict=False)


def _read_date(raw: pl.Series, _minor_digits: int) -> pl.Series:
    text = raw.cast(pl.String)
    if (text.str.len_bytes() > 10).any():  # a day may have a time behind it, and nothing else
        text = text.set((~text.str.contains(_DAY_AND_TIME)).fill_null(False), None)
    return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def _read_instant(raw: pl.Series, _minor_digits: int) -> pl.Series:
    spelt = raw.cast(pl.String).str.replace(r"(Z| UTC| GMT)$", "+00:00").str.replace(" ", "T", literal=True)
    return spelt.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)


def _read_id(raw: pl.Series, _minor_digits: int) -> pl.Series:
    if raw.dtype == pl.Float64:  # ids that a program wrote as 123456789012.0
        raw = _read_integer(raw, 0).set(raw.abs() >= 2**53, None)
    if raw.dtype == pl.Int64:
        return raw.set(raw <= 0, None)
    digits = raw.cast(pl.String)
    return digits.set(~digits.str.contains(r"^[1-9][0-9]{0,17}$"), None).cast(pl.Int64, strict=False)


def _read_key(raw: pl.Series, _minor_digits: int) -> pl.Series:
    # key64 remembers: a text that comes again costs one look-up.
    keys = [None if text is None else key64(text) for text in raw.cast(pl.String).to_list()]
    return pl.Series(keys, dtype=pl.Int64)


_READ: dict[Kind, Callable[[pl.Series, int], pl.Series]] = {
    Kind.TEXT: _read_text,
    Kind.INTEGER: _read_integer,
    Kind.MONEY: _read_money,
    Kind.RATE: _read_number,
    Kind.PERCENT: _read_number,
    Kind.NUMBER: _read_number,
    Kind.DATE: _read_date,
    Kind.INSTANT: _read_instant,
    Kind.ID: _read_id,
    Kind.KEY: _read_key,
}


def _believable(column: Column, raw: pl.Series, read: pl.Series) -> pl.Series:
    """Which cells lie within the column's bounds (null where nothing was read: not decided here)."""
    if column.kind is Kind.DATE:
        return ((read >= FIRST_DAY) & (read < LAST_DAY)).fill_null(True)
    if column.kind is Kind.INSTANT:
        days = read.dt.date()
        return ((days >= FIRST_DAY) & (days < LAST_DAY)).fill_null(True)
    if column.kind in {Kind.TEXT, Kind.ID, Kind.KEY}:
        return pl.Series([True]).new_from_index(0, len(read))
    numbers = raw if raw.dtype != pl.String else raw.cast(pl.Float64, strict=False)
    low, high = numbers.min(), numbers.max()
    widest = INT_MAX if column.kind is Kind.INTEGER else BELIEVABLE
    top = widest if column.high is None else column.high
    bottom = -widest if column.low is None else column.low
    if (bottom is None or low is None or low >= bottom) and (top is None or high is None or high <= top):  # type: ignore[operator]
        return pl.Series([True]).new_from_index(0, len(read))
    fits = pl.Series([True]).new_from_index(0, len(read))
    if bottom is not None:
        fits = fits & (numbers >= bottom)
    if top is not None:
        fits = fits & (numbers <= top)
    return fits.fill_null(True)


# --- single cells: a second reading, or the sentence that says what is wrong ---------------------


def _second_reading(
    column: Column, name: str, raw: pl.Series, read: pl.Series, good: pl.Series, minor_digits: int
) -> tuple[pl.Series, list[Refusal]]:
    values = read.to_list()
    refused = []
    for index in (~good).arg_true():
        cell = raw[index]
        try:
            values[index] = _CELL[column.kind](column, cell, minor_digits)
        except ValueError as error:
            values[index] = None
            refused.append(Refusal(index, name, str(cell)[:80], str(error)))
    return pl.Series(values, dtype=read.dtype), refused


def _cell_decimal(column: Column, cell: Any, _minor_digits: int) -> Decimal | None:
    text = repr(cell) if isinstance(cell, float) else str(cell)
    if text in _NOTHING:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(_("is not a number")) from None
    if not value.is_finite() or value.copy_abs() > BELIEVABLE:
        raise ValueError(_("is not a believable number"))
    if column.low is not None and value < column.low:
        if column.low == 0:
            raise ValueError(_("is negative, which it cannot be"))
        raise ValueError(_("is less than %(low)s") % {"low": column.low})
    if column.high is not None and value > column.high:
        raise ValueError(_("is more than %(high)s") % {"high": column.high})
    return value


def _cell_money(column: Column, cell: Any, minor_digits: int) -> int | None:
    value = _cell_decimal(column, cell, minor_digits)
    return None if value is None else round(value.scaleb(minor_digits))


def _cell_number(column: Column, cell: Any, minor_digits: int) -> Decimal | None:
    value = _cell_decimal(column, cell, minor_digits)
    return None if value is None else round(value, PLACES)


def _cell_integer(column: Column, cell: Any, minor_digits: int) -> int | None:
    value = _cell_decimal(column, cell, minor_digits)
    if value is None:
        return None
    if value != value.to_integral_value():
        raise ValueError(_("is not a whole number"))
    if abs(value) > INT_MAX:
        raise ValueError(_("is not a believable number"))
    return int(value)


def _cell_date(column: Column, cell: Any, _minor_digits: int) -> date:
    try:
        if not re.match(_DAY_AND_TIME, str(cell)):
            raise ValueError
        day = date.fromisoformat(str(cell)[:10])
    except ValueError:
        raise ValueError(_("is not a date like 2026-11-23")) from None
    if not FIRST_DAY <= day < LAST_DAY:
        raise ValueError(_("is not a believable day"))
    return day


def _cell_instant(_column: Column, cell: Any, _minor_digits: int) -> datetime:
    try:
        moment = datetime.fromisoformat(str(cell))
    except ValueError:
        raise ValueError(_("is not a moment like 2026-11-23T08:30:00+00:00")) from None
    if moment.tzinfo is None:
        raise ValueError(_("does not say its time zone"))
    if not FIRST_DAY <= moment.date() < LAST_DAY:
        raise ValueError(_("is not a believable day"))
    return moment.astimezone(UTC)


def _cell_id(_column: Column, cell: Any, _minor_digits: int) -> int:
    """Entities of console files have no id but their name; a number that is no id is not a name either."""
    if not isinstance(cell, str):
        raise ValueError(_("is not an id of Amazon's"))
    return name_id(cell)


def _cell_text(_column: Column, cell: Any, _minor_digits: int) -> str:
    return str(cell)


_CELL: dict[Kind, Callable[[Column, Any, int], Any]] = {
    Kind.TEXT: _cell_text,
    Kind.INTEGER: _cell_integer,
    Kind.MONEY: _cell_money,
    Kind.RATE: _cell_number,
    Kind.PERCENT: _cell_number,
    Kind.NUMBER: _cell_number,
    Kind.DATE: _cell_date,
    Kind.INSTANT: _cell_instant,
    Kind.ID: _cell_id,
    Kind.KEY: lambda _column, cell, _digits: key64(str(cell)),
}
