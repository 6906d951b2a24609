"""PostgreSQL struck down, out of connections, and disks that are full."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from django.db import connections

from opsboard.feeds.models import Fetch, Ingest

from .conftest import Faulty
from .house import LEASE, OLDEST_MOVING, ROOT, SALES, House, wait_for
from .invariants import check
from .plant import keep, limit, sales_document
from .record import times

DATABASE = "Database and disk"
RECOVERED = LEASE + 60


def test_postgres_struck_down_while_documents_are_read_loses_nothing(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "PostgreSQL stopped at once (`pg_ctl stop -m immediate`) in the middle of work")
    tenants = [house.tenant("NA"), house.tenant("EU")]
    limit(tenants[0], "buy_box", "0.999")
    chance = random.Random(5)
    with house.at_work(1):
        for number in range(times(10, 60)):
            for tenant in tenants:
                house.ask(tenant, range(OLDEST_MOVING + 3 * number, OLDEST_MOVING + 3 * number + 3))
            time.sleep(chance.uniform(0.1, 0.8))
            house.restart_postgres(down=chance.uniform(0.0, times(1, 10)))
            found.tried += 1
            found.recovery.append(house.settle(RECOVERED))
    check(house, found, tenants, kills_of_senders=found.tried)


def test_without_its_database_the_web_server_says_so_at_once_and_recovers_by_itself(
    house: House, fault: Faulty
) -> None:
    found = fault(DATABASE, "PostgreSQL gone: the pages say so, and come back by themselves")
    tenant = house.tenant()
    cookie = tenant.cookie()
    house.web()
    for _ in range(times(2, 10)):
        assert house.get("/data/", cookie=cookie)[0] == 200
        connections.close_all()
        server = house.services.postgres
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        for page in ("/data/", "/", "/accounts/login/", "/readyz"):
            started = time.monotonic()
            status, text = house.get(page, cookie=cookie)
            assert status == 503, (page, status, text[:300])
            assert "Traceback" not in text
            assert time.monotonic() - started < 2 + 3  # two seconds; the rest is this machine's
        time.sleep(times(0, 60))
        house.services.look_after()
        found.tried += 1
        back = wait_for(lambda: house.get("/data/", cookie=cookie)[0] == 200, 30, "the pages to come back")
        assert back < 5 + 5
        found.recovery.append(back)
    check(house, found, [tenant])


def test_connections_to_postgres_that_break_or_fall_silent_lose_nothing(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "Connections to PostgreSQL reset in the middle of work")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    chance = random.Random(6)
    with house.at_work(1):
        for number in range(times(10, 100)):
            house.ask(tenant, range(OLDEST_MOVING + 2 * number, OLDEST_MOVING + 2 * number + 2))
            time.sleep(chance.uniform(0.1, 0.6))
            house.way_to_database.reset()
            found.tried += 1
            found.recovery.append(house.settle(RECOVERED))
    check(house, found, [tenant], kills_of_senders=found.tried)


WAITS_FOR_A_ROW = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"


def test_work_that_a_deadlock_ended_is_done_again(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "A deadlock between an ingest and somebody else: the ingest is the victim")
    tenant = house.tenant()
    shop = tenant.account.pk * 1000 + tenant.scope.marketplace_id
    with house.at_work(1) as (worker,):
        for number in range(times(6, 30)):  # now and then the other one is the victim, and that is no try
            day = tenant.day(OLDEST_MOVING + number)
            tenant.asked.add(day)
            keep(house, tenant, sales_document(house, tenant, day, share=0.8), day)
            house.settle(RECOVERED)
            victims = worker.said().count("deadlock detected")
            with closing(psycopg2.connect(dbname="opsboard", host=str(house.sockets), user="postgres")) as other:
                cursor = other.cursor()
                cursor.execute("SET LOCAL deadlock_timeout = '5s'")  # a worker has one second
                mine = "FROM listings_salesday WHERE account_id = %s AND date = %s FOR UPDATE"
                cursor.execute(f"SELECT 1 {mine}", [tenant.account.pk, day])
                keep(house, tenant, sales_document(house, tenant, day), day)
                wait_for(lambda: house.sql(WAITS_FOR_A_ROW), 30, "the worker to wait for us", 0.02)
                try:
                    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sales_by_date'), %s)", [shop])
                except psycopg2.errors.DeadlockDetected:
                    pass
                other.rollback()
            recovered = house.settle(RECOVERED)
            if worker.said().count("deadlock detected") > victims:
                found.tried += 1
                found.recovery.append(recovered)
            if found.tried == times(2, 10):
                break
    assert found.tried == times(2, 10)
    ended = Ingest.objects.filter(document__account=tenant.account)
    assert set(ended.values_list("state", flat=True)) == {"applied"}
    assert max(ended.values_list("attempts", flat=True)) <= 3
    check(house, found, [tenant])


def test_too_few_connections_make_pages_wait_or_refuse_but_not_hang(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "40 readers at once and 15 connections")
    tenant = house.tenant()
    cookie = tenant.cookie()
    house.restart_postgres(max_connections="15")
    house.web()
    slowest = 0.0
    answers: list[int] = []
    lock = threading.Lock()

    def look(_: int) -> None:
        nonlocal slowest
        started = time.monotonic()
        status, _text = house.get("/data/", cookie=cookie)
        with lock:
            slowest = max(slowest, time.monotonic() - started)
            answers.append(status)

    with house.at_work(1):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + 10))
        with ThreadPoolExecutor(40) as readers:
            list(readers.map(look, range(times(80, 800))))
        found.tried = len(answers)
        found.recovery.append(house.settle(RECOVERED))
    assert set(answers) <= {200, 503}, answers
    assert answers.count(200) > len(answers) / 2
    assert slowest < 10
    check(house, found, [tenant])


_LIMITS = """
import json
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT name, setting::int FROM pg_settings WHERE name LIKE '%timeout'")
    print(json.dumps(dict(cursor.fetchall())))
"""


def test_statements_and_idle_transactions_have_an_end(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "Statements and transactions that never end: both have a limit")
    tenant = house.tenant()
    shown = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", _LIMITS],
        cwd=ROOT, env=house.env, capture_output=True, text=True,
    )  # fmt: skip
    limits = json.loads(shown.stdout.splitlines()[-1])
    found.tried = 2
    assert limits["statement_timeout"] > 0
    assert limits["idle_in_transaction_session_timeout"] > 0
    check(house, found, [tenant])


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """A file system of so many megabytes at `place`; skipped where nobody may mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(file: Path) -> None:
    """Write until there is no room."""
    out = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(out, b"\0" * 4096):
            pass
    except OSError:
        pass
    finally:
        os.close(out)


@contextmanager
def no_room(house: House) -> Iterator[Path]:
    """The documents on a disk of 32 MB, with what was there before; what fills it is yielded."""
    documents = house.data.path / "documents"
    kept = documents.with_name("documents.before")
    documents.rename(kept)
    try:
        with small_disk(documents, 32):
            subprocess.run(["cp", "-a", f"{kept}/.", str(documents)], check=True)
            try:
                yield documents / ".ballast"
            finally:
                house.dismiss_all()
                (documents / ".ballast").unlink(missing_ok=True)
                subprocess.run(["cp", "-a", f"{documents}/.", str(kept)], check=True)
    finally:
        if documents.exists():
            documents.rmdir()
        kept.rename(documents)


#: Days no other test fetches: the same bytes are stored once, and need no room the second time.
UNSEEN = 200


def test_a_full_disk_parks_the_work_keeps_the_pages_and_goes_on_when_there_is_room(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "The disk of the documents is full (32 MB)")
    tenant = house.tenant("FE")
    with no_room(house) as ballast:
        with house.at_work(1):
            for number in range(times(2, 10)):
                fill(ballast)
                house.ask(tenant, range(UNSEEN + 4 * number, UNSEEN + 4 * number + 4))
                parked = Fetch.objects.filter(account=tenant.account, reason__contains="disk is full")
                wait_for(parked.exists, 30, "a fetch to be parked")
                assert {tenant.signed_in().get(page).status_code for page in ("/", "/data/")} == {200}
                time.sleep(1)
                ballast.unlink()
                found.tried += 1
                found.recovery.append(house.settle(RECOVERED))
        assert not Fetch.objects.filter(account=tenant.account, state__in=["failed", "quarantined"]).exists()
        check(house, found, [tenant])


def test_the_data_page_says_that_the_disk_is_full(house: House, fault: Faulty) -> None:
    found = fault(DATABASE, "The disk of the documents is full: the Data page says so")
    tenant = house.tenant("FE", SALES)
    with no_room(house) as ballast:
        with house.at_work(1):
            fill(ballast)
            house.ask(tenant, [UNSEEN + 100])
            parked = Fetch.objects.filter(account=tenant.account, reason__contains="disk is full")
            wait_for(parked.exists, 30, "a fetch to be parked")
            said = tenant.read("/data/")
            ballast.unlink()
            found.tried = 1
            found.recovery.append(house.settle(RECOVERED))
        assert "disk is full" in said
        check(house, found, [tenant])
