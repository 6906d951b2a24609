"""Workers that are killed, paused, poisoned, kept busy, told to go."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from bench.documents import search_terms, write_json_gz
from opsboard.feeds import pipeline
from opsboard.feeds.models import Fetch, Ingest

from .conftest import Faulty
from .house import LEASE, OLDEST_MOVING, House, wait_for
from .invariants import check
from .plant import limit
from .record import times

WORKERS = "Workers"
#: A dead worker's rows are looked at again when their lease is over; the issue allows a minute more.
RECOVERED = LEASE + 60


@pytest.mark.quick
def test_a_worker_killed_while_a_document_arrives_loses_and_doubles_nothing(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "`kill -9` of a worker while a document arrives or is read")
    tenants = [house.tenant("NA"), house.tenant("EU")]
    limit(tenants[0], "buy_box", "0.999")
    chance = random.Random(1)
    beat = house.beat()
    worker = house.worker()
    for number in range(times(20, 200, few=2)):
        for tenant in tenants:
            house.ask(tenant, [OLDEST_MOVING + number])
        if number % 2:
            house.way_to_amazon.only, house.way_to_amazon.hold_after = b"GET /documents/", 700
        time.sleep(chance.uniform(0.0, 0.7))
        worker.kill()
        house.way_to_amazon.well()
        worker = house.worker()
        found.tried += 1
        found.recovery.append(house.settle(RECOVERED))
    assert beat.alive
    check(house, found, tenants, kills_of_senders=found.tried)


@pytest.mark.parametrize("moment", ["die_after_facts", "die_after_finish"])
def test_work_that_was_committed_before_its_worker_died_is_not_done_again(
    house: House, fault: Faulty, moment: str
) -> None:
    words = {"die_after_facts": "before its row says so", "die_after_finish": "before the message is acknowledged"}
    found = fault(WORKERS, f"`kill -9` after the commit of the facts, {words[moment]}")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    flag = house.folder / "die"
    with house.at_work(1, **{moment: flag}):
        for number in range(times(5, 50)):
            flag.touch()
            house.ask(tenant, [OLDEST_MOVING + number])
            found.tried += 1
            found.recovery.append(house.settle(RECOVERED))
            assert not flag.exists(), "nobody was killed"
        stored, mails = house.facts(tenant), len(house.postbox.mails)
        rows = list(Ingest.objects.filter(document__account=tenant.account).values_list("pk", "attempts"))
        for pk, _attempts in rows * 3:
            house.send("opsboard.feeds.ingest", pk)
        wait_for(lambda: not house.queued(), 30, "the messages to be taken")
    assert house.facts(tenant) == stored
    assert len(house.postbox.mails) == mails
    if moment == "die_after_finish":
        assert {attempts for _pk, attempts in rows} == {1}
    check(house, found, [tenant], kills_of_senders=found.tried)


@pytest.mark.parametrize("setting", ["opsboard's", "Celery's own"])
def test_a_killed_child_is_a_delay_whatever_celery_does_with_its_message(
    house: House, fault: Faulty, setting: str
) -> None:
    found = fault(WORKERS, f"`kill -9` of a worker's child, as when memory runs out ({setting} acknowledgement)")
    tenant = house.tenant()
    chance = random.Random(2)
    careless: dict[str, object] = {} if setting == "opsboard's" else {"acknowledge_for_the_dead": ""}
    with house.at_work(1, **careless) as (worker,):
        for number in range(times(8, 80)):
            house.ask(tenant, range(OLDEST_MOVING + 2 * number, OLDEST_MOVING + 2 * number + 2))
            time.sleep(chance.uniform(0.2, 0.8))
            for child in worker.children():
                if chance.random() < 0.7:
                    found.tried += 1
                    try:
                        os.kill(child, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            found.recovery.append(house.settle(RECOVERED))
    check(house, found, [tenant], kills_of_senders=found.tried)


def test_a_child_that_gets_no_memory_is_a_delay(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "A worker's child that is refused memory, and then killed for it")
    tenant = house.tenant()
    with house.at_work(1) as (worker,):
        for number in range(times(2, 10)):
            starved = worker.children()
            for child in starved:
                limit_of = int(Path(f"/proc/{child}/statm").read_text().split()[0]) * resource.getpagesize()
                resource.prlimit(child, resource.RLIMIT_AS, (limit_of, limit_of))
            house.ask(tenant, range(OLDEST_MOVING + 2 * number, OLDEST_MOVING + 2 * number + 2))
            time.sleep(1.0)
            for child in starved:
                try:
                    os.kill(child, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            found.tried += 1
            found.recovery.append(house.settle(RECOVERED))
    check(house, found, [tenant])


def test_a_document_that_kills_its_readers_is_set_aside_and_holds_nobody_up(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "A document that kills whoever reads it")
    poisonous, *others = [house.tenant(key) for key in ("NA", "NA", "EU", "FE")]
    days = range(OLDEST_MOVING, OLDEST_MOVING + times(5, 40))

    def delays(back: int) -> list[float]:
        rows = house.sql(
            "SELECT extract(epoch FROM i.finished_at - i.created_at)::float FROM feeds_ingest i JOIN feeds_document d"
            " ON d.id = i.document_id WHERE d.account_id = ANY(%s) AND d.window_start = ANY(%s)",
            [tenant.account.pk for tenant in others],
            [tenant.day(n + back) for tenant in others for n in days],
        )
        return sorted(row[0] for row in rows)

    with house.at_work(2, poison=poisonous.account.pk):
        for tenant in others:
            house.ask(tenant, days)
        house.settle(RECOVERED)
        alone = delays(0)
        house.ask(poisonous, days[:2])
        for tenant in others:
            house.ask(tenant, [day + 100 for day in days])
        found.tried = 2
        found.recovery.append(house.settle(3 * RECOVERED))
        beside = delays(100)
    ended = Ingest.objects.filter(document__account=poisonous.account)
    assert set(ended.values_list("state", flat=True)) == {Ingest.State.QUARANTINED}
    assert max(ended.values_list("attempts", flat=True)) <= 3
    document = ended.get(pk=ended.values_list("pk", flat=True)[0]).document_id
    assert "Set aside" in poisonous.read("/data/")
    assert "stopped its worker 3 times" in poisonous.read(f"/data/document/{document}/")
    assert len(beside) == len(alone) == len(others) * len(days)
    # The machine does other things too; what must not be is that they wait for the poisonous one's leases.
    assert beside[len(beside) * 95 // 100] < alone[len(alone) * 95 // 100] + LEASE
    poisonous.asked.clear()
    check(house, found, [poisonous, *others])


def stale_fences() -> dict[str, float]:
    """Writes refused because their claim was lost, by kind of work, as Prometheus is told."""
    told = Client().get("/metrics").content.decode()
    found = re.findall(r'^opsboard_stale_fences_total\{work="(\w+)"\} (\S+)$', told, re.M)
    return {work: float(total) for work, total in found}


@pytest.mark.quick
def test_a_worker_that_slept_through_its_lease_changes_nothing_when_it_wakes(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "A worker paused (SIGSTOP) beyond its lease, and then woken")
    tenant = house.tenant()
    limit(tenant, "buy_box", "0.999")
    before = sum(stale_fences().values())
    house.beat()
    for number in range(times(4, 40, few=2)):
        fetching = number % 2 == 0
        sleeper = house.worker(slots=1, **({} if fetching else {"slow_ingest": 1}))
        if fetching:
            house.way_to_amazon.only, house.way_to_amazon.hold_after = b"GET /documents/", 700
        house.ask(tenant, [OLDEST_MOVING + number])
        table = "feeds_fetch" if fetching else "feeds_ingest"
        wait_for(lambda where=table: house.claimed(where), 30, f"a claim in {table}")  # type: ignore[misc]
        time.sleep(0.3)
        sleeper.signal_all(signal.SIGSTOP)
        house.way_to_amazon.well()
        heir = house.worker(slots=1)
        found.tried += 1
        found.recovery.append(house.settle(RECOVERED))
        stored = house.facts(tenant)
        heir.kill()
        sleeper.signal_all(signal.SIGCONT)
        wait_for(lambda asleep=sleeper: "stale_fence" in asleep.said(), 30, "the fence to stop it")  # type: ignore[misc]
        sleeper.signal(signal.SIGTERM)  # with its last breath it writes down what it counted
        wait_for(lambda asleep=sleeper: not asleep.alive, 30, "a worker that was told to go")  # type: ignore[misc]
        assert house.facts(tenant) == stored
    assert sum(stale_fences().values()) >= before + found.tried
    check(house, found, [tenant])


def test_a_job_longer_than_the_brokers_patience_runs_once(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "A job that outlasts the broker's visibility timeout")
    tenant = house.tenant()
    with house.at_work(2, short_visibility=2, slow_ingest=times(7, 30)):
        fetches = house.ask(tenant, [OLDEST_MOVING])
        found.tried = 1
        wait_for(lambda: Fetch.objects.filter(pk=fetches[0], state="done").exists(), 30, "the download")
        pk = Ingest.objects.get(document__fetch=fetches[0]).pk
        house.send("opsboard.feeds.ingest", pk, times=5)
        house.settle(120)
        wait_for(lambda: not house.queued(), 60, "the messages to be taken")
    assert Ingest.objects.get(pk=pk).fence == 1
    assert Ingest.objects.filter(document__account=tenant.account).count() == 1
    assert house.simulator.state.calls["createReport"] == 1
    check(house, found, [tenant])


def test_a_worker_that_is_told_to_go_leaves_in_time_and_leaves_nothing_undone(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "SIGTERM to a worker under load, as at a deployment")
    tenants = [house.tenant("NA"), house.tenant("EU")]
    chance = random.Random(3)
    house.beat()
    old = house.worker()
    for number in range(times(8, 50)):
        for tenant in tenants:
            house.ask(tenant, range(OLDEST_MOVING + 2 * number, OLDEST_MOVING + 2 * number + 2))
        time.sleep(chance.uniform(0.1, 0.6))
        new = house.worker(ready=False)
        old.signal(signal.SIGTERM)
        wait_for(lambda going=old: not going.alive, 30, "a worker that was told to go")  # type: ignore[misc]
        old = new
        found.tried += 1
        found.recovery.append(house.settle(RECOVERED))
    check(house, found, tenants)


def test_the_pages_answer_while_the_web_server_is_replaced(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "The web server's processes replaced under load (SIGHUP)")
    tenant = house.tenant()
    cookie = tenant.cookie()
    web = house.web()
    answers: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            answers.append(house.get("/data/", cookie=cookie)[0])

    lookers = [threading.Thread(target=look, daemon=True) for _ in range(2)]
    for thread in lookers:
        thread.start()
    for _ in range(times(3, 20)):
        before, seen = set(web.children()), len(answers)
        web.signal(signal.SIGHUP)
        found.tried += 1
        wait_for(lambda old=before: not old & set(web.children()), 60, "new processes")  # type: ignore[misc]
        # One that was asked for before, and one of the new processes' own.
        wait_for(lambda so_far=seen: len(answers) >= so_far + len(lookers) + 1, 30, "pages")  # type: ignore[misc]
    over.set()
    for thread in lookers:
        thread.join(30)
    assert set(answers) == {200}
    check(house, found, [tenant])


def test_memory_does_not_grow_with_the_number_of_tasks(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "Thousands of tasks in one process")
    tenant = house.tenant()
    worker = house.worker(slots=1, tasks=1_000_000)
    for back in range(OLDEST_MOVING, OLDEST_MOVING + times(20, 250)):
        house.ask(tenant, [back])
    few, many = times(300, 2000), times(1500, 12_000)

    def run(tasks: int) -> tuple[float, float]:
        house.send("opsboard.feeds.work", times=tasks)
        wait_for(lambda: not house.queued(), 600, "the tasks to be done", 0.2)
        pids = [worker.pid, *worker.children()]
        return sum(map(house.memory_of, pids)), float(house.redis("INFO", "memory")["used_memory"]) / 2**20

    ours, theirs = run(few)
    ours_then, theirs_then = run(many - few)
    found.tried = many
    growth = (ours_then - ours) / (many - few) * 1000
    found.note = f"{growth:+.2f} MB a thousand tasks"
    house.beat()
    house.settle(RECOVERED)
    assert growth < 1
    assert abs(theirs_then - theirs) < 5
    check(house, found, [tenant])


def test_a_report_of_a_million_rows_needs_little_memory_and_keeps_its_lease(house: House, fault: Faulty) -> None:
    rows = times(250_000, 1_000_000)
    found = fault(WORKERS, f"A report of {rows:,} rows")
    tenant = house.tenant()
    with tempfile.TemporaryDirectory(dir=house.folder) as folder:
        file = Path(folder) / "terms.json.gz"
        write_json_gz(file, search_terms(rows))
        with file.open("rb") as raw:
            first, last = date(2026, 1, 1), date(2026, 12, 31)
            document = pipeline.keep(
                raw, spec_key="sp_search_terms", account=tenant.account, marketplace=tenant.scope.marketplace,
                source="ads_api", source_created_at=timezone.now(), window=(first, last),
            )  # fmt: skip
    highest = 0.0
    leases = set()
    with house.at_work(1) as (worker,):
        before = {child: processor_seconds(child) for child in worker.children()}
        while house.unfinished().get("ingest"):
            highest = max(highest, *map(house.memory_of, worker.children()))
            leases |= {row[0] for row in house.sql("SELECT lease_until FROM feeds_ingest WHERE finished_at IS NULL")}
            time.sleep(0.1)
        spent = max(processor_seconds(child) - before.get(child, 0.0) for child in worker.children())
        house.settle(120)
    ingest = document.ingests.get()
    assert (ingest.state, ingest.rows_in, ingest.attempts) == (Ingest.State.APPLIED, rows, 1), ingest.reason
    found.tried = 1
    found.note = f"{highest:.0f} MB at most, {rows / spent:,.0f} rows a processor second"
    assert highest <= 400
    assert rows / spent >= 20_000
    assert len(leases) > 1, "nobody renewed the lease"
    check(house, found, [tenant])


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_seller_with_a_long_history_delays_no_other(house: House, fault: Faulty) -> None:
    found = fault(WORKERS, "One seller with 400 due requests, 49 others with one each")
    noisy = house.tenant()
    others = [house.tenant() for _ in range(49)]
    house.ask(noisy, range(OLDEST_MOVING, OLDEST_MOVING + 400))
    theirs = [pk for tenant in others for pk in house.ask(tenant, [OLDEST_MOVING])]
    with house.at_work(1):
        wait_for(lambda: not Fetch.objects.filter(pk__in=theirs, requested_at=None).exists(), 120, "the 49 others")
        order = list(
            Fetch.objects.filter(
                account__in=[tenant.account for tenant in (noisy, *others)], requested_at__isnull=False
            )
            .order_by("requested_at")
            .values_list("pk", flat=True)
        )
        given_up = Fetch.objects.filter(account=noisy.account, state="waiting", lease_until=None)
        given_up.delete()
        found.recovery.append(house.settle(300))
    found.tried = 49
    ranks = sorted(order.index(pk) for pk in theirs)
    assert ranks[49 * 95 // 100] <= 2 * 49, "the others wait more than twice as long as they would alone"
    kept = Fetch.objects.filter(account=noisy.account).values_list("window_start", flat=True)
    noisy.asked = set(kept)
    check(house, found, [noisy, *others])
