"""The System page: what is wrong with the installation, for those who manage an organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsboard.accounts.access import memberships, visible_accounts
from opsboard.accounts.models import Role

from . import registry
from .heartbeats import Process
from .models import Heartbeat
from .registry import Check, Finding, Sight, Status

_CHIP = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "breach", Status.UNKNOWN: "unknown"}
WORDS = {
    Status.OK: gettext_lazy("fine"),
    Status.WARN: gettext_lazy("look at it"),
    Status.FAIL: gettext_lazy("wrong"),
    Status.UNKNOWN: gettext_lazy("cannot tell"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A check as a person reads it; no evidence, which may name what belongs to the operator of the machine."""

    title: str
    looks_at: str
    chip: str
    word: str
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """A process, without the name of its host: that is for the operator of the machine."""

    kind: str
    chip: str
    word: str
    seen: datetime
    worked: datetime | None
    ahead: float


def system(request: HttpRequest) -> HttpResponse:
    """Every check that needs the database alone, and what the workers saw of the rest; own accounts only."""
    managed = [member.organisation_id for member in memberships(request.user) if member.at_least(Role.MANAGER)]
    if not managed:
        raise PermissionDenied(_("Your role does not allow this. Ask an owner of your organisation."))
    accounts = visible_accounts(request.user).filter(organisation__in=managed)
    sight = Sight(list(accounts.values_list("id", flat=True)), managed)
    results = registry.worst_first(_results(sight))
    context = {
        "lines": [_line(result) for result in results],
        "processes": [_process_line(one) for one in sight.processes],
        **{
            word: sum(result.finding.status is status for result in results)
            for word, status in (("failed", Status.FAIL), ("warned", Status.WARN), ("unknown", Status.UNKNOWN))
        },
    }
    return render(request, "watch/system.html", context)


def _results(sight: Sight) -> list[registry.Result]:
    found = []
    for check in registry.checks():
        if not check.live:
            found.append(registry.Result(check, check.run(sight)))
        elif check.seen_by_workers:
            found.append(registry.Result(check, _as_seen(check, sight)))
    return found


def _as_seen(check: Check, sight: Sight) -> Finding:
    """The worst that a living worker saw: this page asks neither Redis nor a disk."""
    seen = [one.saw[check.key] for one in sight.processes if one.alive and check.key in one.saw]
    if not seen:
        return Finding(Status.UNKNOWN, _("No worker runs that could have looked."))
    return min(map(registry.as_seen, seen), key=lambda finding: registry.ORDER.index(finding.status))


def _line(result: registry.Result) -> Line:
    status = result.finding.status
    return Line(
        title=str(result.check.title),
        looks_at=str(result.check.looks_at),
        chip=_CHIP[status],
        word=str(WORDS[status]),
        sentence=result.finding.sentence,
        fix=str(result.check.fix) if status in {Status.WARN, Status.FAIL} else "",
    )


def _process_line(one: Process) -> ProcessLine:
    now = timezone.now()
    if one.deaf:
        chip, word = "breach", _("hears nothing")
    elif one.left:
        chip, word = "no_limit", _("stopped")
    elif not one.alive:
        chip, word = "breach", _("gone")
    elif one.busy:
        chip, word = "ok", _("at work")
    else:
        chip, word = "ok", _("running")
    return ProcessLine(
        kind=str(Heartbeat.Kind(one.kind).label),
        chip=chip,
        word=word,
        seen=now - timedelta(seconds=one.seen),
        worked=None if one.worked is None else now - timedelta(seconds=one.worked),
        ahead=one.ahead,
    )
