"""Weekly: a week as it was told, what was restated since, who signed it; the daily brief; the way out of the mails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from opsboard.accounts import access
from opsboard.accounts.models import AccountMarketplace, Organisation, Role, User
from opsboard.accounts.public import public
from opsboard.ui import formats
from opsboard.ui.filters import PageState
from opsboard.ui.pages import no_account

from . import brief as briefs
from . import content, desk, lists, words
from . import report as reports
from .forms import CommentForm
from .models import Kind, Schedule, Summary
from .slots import Week, weekly_slot
from .work import schedule_of


@dataclass(frozen=True, slots=True)
class Asked:
    """The organisation and scopes a page is about, and its clock."""

    state: PageState
    organisation: Organisation
    scopes: Sequence[AccountMarketplace]
    schedule: Schedule


def _asked(request: HttpRequest) -> Asked | None:
    """What the address asks for: a scope, or an organisation of the person's (the first one); None without any."""
    state = PageState.from_request(request)
    if not state.scopes:
        return None
    mine = {scope.account.organisation_id: scope.account.organisation for scope in state.scopes}
    wanted = request.GET.get("organisation", "")
    by_text = {str(pk): found for pk, found in mine.items()}
    if wanted and wanted not in by_text:
        raise Http404(_("There is no such organisation."))
    organisation = by_text[wanted] if wanted else next(iter(mine.values()))
    scopes = [scope for scope in state.scopes if scope.account.organisation_id == organisation.pk]
    return Asked(state, organisation, scopes, schedule_of(organisation))


def weekly(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    if asked is None:
        return no_account(request)
    running = Week.of(timezone.now().astimezone(asked.schedule.zone).date())
    week = _week(request, running)
    summary, told = _told(asked, week)
    manages = access.has_role(request.user, asked.organisation, Role.MANAGER)
    slot = weekly_slot(asked.schedule, week)
    context = {
        "report": _report(asked, told, summary),
        "summary": summary,
        "sent": summary.sends.filter(message__isnull=False).count() if summary else 0,
        "slot": words.clock(slot, asked.schedule.zone) if asked.schedule.weekly and slot > timezone.now() else "",
        "zone": asked.schedule.zone_name,
        "signed": words.clock(summary.signed_at, asked.schedule.zone) if summary and summary.signed_at else "",
        "comments": [
            (item, words.clock(item.at, asked.schedule.zone)) for item in summary.comments.select_related("by")
        ]
        if summary
        else [],
        "form": CommentForm() if summary and manages else None,
        "sends": summary.sends.select_related("recipient", "message").order_by("id") if summary and manages else [],
        "manages": manages,
        "week": str(week),
        "earlier": asked.state.query(week=str(week.step(-1))),
        "later": asked.state.query(week=str(week.step(1))) if week < running else "",
        "running": week == running,
        "export_url": reverse("summaries:export") + asked.state.query(week=str(week)),
        "organisations": _organisations(asked),
    }
    return render(request, "summaries/weekly.html", context)


def _week(request: HttpRequest, running: Week) -> Week:
    """The asked week, else the newest that is over; a mistyped or future one is that as well."""
    week = Week.parse(request.GET.get("week", ""))
    return week if week and week <= running else running.step(-1)


def _told(asked: Asked, week: Week) -> tuple[Summary | None, Mapping[str, Any]]:
    """The summary that was sent and its content; without one, the week as it is known now."""
    summary = Summary.objects.filter(
        organisation=asked.organisation, kind=Kind.WEEKLY, period=str(week), state=Summary.State.MADE
    ).first()
    if summary is not None:
        return summary, summary.content
    earlier = Summary.objects.filter(
        organisation=asked.organisation, kind=Kind.WEEKLY, period__lt=str(week), made_at__isnull=False
    )
    last = earlier.order_by("-period").first()
    now = timezone.now()
    since, slot = weekly_slot(asked.schedule, week.step(-1)), weekly_slot(asked.schedule, week)
    until = slot if slot < now - timedelta(days=7) else None
    return None, content.weekly(asked.scopes, week, since, now, last.content if last else None, until)


def _report(asked: Asked, told: Mapping[str, Any], summary: Summary | None) -> reports.Report:
    changes = content.changes(told, asked.scopes) if summary else None
    return words.read(told, asked.scopes, asked.schedule.zone, changes=changes)


def _organisations(asked: Asked) -> list[tuple[str, str, bool]]:
    """Where a person belongs to several: each with its address."""
    mine = {scope.account.organisation_id: scope.account.organisation for scope in asked.state.every_scope}
    if len(mine) < 2:
        return []
    return [
        (asked.state.query(organisation=pk, scope=None), one.name, pk == asked.organisation.pk)
        for pk, one in mine.items()
    ]


def export(request: HttpRequest) -> HttpResponse:
    """The week on the page as XLSX."""
    from . import workbook

    asked = _asked(request)
    if asked is None:
        raise Http404(_("There is no such account and marketplace."))
    week = _week(request, Week.of(timezone.now().astimezone(asked.schedule.zone).date()))
    summary, told = _told(asked, week)
    body = workbook.written(told, _report(asked, told, summary), asked.scopes)
    response = HttpResponse(body, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f'attachment; filename="weekly-{week}.xlsx"'.lower()
    response["X-Content-Type-Options"] = "nosniff"
    return response


def brief(request: HttpRequest) -> HttpResponse:
    """What changed since yesterday, as known now; ?day= shows a brief as it was mailed."""
    asked = _asked(request)
    if asked is None:
        return no_account(request)
    now = timezone.now()
    sent = Summary.objects.filter(
        organisation=asked.organisation, kind=Kind.DAILY, period=_day(request), state=Summary.State.MADE
    ).first()
    today = now.astimezone(asked.schedule.zone).date()
    told = sent.content if sent else briefs.daily(asked.scopes, today, now - timedelta(days=1), now)
    report = words.read(told, asked.scopes, asked.schedule.zone)
    context = {
        "report": report,
        "sections": [one for one in report.sections if one.changed],
        "sent": sent,
        "organisations": _organisations(asked),
    }
    return render(request, "summaries/brief.html", context)


def _day(request: HttpRequest) -> str:
    try:
        return date.fromisoformat(request.GET.get("day", "")).isoformat()
    except ValueError:
        return ""


def _visible(request: HttpRequest, pk: int) -> tuple[Summary, User]:
    """A summary of one's own organisation, for managers; a stranger's and an unknown one answer alike."""
    summary = Summary.objects.select_related("organisation").filter(pk=pk).first()
    if summary is None or access.membership(request.user, summary.organisation) is None:
        raise Http404(_("There is no such summary."))
    access.require_role(request.user, summary.organisation, Role.MANAGER)
    assert isinstance(request.user, User)
    return summary, request.user


def _back(summary: Summary) -> HttpResponse:
    return redirect(reverse("summaries:weekly") + f"?week={summary.period}&organisation={summary.organisation_id}#said")


@require_POST
def sign_off(request: HttpRequest, pk: int) -> HttpResponse:
    summary, user = _visible(request, pk)
    if desk.sign_off(summary.pk, user):
        messages.success(request, _("Signed off: your name and the moment stand under it."))
    else:
        messages.info(request, _("It is signed off already, or was not sent yet."))
    return _back(summary)


@require_POST
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    summary, user = _visible(request, pk)
    form = CommentForm(request.POST)
    if form.is_valid():
        desk.comment(summary, user, form.cleaned_data["text"])
    else:
        messages.error(request, _("A comment needs words, at most %(n)s signs.") % {"n": formats.decimals(2000)})
    return _back(summary)


@public  # a mail program acts without a sign-in; the signed token names one membership and one list
@csrf_exempt  # RFC 8058: the mail provider posts from outside
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks and changes nothing (mail scanners follow links); POST stops this list only."""
    found = lists.member_of(token)
    if found is None:
        raise Http404(_("This link is not valid any more. Change your mails under Settings."))
    member, kind = found
    if request.method == "POST":
        lists.stop(member, kind)
    context = {"member": member, "done": request.method == "POST", "weekly": kind == Kind.WEEKLY}
    return render(request, "summaries/unsubscribe.html", context)
