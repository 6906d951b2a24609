"""Workers struck down between freezing, owing and posting: nobody is forgotten, nobody gets a week twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from opsboard.accounts.models import Role
from opsboard.alerts.models import OutboxMessage
from opsboard.summaries.models import Schedule, Send, Summary
from tests.factories import make_account, make_org, make_scope, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
ORGANISATIONS, PEOPLE, KILLS = 4, 15, 14
NOW = datetime(2026, 10, 27, 9, tzinfo=UTC)

# A dispatcher and a worker in one, until it is killed; hints have nowhere to go.
_WORKER = """
import time, django
django.setup()
from datetime import UTC, datetime
from opsboard.feeds import dispatch
from opsboard.summaries import work
dispatch.hint = lambda *args, **more: True
work.LEASE = 1
print("ready", flush=True)
while True:
    work.plan(datetime(2026, 10, 27, 9, tzinfo=UTC))
    work.work()
    time.sleep(0.02)
"""


def worker() -> subprocess.Popen[str]:
    parameters = connection.get_connection_params()
    host, name = str(parameters.get("host", "")), parameters["dbname"]
    user = f"{parameters.get('user', '')}:{parameters.get('password') or ''}@"
    address = f"{user}/{name}?host={host}" if host.startswith("/") else f"{user}{host}:{parameters['port']}/{name}"
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{address}",
        "DJANGO_SETTINGS_MODULE": "opsboard.settings",
        "LOG_LEVEL": "CRITICAL",
        "OPSBOARD_HINTS": "0",
    }
    command = [sys.executable, "-c", _WORKER]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "ready\n"
    return running


def test_everybody_is_owed_one_letter_however_often_workers_die() -> None:
    for _number in range(ORGANISATIONS):
        organisation = make_org()
        make_scope(make_account(organisation, region="EU"), "DE")
        Schedule.objects.create(
            organisation=organisation, zone_name="Europe/Berlin", since=datetime(2026, 1, 1, tzinfo=UTC)
        )
        for _person in range(PEOPLE):
            make_user(organisation, Role.MANAGER)
    chance = random.Random(20261124)
    kills = 0
    while kills < KILLS and OutboxMessage.objects.count() < ORGANISATIONS * PEOPLE:
        running = worker()
        time.sleep(chance.uniform(0.0, 0.3))
        running.kill()
        running.wait()
        kills += 1
    last = worker()
    until = time.monotonic() + 60
    while OutboxMessage.objects.count() < ORGANISATIONS * PEOPLE and time.monotonic() < until:
        time.sleep(0.1)
    last.kill()
    last.wait()

    assert Summary.objects.count() == ORGANISATIONS
    owed = Counter(Send.objects.values_list("recipient", "period"))
    assert len(owed) == ORGANISATIONS * PEOPLE and set(owed.values()) == {1}
    assert Counter(OutboxMessage.objects.values_list("recipient", flat=True)).total() == ORGANISATIONS * PEOPLE
    print(f"{kills} kills")
