"""One pass over an uploaded table before anything is made of it.

It counts, finds the days covered, settles how numbers and days are written, and refuses what must
not become daily facts. What it settles is kept with the document, so that reading it again gives
the same rows.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from babel import Locale
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from . import cells, glossary, table_rows, tables
from .decode import Decoded
from .errors import Ambiguous, BadDocument, Empty, WrongMarketplace
from .registry import Kind, ReportSpec
from .staging import canonical, fits
from .table_rows import Block
from .tables import NUMERIC, Layout, Table

#: Columns that may name the marketplace of a row.
PLACES = ("country", "marketplace", "store")
#: Languages in which a console may name a country.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "sv", "pl", "pt", "tr", "ja", "zh", "zh_Hant", "ar", "hi")
#: What a spreadsheet makes of a long number in an id: its digits are gone.
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E[+-]?\d+")
#: Marks with another mark behind them.
_GROUPING = re.compile(r"[.,](?=.*[.,])")
#: Different cells of a column that are remembered; prices of a long file seldom repeat.
REMEMBERED = 100_000
#: Longer cells are not remembered: a hundred thousand of them would fill the memory.
LONG = 200


@dataclass(slots=True)
class Survey:
    """What the rows of an upload have in common; `options` go with the kept document."""

    rows: int = 0
    days: set[date] = field(default_factory=set)
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the operator said about the file, "" or None where nothing was asked or answered."""

    date_order: str = ""
    point: str = ""
    day: date | None = None
    #: An encoding, where the bytes alone do not tell.
    charset: str = ""


def survey(decoded: Decoded, spec: ReportSpec, layout: Layout, marketplace: Marketplace, answers: Answers) -> Survey:
    """Read every row once. Raises Ambiguous (a question for the operator) or another BadDocument."""
    work = _Surveyor(decoded, spec, layout, marketplace, answers)
    work.check_header()
    work.read()
    return work.concluded()


class _Surveyor:
    def __init__(
        self, decoded: Decoded, spec: ReportSpec, layout: Layout, marketplace: Marketplace, answers: Answers
    ) -> None:
        self.decoded = decoded
        self.spec = spec
        self.table = spec.table or Table()
        self.layout = layout
        self.marketplace = marketplace
        self.answers = answers
        self.found = Survey()
        self.names = tables.header_names(layout.header)
        self.kinds: dict[str, Kind] = {}
        for dataset in spec.datasets:
            self.kinds |= tables.kinds_of(dataset, self.names)
        span = tables.span_column(self.table, self.names)
        ahead = {
            name
            for dataset in spec.datasets
            for name, column in tables.columns_by_name(dataset, self.names).items()
            if column.ahead
        }
        self.moment_columns = {name for name, kind in self.kinds.items() if kind is Kind.INSTANT} | ahead
        self.date_columns = [n for n, kind in self.kinds.items() if kind is Kind.DATE and n not in ahead]
        self.span: tuple[str, str] | None = None
        if span and self.table.span:
            last = next((n for n in self.names if canonical(n) == canonical(self.table.span[1])), span)
            self.span = (span, last)
            self.date_columns = [span]
        self.dates = cells.DateStyle(marketplace.today())
        # Amazon translates the three apart: German reports have "5.255,61 €" beside "1,234" sessions.
        self.numbers, self.percents, self.wholes = (cells.NumberStyle() for _each in range(3))
        self.names_of_rows = {
            name
            for dataset in spec.datasets
            for name, column in tables.columns_by_name(dataset, self.names).items()
            if column.required and column.kind is Kind.TEXT
        }
        self.adds_up = any(dataset.sums for dataset in spec.datasets)
        #: Rows without a key of their own: one that stands twice counts twice.
        self.numbered = any(
            field.name == "ordinal" for dataset in spec.datasets for field in dataset.model._meta.concrete_fields
        )
        self.days_before_header: set[Any] = set()
        #: Rows of other marketplaces stand in the file and are left out of it (`Dataset.shop`), so their money may too.
        self.of_many = any(dataset.shop for dataset in spec.datasets)
        self.places: dict[str, int] = {}
        self.written_days: dict[cells.Day, tuple[int, str]] = {}
        self.fractions = decoded.workbook
        #: Of workbooks: a share lies between 0 and 1; a percentage that is no share is over 1.
        self.shares_between = False
        self.over_one: tuple[int, str, Any] | None = None
        #: Of text: a percentage has its sign; the largest one without.
        self.signed = False
        self.bare: tuple[float, int, str, Any] = (0.0, 0, "", "")
        self.watched: list[tuple[int, str, Callable[[int, str, Any], None], set[Any]]] = []
        self.seen: dict[str, set[Any]] = {name: set() for name in self.names}

    def check_header(self) -> None:
        english = [glossary.english(name) for name in self.layout.header]
        canonical_names = [canonical(name) for name in english]
        for name, clean in zip(self.layout.header, english, strict=True):
            if canonical_names.count(canonical(clean)) > 1 and clean in self.kinds:
                raise BadDocument(
                    _("The column “%(name)s” stands twice in the header") % {"name": name},
                    line=self.layout.header_line,
                    todo=_("Download the report again, or remove one of the two."),
                )
            self._see_currency(self.layout.header_line, name, glossary.unit(name))
        self._check_twins()
        self._check_closed()
        if self.table.needs_day and self.answers.day is None:
            raise Ambiguous(
                _("Its rows carry no day, so opsboard cannot tell which day these totals belong to"),
                (),
                todo=str(self.table.how_daily),
            )
        if self.answers.day is not None and self.answers.day > self.marketplace.today():
            raise BadDocument(
                _("“%(cell)s” is in the future") % {"cell": self.answers.day}, todo=_("Name another day.")
            )

    def _check_twins(self) -> None:
        """Two columns that one column of ours could read: which of them counts is nobody's to guess."""
        for dataset in self.spec.datasets:
            read: dict[str, str] = {}
            for name, column in tables.columns_by_name(dataset, self.names).items():
                if column.kind in NUMERIC | {Kind.DATE} and read.setdefault(column.field, name) != name:
                    raise BadDocument(
                        _("The columns “%(one)s” and “%(other)s” mean the same")
                        % {"one": read[column.field], "other": name},
                        line=self.layout.header_line,
                        todo=_("Download the report again, or remove one of the two."),
                    )

    def _check_closed(self) -> None:
        """Rows are added up: a column nobody knows may divide them into parts that overlap (audiences, say)."""
        if not self.table.closed:
            return
        known = (*self.spec.unstored, *self.table.ignored, *self.table.needs)
        for name in self.names:
            if name not in self.kinds and not fits(name, known):
                raise BadDocument(
                    _("opsboard does not know the column “%(name)s”, which may divide the rows further")
                    % {"name": name},
                    line=self.layout.header_line,
                    todo=_("Create the report again without it."),
                )

    def read(self) -> None:
        self.watched = [(index, name, see, self.seen[name]) for index, name, see in self._watched()]
        for block in table_rows.blocks(self.decoded, self.layout, self._on_header):
            self._look_at(block)

    def _look_at(self, block: Block) -> None:
        self.found.rows += len(block.rows)
        if self.span or self.days_before_header:
            self._look_at_rows(block)
        # Each different cell of a column is looked at once: columns of reports repeat themselves.
        columns = list(zip(*block.rows, strict=True))
        new: list[tuple[int, int, Any]] = []
        for order, (index, _name, _see, seen) in enumerate(self.watched):
            column = columns[index]
            if fresh := set(column).difference(seen):
                places = {cell: at for at, cell in zip(range(len(column) - 1, -1, -1), reversed(column), strict=True)}
                new += [(places[cell], order, cell) for cell in fresh]
        for at, order, cell in sorted(new, key=lambda one: one[:2]):
            index, name, see, seen = self.watched[order]
            if len(seen) < REMEMBERED and (not isinstance(cell, str) or len(cell) < LONG):
                seen.add(cell)
            if cell not in {"", None}:
                see(block.lines[at], name, cell)

    def _look_at_rows(self, block: Block) -> None:
        span = [self.names.index(name) for name in self.span] if self.span else []
        dated = [self.names.index(name) for name in self.date_columns] if self.adds_up else []
        for line, row in zip(*block, strict=True):
            if self.days_before_header and any(row[index] in self.days_before_header for index in dated):
                self._joined(line, row[dated[0]])
            if span and row[span[0]] != row[span[1]]:
                self._not_daily(line, row, span)

    def _watched(self) -> Iterator[tuple[int, str, Callable[[int, str, Any], None]]]:
        only = {canonical(column) for column in self.table.only}
        for index, name in enumerate(self.names):
            kind = self.kinds.get(name)
            if name in self.date_columns:
                yield index, name, self._see_day
            elif name in self.moment_columns:
                yield index, name, self._see_moment
            elif kind in NUMERIC:
                yield index, name, self._see_number
            elif kind is Kind.CURRENCY:
                yield index, name, self._see_code
            elif canonical(name) in PLACES:
                yield index, name, self._see_place
            elif canonical(name) in only:
                yield index, name, self._see_only
            elif name in self.names_of_rows:
                yield index, name, self._see_name

    def _see_day(self, line: int, _name: str, cell: Any) -> None:
        if isinstance(cell, datetime | date):
            self.found.days.add(cell.date() if isinstance(cell, datetime) else cell)
        elif isinstance(cell, int | float):
            if (serial := cells.excel_day(cell)) is not None:
                self.found.days.add(serial)
        elif (day := cells.day(cells.text(cell))) is not None:
            self.dates.see(line, cell, day)
            self.written_days.setdefault(day, (line, cell))

    def _see_moment(self, line: int, _name: str, cell: Any) -> None:
        """A moment tells the order of day and month too, but may well lie ahead (the day money is paid out)."""
        day = cells.day(cells.text(cell)) if isinstance(cell, str) else None
        if day is not None and not day.certain:
            self.dates.see(line, cell, day, ahead=True)

    def _see_number(self, line: int, name: str, cell: Any) -> None:
        if isinstance(cell, str):
            if (found := cells.amount(cells.text(cell))) is not None:
                self._see_currency(line, name, found.symbol)
                kind = self.kinds[name]
                style = {Kind.INTEGER: self.wholes, Kind.PERCENT: self.percents}.get(kind, self.numbers)
                # Where money has no minor unit, a mark in it groups thousands.
                whole = kind is Kind.INTEGER or (kind is Kind.MONEY and not self.marketplace.minor_digits)
                style.see(line, cell, found.digits, whole=whole, money=kind is Kind.MONEY)
                if kind is Kind.PERCENT:
                    self._see_percentage(line, name, cell, found)
            elif _ROUNDED.fullmatch(cell.strip()):
                self._see_name(line, name, cell)
        elif self.kinds[name] is Kind.PERCENT:
            self._see_share(line, name, cell)

    def _see_percentage(self, line: int, name: str, cell: str, found: cells.Amount) -> None:
        """Amazon writes "12.5%". Without the sign 12.5 is that as well, and 0.125 may be it."""
        if found.percent:
            self.signed = True
        elif found.digits.strip("0.,"):
            value = float(_GROUPING.sub("", found.digits).replace(",", "."))  # how large it is at least
            self.bare = max(self.bare, (value, line, name, cell), key=lambda one: one[0])

    def _see_share(self, line: int, name: str, cell: float) -> None:
        """A number of a workbook: Excel keeps 86 % as 0.86. A share of visits tells which it is, being at most 1."""
        value = float(cell)
        if "buybox" in canonical(name):
            self.fractions = self.fractions and value <= 1
            self.shares_between = self.shares_between or 0 < value < 1
        elif value > 1:
            self.over_one = self.over_one or (line, name, cell)

    def _see_code(self, line: int, name: str, cell: Any) -> None:
        if not self.of_many:
            self._see_currency(line, name, cells.text(cell).upper())

    def _see_currency(self, line: int, name: str, said: str) -> None:
        if said and (wrong := tables.wrong_currency(said, self.marketplace.currency)):
            wrong.line, wrong.column = line, name
            raise wrong

    def _see_name(self, line: int, name: str, cell: Any) -> None:
        if isinstance(cell, str) and _ROUNDED.fullmatch(cell.strip()):
            raise BadDocument(
                _("“%(cell)s” is what a spreadsheet made of a long number, and its digits are lost") % {"cell": cell},
                line=line,
                column=name,
                todo=_("Download the report again, and do not open it in a spreadsheet before sending it."),
            )

    def _on_header(self) -> None:
        """The header stands again: what comes now is another download, which may tell the same days again."""
        if self.numbered and self.found.rows:
            raise BadDocument(
                _("The header stands again after %(rows)d rows, so two files were joined and may say the same twice")
                % {"rows": self.found.rows},
                todo=_("Send them one by one."),
            )
        for name in self.date_columns:
            self.days_before_header |= self.seen[name]

    def _joined(self, line: int, day: Any) -> None:
        raise BadDocument(
            _("Two files were joined here, and both tell about %(day)s, so it would be counted twice")
            % {"day": str(day)[:20]},
            line=line,
            todo=_("Send them one by one."),
        )

    def _see_place(self, line: int, name: str, cell: Any) -> None:
        self.places = self.places or _places()
        other = self.places.get(cells.text(cell).casefold())
        if other is not None and other != self.marketplace.pk:
            raise WrongMarketplace(
                _("It is about “%(theirs)s”, and this is marketplace %(ours)s")
                % {"theirs": cell, "ours": self.marketplace.code},
                line=line,
                column=name,
                todo=_("Choose the marketplace the file was downloaded from, and one marketplace a file."),
            )

    def _see_only(self, line: int, name: str, cell: Any) -> None:
        allowed = next(v for column, v in self.table.only.items() if canonical(column) == canonical(name))
        if canonical(cells.text(cell)) not in {canonical(value) for value in allowed}:
            raise BadDocument(
                _("“%(value)s” is not %(allowed)s, and opsboard reads no other here")
                % {"value": cell, "allowed": allowed[0]},
                line=line,
                column=name,
                todo=_("Download the report for %(allowed)s only.") % {"allowed": allowed[0]},
            )

    def _not_daily(self, line: int, row: Sequence[Any], span: Sequence[int]) -> None:
        first, last = (cells.text(row[index]) for index in span)
        raise BadDocument(
            _("The row is a total from %(first)s to %(last)s, and opsboard keeps days")
            % {"first": first, "last": last},
            line=line,
            todo=str(self.table.how_daily),
        )

    @staticmethod
    def _are_periods(days: Sequence[date]) -> bool:
        """Too many first days of months, or too many Sundays, for a report of days."""
        months = len(days) > 2 and all(day.day == 1 for day in days)
        return months or (len(days) > 3 and len({day.weekday() for day in days}) == 1)

    @property
    def _dated_column(self) -> str:
        """The column to name in a sentence about days."""
        return next(iter([*self.date_columns, *self.moment_columns]), "")

    # --- conclusions ------------------------------------------------------------------------------

    def concluded(self) -> Survey:
        if not self.found.rows:
            raise Empty(
                _("The file has a header and no rows"),
                todo=_("Nothing was changed. Choose other days and download it."),
            )
        order = self._date_order()
        point = self._point()
        today = self.marketplace.today()
        for written, (line, cell) in self.written_days.items():
            if (day := written.read(order)) is not None:
                if day > today:
                    raise BadDocument(
                        _("“%(cell)s” is in the future") % {"cell": cell}, line=line, column=self._dated_column
                    )
                self.found.days.add(day)
        self._check_gaps()
        self._check_percentages()
        self.found.options = {
            **self.layout.options(),
            "date_order": order,
            "point": point,
            "percent_point": self._percent_point(point),
            "currency": self.marketplace.currency,
            "fractions": self.fractions,
        }
        if self.layout.header_line > 1 and self.table.prepare is not None:
            self.found.options["preamble"] = tables.preamble(self.decoded, self.layout)
        return self.found

    def _date_order(self) -> str:
        if len(self.dates.ruled_out) == 2:
            (first, one), (second, other) = self.dates.ruled_out.values()
            raise BadDocument(
                _("Days are written in two ways: “%(one)s” (line %(first)d) and “%(other)s”")
                % {"one": one, "first": first, "other": other},
                line=second,
                column=self._dated_column,
                todo=_("Download the report again."),
            )
        proved = self.dates.decided("")
        if self.answers.date_order and self.dates.ruled_out and self.answers.date_order != proved:
            line, cell = self.dates.ruled_out[self.answers.date_order]
            raise BadDocument(
                _("“%(cell)s” cannot be read in the order you chose") % {"cell": cell},
                line=line,
                column=self._dated_column,
            )
        order = proved or self.answers.date_order or self.dates.decided(self.marketplace.locale)
        if not order:
            line, cell = self.dates.open_question or (0, "")
            raise Ambiguous(
                _("“%(cell)s” can be two days: the day may come first or the month") % {"cell": cell},
                (cells.DMY, cells.MDY),
                line=line,
                column=self._dated_column,
                todo=_("Say whether days or months come first (--date-order dmy or mdy)."),
            )
        return order

    def _point(self) -> str:
        """The decimal point of amounts."""
        for style in (self.numbers, self.percents, self.wholes):
            if len(style.proofs) == 2:
                self._written_in_two_ways(*style.proofs.values())
        # A dot that groups counts and is the decimal point of amounts: nobody writes so. The comma is.
        if "," in self.wholes.proofs and "." in self.numbers.proofs:
            self._written_in_two_ways(self.numbers.proofs["."], self.wholes.proofs[","])
        if self.numbers.proofs:
            return self.numbers.decided("")
        return self.answers.point or self._point_of_the_rest() or self._settled(self.numbers)

    def _point_of_the_rest(self) -> str:
        """What counts tell about amounts that could be read in two ways; "" when nothing.

        Percentages tell nothing: they stay English where amounts do not.
        """
        if self.numbers.open_question is None:
            return ""
        if "," in self.wholes.proofs:
            return ","
        return "." if "." in self.wholes.proofs and "," in self.numbers.open_question[1] else ""

    def _percent_point(self, point: str) -> str:
        if self.percents.proofs:
            return self.percents.decided("")
        if self.percents.open_question is None or self.answers.point or point == ".":
            return point
        return self._settled(self.percents)  # "20.022 %" is hardly twenty thousand, whatever amounts look like

    def _settled(self, style: cells.NumberStyle) -> str:
        """As the marketplace writes it, or a question."""
        if point := style.decided(self.marketplace.locale):
            return point
        line, cell = style.open_question or (0, "")
        raise Ambiguous(
            _("“%(cell)s” can be two numbers: the mark may group thousands or be the decimal point") % {"cell": cell},
            (".", ","),
            line=line,
            todo=_("Say which mark is the decimal point (--decimal . or ,)."),
        )

    def _written_in_two_ways(self, one: tuple[int, str], other: tuple[int, str]) -> None:
        raise BadDocument(
            _("Numbers are written in two ways: “%(one)s” (line %(first)d) and “%(other)s”")
            % {"one": one[1], "first": one[0], "other": other[1]},
            line=other[0],
            todo=_("Download the report again."),
        )

    def _check_percentages(self) -> None:
        value, line, name, cell = self.bare
        if not self.signed and 0 < value <= 1:
            pass
        elif self.fractions and not self.shares_between and self.over_one is not None and self._has_shares():
            line, name, cell = self.over_one
        else:
            return
        raise BadDocument(
            _("“%(cell)s” may be a percentage or a fraction, and nothing in the file tells which") % {"cell": cell},
            line=line,
            column=name,
            todo=_("Download the report again, and do not open it in a spreadsheet before sending it."),
        )

    def _has_shares(self) -> bool:
        return any(kind is Kind.PERCENT and "buybox" in canonical(name) for name, kind in self.kinds.items())

    def _check_gaps(self) -> None:
        days = sorted(self.found.days)
        if self.table.how_daily and self.date_columns and self._are_periods(days):
            raise BadDocument(
                _("All days are firsts of months, or of one weekday, so they look like totals of weeks or months"),
                todo=str(self.table.how_daily),
            )
        if not self.table.every_day or len(days) < 2:
            return
        gap = min((after - before).days for before, after in itertools.pairwise(days))
        if gap >= 7:
            raise BadDocument(
                _("The days are %(gap)d days apart, so the rows look like totals of weeks or months") % {"gap": gap},
                todo=str(self.table.how_daily),
            )


def _places() -> dict[str, int]:
    """What a marketplace may be called: "CA", "Canada", "Amazon.ca", "Kanada", "加拿大"."""
    found: dict[str, int] = {}
    for shop in Marketplace.objects.all():
        territory = "GB" if shop.code == "UK" else shop.code
        names = {shop.name, shop.code, shop.domain, territory}
        names |= {Locale.parse(language).territories.get(territory, "") for language in _LANGUAGES} - {""}
        found |= {name.casefold(): shop.pk for name in names}
    return found
