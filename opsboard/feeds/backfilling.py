"""Data, Back-fill: choose how far, see what it takes, start it; then how far it is, pause, go on, stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from opsboard.accounts.access import has_role, require_role, scope_or_404, visible_scopes
from opsboard.accounts.models import AccountMarketplace, Role, User
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import backfill, pace, reach, schedule
from .models import BackfillPlan
from .registry import ReportSpec

MAY_START = Role.OPERATOR
#: How far back: days, or as far as any report goes, or a date.
FAR = {
    "60": gettext_lazy("60 days"),
    "396": gettext_lazy("13 months"),
    "all": gettext_lazy("as far as Amazon goes"),
    "day": gettext_lazy("from this day on:"),
}
_PAST_SHOWN = 10


class PlanForm(forms.Form):
    """How far back, and which reports; all of them unless some are named."""

    far = forms.ChoiceField(choices=list(FAR.items()), label=gettext_lazy("How far back"), widget=forms.RadioSelect)
    day = forms.DateField(
        required=False,
        label=gettext_lazy("First day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("That is no day. Write it as 2026-01-31.")},
    )
    report = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("Reports"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": gettext_lazy("“%(value)s” is no report of this account.")},
    )

    def __init__(self, *args: Any, scope: AccountMarketplace, specs: list[ReportSpec], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope, self.specs = scope, specs
        report = self.fields["report"]
        assert isinstance(report, forms.MultipleChoiceField)
        report.choices = [(spec.key, spec.label) for spec in specs]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        today = self.scope.marketplace.today()
        if data.get("far") == "day" and "day" not in self.errors:
            if data.get("day") is None:
                self.add_error("day", _("Say from which day on."))
            elif data["day"] >= today:
                self.add_error("day", _("The first day must be over: yesterday or before."))
        return data

    def first_day(self) -> date:
        today = self.scope.marketplace.today()
        match self.cleaned_data["far"]:
            case "day":
                day = self.cleaned_data["day"]
                assert isinstance(day, date)
                return day
            case "all":
                return min((schedule.earliest_day(spec, today) for spec in self.chosen()), default=today)
            case days:
                return today - timedelta(days=int(days))

    def chosen(self) -> list[ReportSpec]:
        named = set(self.cleaned_data["report"])
        return [spec for spec in self.specs if not named or spec.key in named]


@dataclass(frozen=True, slots=True)
class PartLine:
    """A report of the preview."""

    part: reach.Part
    limit: str
    #: Where a person downloads what lies before Amazon's reach; empty where there is no download.
    pages: list[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a back-fill would ask for, before anybody starts it."""

    first_day: date
    last_day: date
    lines: list[PartLine]
    requests: int
    seconds: int

    @property
    def words(self) -> str:
        return pace.words(self.seconds)


def preview(scope: AccountMarketplace, first_day: date, specs: list[ReportSpec]) -> Preview:
    now = timezone.now()
    parts = [reach.part(spec, scope, first_day, now) for spec in specs]
    lines = [
        PartLine(
            part,
            reach.limit_words(part, scope),
            list(dict.fromkeys(one.source_page for one in part.uploads if one.source_page)),
        )
        for part in parts
    ]
    return Preview(
        first_day=first_day,
        last_day=scope.marketplace.day_of(now) - timedelta(days=1),
        lines=lines,
        requests=sum(len(part.windows) for part in parts),
        seconds=pace.estimate(scope, reach.by_api(parts), now),
    )


def index(request: HttpRequest) -> HttpResponse:
    """GET: what is under way, and what a back-fill would take. POST: start it."""
    state = PageState.from_request(request)
    scope = scope_or_404(request.user, request.POST["scope"]) if request.POST.get("scope") else state.one
    if scope is None:
        return no_account(request)
    if request.headers.get("HX-Request"):
        plan = backfill.newest_plan(scope)
        return render(request, "feeds/backfill_plan.html", _plan_context(request, scope, plan))
    specs = [spec for spec in schedule.usable_specs(scope) if reach.has_past(spec)]
    asked = request.POST if request.method == "POST" else request.GET
    form = PlanForm(asked if "far" in asked else {"far": "60"}, scope=scope, specs=specs)
    valid = form.is_valid()
    if request.method == "POST":
        require_role(request.user, scope.account.organisation_id, MAY_START)
        if valid:
            problem = _start(request, scope, form)
            if not problem:
                return HttpResponseRedirect(_address(scope))
            form.add_error(None, problem)
    context = {
        **_plan_context(request, scope, backfill.newest_plan(scope)),
        "form": form,
        "specs": specs,
        "preview": preview(scope, form.first_day(), form.chosen()) if valid and specs else None,
        "past": backfill.past(scope, _PAST_SHOWN),
        "elsewhere": open_elsewhere(request, scope),
    }
    return render(request, "feeds/backfill.html", context, status=422 if form.errors else 200)


def _start(request: HttpRequest, scope: AccountMarketplace, form: PlanForm) -> str:
    """Start it; what is in the way, if something is."""
    assert isinstance(request.user, User)
    try:
        plan = backfill.start(scope, form.first_day(), form.chosen(), request.user)
    except backfill.AlreadyOpen:
        return _("A back-fill of this marketplace is under way. Wait for it, or stop it first.")
    except backfill.NothingToAsk:
        return _("There is nothing to fetch: all that Amazon has of these days is stored or waits already.")
    messages.success(request, _("The back-fill has begun: %(time)s.") % {"time": pace.words(plan.estimate_seconds)})
    return ""


def _plan_context(request: HttpRequest, scope: AccountMarketplace, plan: BackfillPlan | None) -> dict[str, Any]:
    return {
        "scope": scope,
        "told": backfill.progress(plan, scope) if plan else None,
        "may": has_role(request.user, scope.account.organisation_id, MAY_START),
        "as_of": timezone.now(),
    }


def open_elsewhere(request: HttpRequest, scope: AccountMarketplace | None) -> list[backfill.Progress]:
    """Open back-fills of the other marketplaces a person may see."""
    others = [one for one in visible_scopes(request.user) if scope is None or one.pk != scope.pk]
    return backfill.open_progress(others)


_ACTS = {"pause": backfill.pause, "resume": backfill.resume, "cancel": backfill.cancel}


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, resume or stop a back-fill."""
    plan = BackfillPlan.objects.filter(pk=pk).first()
    scope = (
        plan and visible_scopes(request.user).filter(account=plan.account_id, marketplace=plan.marketplace_id).first()
    )
    turn = _ACTS.get(request.POST.get("act", ""))
    if plan is None or not scope:
        raise Http404(_("There is no such back-fill."))
    require_role(request.user, scope.account.organisation_id, MAY_START)
    if turn is None:
        return HttpResponseRedirect(_address(scope))
    assert isinstance(request.user, User)
    if not turn(scope, plan, request.user):
        messages.warning(request, _("The back-fill was over or in that state already."))
    return HttpResponseRedirect(_address(scope))


def _address(scope: AccountMarketplace) -> str:
    return f"{reverse('feeds:backfill')}?scope={scope.pk}"
