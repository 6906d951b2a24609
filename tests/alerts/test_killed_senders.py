"""Senders struck down at any moment: no mail is lost, and a second copy says that it is one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from opsboard.alerts import outbox
from opsboard.alerts.models import OutboxMessage
from tests.factories import make_org, make_user

from .postbox import Postbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
MAILS, KILLS = 120, 12

# A worker as Celery runs it: takes what is due, one mail after the other, until it is killed.
_WORKER = """
import sys, time, django
django.setup()
from django.conf import settings
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(sys.argv[1])
from django.urls import reverse
from opsboard.alerts import outbox
outbox.LEASE = 1
reverse("alerts:index")  # a worker that has been up for a while
print("ready", flush=True)
while True:
    for pk in list(outbox.due().values_list("pk", flat=True)):
        outbox.deliver(pk)
    time.sleep(0.02)
"""


def database_url() -> str:
    """The tests' own database, for a process of its own."""
    parameters = connection.get_connection_params()
    host, name = str(parameters.get("host", "")), parameters["dbname"]
    user = f"{parameters.get('user', '')}:{parameters.get('password') or ''}@"
    address = f"{user}/{name}?host={host}" if host.startswith("/") else f"{user}{host}:{parameters['port']}/{name}"
    return f"postgresql://{address}"


def worker(port: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "opsboard.settings",
        "LOG_LEVEL": "CRITICAL",
    }
    command = [sys.executable, "-c", _WORKER, str(port)]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "ready\n"
    return running


def test_no_mail_is_lost_and_at_most_one_flagged_copy_a_kill(postbox: Postbox) -> None:
    organisation = make_org()
    person = make_user(organisation)
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            dedupe_key=f"opened:{n}",
            organisation=organisation,
            recipient=person,
            address=person.email,
            subject=f"Breach {n}",
            text="It is over the line.",
            html="<p>It is over the line.</p>",
            message_id=outbox.message_id(f"opened:{n}"),
        )
        for n in range(MAILS)
    )
    postbox.slow = 0.02  # most kills fall between the server's taking a mail and the sender's hearing so
    chance = random.Random(20261123)
    kills = 0
    while kills < KILLS and len({mail["Message-ID"] for mail in postbox.mails}) < MAILS:
        running = worker(postbox.port)
        time.sleep(chance.uniform(0.0, 0.25))
        running.kill()
        running.wait()
        kills += 1
    last = worker(postbox.port)
    until = time.monotonic() + 60
    while OutboxMessage.objects.filter(finished_at=None).exists() and time.monotonic() < until:
        time.sleep(0.1)
    last.kill()
    last.wait()

    copies = Counter(mail["Message-ID"] for mail in postbox.mails)
    assert len(copies) == MAILS, "lost"
    assert sum(copies.values()) - MAILS <= kills
    assert max(copies.values()) <= 2
    first_copies = {mail["Message-ID"] for mail in postbox.mails if mail["X-Opsboard-Attempt"] is None}
    flagged = [mail for mail in postbox.mails if mail["X-Opsboard-Attempt"] is not None]
    assert len(postbox.mails) - len(flagged) == len(first_copies), "a second copy that does not say so"
    assert set(OutboxMessage.objects.values_list("state", flat=True)) == {"sent"}
    print(f"{kills} kills, {sum(copies.values()) - MAILS} second copies, {len(flagged)} flagged")
