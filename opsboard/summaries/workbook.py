"""A week as a workbook: typed figures in stated units, a sheet a question, and a sheet that says what they are."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.alerts.models import Episode
from opsboard.kpis import movers
from opsboard.kpis.registry import Unit, kpis
from opsboard.ui.templatetags.ui import STATUS_WORDS

from . import report as reports
from . import words

Cell = str | Decimal | None


def written(told: Mapping[str, Any], report: reports.Report, scopes: Sequence[AccountMarketplace]) -> bytes:
    """The summary over these scopes as XLSX; cells are typed, text stays text whatever it begins with."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True})
    bold = book.add_format({"bold": True})
    by_pk = {scope.pk: scope for scope in scopes}
    parts = [(one, by_pk[one["scope"]]) for one in told["sections"] if one["scope"] in by_pk]
    for title, headers, rows in (
        (_("KPIs"), _kpi_headers(), _kpi_rows(parts)),
        (_("Movers"), _mover_headers(), _mover_rows(parts)),
        (_("Alerts"), (_("Account"), _("Alert"), _("State"), _("What was done")), _alert_rows(report)),
        (_("Missing days"), (_("Account"), _("Missing days")), _gap_rows(report)),
        (
            _("Restated"),
            (_("Account"), _("Figure"), _("Was"), _("Now"), pgettext("of a figure", "Change"), _("Which week")),
            _restated_rows(report),
        ),
    ):
        _sheet(book, title, headers, rows, bold)
    about = [
        (_("Summary"), report.title),
        (_("Finding"), report.finding),
        (_("Days"), report.period),
        (_("Figures"), report.made),
        *((section.where, f"{section.zone}, {section.currency}") for section in report.sections),
        (_("Exported at"), timezone.now().strftime("%Y-%m-%d %H:%M UTC")),
    ]
    _sheet(book, _("About"), (), about, bold)
    book.close()
    return out.getvalue()


def _sheet(book: Any, title: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]], bold: Any) -> None:
    sheet = book.add_worksheet(title[:31])
    sheet.set_column(0, 1, 30)
    sheet.set_column(2, 20, 16)
    if headers:
        sheet.freeze_panes(1, 2)
    for at, text in enumerate(headers):
        sheet.write_string(0, at, str(text), bold)
    for number, row in enumerate(rows, start=1 if headers else 0):
        for at, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, at, cell)
            elif cell is not None:
                sheet.write_number(number, at, float(cell))


def _plain(value: str | None, unit: Unit, market: Marketplace) -> Decimal | None:
    """Amounts in currency, rates in percent."""
    if value is None:
        return None
    if unit is Unit.MONEY:
        return Decimal(value).scaleb(-market.minor_digits)
    return Decimal(value) * 100 if unit is Unit.RATE else Decimal(value)


def _unit(unit: Unit, market: Marketplace) -> str:
    names = {
        Unit.MONEY: market.currency,
        Unit.RATE: "%",
        Unit.DAYS: _("days"),
        Unit.PER_YEAR: _("a year"),
    }
    return names.get(unit, "")


def _where(one: Mapping[str, Any]) -> str:
    return f"{one['account']} · {one['marketplace']}"


def _kpi_headers() -> tuple[str, ...]:
    return (
        _("Account"),
        _("KPI"),
        _("Unit"),
        _("This week"),
        _("The week on the days compared"),
        _("The week before, same weekdays"),
        _("At least"),
        _("At most"),
        _("Status"),
        _("Judged figure"),
        _("Judged from"),
        _("Judged to"),
        _("Days with data"),
        _("Missing days"),
        _("Provisional from"),
    )


def _kpi_rows(parts: Sequence[tuple[Mapping[str, Any], AccountMarketplace]]) -> Iterable[Sequence[Cell]]:
    for one, scope in parts:
        market = scope.marketplace
        for row in one["kpis"]:
            kpi = kpis().get(row["key"])
            if kpi is None:
                continue
            figures = [_plain(row.get(name), kpi.unit, market) for name in ("now", "like", "before", "low", "high")]
            yield [
                _where(one),
                str(kpi.label),
                _unit(kpi.unit, market),
                *figures,
                str(STATUS_WORDS.get(row["status"], "")),
                _plain(row.get("judged"), kpi.unit, market),
                row.get("judged_first"),
                row.get("judged_last"),
                Decimal(row["days"]),
                ", ".join(row["missing"]),
                row["provisional"],
            ]


def _mover_headers() -> tuple[str, ...]:
    return (
        _("Account"),
        _("What moved"),
        _("Figure"),
        _("Unit"),
        _("This week"),
        _("The week before, same weekdays"),
        _("Contribution"),
        _("Comes apart into"),
        _("Seen beside it"),
    )


def _mover_rows(parts: Sequence[tuple[Mapping[str, Any], AccountMarketplace]]) -> Iterable[Sequence[Cell]]:
    for one, scope in parts:
        market = scope.marketplace
        for block in one["movers"]:
            declared = movers.movers().get(block["key"])
            if declared is None:
                continue
            for item in block["items"]:
                line = words.mover(item, declared, scope)
                yield [
                    _where(one),
                    line.label,
                    str(declared.title),
                    _unit(declared.unit, market),
                    *(_plain(item[name], declared.unit, market) for name in ("now", "before", "change")),
                    ", ".join(line.parts),
                    ", ".join(line.clues),
                ]


def _alert_rows(report: reports.Report) -> Iterable[Sequence[Cell]]:
    return [
        (section.where, line.what, str(Episode.State(line.state).label), line.did)
        for section in report.sections
        for line in section.alerts
    ]


def _gap_rows(report: reports.Report) -> Iterable[Sequence[Cell]]:
    return [(section.where, gap) for section in report.sections for gap in section.gaps]


def _restated_rows(report: reports.Report) -> Iterable[Sequence[Cell]]:
    addendum = _("Addendum: restated since it was sent")
    for section in report.sections:
        for title, lines in ((report.restated_title, section.restated), (addendum, section.addendum)):
            for line in lines:
                yield section.where, line.label, line.was, line.now, line.change, title
