"""The Coverage page: a calendar of every dataset's days, one dataset day by day, and what explains one day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final

from django.apps import apps
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import exports, formats, tables
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account, one_scope_or_404
from opsboard.ui.tables import Choice, Column, Filter, Table

from . import coverage, freshness, overview, registry, stored
from .coverage import CELLS, WHY, WORDS, Cell, State, Tally
from .models import Document, Fetch
from .registry import Dataset

#: How many months the calendar shows at once; any of them can be the last one.
MONTHS: Final = (1, 2, 3, 6)
DEFAULT_MONTHS: Final = 2


@dataclass(frozen=True, slots=True)
class Calendar:
    """The months a page shows, from the first day of the oldest to today or the end of the newest."""

    first: date
    last: date
    months: int
    today: date

    @classmethod
    def of(cls, state: PageState, today: date) -> Calendar:
        """What the address asks for (months=3&until=2026-10); the newest two months unless it says."""
        asked = state.query_dict.get("months", "")
        months = int(asked) if asked in {str(n) for n in MONTHS} else DEFAULT_MONTHS
        try:
            until = date.fromisoformat(state.query_dict.get("until", "") + "-01")
        except ValueError:
            until = today
        until = until if 2000 <= until.year and until < today else today
        return cls(_months_on(until, 1 - months), min(_months_on(until, 1) - timedelta(days=1), today), months, today)

    @property
    def earlier(self) -> str:
        """The `until` of the months before these."""
        return (self.first - timedelta(days=1)).strftime("%Y-%m")

    @property
    def later(self) -> str | None:
        """The `until` of the months after these; None when these are the newest."""
        if self.last >= self.today:
            return None
        return min(_months_on(self.last, self.months), self.today.replace(day=1)).strftime("%Y-%m")

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def heads(self) -> list[tuple[date, int]]:
        """The first shown day of each month and how many of its days are shown."""
        found = []
        for _month, days in groupby(self.days(), key=lambda day: (day.year, day.month)):
            listed = list(days)
            found.append((listed[0], len(listed)))
        return found


def _months_on(day: date, months: int) -> date:
    """The first day of the month so many months after a day's."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell as it is drawn: how many columns wide; without a state where nothing begins (mid-week)."""

    width: int
    day: str = ""
    state: str = ""
    words: str = ""
    waits: bool = False
    #: Skipped by the Tab key, which walks to what wants a person; the dataset's list has them all.
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One dataset's row of the calendar."""

    label: str
    note: str
    #: Its list of days, and what the address of one day begins with.
    url: str
    days_url: str
    words: str
    slots: list[Slot]


@dataclass(frozen=True, slots=True)
class Legend:
    """A state with the number of days in it; choosing it shows the datasets that have such days."""

    state: State
    words: str
    days: int
    url: str
    current: bool


def room_of(dataset: Dataset) -> str:
    return dataset.model._meta.app_label


def room_label(room: str) -> str:
    return str(apps.get_app_config(room).verbose_name)


def sentence(told: Tally) -> str:
    """ "58 of 60 days, 1 missing, 1 held"."""
    parts = [_("%(known)s of %(expected)s") % {"known": told.known, "expected": told.expected}]
    parts += [f"{formats.decimals(count)} {WORDS[state][1]}" for state, count in told.trouble]
    return _(", ").join(parts) if told.expected else str(WORDS[State.NONE][1])


def slots(cells: Sequence[Cell], calendar: Calendar, said: dict[tuple[date, date, State], str]) -> Iterator[Slot]:
    """The cells as table cells, those between and after them (a week that began before) as empty ones.

    `said` keeps the words of cells: every dataset says the same of the same day.
    """
    at = calendar.first
    for cell in cells:
        if cell.day > at:
            yield Slot((cell.day - at).days)
        key = (cell.day, cell.ends, cell.state)
        if (words := said.get(key)) is None:
            words = said[key] = f"{formats.span(cell.day, cell.ends)}: {WORDS[cell.state][1]}"
        if waits := cell.waiting_id is not None:
            words = _("%(what)s, and a newer document waits for a person") % {"what": words}
        ends, quiet = min(cell.ends, calendar.last), not waits and cell.state not in coverage.TROUBLE
        yield Slot((ends - cell.day).days + 1, cell.day.isoformat(), cell.state.value, words, waits, quiet)
        at = ends + timedelta(days=1)
    if at <= calendar.last:
        yield Slot((calendar.last - at).days + 1)


def _chosen_state(state: PageState) -> State | None:
    asked = state.query_dict.get("state", "")
    return State(asked) if asked in set(State) else None


def _chosen_datasets(state: PageState) -> tuple[str, dict[str, Dataset]]:
    """The room chosen by the address ("" for all) and its datasets."""
    declared = coverage.declared()
    rooms = {room_of(dataset) for dataset in declared.values()}
    room = state.query_dict.get("room", "")
    if room not in rooms:
        return "", declared
    return room, {key: dataset for key, dataset in declared.items() if room_of(dataset) == room}


def index(request: HttpRequest) -> HttpResponse:
    """The calendar of one account and marketplace; of all of them, how many days each has of every state."""
    state = PageState.from_request(request)
    if not state.scopes:
        return no_account(request)
    if len(state.scopes) > 1:
        return _overview(request, state)
    scope = state.scopes[0]
    calendar = Calendar.of(state, scope.marketplace.today())
    room, wanted = _chosen_datasets(state)
    found = coverage.cells(scope, calendar.first, calendar.last, wanted)
    only, told = _chosen_state(state), coverage.tally(cell for cells in found.values() for cell in cells)
    context = {
        "scope": scope,
        "calendar": calendar,
        "heads": calendar.heads(),
        "days": calendar.days(),
        "only": only or "",
        "told": told,
        "headline": _headline(told),
        "legend": _legend(state, told, only),
        "groups": _groups(state, calendar, found, wanted, only),
        "has_any": bool(found),
        "room": room,
        "rooms": sorted((key, room_label(key)) for key in {room_of(d) for d in coverage.declared().values()}),
        "month_choices": MONTHS,
        "carried_query": state.carried(scope),
        "export_url": _export_url(state, scope, "feeds:coverage-export"),
    }
    return render(request, "feeds/coverage.html", context)


def _headline(told: Tally) -> str:
    if not told.expected:
        return _("Nothing is expected of these days")
    if not told.trouble:
        return _("Every expected day is there")
    parts = [f"{formats.decimals(count)} {WORDS[state][1]}" for state, count in told.trouble]
    return _("Of %(expected)s expected days: %(trouble)s") % {
        "expected": formats.decimals(told.expected),
        "trouble": _(", ").join(parts),
    }


def _legend(state: PageState, told: Tally, only: State | None) -> list[Legend]:
    return [
        Legend(
            one,
            str(WORDS[one][1]),
            told.counts.get(one, 0),
            state.query(state=None if one is only else one.value),
            one is only,
        )
        for one in State
    ]


def _groups(
    state: PageState,
    calendar: Calendar,
    found: Mapping[str, Sequence[Cell]],
    wanted: Mapping[str, Dataset],
    only: State | None,
) -> list[tuple[str, list[Line]]]:
    """The rows of the calendar by room, in order of declaration."""
    shown = [key for key, cells in found.items() if only is None or any(cell.state is only for cell in cells)]
    said: dict[tuple[date, date, State], str] = {}
    groups = []
    for room, keys in groupby(
        sorted(shown, key=lambda key: room_of(wanted[key])), key=lambda key: room_of(wanted[key])
    ):
        lines = []
        for key in keys:
            lines.append(
                Line(
                    label=str(wanted[key].label),
                    note=coverage.period_label(wanted[key]),
                    url=reverse("feeds:coverage-dataset", args=[key]) + state.query(state=None, room=None),
                    days_url=reverse("feeds:coverage-dataset", args=[key]),
                    words=sentence(coverage.tally(found[key])),
                    slots=list(slots(found[key], calendar, said)),
                )
            )
        groups.append((room_label(room), lines))
    return groups


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One account and marketplace in the overview of all."""

    scope: AccountMarketplace
    words: str
    status: str
    verdict: str
    counts: list[int]
    url: str


def _overview(request: HttpRequest, state: PageState) -> HttpResponse:
    calendar = Calendar.of(state, max(scope.marketplace.today() for scope in state.scopes))
    told = coverage.tallies(state.scopes, calendar.first, calendar.last)
    context = {
        "calendar": calendar,
        "headline": _headline(coverage.together(told.values())),
        "lines": [_scope_line(scope, told, state) for scope in state.scopes],
        "states": [{"state": one.value, "words": WORDS[one][1]} for one in State],
        "month_choices": MONTHS,
    }
    return render(request, "feeds/coverage_all.html", context)


def _scope_line(scope: AccountMarketplace, told: Mapping[tuple[int, int], Tally], state: PageState) -> ScopeLine:
    one = told.get((scope.account_id, scope.marketplace_id), Tally())
    status, verdict = "ok", _("complete")
    if not one.expected:
        status, verdict = "no_limit", str(WORDS[State.NONE][1])
    elif one.trouble:
        worst = one.trouble[-1][0]
        status, verdict = WORDS[worst][0], str(WORDS[worst][1])
    counts = [one.counts.get(key, 0) for key in State]
    return ScopeLine(scope, sentence(one), status, verdict, counts, state.query(scope=scope.pk))


# --- day by day -----------------------------------------------------------------------------------

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


def _dataset_or_404(key: str) -> Dataset:
    try:
        return coverage.declared()[key]
    except KeyError:
        raise Http404("no such dataset") from None


def dataset(request: HttpRequest, dataset: str) -> HttpResponse:
    """One dataset day by day."""
    one = _dataset_or_404(dataset)
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


def _export_url(state: PageState, scope: AccountMarketplace, name: str) -> str:
    address = reverse(name, kwargs={"ending": "csv"}).removesuffix("csv") + "{}"
    return address + state.query(scope=scope.pk)


def export(request: HttpRequest, ending: str) -> HttpResponse:
    """Every day of every dataset of the chosen room, as the calendar shows them."""
    state, scope = one_scope_or_404(request)
    return _export(state, scope, ending, None, _chosen_datasets(state)[1])


def dataset_export(request: HttpRequest, dataset: str, ending: str) -> HttpResponse:
    one = _dataset_or_404(dataset)
    state, scope = one_scope_or_404(request)
    return _export(state, scope, ending, one, {one.key: one})


def _export(
    state: PageState, scope: AccountMarketplace, ending: str, one: Dataset | None, datasets: Mapping[str, Dataset]
) -> HttpResponse:
    calendar, table = Calendar.of(state, scope.marketplace.today()), days_table(one)
    asked, totals, rows = tables.exported(table, state, _table_params(scope, calendar, datasets))
    about = exports.About(scope, formats.span(calendar.first, calendar.last), freshness.sentence([scope]))
    write = exports.as_xlsx if ending == "xlsx" else exports.as_csv
    return write(table, asked, totals, rows, about)


# --- one day --------------------------------------------------------------------------------------


def day(request: HttpRequest, dataset: str, day: str) -> HttpResponse:
    """What explains one day of a dataset: its documents, the fetches that asked for it, what to do."""
    one, wanted = _dataset_or_404(dataset), _day_or_404(day)
    state, scope = one_scope_or_404(request)
    found = coverage.cells(scope, wanted, wanted, {one.key: one}).get(one.key)
    cell = found[0] if found else Cell(one.key, wanted, one.period.end(wanted), State.NONE, "early")
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
    one, wanted = _dataset_or_404(dataset), _day_or_404(day)
    state, scope = one_scope_or_404(request)
    table = stored.rows_table(one)
    asked, totals, rows = tables.exported(table, state, _rows_params(scope, wanted))
    about = exports.About(scope, formats.span(wanted, one.period.end(wanted)), freshness.sentence([scope]))
    write = exports.as_xlsx if ending == "xlsx" else exports.as_csv
    return write(table, asked, totals, rows, about)


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
