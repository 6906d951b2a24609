"""How people's files write numbers, days and money, read without guessing.

A style ("1.234,56" or "1,234.56", day or month first) belongs to a whole file. `NumberStyle` and
`DateStyle` collect evidence cell by cell; what stays open is a question for the operator.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from babel.dates import get_date_format, get_month_names
from babel.numbers import get_decimal_symbol

#: Characters of a number with its sign and currency; longer ones are no numbers, and slow to look at.
LONGEST_AMOUNT = 100
DMY, MDY = "dmy", "mdy"

#: Signs and prefixes Amazon puts on amounts, and the currencies each can stand for.
SYMBOLS: dict[str, frozenset[str]] = {
    "$": frozenset({"USD", "CAD", "MXN", "AUD", "SGD"}),
    "US$": frozenset({"USD"}),
    "CA$": frozenset({"CAD"}),
    "C$": frozenset({"CAD"}),
    "CDN$": frozenset({"CAD"}),
    "MX$": frozenset({"MXN"}),
    "A$": frozenset({"AUD"}),
    "AU$": frozenset({"AUD"}),
    "S$": frozenset({"SGD"}),
    "R$": frozenset({"BRL"}),
    "£": frozenset({"GBP"}),
    "€": frozenset({"EUR"}),
    "¥": frozenset({"JPY", "CNY"}),
    "JP¥": frozenset({"JPY"}),
    "JP￥": frozenset({"JPY"}),
    "CN¥": frozenset({"CNY"}),
    "￥": frozenset({"JPY", "CNY"}),
    "円": frozenset({"JPY"}),
    "₹": frozenset({"INR"}),
    "Rs.": frozenset({"INR"}),
    "Rs": frozenset({"INR"}),
    "zł": frozenset({"PLN"}),
    "kr": frozenset({"SEK"}),
    "R": frozenset({"ZAR"}),
    "TL": frozenset({"TRY"}),
    "₺": frozenset({"TRY"}),
}
CODES = frozenset("USD CAD MXN BRL GBP EUR SEK PLN TRY AED SAR EGP INR ZAR JPY AUD SGD CNY".split())
_EXCEL_TEXT = re.compile(r'^="(.*)"$', re.DOTALL)
_AMOUNT = re.compile(
    r"^([+\-−]?)\s*((?:[^\W\d]*[^\w\s.,+−()-]|[^\W\d]+\.?)?)\s*([+\-−]?)\s*(\.?\d[\d.,\s'’]*?)\s*([^\d.,\s]*)$"
)
#: Letters without a width: spaces of the web, and marks for the direction of writing.
_UNSEEN = "\u200b\ufeff\u00a0\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
#: What may stand behind a day: a time, or the name of the weekday.
_BEHIND_A_DAY = re.compile(r"^,?\s*(?:\(\w{1,4}\.?\))?(?:[T\s]*\d{1,2}[:.]\d{2}.*)?$")
#: Thousands set apart by spaces or apostrophes, all of one kind.
_SET_APART = re.compile(r"^\d{1,3}(?:([\s'’])\d{3}(?:\1\d{3})*)?(?:[.,]\d*)?$")
_NOTHING = frozenset({"", "-", "--", "—", "N/A", "n/a", "NA"})
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "sv", "pl", "pt", "tr")
_SLASHED = re.compile(r"^(\d{1,2})([/.\-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.\-])")
_ISO = re.compile(r"^(\d{4})([/.\-])(\d{1,2})\2(\d{1,2})(?!\d)")
_JAPANESE = re.compile(r"^(\d{4})年(\d{1,2})月(\d{1,2})日")
_NAMED = (
    re.compile(r"^(?P<m>[^\W\d]+)\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})\b"),
    re.compile(r"^(?P<d>\d{1,2})\.?[\s\-]+(?:de\s+)?(?P<m>[^\W\d]+)\.?,?[\s\-]+(?:de\s+)?(?P<y>\d{4})\b"),
    re.compile(r"^(?P<d>\d{1,2})-(?P<m>[^\W\d]+)-(?P<y>\d{2})\b"),  # as a spreadsheet saves "Oct 05, 2026"
)


def text(cell: object) -> str:
    """A cell as text: trimmed, Excel's ="468" opened, whole floats without their ".0"."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, str):
        found = cell.strip().strip(_UNSEEN)
        if match := _EXCEL_TEXT.match(found):
            return match[1].replace('""', '"')
        return found[1:] if found[:1] == "'" and found[1:].lstrip("-").replace(".", "").isdigit() else found
    return str(cell)


# --- numbers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Amount:
    """A number's digits as written, and what stood around them."""

    digits: str
    negative: bool = False
    symbol: str = ""
    percent: bool = False


def amount(cell: str) -> Amount | None:
    """Take "Rs.201.68", "1.234,56 €", "($3.10)" or "86%" apart; None when it is not a number."""
    if len(cell) > LONGEST_AMOUNT:
        return None
    cell = cell.replace("\u00a0", " ").replace("\u202f", " ").strip()
    bracketed = cell.startswith("(") and cell.endswith(")")
    match = _AMOUNT.match(cell[1:-1].strip() if bracketed else cell)
    if match is None:
        return None
    sign, before, inner_sign, digits, after = match.groups()
    percent = "%" in {before, after}
    if (before and after) or (sign and inner_sign) or (bracketed and (sign or inner_sign)):
        return None
    if any(mark in digits for mark in " '’\t") and not _SET_APART.match(digits):
        return None
    symbol = "" if percent else before or after
    if symbol and not _may_be_currency(symbol):
        return None
    return Amount(
        re.sub(r"[\s'’]", "", digits),
        bracketed or (sign or inner_sign) in {"-", "−"},
        symbol,
        percent,
    )


def _may_be_currency(symbol: str) -> bool:
    return any(char.isalpha() or unicodedata.category(char) == "Sc" for char in symbol)


@dataclass(slots=True)
class NumberStyle:
    """Which of "." and "," is the decimal point, by what the file's cells prove."""

    proofs: dict[str, tuple[int, str]] = field(default_factory=dict)  # decimal point -> (line, cell)
    open_question: tuple[int, str] | None = None
    #: Mark -> where an amount has it with three digits behind it.
    odd: dict[str, tuple[int, str]] = field(default_factory=dict)

    def see(self, line: int, cell: str, digits: str, *, whole: bool = False, money: bool = False) -> None:
        """`whole`: the column holds whole numbers, so a mark with three digits behind it groups them.

        `money`: nobody writes an amount with three decimals, so a mark that is the decimal point of the
        place and has three digits behind it is still a question.
        """
        point = ("," if "." in digits else ".") if whole and grouped(digits) else _proof(digits)
        if point:
            self.proofs.setdefault(point, (line, cell))
        elif point is None:
            if self.open_question is None:
                self.open_question = (line, cell)
            if money:
                self.odd.setdefault("." if "." in digits else ",", (line, cell))

    def decided(self, locale: str) -> str:
        """ "." or ","; "" when only a person can tell. A proof in the file beats the locale."""
        if len(self.proofs) == 1:
            return next(iter(self.proofs))
        if self.proofs:
            return ""
        if self.open_question is None:
            return "."
        return "." if decimal_point(locale) == "." and "." not in self.odd else ""


def _proof(digits: str) -> str | None:
    """The decimal point these digits prove; "" when they have none; None when either would do."""
    dots, commas = digits.count("."), digits.count(",")
    if not dots and not commas:
        return ""
    if dots and commas:
        return "." if digits.rfind(".") > digits.rfind(",") else ","
    separator, other = (".", ",") if dots else (",", ".")
    if dots + commas > 1:
        return other
    whole, _point, rest = digits.partition(separator)
    if len(rest) != 3 or len(whole) > 3 or whole in {"", "0"}:
        return separator
    return None


def plain_digits(digits: str, point: str) -> str:
    """Digits with a decimal dot and nothing else. Raises ValueError when the grouping makes no sense."""
    group = "," if point == "." else "."
    whole, dot, rest = digits.partition(point)
    if group in rest or point in rest:
        raise ValueError(digits)
    if group in whole:
        parts = whole.split(group)
        # India groups by twos above the thousands.
        if not (1 <= len(parts[0]) <= 3 and len(parts[-1]) == 3 and all(len(p) in {2, 3} for p in parts[1:-1])):
            raise ValueError(digits)
        whole = "".join(parts)
    return f"{whole or '0'}.{rest}" if dot and rest else whole


def whole_digits(digits: str, point: str) -> str:
    """The digits of a whole number: a mark in it groups, whichever the rest of the file uses for that.

    Raises ValueError when the grouping makes no sense.
    """
    marks = set(digits) & {".", ","}
    if len(marks) == 1 and (grouped(digits) or _lakhs(digits)):
        return digits.replace(marks.pop(), "")
    return plain_digits(digits, point)


def _lakhs(digits: str) -> bool:
    return re.fullmatch(r"\d{1,2}(,\d{2})+,\d{3}", digits) is not None


def grouped(digits: str) -> bool:
    """Thousands separated by one kind of mark ("1,234,567"), as whole numbers are written."""
    return re.fullmatch(r"\d{1,3}([.,])\d{3}(?:\1\d{3})*", digits) is not None


def decimal_point(locale: str) -> str:
    return get_decimal_symbol(locale, numbering_system="latn") if locale else "."


def is_nothing(cell: str) -> bool:
    return cell in _NOTHING


# --- days -----------------------------------------------------------------------------------------


#: Day 0 of a spreadsheet (its calendar has a 29 February 1900), and the serials that can be report days.
_EXCEL_START, _EXCEL_SERIALS = date(1899, 12, 30), range(40_000, 60_000)


def excel_day(serial: float) -> date | None:
    """The day a spreadsheet means with a number in a column of days; None when it cannot be one."""
    return _EXCEL_START + timedelta(days=int(serial)) if int(serial) in _EXCEL_SERIALS else None


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    names: dict[str, int] = {}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context=context, locale=language).items():
                    names.setdefault(name.casefold().rstrip("."), number)
    names["sept"] = 9
    return names


@dataclass(frozen=True, slots=True)
class Day:
    """A written day: certain, or two readings of one spelling (equal when both agree)."""

    dmy: date | None
    mdy: date | None

    def read(self, order: str) -> date | None:
        return self.mdy if order == MDY else self.dmy

    @property
    def certain(self) -> bool:
        return self.dmy == self.mdy


#: No written day or moment is longer; longer cells are none, and are not remembered.
LONGEST_MOMENT = 100


def day(cell: str) -> Day | None:
    """The day(s) a cell can mean; None when it is none, or says more than a day and a time."""
    return _day(cell) if len(cell) <= LONGEST_MOMENT else None


@lru_cache(maxsize=10_000)
def _day(cell: str) -> Day | None:
    for pattern in (_ISO, _JAPANESE, _SLASHED, *_NAMED):
        if match := pattern.match(cell):
            if not _BEHIND_A_DAY.match(cell[match.end() :]):
                return None
            break
    if match := _ISO.match(cell):
        return _sure(int(match[1]), int(match[3]), int(match[4]))
    if match := _JAPANESE.match(cell):
        return _sure(int(match[1]), int(match[2]), int(match[3]))
    if match := _SLASHED.match(cell):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        year += 2000 if year < 100 else 0
        dmy = _make(year, second, first)
        mdy = None if match[2] == "." else _make(year, first, second)  # dots are day first everywhere
        if match[2] == ".":
            return Day(dmy, dmy) if dmy else None
        return Day(dmy, mdy) if dmy or mdy else None
    for pattern in _NAMED:
        if (match := pattern.match(cell)) and (month := _months().get(match["m"].casefold())):
            year = int(match["y"])
            return _sure(year + (2000 if year < 100 else 0), month, int(match["d"]))
    return None


def _sure(year: int, month: int, day_: int) -> Day | None:
    found = _make(year, month, day_)
    return Day(found, found) if found else None


def _make(year: int, month: int, day_: int) -> date | None:
    try:
        return date(year, month, day_)
    except ValueError:
        return None


@dataclass(slots=True)
class DateStyle:
    """Whether days or months come first, by what the file's cells prove."""

    today: date
    ruled_out: dict[str, tuple[int, str]] = field(default_factory=dict)  # order -> (line, cell) that cannot be
    open_question: tuple[int, str] | None = None

    def see(self, line: int, cell: str, found: Day, *, ahead: bool = False) -> None:
        """`ahead`: the day may be one that is still to come."""
        if found.certain:
            return
        readings = {DMY: found.dmy, MDY: found.mdy}
        past = [order for order, reading in readings.items() if reading is not None and reading <= self.today]
        for order, reading in readings.items():
            # A report tells nothing about tomorrow; a day that is in the future either way is no evidence.
            if reading is None or (past and order not in past and not ahead):
                self.ruled_out.setdefault(order, (line, cell))
        if self.open_question is None:
            self.open_question = (line, cell)

    def decided(self, locale: str) -> str:
        """ "dmy" or "mdy"; "" when only a person can tell, or the file contradicts itself."""
        if len(self.ruled_out) == 2:
            return ""
        if self.ruled_out:
            return DMY if MDY in self.ruled_out else MDY
        return DMY if self.open_question is None else locale_order(locale)


def locale_order(locale: str) -> str:
    """The order people of a locale write days in; "" where the year comes first and neither is usual."""
    pattern = get_date_format("short", locale=locale).pattern if locale else ""
    return {"d": DMY, "M": MDY, "m": MDY}.get(pattern[:1], "")
