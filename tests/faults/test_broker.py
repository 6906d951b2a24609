"""Redis emptied, killed, short of memory, cut off: it carries hints, and rows are the truth."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from opsboard.feeds.models import Fetch

from .conftest import Faulty
from .house import LEASE, OLDEST_MOVING, ROOT, House, wait_for
from .invariants import check
from .plant import limit
from .proxy import Proxy
from .record import times

BROKER = "Redis"
RECOVERED = LEASE + 60
#: How soon somebody is told at the latest (row 10 allows two minutes; the house's own times are seconds).
WARNED = 120


@pytest.mark.quick
def test_redis_emptied_while_much_is_queued_costs_no_job(house: House, fault: Faulty) -> None:
    jobs = times(240, 500, few=24)
    found = fault(BROKER, f"FLUSHALL, again and again, while {jobs} jobs are due")
    tenants = [house.tenant(key) for key in ("NA", "EU", "FE", "NA")]
    limit(tenants[0], "buy_box", "0.999")
    for tenant in tenants:
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + jobs // 4))
    with house.at_work(1, kept=True):
        while Fetch.objects.filter(state="waiting").count() > jobs // 4:
            house.redis("FLUSHALL")
            found.tried += 1
            time.sleep(0.5)
        found.recovery.append(house.settle(120))
    check(house, found, tenants)


def test_redis_killed_for_a_while_costs_no_job_and_no_page(house: House, fault: Faulty) -> None:
    down = times(6, 600)
    found = fault(BROKER, f"Redis killed, gone for {down} s, back without its memory")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    cookie = tenant.cookie()
    house.web()
    with house.at_work(1, kept=True):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + 40))
        wait_for(lambda: Fetch.objects.filter(state="done").exists(), 30, "work to be under way")
        house.kill_redis()
        found.tried = 1
        until = time.monotonic() + down
        while time.monotonic() < until:
            assert {house.get(page, cookie=cookie)[0] for page in ("/", "/data/", "/listings/")} == {200}
        house.start_redis()
        found.recovery.append(house.settle(90))
    check(house, found, [tenant])


def test_pages_say_that_the_workers_get_no_messages(house: House, fault: Faulty) -> None:
    found = fault(BROKER, "Redis gone: the pages say so")
    tenant = house.tenant()
    cookie = tenant.cookie()
    house.web()
    with house.at_work(1, kept=True):
        house.ask(tenant, [OLDEST_MOVING])
        house.settle(RECOVERED)
        assert "Standing still" not in house.get("/", cookie=cookie)[1]
        house.kill_redis()
        found.tried = 1
        house.ask(tenant, [OLDEST_MOVING + 1])
        # The processes say so in rows, which a page reads: Redis is not on its path.
        wait_for(lambda: "Standing still" in house.get("/", cookie=cookie)[1], WARNED, "a banner on the page", 0.5)
        house.start_redis()
        found.recovery.append(house.settle(90))
        wait_for(lambda: "Standing still" not in house.get("/", cookie=cookie)[1], WARNED, "the banner to go", 0.5)
    check(house, found, [tenant])


@contextmanager
def evicting(house: House) -> Iterator[None]:
    """A Redis of 2 MB that throws away what was used least."""
    house.redis("CONFIG", "SET", "maxmemory", "2mb")
    house.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        yield
    finally:
        house.redis("CONFIG", "SET", "maxmemory", "0")
        house.redis("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_redis_that_throws_messages_away_costs_no_job(house: House, fault: Faulty) -> None:
    found = fault(BROKER, "Redis short of memory and allowed to evict (2 MB, allkeys-lru)")
    tenant = house.tenant()
    with evicting(house), house.at_work(1, kept=True):
        house.ask(tenant, range(OLDEST_MOVING, OLDEST_MOVING + times(20, 200)))
        found.tried = 1
        for number in range(400):  # much more than it may hold
            house.redis("SET", f"ballast-{number}", "x" * 20_000)
        found.recovery.append(house.settle(90))
    check(house, found, [tenant])


def test_redis_that_may_throw_messages_away_is_refused_at_the_start(house: House, fault: Faulty) -> None:
    found = fault(BROKER, "Redis that is allowed to evict is named by `check --deploy`")
    tenant = house.tenant()
    with evicting(house):
        said = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy"],
            cwd=ROOT, env=house.env, capture_output=True, text=True,
        )  # fmt: skip
    found.tried = 1
    assert said.returncode != 0 and "noeviction" in said.stderr
    check(house, found, [tenant])


def test_connections_to_redis_that_break_or_fall_silent_leave_no_worker_deaf(house: House, fault: Faulty) -> None:
    found = fault(BROKER, "Connections to Redis reset, refused or half-open, over and over")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    chance = random.Random(4)
    way = house.way_to_redis
    with house.at_work(1, kept=True):
        for number in range(times(20, 200)):
            house.ask(tenant, [OLDEST_MOVING + number])
            fault_is = chance.choice(("reset", "refuse", "silent"))
            if fault_is != "reset":
                setattr(way, fault_is, True)
            way.reset() if fault_is != "silent" else None
            time.sleep(chance.uniform(0.1, 0.6))
            way.well()
            found.tried += 1
        found.recovery.append(house.settle(180))
    check(house, found, [tenant])


def test_a_worker_that_gets_no_messages_ends_itself(house: House, fault: Faulty) -> None:
    found = fault(BROKER, "A worker that went deaf ends itself, to be started again")
    tenant = house.tenant()
    house.web()
    own = Proxy(str(house.sockets / "redis.sock"))
    with closing(own), house.at_work(1, own_way_to_redis=own.port, quick_ears=8) as (worker,):
        house.ask(tenant, [OLDEST_MOVING])
        house.settle(RECOVERED)
        own.silent = True  # it thinks it listens
        house.ask(tenant, [OLDEST_MOVING + 1])
        found.tried = 1
        wait_for(lambda: not worker.alive, WARNED, "the deaf worker to end itself", 0.5)
        assert "worker_deaf" in worker.said()
        wait_for(lambda: house.get("/readyz")[0] == 503, WARNED, "readyz to say that nobody works", 0.5)
        house.worker()
        found.recovery.append(house.settle(180))
        wait_for(lambda: house.get("/readyz")[0] == 200, WARNED, "readyz to be content", 0.5)
    check(house, found, [tenant])
