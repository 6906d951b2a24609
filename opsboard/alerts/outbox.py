"""The outbox: mails committed with what they are about, then sent until the server takes them.

Promise: none is lost, and at most one flagged duplicate a crash. `sending` is committed before
DATA and `sent` after the server's 250; a sender that dies in between leaves its lease, and the
next one sends the same Message-ID again with X-Opsboard-Attempt: 2. (SMTP cannot do better:
the server's answer and our commit are two events.)
"""

from __future__ import annotations

import hashlib
import smtplib
from email.utils import parseaddr

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import Membership
from opsboard.feeds import dispatch, leases

from . import mail
from .models import Episode, OutboxMessage

#: Seconds before the next try after the server could not be reached or said "later", then doubled.
FIRST_WAIT, LONGEST_WAIT = 15, 1800
LEASE = 120

log = structlog.get_logger(__name__)


def enqueue(episodes: list[Episode], member: Membership) -> OutboxMessage:
    """Put one letter about `episodes` to `member` into the outbox, once; sent after the commit."""
    ids = sorted(episode.pk for episode in episodes)
    key = f"opened:{'-'.join(map(str, ids))}:{member.user_id}"
    if len(key) > 200:
        key = f"opened:{hashlib.sha256(key.encode()).hexdigest()}:{member.user_id}"
    letter = mail.compose(episodes, member)
    message, is_new = OutboxMessage.objects.get_or_create(
        dedupe_key=key,
        defaults={
            "organisation": member.organisation,
            "recipient": member.user,
            "address": member.user.email,
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "message_id": message_id(key),
        },
    )
    if is_new:
        message.episodes.set(episodes)
        transaction.on_commit(lambda: dispatch.hint("opsboard.alerts.deliver", (message.pk,)))
    return message


def message_id(key: str) -> str:
    """Made of the key alone: every copy of a letter carries the same one."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def due() -> models.QuerySet[OutboxMessage]:
    free = models.Q(lease_until=None) | models.Q(lease_until__lt=Now())
    return OutboxMessage.objects.filter(free, finished_at=None, not_before__lte=Now()).order_by("id")


def deliver(pk: int) -> bool:
    """Claim and send one message; False when there was nothing for us to do."""
    fence = leases.claim(OutboxMessage, pk, LEASE)
    if fence is None:
        return False
    message = OutboxMessage.objects.select_related("organisation", "recipient").get(pk=pk)
    member = Membership.objects.filter(organisation=message.organisation, user=message.recipient).first()
    if member is None or not message.recipient.is_active:
        leases.finish(OutboxMessage, pk, fence, state=OutboxMessage.State.FAILED, answer=_("No longer a member"))
        return True
    tries = message.tries + 1
    if not leases.write(OutboxMessage, pk, fence, state=OutboxMessage.State.SENDING, tries=tries):
        return False
    try:
        _send(message, tries, member)
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        _refused(message, fence, code, answer)
    except smtplib.SMTPResponseException as error:
        _refused(message, fence, error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        _later(message, fence, f"{type(error).__name__}: {error}")
    else:
        leases.finish(
            OutboxMessage, pk, fence, state=OutboxMessage.State.SENT, sent_at=timezone.now(), answer="250"
        )
    return True


def _send(message: OutboxMessage, tries: int, member: Membership) -> None:
    headers = {
        "Message-ID": message.message_id,
        "List-Unsubscribe": f"<{mail.unsubscribe_url(member)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    if tries > 1:
        headers["X-Opsboard-Attempt"] = str(tries)
    letter = EmailMultiAlternatives(
        message.subject, message.text, settings.DEFAULT_FROM_EMAIL, [message.address], headers=headers
    )
    letter.attach_alternative(message.html, "text/html")
    with get_connection() as smtp:
        smtp.send_messages([letter])


def _refused(message: OutboxMessage, fence: int, code: int, answer: bytes | str) -> None:
    words = answer.decode(errors="backslashreplace") if isinstance(answer, bytes) else answer
    said = f"{code} {words}"[:500]
    if 500 <= code < 600:
        log.warning("mail_refused", message=message.pk, code=code)
        leases.finish(OutboxMessage, message.pk, fence, state=OutboxMessage.State.FAILED, answer=said)
    else:
        _later(message, fence, said)


def _later(message: OutboxMessage, fence: int, said: str) -> None:
    """Park it: waiting for a mail server is no failure of the message and never sets it aside."""
    wait = min(FIRST_WAIT * 2 ** min(message.tries, 10), LONGEST_WAIT)
    leases.park(OutboxMessage, message.pk, fence, wait, state=OutboxMessage.State.WAITING, answer=said[:500])


def wake() -> None:
    """Hint at every due message (called at each tick)."""
    for pk in due().values_list("pk", flat=True)[:200]:
        dispatch.hint("opsboard.alerts.deliver", (pk,), expires=60)
