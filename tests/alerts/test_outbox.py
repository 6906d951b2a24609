"""Mails arrive: through crashes, refusals and servers that are away."""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Membership
from opsboard.alerts import outbox
from opsboard.alerts.models import OutboxMessage
from tests.factories import make_seller, make_user

from .postbox import Postbox, running

pytestmark = pytest.mark.django_db(transaction=True)
Acos = Callable[[AccountMarketplace, int], int]
ROOT = Path(__file__).resolve().parents[2]
State = OutboxMessage.State


@pytest.fixture
def message(acos: Acos) -> OutboxMessage:
    """One alert mail that waits to be sent."""
    _user, (scope,) = make_seller(("US",))
    acos(scope, 40)
    return OutboxMessage.objects.get()


def later(**fields: object) -> None:
    """Time passes: every wait and lease is over."""
    past = timezone.now() - timedelta(seconds=1)
    OutboxMessage.objects.filter(finished_at=None).update(not_before=past, **fields)
    OutboxMessage.objects.exclude(lease_until=None).update(lease_until=past)


def test_a_mail_is_sent_once_and_keeps_the_servers_answer(message: OutboxMessage, postbox: Postbox) -> None:
    assert outbox.deliver(message.pk)
    assert not outbox.deliver(message.pk)

    message.refresh_from_db()
    assert (message.state, message.answer, message.tries) == (State.SENT, "250 2.0.0 Ok: queued as 4XyZ", 1)
    assert message.sent_at and message.finished_at
    (mail,) = postbox.mails
    assert mail["Message-ID"] == message.message_id
    assert mail["To"] == message.address
    assert mail["X-Opsboard-Attempt"] is None
    assert mail["List-Unsubscribe"].strip().startswith("<https://ops.example.com/alerts/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_sending_is_committed_before_the_server_hears_of_it(
    message: OutboxMessage, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(*_arguments: object) -> None:
        row = OutboxMessage.objects.get()
        assert not connection.in_atomic_block
        seen.append((row.state, row.tries))
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    monkeypatch.setattr("smtplib.SMTP.sendmail", look)
    outbox.deliver(message.pk)

    assert seen == [(State.SENDING, 1)]


def test_a_sender_killed_after_data_sends_one_flagged_copy_with_the_same_id(
    message: OutboxMessage, postbox: Postbox
) -> None:
    # A real process, killed by the server the moment its mail was taken and before it hears "250".
    database = connection.settings_dict
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.readline(); " + _SENDER, str(message.pk), str(postbox.port)],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
            if str(database["HOST"]).startswith("/")
            else f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
            f"/{database['NAME']}",
            "DEFAULT_FROM_EMAIL": "opsboard <alerts@ops.example.com>",
        },
    )
    postbox.kill = child.pid
    child.communicate(b"go\n", timeout=60)
    assert child.returncode == -9
    postbox.kill = 0
    message.refresh_from_db()
    assert (message.state, message.sent_at) == (State.SENDING, None)
    assert not outbox.deliver(message.pk)  # the dead sender's lease still holds

    later()
    assert outbox.deliver(message.pk)
    assert not outbox.deliver(message.pk)

    first, copy = postbox.mails
    assert first["Message-ID"] == copy["Message-ID"] == message.message_id
    assert (first["X-Opsboard-Attempt"], copy["X-Opsboard-Attempt"]) == (None, "2")
    message.refresh_from_db()
    assert (message.state, message.tries) == (State.SENT, 2)


_SENDER = """
import os, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsboard.settings")
from django.conf import settings
django.setup()
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(sys.argv[2])
from opsboard.alerts import outbox
outbox.deliver(int(sys.argv[1]))
"""


def test_a_mail_server_that_is_away_costs_time_and_nothing_else(message: OutboxMessage, mail_settings: Postbox) -> None:
    for _ in range(6):
        assert outbox.deliver(message.pk)
        assert not outbox.deliver(message.pk)  # it waits
        later()

    message.refresh_from_db()
    assert (message.state, message.attempts, message.tries) == (State.WAITING, 0, 0)
    assert "refused" in message.answer.lower()

    with running(mail_settings):
        outbox.deliver(message.pk)
    (mail,) = mail_settings.mails
    assert mail["X-Opsboard-Attempt"] is None  # nothing was ever handed over before


def test_the_wait_grows_and_is_never_longer_than_half_an_hour(message: OutboxMessage) -> None:
    waits = []
    for age in (0, 60, 600, 86400):
        later(due_at=timezone.now() - timedelta(seconds=age))
        before = timezone.now()
        outbox.deliver(message.pk)
        message.refresh_from_db()
        waits.append(round((message.not_before - before).total_seconds()))

    assert waits == [15, 60, 600, 1800]


def test_a_server_that_refuses_for_good_ends_it_visibly(message: OutboxMessage, postbox: Postbox) -> None:
    postbox.to_recipient = lambda _address: "550 5.1.1 no such user here"

    outbox.deliver(message.pk)
    later()

    assert not outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.FAILED, "550 5.1.1 no such user here")
    assert message.finished_at and postbox.mails == []


@pytest.mark.parametrize("stage", ["recipient", "data"])
def test_a_server_that_says_later_is_asked_later(message: OutboxMessage, postbox: Postbox, stage: str) -> None:
    if stage == "recipient":
        postbox.to_recipient = lambda _address: "451 4.7.1 greylisted, try again"
    else:
        postbox.to_data = "452 4.3.1 no space"
    outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.tries, message.answer[:3]) == (State.WAITING, 0, message.answer[:3])
    assert message.answer[:2] == "45"
    postbox.mails.clear()

    postbox.to_recipient, postbox.to_data = lambda _address: "250 OK", "250 taken"
    later()
    outbox.deliver(message.pk)

    (mail,) = postbox.mails
    assert mail["X-Opsboard-Attempt"] is None  # the server had said no: this is the first copy


def test_a_server_that_does_not_let_us_in_fails_no_mail(
    message: OutboxMessage, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"5.7.8 authentication failed")

    with monkeypatch.context() as broken:
        broken.setattr("smtplib.SMTP.ehlo_or_helo_if_needed", refuse)
        broken.setattr("django.core.mail.backends.smtp.EmailBackend.open", refuse)
        outbox.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.WAITING, "535 5.7.8 authentication failed")

    later()
    outbox.deliver(message.pk)
    assert len(postbox.mails) == 1


def test_one_bad_address_of_three_hurts_only_itself(acos: Acos, postbox: Postbox) -> None:
    user, (scope,) = make_seller(("US",))
    for _ in range(2):
        make_user(scope.account.organisation)
    postbox.to_recipient = lambda address: "550 unknown" if address == user.email else "250 OK"
    acos(scope, 40)

    for pk in OutboxMessage.objects.values_list("pk", flat=True):
        outbox.deliver(pk)

    assert sorted(OutboxMessage.objects.values_list("state", flat=True)) == ["failed", "sent", "sent"]
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 2


def test_who_left_or_said_stop_gets_no_more(acos: Acos, postbox: Postbox) -> None:
    leaver, (scope,) = make_seller(("US",))
    quiet = make_user(scope.account.organisation)
    acos(scope, 40)
    Membership.objects.filter(user=leaver).delete()
    Membership.objects.filter(user=quiet).update(mail_alerts=False)

    for pk in OutboxMessage.objects.values_list("pk", flat=True):
        outbox.deliver(pk)

    assert postbox.mails == []
    assert set(OutboxMessage.objects.values_list("answer", flat=True)) == {outbox.NO_MEMBER, outbox.MAILS_OFF}


def test_the_tick_finds_what_no_message_told_of(message: OutboxMessage, hints: list[object]) -> None:
    hints.clear()

    outbox.wake()

    assert hints == [("opsboard.alerts.deliver", (message.pk,))]
    OutboxMessage.objects.update(not_before=timezone.now() + timedelta(minutes=5))
    outbox.wake()
    assert len(hints) == 1
