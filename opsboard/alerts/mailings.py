"""The lists a mail may belong to: whether a person still wants it, and the way out of this one list only.

Rooms above add theirs from AppConfig.ready; the outbox asks again just before it sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from opsboard.accounts.models import Membership

from . import mail
from .models import OutboxMessage

MAILS_OFF = gettext_noop("Turned alert mails off before it was sent")


@dataclass(frozen=True, slots=True)
class Mailing:
    wanted: Callable[[Membership], bool]
    unsubscribe_url: Callable[[Membership], str]
    #: Why a mail was not sent to somebody who left the list; shown translated.
    turned_off: str


_ALERTS = Mailing(lambda member: member.mail_alerts, mail.unsubscribe_url, MAILS_OFF)
_others: dict[str, Mailing] = {}


def register(purpose: OutboxMessage.Purpose, mailing: Mailing) -> None:
    """Letters of this purpose are a list of their own, not alerts."""
    _others[purpose.value] = mailing


def of(message: OutboxMessage) -> Mailing:
    """The list of a message."""
    return _others.get(message.purpose, _ALERTS)
