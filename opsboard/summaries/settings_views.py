"""When summaries are made and who reads them: managers set the hour, everybody their own mails; all of it audited."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts import access, audit
from opsboard.accounts.models import Membership, Role, User

from . import lists, words
from .forms import ReaderForm, ScheduleForm
from .models import Kind, Schedule
from .slots import Week, weekly_slot
from .work import schedule_of


def index(request: HttpRequest) -> HttpResponse:
    """Of each organisation the hour, and who gets what: managers see everybody, others themselves."""
    sections = []
    for mine in access.memberships(request.user):
        manages, when = mine.at_least(Role.MANAGER), schedule_of(mine.organisation)
        members = Membership.objects.filter(organisation=mine.organisation_id, user__is_active=True)
        if not manages:
            members = members.filter(pk=mine.pk)
        people = [
            (member, lists.wants(member, Kind.WEEKLY, when), lists.wants(member, Kind.DAILY, when))
            for member in members.select_related("user", "reader", "organisation").order_by("user__email")
        ]
        sections.append((mine.organisation, when, _next(when), people, manages))
    return render(request, "summaries/settings.html", {"sections": sections})


def _next(schedule: Schedule) -> str:
    """When the next weekly summary is due, on the organisation's clock."""
    if not schedule.weekly:
        return ""
    now = timezone.now()
    this = Week.of(now.astimezone(schedule.zone).date())
    slots = (weekly_slot(schedule, this.step(weeks)) for weeks in (-1, 0, 1))
    return words.clock(next(slot for slot in slots if slot > now), schedule.zone)


def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    mine = access.require_role(request.user, pk, Role.MANAGER)
    when = schedule_of(mine.organisation)
    form = ScheduleForm(request.POST or None, instance=when)
    before = form.state()
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        with transaction.atomic():
            form.save()
            audit.record(
                mine.organisation,
                request.user,
                "summary.schedule",
                mine.organisation,
                before=before,
                after=form.state(),
            )
        messages.success(request, _("Saved. A week that was mailed already is not mailed again."))
        return redirect("summary_settings:index")
    return render(request, "summaries/schedule.html", {"form": form, "organisation": mine.organisation})


def reader(request: HttpRequest, pk: int) -> HttpResponse:
    """What one member is mailed: their own to choose, or a manager's."""
    member = Membership.objects.filter(pk=pk).select_related("user", "organisation", "reader").first()
    mine = access.membership(request.user, member.organisation_id) if member else None
    if member is None or mine is None or (member.pk != mine.pk and not mine.at_least(Role.MANAGER)):
        raise Http404(_("There is no such person."))
    when = schedule_of(member.organisation)
    form = ReaderForm(request.POST or None, membership=member, by_role=member.at_least(Role(when.role)))
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)
        with transaction.atomic():
            before = form.state()
            form.save()
            audit.record(
                member.organisation,
                request.user,
                "summary.reader",
                member.user.email,
                before=before,
                after=form.state(),
            )
        messages.success(request, _("Saved."))
        return redirect("summary_settings:index")
    return render(request, "summaries/reader.html", {"form": form, "member": member})
