"""The Coverage page: a calendar of every dataset's days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats, joins
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import coverage
from .coverage import WORDS, Cell, State, Tally
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


def _troubles(told: Tally) -> list[str]:
    """ "31 missing", "1 held"."""
    return [
        _("%(n)s %(state)s") % {"n": formats.decimals(count), "state": WORDS[state][1]} for state, count in told.trouble
    ]


def sentence(told: Tally) -> str:
    """ "58 of 60 days, 1 missing, 1 held"."""
    parts = [
        _("%(known)s of %(expected)s")
        % {"known": formats.decimals(told.known), "expected": formats.decimals(told.expected)}
    ]
    parts += _troubles(told)
    return joins.listed(parts) if told.expected else str(WORDS[State.NONE][1])


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
            words = said[key] = joins.headed(formats.span(cell.day, cell.ends), WORDS[cell.state][1])
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


def chosen_datasets(state: PageState) -> tuple[str, dict[str, Dataset]]:
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
    room, wanted = chosen_datasets(state)
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
    return _("Of %(expected)s expected days: %(trouble)s") % {
        "expected": formats.decimals(told.expected),
        "trouble": joins.listed(_troubles(told)),
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


def _export_url(state: PageState, scope: AccountMarketplace, name: str) -> str:
    address = reverse(name, kwargs={"ending": "csv"}).removesuffix("csv") + "{}"
    return address + state.query(scope=scope.pk)
