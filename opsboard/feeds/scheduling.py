"""Settings, Schedules: when each report of an account and marketplace is asked for, edited in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.accounts.access import has_role, require_role, scope_or_404
from opsboard.accounts.models import AccountMarketplace, Credential, Role, User
from opsboard.amazon.allowance import allowance
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import pace, schedule, slots, timetable
from .registry import ReportSpec

MAY_CHANGE = Role.MANAGER
CHOSEN = "chosen"
#: Divisors of a day, the longest first.
_EVERY = (24, 12, 8, 6, 4, 3, 2, 1)
_APIS = (("sp", Credential.Kind.SP_API.label), ("ads", Credential.Kind.ADS.label))


class ScheduleForm(forms.Form):
    """One report's schedule: on or off, how often or at which hours, on which days."""

    enabled = forms.BooleanField(label=gettext_lazy("Fetch this report"), required=False)
    every = forms.ChoiceField(label=gettext_lazy("How often"))
    hours = forms.CharField(
        label=gettext_lazy("Hours"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("Only with “at these hours”: numbers from 0 to 23 with commas between, as 5, 13, 21."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"),
        coerce=int,
        choices=list(timetable.WEEKDAYS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one day, or switch the report off.")},
    )

    def __init__(self, *args: Any, spec: ReportSpec, scope: AccountMarketplace, **kwargs: Any) -> None:
        kwargs["prefix"] = spec.key  # many of them share a page
        super().__init__(*args, **kwargs)
        self.spec, self.scope = spec, scope
        every = self.fields["every"]
        assert isinstance(every, forms.ChoiceField)
        every.choices = [
            *((str(hours), _every_words(hours)) for hours in _EVERY if hours >= spec.shortest_hours),
            (CHOSEN, _("at these hours:")),
        ]

    def clean_hours(self) -> list[int]:
        found = []
        for word in self.cleaned_data["hours"].replace("，", ",").replace("、", ",").split(","):
            if not (word := word.strip()):
                continue
            if not (word.isascii() and word.isdigit() and int(word) < 24):
                raise forms.ValidationError(
                    _("“%(word)s” is no hour of the day: write numbers from 0 to 23.") % {"word": word[:20]}
                )
            found.append(int(word))
        return sorted(set(found))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        if data["every"] == CHOSEN and not data["hours"]:
            self.add_error("hours", _("Say at which hours."))
            return data
        if data["every"] != CHOSEN:
            data["hours"] = list(slots.hours_every(int(data["every"])))
        usual = slots.declared(self.spec, self.scope)
        rhythm = slots.Rhythm(tuple(data["hours"]), tuple(data["weekdays"]), usual.late)
        shortest = self.spec.shortest_hours
        if rhythm.shortest_hours < shortest:
            self.add_error(
                "hours",
                ngettext(
                    "Amazon makes this report once in %(n)d hour: keep the times that far apart.",
                    "Amazon makes this report once in %(n)d hours: keep the times that far apart.",
                    shortest,
                )
                % {"n": shortest},
            )
        return data


def _every_words(hours: int) -> str:
    if hours == 24:
        return _("once a day")
    return ngettext("every hour", "every %(n)d hours", hours) % {"n": hours}


def _initial(line: timetable.Line) -> dict[str, Any]:
    hours = line.rhythm.hours
    every = next((n for n in _EVERY if slots.hours_every(n) == hours), None)
    told = every is not None and every >= line.spec.shortest_hours
    return {
        "enabled": line.feed.enabled,
        "every": str(every) if told else CHOSEN,
        "hours": "" if told else ", ".join(str(hour) for hour in hours),
        "weekdays": list(line.rhythm.weekdays),
    }


@dataclass(frozen=True, slots=True)
class Row:
    line: timetable.Line
    form: ScheduleForm | None
    wrong: bool


def index(request: HttpRequest) -> HttpResponse:
    """Every schedule of one account and marketplace."""
    state = PageState.from_request(request)
    if state.one is None:
        return no_account(request)
    return _page(request, state.one, None)


def change(request: HttpRequest, scope: int, spec: str) -> HttpResponse:
    """Change one report's schedule, or give it back the declared one (`act=default`)."""
    found = scope_or_404(request.user, scope)
    declared = {one.key: one for one in schedule.usable_specs(found)}.get(spec)
    if declared is None:
        raise Http404(_("There is no such report."))
    page = f"{reverse('schedules:index')}?scope={found.pk}"
    if request.method != "POST":
        return redirect(f"{page}#{spec}")
    require_role(request.user, found.account.organisation_id, MAY_CHANGE)
    assert isinstance(request.user, User)
    if request.POST.get("act") == "default":
        timetable.change(declared, found, request.user)
        messages.success(request, _("%(report)s: back to the default.") % {"report": declared.label})
        return redirect(f"{page}#{spec}")
    form = ScheduleForm(request.POST, spec=declared, scope=found)
    if not form.is_valid():
        return _page(request, found, form)
    data = form.cleaned_data
    changed = timetable.change(
        declared, found, request.user, enabled=data["enabled"], hours=data["hours"], weekdays=data["weekdays"]
    )
    if changed:
        messages.success(request, _("%(report)s: the schedule is changed.") % {"report": declared.label})
    return redirect(f"{page}#{spec}")


def _page(request: HttpRequest, scope: AccountMarketplace, wrong: ScheduleForm | None) -> HttpResponse:
    state = PageState.from_request(request)
    may = has_role(request.user, scope.account.organisation_id, MAY_CHANGE)
    rows = []
    for line in timetable.lines(scope):
        form = wrong if wrong and wrong.spec is line.spec else None
        if may and form is None:
            form = ScheduleForm(spec=line.spec, scope=scope, initial=_initial(line))
        rows.append(Row(line, form, wrong is not None and form is wrong))
    sections = [_section(scope, api, name, [row for row in rows if row.line.spec.api == api]) for api, name in _APIS]
    sections = [section for section in sections if section["rows"]]
    context = {
        "scope": scope,
        "scopes": state.every_scope,
        "city": timetable.city(scope),
        "sections": sections,
        "may": may,
        "wrong": wrong,
    }
    return render(request, "feeds/schedules.html", context, status=422 if wrong else 200)


def _section(scope: AccountMarketplace, api: str, name: Any, rows: list[Row]) -> dict[str, Any]:
    """The reports of one API, and what their routine takes of Amazon's daily allowance for the account."""
    daily = pace.requests_a_day(scope.account_id).get(api, {})
    return {
        "api": api,
        "name": name,
        "rows": rows,
        "daily": round(daily.get(scope.marketplace_id, 0.0)),
        "whole": round(sum(daily.values())),
        # Of Ads Amazon publishes none.
        "allowed": round(allowance(scope.account, api, timezone.now()).rate * 86400) if api == "sp" else 0,
    }
