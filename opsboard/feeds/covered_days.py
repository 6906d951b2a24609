"""A dataset day by day, and one of its days: what is known of it and why, its rows, its documents, its fetches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import exports, formats, tables
from opsboard.ui.filters import PageState
from opsboard.ui.pages import one_scope_or_404
from opsboard.ui.tables import Choice, Column, Filter, Table

from . import coverage, freshness, overview, registry, stored
from .coverage import CELLS, WHY, WORDS, Cell, State
from .covering import MONTHS, Calendar, chosen_datasets
from .models import Document, Fetch
from .registry import Dataset

_STATUS = "CASE state " + " ".join(f"WHEN '{one}' THEN %(words_{one})s::text" for one in State) + " END"
_WHY = "CASE why " + " ".join(f"WHEN '{key}' THEN %(why_{key})s::text" for key in WHY) + " END"
# Leans on the primary keys of documents: one probe a day that some document explains.
_DAYS_SQL = f"""
    SELECT c.date::text || ' ' || c.dataset AS key, c.*, {_WHY} AS why_words,
           coalesce(nullif(d.report_id, ''), nullif(d.file_name, ''), '#' || d.id) AS document,
           to_char(d.received_at AT TIME ZONE %(zone)s, 'YYYY-MM-DD HH24:MI') AS received, d.received_at
      FROM ({CELLS}) c LEFT JOIN feeds_document d ON d.id = c.document_id
"""


def days_table(one: Dataset | None) -> Table:
    """Every day of one dataset, or of all of them, the newest first; a day nobody holds has no number of rows."""
    name = "coverage" if one is None else f"coverage-{one.key}"
    label = Column("data", gettext_lazy("Data"), "text", "label", shown=one is None)
    return Table(
        name=name,
        title=gettext_lazy("Day by day"),
        rows_sql=_DAYS_SQL,
        sums=(),
        texts=("date", "ends", "document_id"),
        columns=(
            Column("day", gettext_lazy("Day"), "text", "date"),
            label,
            Column("status", gettext_lazy("State"), "status", _STATUS),
            Column("rows", gettext_lazy("Rows"), "count", total=False),
            Column("why", gettext_lazy("Why"), "text", "concat_ws(' ', why_words, nullif(fetch_reason, ''))"),
            Column("document", gettext_lazy("Document"), "text", "document"),
            Column("received", gettext_lazy("Received"), "text", "received"),
        ),
        sort="-day",
        filters=(
            Filter(
                "state",
                gettext_lazy("Show"),
                tuple(Choice(state.value, WORDS[state][1], f"state = '{state}'") for state in State),
            ),
        ),
        empty=gettext_lazy("Nothing is known of these days, and nothing was asked for."),
    )


def _table_params(scope: AccountMarketplace, calendar: Calendar, datasets: Mapping[str, Dataset]) -> dict[str, Any]:
    found = coverage.params([scope], datasets, calendar.first, calendar.last)
    found |= {f"words_{state}": f"{status}|{words}" for state, (status, words) in WORDS.items()}
    found |= {f"why_{key}": str(words) for key, words in WHY.items()}
    return {**found, "zone": scope.marketplace.time_zone}


def dataset_or_404(key: str) -> Dataset:
    """A declared dataset by its key; 404 for any other."""
    try:
        return coverage.declared()[key]
    except KeyError:
        raise Http404("no such dataset") from None


def dataset(request: HttpRequest, dataset: str) -> HttpResponse:
    """One dataset day by day."""
    one = dataset_or_404(dataset)
    state, scope = one_scope_or_404(request)
    calendar = Calendar.of(state, scope.marketplace.today())

    def entity(record: tables.Record) -> tuple[str, str, str]:
        first, last = date.fromisoformat(record["date"]), date.fromisoformat(record["ends"])
        address = reverse("feeds:coverage-day", args=[one.key, record["date"]]) + state.carried(scope)
        return formats.span(first, last), formats.weekday(first) if first == last else "", address

    address = reverse("feeds:coverage-dataset-export", kwargs={"dataset": one.key, "ending": "csv"})
    asked = _table_params(scope, calendar, {one.key: one})
    context = {
        "page_scope": scope,
        "calendar": calendar,
        "dataset": one,
        "month_choices": MONTHS,
        "back_url": reverse("feeds:coverage") + state.query(scope=scope.pk, state=None, sort=None),
        "table": tables.page(
            days_table(one), state, asked, scope.marketplace, entity, address.removesuffix("csv") + "{}"
        ),
    }
    return render(request, "feeds/coverage_dataset.html", context)


def export(request: HttpRequest, ending: str) -> HttpResponse:
    """Every day of every dataset of the chosen room, as the calendar shows them."""
    state, scope = one_scope_or_404(request)
    return _export(state, scope, ending, None, chosen_datasets(state)[1])


def dataset_export(request: HttpRequest, dataset: str, ending: str) -> HttpResponse:
    one = dataset_or_404(dataset)
    state, scope = one_scope_or_404(request)
    return _export(state, scope, ending, one, {one.key: one})


def _export(
    state: PageState, scope: AccountMarketplace, ending: str, one: Dataset | None, datasets: Mapping[str, Dataset]
) -> HttpResponse:
    calendar, table = Calendar.of(state, scope.marketplace.today()), days_table(one)
    asked, totals, rows = tables.exported(table, state, _table_params(scope, calendar, datasets))
    about = exports.About(scope, formats.span(calendar.first, calendar.last), freshness.sentence([scope]))
    return exports.as_file(ending, table, asked, totals, rows, about)


# --- one day --------------------------------------------------------------------------------------


def day(request: HttpRequest, dataset: str, day: str) -> HttpResponse:
    """What explains one day of a dataset: its documents, the fetches that asked for it, what to do."""
    one, wanted = dataset_or_404(dataset), _day_or_404(day)
    state, scope = one_scope_or_404(request)
    found = coverage.cells(scope, wanted, wanted, {one.key: one}).get(one.key)
    cell = found[0] if found else Cell(one.key, wanted, wanted, State.NONE)
    status, words = WORDS[cell.state]
    rows_address = reverse("feeds:coverage-day-export", args=[one.key, wanted.isoformat(), "csv"])
    rows_address = rows_address.removesuffix("csv") + "{}"
    carried = state.carried(scope, until=wanted.strftime("%Y-%m"))
    context = {
        "page_scope": scope,
        "dataset": one,
        "cell": cell,
        "span": formats.span(cell.day, cell.ends),
        "status": status,
        "status_words": words,
        "why": WHY.get(cell.why, ""),
        "todo": _todo(cell),
        "table": tables.page(
            stored.rows_table(one), state, _rows_params(scope, wanted), scope.marketplace, _line_of, rows_address
        )
        if cell.rows
        else None,
        "documents": _documents(scope, one, cell),
        "fetches": [
            {"fetch": fetch, "days": formats.span(fetch.window_start, fetch.window_end)}
            for fetch in _fetches(scope, one, cell)
        ],
        "list_url": reverse("feeds:coverage-dataset", args=[one.key]) + carried,
        "calendar_url": reverse("feeds:coverage") + carried,
    }
    return render(request, "feeds/coverage_day.html", context)


def _day_or_404(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Http404("no such day") from None
    if not 2000 <= found.year <= 2100:
        raise Http404("no such day")
    return found


def _rows_params(scope: AccountMarketplace, day: date) -> dict[str, Any]:
    return {"account": scope.account_id, "marketplace": scope.marketplace_id, "day": day}


def _line_of(record: tables.Record) -> tuple[str, str, str]:
    """A stored row's line, the number of its document, and the page of the line."""
    document, line = int(record["document_id"]), int(record["line"])
    address = (
        reverse("feeds:document-line", args=[document, line]) if line else reverse("feeds:document", args=[document])
    )
    return formats.decimals(line), f"#{document}", address


def day_export(request: HttpRequest, dataset: str, day: str, ending: str) -> HttpResponse:
    """The rows stored of a day, with document and line, as a file."""
    one, wanted = dataset_or_404(dataset), _day_or_404(day)
    state, scope = one_scope_or_404(request)
    table = stored.rows_table(one)
    asked, totals, rows = tables.exported(table, state, _rows_params(scope, wanted))
    about = exports.About(scope, formats.span(wanted, one.period.end(wanted)), freshness.sentence([scope]))
    return exports.as_file(ending, table, asked, totals, rows, about)


def _todo(cell: Cell) -> str:
    """What a person can do about a day that is not known."""
    if cell.state is State.HELD:
        return _("Look at the held document: apply it although it is held, or withdraw it.")
    if cell.state is State.REFUSED:
        return _("Look at the refused document: it says what is wrong with it. A better one can be uploaded.")
    if cell.state is not State.MISSING:
        return _("Look at the newer document that is held or refused.") if cell.waiting_id is not None else ""
    if cell.why == "waiting":
        return _("Nothing: it comes by itself.")
    return _("Ask for the history once more, or upload the report of these days.")


def _documents(scope: AccountMarketplace, one: Dataset, cell: Cell) -> list[tuple[str, overview.DocumentLine]]:
    """The documents that speak of the day, each with its part: the one that counts comes first."""
    spoken = Document.objects.filter(
        account=scope.account_id,
        marketplace=scope.marketplace_id,
        spoken_days__dataset=one.key,
        spoken_days__date=cell.day,
    )
    named = [pk for pk in (cell.document_id, cell.waiting_id) if pk is not None]
    waiting = Document.objects.filter(pk__in=named, account=scope.account_id, marketplace=scope.marketplace_id)
    every = {document.pk: document for document in (spoken | waiting).distinct().prefetch_related("ingests")}
    known = cell.state in {State.FINAL, State.PROVISIONAL}
    part = {pk: _("waits for a person") for pk in named}
    part |= {cell.document_id: _("holds these days")} if known and cell.document_id else {}
    listed = sorted(every.values(), key=lambda d: (d.pk != cell.document_id, -d.source_created_at.timestamp()))
    return [
        (
            part.get(document.pk, _("withdrawn") if document.withdrawn_at else _("said it before")),
            overview.document_line(document, scope),
        )
        for document in listed
    ]


def _fetches(scope: AccountMarketplace, one: Dataset, cell: Cell, limit: int = 10) -> list[Fetch]:
    """The newest fetches that asked for the day. Leans on fetch_by_scope."""
    specs = [spec.key for spec in registry.specs() if any(d.key == one.key for d in spec.datasets)]
    return list(
        Fetch.objects.filter(
            account=scope.account_id,
            marketplace=scope.marketplace_id,
            spec__in=specs,
            window_start__lte=cell.day,
            window_end__gte=cell.day,
        ).order_by("-pk")[:limit]
    )
