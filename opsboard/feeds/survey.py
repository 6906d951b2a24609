"""One pass over an uploaded table before anything is made of it.

It counts, finds the days covered, settles how numbers and days are written, and refuses what must
not become daily facts. What it settles is kept with the document, so that reading it again gives
the same rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from . import cells, tables
from .decode import Decoded
from .errors import Ambiguous, BadDocument, Empty, WrongMarketplace
from .registry import Kind, ReportSpec
from .staging import canonical
from .tables import NUMERIC, Layout, Table

#: Columns that may name the marketplace of a row.
PLACES = ("country", "marketplace")
#: Different cells of a column that are remembered; prices of a long file seldom repeat.
REMEMBERED = 100_000


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
        self.date_columns = [name for name, kind in self.kinds.items() if kind is Kind.DATE]
        self.span: tuple[str, str] | None = None
        if span and self.table.span:
            last = next((n for n in self.names if canonical(n) == canonical(self.table.span[1])), span)
            self.span = (span, last)
            self.date_columns = [span]
        self.dates = cells.DateStyle(marketplace.today())
        self.numbers = cells.NumberStyle()
        self.written_days: dict[cells.Day, tuple[int, str]] = {}
        self.fractions = decoded.workbook
        self.seen: dict[str, set[Any]] = {name: set() for name in self.names}

    def check_header(self) -> None:
        canonical_names = [canonical(tables.clean(name)) for name in self.layout.header]
        for name in self.layout.header:
            if canonical_names.count(canonical(tables.clean(name))) > 1 and tables.clean(name) in self.kinds:
                raise BadDocument(
                    _("The column “%(name)s” stands twice in the header") % {"name": name},
                    line=self.layout.header_line,
                    todo=_("Download the report again, or remove one of the two."),
                )
            self._see_currency(self.layout.header_line, name, tables.header_currency(name))
        if self.table.needs_day and self.answers.day is None:
            raise Ambiguous(
                _("Its rows carry no day, so opsboard cannot tell which day these totals belong to"),
                (),
                todo=str(self.table.how_daily),
            )

    def read(self) -> None:
        span = [self.names.index(name) for name in self.span] if self.span else []
        # Each different cell of a column is looked at once: columns of reports repeat themselves.
        watched = [(index, name, see, self.seen[name]) for index, name, see in self._watched()]
        for line, row in tables.rows(self.decoded, self.layout):
            self.found.rows += 1
            if span and row[span[0]] != row[span[1]]:
                self._not_daily(line, row, span)
            for index, name, see, seen in watched:
                cell = row[index]
                if cell not in seen:
                    if len(seen) < REMEMBERED:
                        seen.add(cell)
                    if cell not in {"", None}:
                        see(line, name, cell)

    def _watched(self) -> Iterator[tuple[int, str, Callable[[int, str, Any], None]]]:
        only = {canonical(column) for column in self.table.only}
        for index, name in enumerate(self.names):
            kind = self.kinds.get(name)
            if name in self.date_columns:
                yield index, name, self._see_day
            elif kind in NUMERIC:
                yield index, name, self._see_number
            elif kind is Kind.CURRENCY:
                yield index, name, self._see_code
            elif canonical(name) in PLACES:
                yield index, name, self._see_place
            elif canonical(name) in only:
                yield index, name, self._see_only

    def _see_day(self, line: int, _name: str, cell: Any) -> None:
        if isinstance(cell, datetime | date):
            self.found.days.add(cell.date() if isinstance(cell, datetime) else cell)
        elif (day := cells.day(cells.text(cell))) is not None:
            self.dates.see(line, cell, day)
            self.written_days.setdefault(day, (line, cell))

    def _see_number(self, line: int, name: str, cell: Any) -> None:
        if isinstance(cell, str):
            if (found := cells.amount(cells.text(cell))) is not None:
                self._see_currency(line, name, found.symbol)
                self.numbers.see(line, cell, found.digits, whole=self.kinds[name] is Kind.INTEGER)
        elif self.kinds[name] is Kind.PERCENT and "buybox" in canonical(name) and float(cell) > 1:
            self.fractions = False

    def _see_code(self, line: int, name: str, cell: Any) -> None:
        self._see_currency(line, name, cells.text(cell).upper())

    def _see_currency(self, line: int, name: str, said: str) -> None:
        if said and (wrong := tables.wrong_currency(said, self.marketplace.currency)):
            wrong.line, wrong.column = line, name
            raise wrong

    def _see_place(self, line: int, name: str, cell: Any) -> None:
        other = _marketplace_named(cells.text(cell))
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
                        _("“%(cell)s” is in the future") % {"cell": cell}, line=line, column=self.date_columns[0]
                    )
                self.found.days.add(day)
        self._check_gaps()
        self.found.options = {
            **self.layout.options(),
            "date_order": order,
            "point": point,
            "currency": self.marketplace.currency,
            "fractions": self.fractions,
        }
        return self.found

    def _date_order(self) -> str:
        if len(self.dates.ruled_out) == 2:
            (first, one), (second, other) = self.dates.ruled_out.values()
            raise BadDocument(
                _("Days are written in two ways: “%(one)s” (line %(first)d) and “%(other)s”")
                % {"one": one, "first": first, "other": other},
                line=second,
                column=self.date_columns[0],
                todo=_("Download the report again."),
            )
        proved = self.dates.decided("")
        if self.answers.date_order and self.dates.ruled_out and self.answers.date_order != proved:
            line, cell = self.dates.ruled_out[self.answers.date_order]
            raise BadDocument(
                _("“%(cell)s” cannot be read in the order you chose") % {"cell": cell},
                line=line,
                column=self.date_columns[0],
            )
        order = proved or self.answers.date_order or self.dates.decided(self.marketplace.locale)
        if not order:
            line, cell = self.dates.open_question or (0, "")
            raise Ambiguous(
                _("“%(cell)s” can be two days: the day may come first or the month") % {"cell": cell},
                (cells.DMY, cells.MDY),
                line=line,
                column=self.date_columns[0],
                todo=_("Say whether days or months come first (--date-order dmy or mdy)."),
            )
        return order

    def _point(self) -> str:
        if len(self.numbers.proofs) == 2:
            (first, one), (second, other) = self.numbers.proofs.values()
            raise BadDocument(
                _("Numbers are written in two ways: “%(one)s” (line %(first)d) and “%(other)s”")
                % {"one": one, "first": first, "other": other},
                line=second,
                todo=_("Download the report again."),
            )
        point = self.numbers.decided("") if self.numbers.proofs else self.answers.point
        point = point or self.numbers.decided(self.marketplace.locale)
        if not point:
            line, cell = self.numbers.open_question or (0, "")
            raise Ambiguous(
                _("“%(cell)s” can be two numbers: the mark may group thousands or be the decimal point")
                % {"cell": cell},
                (".", ","),
                line=line,
                todo=_("Say which mark is the decimal point (--decimal . or ,)."),
            )
        return point

    def _check_gaps(self) -> None:
        days = sorted(self.found.days)
        if not self.table.every_day or len(days) < 2:
            return
        gap = min((after - before).days for before, after in itertools.pairwise(days))
        if gap >= 7:
            raise BadDocument(
                _("The days are %(gap)d days apart, so the rows look like totals of weeks or months") % {"gap": gap},
                todo=str(self.table.how_daily),
            )


def _marketplace_named(said: str) -> int | None:
    """The marketplace called "Canada", "CA" or "Amazon.ca"; None when it is none of ours."""
    lower = said.casefold()
    for shop in Marketplace.objects.all():
        if lower in {shop.name.casefold(), shop.code.casefold(), shop.domain.casefold()}:
            return shop.pk
    return None
