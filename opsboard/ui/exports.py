"""Export what I see: CSV and XLSX with units, days, time zone and as-of, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import xlsxwriter
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace

from . import formats
from .tables import EXPORT_ROWS, Asked, Column, Record, Table, unit_label

#: What a spreadsheet may take for the start of a formula, full-width forms included.
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "\n", "＝", "＋", "－", "＠")


def escape_formula(text: str) -> str:
    """Text that no spreadsheet runs: an apostrophe before a formula's first sign (and before escaped text)."""
    return "'" + text if text.lstrip("' ").startswith(_DANGEROUS) else text


def unescape_formula(text: str) -> str:
    """The inverse of escape_formula."""
    return text[1:] if text.startswith("'") and text[1:].lstrip("' ").startswith(_DANGEROUS) else text


@dataclass(frozen=True, slots=True)
class About:
    """What the figures are: said in the first row of a CSV and on a sheet of its own in XLSX."""

    scope: AccountMarketplace
    days: str
    as_of: str
    #: Whose rows they are, where they are those of several accounts; such rows carry no money.
    everyone: str = ""

    def pairs(self, table: Table) -> list[tuple[str, str]]:
        marketplace = self.scope.marketplace
        account, zone = f"{self.scope.account.name} · {marketplace.code}", marketplace.time_zone
        return [
            (_("Table"), str(table.title)),
            (_("Account"), self.everyone or account),
            (_("Days"), self.days),
            (_("Time zone of the days"), _("that of each marketplace") if self.everyone else zone),
            *(() if self.everyone else ((_("Currency"), marketplace.currency),)),
            (_("Freshness"), self.as_of),
            (_("Exported at"), timezone.now().strftime("%Y-%m-%d %H:%M UTC")),
        ]


def plain(column: Column, value: Any, digits: int) -> str | Decimal | None:
    """The raw figure in the header's unit: amounts in currency, rates in percent, full precision otherwise."""
    if value is None:
        return None
    if column.unit == "status":
        return str(value).partition("|")[2] or str(value)
    if not column.numeric:
        return str(value)
    match column.unit:
        case "money":
            return Decimal(value).scaleb(-digits).quantize(Decimal(1).scaleb(-digits))
        case "rate" | "change" | "points":
            return (Decimal(value) * 100).quantize(Decimal("0.0001")).normalize() + 0
        case "number":
            return Decimal(value).quantize(Decimal("0.0001")).normalize() + 0
        case _:
            return Decimal(value).quantize(Decimal(1))


def headings(asked: Asked, scope: AccountMarketplace) -> list[str]:
    named = []
    for column in asked.columns:
        unit = unit_label(column, scope.marketplace)
        named.append(f"{column.label} ({unit})" if unit else str(column.label))
    return named


def _lines(asked: Asked, rows: Iterable[Record], scope: AccountMarketplace) -> Iterable[list[str | Decimal | None]]:
    digits = scope.marketplace.minor_digits
    head, *rest = asked.columns
    for row in rows:
        first = row.get(head.key) or row["key"]
        yield [row["key"], first if first != row["key"] else "", *(plain(c, row.get(c.key), digits) for c in rest)]


def _adds_up(asked: Asked) -> bool:
    return any(column.total for column in asked.columns if column.numeric)


def as_csv(table: Table, asked: Asked, totals: Record, rows: Iterable[Record], about: About) -> HttpResponse:
    """UTF-8 with a byte-order mark (Excel needs it); the first row says what this is."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([escape_formula(f"{name}: {value}") for name, value in about.pairs(table)])
    head, *rest = headings(asked, about.scope)
    writer.writerow([escape_formula(text) for text in (_("Key"), head, *rest)])
    for line in _lines(asked, rows, about.scope):
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in line])
    digits = about.scope.marketplace.minor_digits
    if _adds_up(asked):
        writer.writerow([_("Total"), "", *(plain(c, totals.get(c.key), digits) for c in asked.columns[1:])])
    return _answer("\ufeff" + out.getvalue(), "text/csv; charset=utf-8", table, about, "csv")


def as_xlsx(table: Table, asked: Asked, totals: Record, rows: Iterable[Record], about: About) -> HttpResponse:
    """Cells are typed: text stays text whatever it begins with, figures are numbers."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
    )
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet(str(table.title)[:31].translate({ord(sign): " " for sign in "[]:*?/\\"}))
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 1, 28)
    head, *rest = headings(asked, about.scope)
    for at, text in enumerate((_("Key"), head, *rest)):
        sheet.write_string(0, at, text, bold)
    number = 0
    for number, line in enumerate(_lines(asked, rows, about.scope), start=1):
        _write(sheet, number, line)
    digits = about.scope.marketplace.minor_digits
    if _adds_up(asked):
        sums = (plain(c, totals.get(c.key), digits) for c in asked.columns[1:])
        _write(sheet, number + 1, [_("Total"), "", *sums], bold)
    notes = book.add_worksheet(_("About"))
    notes.set_column(0, 1, 32)
    pairs = about.pairs(table)
    for at, (name, value) in enumerate(pairs):
        notes.write_string(at, 0, name, bold)
        notes.write_string(at, 1, value)
    if number >= EXPORT_ROWS:
        notes.write_string(
            len(pairs) + 2, 0, _("Only the first %(n)s rows are in this file.") % {"n": formats.decimals(EXPORT_ROWS)}
        )
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _answer(out.getvalue(), kind, table, about, "xlsx")


def as_file(
    ending: str, table: Table, asked: Asked, totals: Record, rows: Iterable[Record], about: About
) -> HttpResponse:
    """XLSX or CSV, as the address says."""
    write = as_xlsx if ending == "xlsx" else as_csv
    return write(table, asked, totals, rows, about)


def _write(sheet: Any, row: int, line: Iterable[str | Decimal | None], form: Any = None) -> None:
    for at, cell in enumerate(line):
        if isinstance(cell, str):
            sheet.write_string(row, at, cell, form)
        elif cell is not None:
            sheet.write_number(row, at, float(cell), form)


def _answer(body: str | bytes, kind: str, table: Table, about: About, ending: str) -> HttpResponse:
    response = HttpResponse(body, content_type=kind)
    day = timezone.now().astimezone(about.scope.marketplace.zone).date()
    whose = "all" if about.everyone else about.scope.marketplace.code
    name = f"{table.name}-{whose}-{day.isoformat()}.{ending}".lower()
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
