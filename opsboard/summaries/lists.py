"""Who gets which mail, and the way out of each list by itself."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_noop

from opsboard.accounts.models import Membership, Organisation, Role
from opsboard.alerts import mailings
from opsboard.alerts.models import OutboxMessage

from .models import Kind, Reader, Schedule

_SALT = "opsboard.summaries.unsubscribe"
TURNED_OFF = gettext_noop("Turned summary mails off before it was sent")


def register() -> None:
    """Tell the outbox about the two lists."""
    for kind in Kind:
        mailings.register(
            OutboxMessage.Purpose(kind.value),
            mailings.Mailing(
                lambda member, kind=kind: wants(member, kind),  # type: ignore[misc]
                lambda member, kind=kind: unsubscribe_url(member, kind),  # type: ignore[misc]
                TURNED_OFF,
            ),
        )


def wants(member: Membership, kind: Kind, schedule: Schedule | None = None) -> bool:
    """Whether a member gets a list: as they chose or, of the weekly one, as their role has it.

    The daily brief is a mail a day: only who asked for it gets it.
    """
    reader: Reader | None = getattr(member, "reader", None)
    if kind == Kind.DAILY:
        return reader is not None and reader.daily and member.at_least(Role.OPERATOR)
    if reader is not None and reader.weekly is not None:
        return reader.weekly
    schedule = schedule or Schedule.objects.filter(organisation=member.organisation_id).first()
    return schedule is not None and member.at_least(Role(schedule.role))


def readers(organisation: Organisation | int, kind: Kind, schedule: Schedule) -> Iterator[Membership]:
    """The active members who get a list now."""
    members = Membership.objects.filter(organisation=organisation, user__is_active=True)
    for member in members.select_related("user", "reader", "organisation").order_by("id"):
        if wants(member, kind, schedule):
            yield member


def stop(member: Membership, kind: Kind) -> None:
    """Take a member off one list; the others and the alerts stay."""
    with transaction.atomic():
        reader, _new = Reader.objects.select_for_update().get_or_create(membership=member)
        setattr(reader, kind.value, False)
        reader.save(update_fields=[kind.value])


def unsubscribe_url(member: Membership, kind: Kind) -> str:
    token = signing.dumps([member.pk, kind.value], salt=_SALT)
    return settings.BASE_URL + reverse("summaries:unsubscribe", args=[token])


def member_of(token: str) -> tuple[Membership, Kind] | None:
    """The membership and list a signed token is about; None for a forged or outlived one."""
    try:
        pk, kind = signing.loads(token, salt=_SALT)
        kind = Kind(kind)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    member = Membership.objects.select_related("user", "organisation", "reader").filter(pk=pk).first()
    return (member, kind) if member else None
