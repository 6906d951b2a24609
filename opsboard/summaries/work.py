"""From a slot to a letter: plan what is due, freeze it, owe it to its readers, hand it to the outbox.

Three kinds of rows, each made once: the summary of a period (unique an organisation and period), a send to a person
(unique an organisation, period and person), the outbox's letter (unique by its key). Whoever dies between two of them
leaves a row with an expired lease, and the next one finds what is done already.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from opsboard.accounts.models import Membership, Organisation
from opsboard.alerts import outbox
from opsboard.feeds import dispatch, leases
from opsboard.feeds.models import Work

from . import brief, content, lists, mail
from .models import Kind, Reader, Schedule, Send, Summary
from .slots import Week, due_day, due_weeks

LEASE = 180
#: A brief that comes after no brief for so long tells of one day, not of all of them.
LONGEST_SILENCE = timedelta(days=3)
#: How many rows of a kind one task takes at most, before others get the slot.
AT_ONCE = 100
_TASK = "opsboard.summaries.work"

log = structlog.get_logger(__name__)


def plan(now: datetime | None = None) -> list[Summary]:
    """Make a row for every summary whose slot has come; those that were not there yet.

    Safe anywhere, any number of times at once: a period of an organisation is one row, whatever its zone was when.
    """
    now = now or timezone.now()
    briefed = set(Reader.objects.filter(daily=True).values_list("membership__organisation", flat=True))
    due: list[tuple[int, Kind, str, datetime]] = []
    for schedule in _schedules():
        organisation = schedule.organisation_id
        if schedule.weekly:
            due += [(organisation, Kind.WEEKLY, str(week), slot) for week, slot in due_weeks(schedule, now)]
        if organisation in briefed and (today := due_day(schedule, now)):
            due.append((organisation, Kind.DAILY, today[0].isoformat(), today[1]))
    periods = {period for _organisation, _kind, period, _slot in due}
    known = set(Summary.objects.filter(period__in=periods).values_list("organisation", "kind", "period"))
    made = []
    for organisation, kind, period, slot in due:
        if (organisation, kind.value, period) not in known:
            summary, is_new = Summary.objects.get_or_create(
                organisation_id=organisation,
                kind=kind,
                period=period,
                defaults={"slot": slot},
            )
            made += [summary] if is_new else []
    return made


def _schedules() -> list[Schedule]:
    """The schedules of organisations that sell something; one that has none gets the usual one, from now on."""
    sells = Organisation.objects.filter(accounts__active=True, accounts__scopes__active=True).distinct()
    for organisation in sells.exclude(pk__in=Schedule.objects.values("organisation")):
        schedule_of(organisation)
    return list(Schedule.objects.filter(organisation__in=sells))


def schedule_of(organisation: Organisation) -> Schedule:
    """The organisation's schedule, made when there is none: Tuesdays at nine on the clock of its first marketplace."""
    scopes = content.scopes_of(organisation)
    zone = scopes[0].marketplace.time_zone if scopes else "UTC"
    return Schedule.objects.get_or_create(organisation=organisation, defaults={"zone_name": zone})[0]


def _due(model: type[Work]) -> Any:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return model._base_manager.filter(free, finished_at=None, not_before__lte=Now()).order_by("attempts", "id")


def wake() -> None:
    """Hint at the workers that something is due (called at each tick)."""
    if _due(Summary).exists() or _due(Send).exists():
        dispatch.hint(_TASK)


def work() -> None:
    """Make and send what is due; a failure leaves its row to the lease, and the third sets it aside."""
    for model, act in ((Summary, make), (Send, send)):
        for pk in list(_due(model).values_list("pk", flat=True)[:AT_ONCE]):
            try:
                act(pk)
            except Exception:
                log.exception("summary_failed", table=model._meta.db_table, pk=pk)


class _Lost(Exception):
    """The lease ran out while we worked: somebody else does it, nothing of ours counts."""


def make(pk: int, at: datetime | None = None) -> bool:
    """Freeze one summary and owe it to its readers, in one commit; False when there was nothing for us to do."""
    fence = leases.claim(Summary, pk, LEASE)
    if fence is None:
        return False
    try:
        with _one_look():
            summary = Summary.objects.select_related("organisation").get(pk=pk)
            at = at or timezone.now()
            told = build(summary.organisation, Kind(summary.kind), summary.period, summary.slot, at)
            silent = summary.kind == Kind.DAILY and not brief.says_something(told)
            state = Summary.State.SILENT if silent else Summary.State.MADE
            if not leases.finish(Summary, pk, fence, state=state, content=told, made_at=at):
                raise _Lost
            if not silent:
                _owe(summary)
    except _Lost:
        return False
    dispatch.hint(_TASK)
    return True


@contextmanager
def _one_look() -> Iterator[None]:
    """A transaction in which every query sees the same instant, so that the figures of a summary agree."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def build(organisation: Organisation, kind: Kind, period: str, slot: datetime, at: datetime) -> dict[str, Any]:
    """The content of a period as known now."""
    scopes = content.scopes_of(organisation)
    earlier = Summary.objects.filter(organisation=organisation, kind=kind, period__lt=period, made_at__isnull=False)
    last = earlier.order_by("-period").first()
    if kind == Kind.DAILY:
        since = slot - timedelta(days=1)
        if last and last.made_at and last.made_at > slot - LONGEST_SILENCE:  # nothing falls between two briefs
            since = last.made_at
        return brief.daily(scopes, datetime.fromisoformat(period).date(), since, at)
    week = Week.parse(period)
    assert week is not None
    since = last.made_at if last and last.made_at else slot - timedelta(days=7)
    return content.weekly(scopes, week, since, at, last.content if last else None)


def _owe(summary: Summary) -> None:
    schedule = schedule_of(summary.organisation)
    Send.objects.bulk_create(
        [
            Send(
                summary=summary,
                organisation=summary.organisation,
                kind=summary.kind,
                period=summary.period,
                recipient=member.user,
            )
            for member in lists.readers(summary.organisation, Kind(summary.kind), schedule)
        ],
        ignore_conflicts=True,
    )


def send(pk: int) -> bool:
    """Write one person's letter and put it into the outbox, in one commit; False when there was nothing to do."""
    fence = leases.claim(Send, pk, LEASE)
    if fence is None:
        return False
    item = Send.objects.select_related("summary__organisation", "recipient").get(pk=pk)
    kind = Kind(item.kind)
    member = (
        Membership.objects.filter(organisation=item.organisation_id, user=item.recipient_id, user__is_active=True)
        .select_related("user", "organisation", "reader")
        .first()
    )
    letter = mail.compose(item.summary, member, accounts_of(member)) if member and lists.wants(member, kind) else None
    try:
        with transaction.atomic():
            message = None
            if member is not None and letter is not None:
                key = f"{item.kind}:{item.organisation_id}:{item.period}:{item.recipient_id}"
                message, _new = outbox.put(key, outbox.Person(member), letter, outbox.Purpose(item.kind))
            if not leases.finish(Send, pk, fence, message=message):
                raise _Lost
    except _Lost:
        return False
    return True


def accounts_of(member: Membership) -> set[int] | None:
    """The seller accounts a member chose to read about; None is all, also of those that come later."""
    reader: Reader | None = getattr(member, "reader", None)
    chosen = set(reader.accounts.values_list("pk", flat=True)) if reader else set()
    return chosen or None
