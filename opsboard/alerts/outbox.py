"""The outbox: mails committed with what they are about, then sent until the server takes them.

Promise: none is lost, and at most one flagged duplicate a crash. `sending` is committed before
DATA and `sent` after the server's 250; a sender that dies in between leaves its lease, and the
next one sends the same Message-ID again with X-Opsboard-Attempt: 2. (SMTP cannot do better:
the server's answer and our commit are two events.) A server that is away, busy (4xx) or does not
let us in makes the message wait; one that refuses it (5xx) ends it, with the answer on screen.
"""

from __future__ import annotations

import hashlib
import smtplib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop

from opsboard.accounts.models import Membership
from opsboard.feeds import dispatch, leases

from . import channels, mail, mailings
from .addressees import Addressee, Person, Place
from .models import Channel, Episode, OutboxMessage

#: Seconds before the next try after the server could not be reached or said "later": doubling, within these.
FIRST_WAIT, LONGEST_WAIT = 15, 1800
#: Longer than a slow server may take for connecting, and again for taking the mail (EMAIL_TIMEOUT a step).
LEASE = 6 * settings.EMAIL_TIMEOUT
#: A letter older than this says that it is late; a post to a channel is given up after so long.
LATE, GIVE_UP_POSTING = timedelta(hours=24), timedelta(days=3)
#: Why a message was not sent at all; shown translated.
NO_MEMBER = gettext_noop("No longer a member")
MAILS_OFF = mailings.MAILS_OFF

Purpose = OutboxMessage.Purpose
_DJANGO_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_REMEMBERING = "opsboard.alerts.smtp.EmailBackend"

__all__ = ["Addressee", "Person", "Place", "deliver", "due", "enqueue", "join", "message_id", "put", "wake"]

log = structlog.get_logger(__name__)


def enqueue(
    episodes: Sequence[Episode],
    to: Addressee,
    purpose: Purpose = Purpose.OPENED,
    *,
    lead: Callable[[], str] = str,
    about: str = "",
    due: datetime | None = None,
    urgent: bool = False,
) -> OutboxMessage:
    """Put one letter about `episodes` to `to` into the outbox, once; sent after the commit, or from `due` on.

    `about` tells letters of one purpose about the same episodes apart; `lead` says in the reader's language why
    the letter comes.
    """
    told = about or "-".join(str(pk) for pk in sorted(episode.pk for episode in episodes))
    key = f"{purpose.value}:{told}:{to.key}"
    if len(key) > 200:
        key = f"{purpose.value}:{hashlib.sha256(key.encode()).hexdigest()}:{to.key}"
    message, is_new = put(key, to, to.compose(episodes, purpose, lead), purpose, due=due, urgent=urgent)
    if is_new:
        first = to.messages().filter(episodes__in=list(episodes)).order_by("id").first()
        if first is not None:
            OutboxMessage.objects.filter(pk=message.pk).update(thread=first.message_id)
        message.episodes.set(episodes)
    return message


def put(
    key: str, to: Addressee, letter: mail.Letter, purpose: Purpose, *, due: datetime | None = None, urgent: bool = False
) -> tuple[OutboxMessage, bool]:
    """Keep a letter under its key, once; (message, whether it is new)."""
    now = timezone.now()
    held = {"not_before": due} if due is not None and due > now else {}  # "at once" is by the database's clock
    message, is_new = OutboxMessage.objects.get_or_create(
        dedupe_key=key,
        defaults={
            **to.fields(),
            "purpose": purpose,
            "urgent": urgent,
            "due_at": due or now,
            **held,
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "message_id": message_id(key),
        },
    )
    if is_new:
        transaction.on_commit(lambda: dispatch.hint("opsboard.alerts.deliver", (message.pk,)))
    return message, is_new


def join(message: OutboxMessage, to: Addressee, episodes: Sequence[Episode], lead: Callable[[], str]) -> None:
    """Tell of further episodes in a letter that nobody has begun to send; its row must be locked."""
    message.episodes.add(*episodes)
    letter = to.compose(list(message.episodes.select_related("account", "marketplace")), message.purpose, lead)  # type: ignore[arg-type]
    message.subject, message.text, message.html = letter.subject, letter.text, letter.html
    message.save(update_fields=["subject", "text", "html"])


def message_id(key: str) -> str:
    """Made of the key alone: every copy of a letter carries the same one."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def due() -> models.QuerySet[OutboxMessage]:
    """Messages to be sent now. One that cost a sender its life comes last, so it cannot cost three in a row."""
    free = models.Q(lease_until=None) | models.Q(lease_until__lt=Now())
    return OutboxMessage.objects.filter(free, finished_at=None, not_before__lte=Now()).order_by("attempts", "id")


def deliver(pk: int) -> bool:
    """Claim and send one message; False when there was nothing for us to do."""
    fence = leases.claim(OutboxMessage, pk, LEASE)
    if fence is None:
        return False
    message = OutboxMessage.objects.select_related("organisation", "recipient", "channel").get(pk=pk)
    if message.channel is not None:
        _post(message, message.channel, fence)
        return True
    assert message.recipient is not None  # a message is to a person or to a channel
    member = Membership.objects.filter(organisation=message.organisation, user=message.recipient).first()
    wanted = member is not None and (mailings.of(message).wanted(member) or message.purpose == Purpose.TEST)
    if member is None or not message.recipient.is_active or not wanted:
        why = mailings.of(message).turned_off if member and message.recipient.is_active else NO_MEMBER
        leases.finish(OutboxMessage, pk, fence, state=OutboxMessage.State.FAILED, answer=why)
        return True
    try:
        session = _connect()
    except (OSError, smtplib.SMTPException) as error:  # unreachable, or it does not let us in: not the mail's fault
        _later(message, fence, _said(error))
        return True
    with session:
        _hand_over(message, fence, member, session)
    return True


def _post(message: OutboxMessage, channel: Channel, fence: int) -> None:
    """The same order as for mail: `sending` is committed before anything leaves, the answer after it."""
    tries = message.tries + 1
    if not leases.renew(OutboxMessage, message.pk, fence, LEASE) or not leases.write(
        OutboxMessage, message.pk, fence, state=OutboxMessage.State.SENDING, tries=tries
    ):
        return
    answer = channels.post(channel, message)
    if answer.taken:
        sent = {"state": OutboxMessage.State.SENT, "sent_at": timezone.now(), "answer": answer.said}
        leases.finish(OutboxMessage, message.pk, fence, **sent)
    elif answer.for_good or timezone.now() - message.due_at > GIVE_UP_POSTING:
        leases.finish(OutboxMessage, message.pk, fence, state=OutboxMessage.State.FAILED, answer=answer.said)
    else:
        _later(message, fence, answer.said)


def _connect() -> BaseEmailBackend:
    """A session with the mail server, signed in, before anything about the message is said."""
    backend = settings.EMAIL_BACKEND
    session: BaseEmailBackend = get_connection(_REMEMBERING if backend == _DJANGO_SMTP else backend)
    session.open()
    return session


def _hand_over(message: OutboxMessage, fence: int, member: Membership, session: BaseEmailBackend) -> None:
    tries = message.tries + 1
    letter = _letter(message, tries, member)  # before `sending` is committed: that window is to be short
    if not leases.renew(OutboxMessage, message.pk, fence, LEASE) or not leases.write(
        OutboxMessage, message.pk, fence, state=OutboxMessage.State.SENDING, tries=tries
    ):
        return
    try:
        session.send_messages([letter])
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        _refused(message, fence, _said(error), for_good=500 <= code < 600)
    except smtplib.SMTPSenderRefused as error:  # our address or our sign-in: the same for every mail
        _refused(message, fence, _said(error), for_good=False)
    except smtplib.SMTPResponseException as error:
        _refused(message, fence, _said(error), for_good=500 <= error.smtp_code < 600)
    except (OSError, smtplib.SMTPException) as error:  # nobody knows whether the server took it
        _later(message, fence, _said(error))
    else:
        answer = str(getattr(session, "last_answer", ""))[:500] or "250"
        leases.finish(
            OutboxMessage, message.pk, fence, state=OutboxMessage.State.SENT, sent_at=timezone.now(), answer=answer
        )


def _letter(message: OutboxMessage, tries: int, member: Membership) -> EmailMultiAlternatives:
    said = message
    if timezone.now() - message.due_at > LATE:
        written = mail.late(message, member.user.language)
        said = OutboxMessage(subject=written.subject, text=written.text, html=written.html)
    headers = {
        "Message-ID": message.message_id,
        "List-Unsubscribe": f"<{mailings.of(message).unsubscribe_url(member)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    if tries > 1:
        headers["X-Opsboard-Attempt"] = str(tries)
    if message.thread:
        headers["In-Reply-To"] = headers["References"] = message.thread
    letter = EmailMultiAlternatives(
        said.subject, said.text, settings.DEFAULT_FROM_EMAIL, [message.address], headers=headers
    )
    letter.attach_alternative(said.html, "text/html")
    return letter


def _said(error: Exception) -> str:
    """The server's own words, as they are kept and shown."""
    words: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, words = error.smtp_code, error.smtp_error
    else:
        return f"{type(error).__name__}: {error}"[:500]
    text = words.decode(errors="backslashreplace") if isinstance(words, bytes) else words
    return f"{code} {text}"[:500]


def _refused(message: OutboxMessage, fence: int, said: str, *, for_good: bool) -> None:
    """The server answered no, so this copy did not count: the next one is not flagged as a second."""
    if for_good:
        log.warning("mail_refused", message=message.pk, answer=said[:3])
        leases.finish(OutboxMessage, message.pk, fence, state=OutboxMessage.State.FAILED, answer=said)
    else:
        _later(message, fence, said, tries=message.tries)


def _later(message: OutboxMessage, fence: int, said: str, **fields: int) -> None:
    """Park it: waiting for a mail server is no failure of the message and never sets it aside."""
    age = (timezone.now() - message.due_at).total_seconds()
    wait = min(max(FIRST_WAIT, age), LONGEST_WAIT)  # as long again as it has waited so far
    leases.park(OutboxMessage, message.pk, fence, wait, state=OutboxMessage.State.WAITING, answer=said, **fields)


def wake() -> None:
    """Hint at every due message (called at each tick)."""
    for pk in due().values_list("pk", flat=True)[:200]:
        dispatch.hint("opsboard.alerts.deliver", (pk,))
