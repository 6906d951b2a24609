"""Real beats and workers: their signs of life, and a worker whose broker connection was cut half-way."""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from opsboard import processes
from opsboard.feeds import hints
from opsboard.feeds.models import Fetch
from opsboard.supervisor import Supervisor
from opsboard.watch import heartbeats
from opsboard.watch.ears import Ears
from opsboard.watch.models import Heartbeat, Tally
from tests.alerts.postbox import free_port
from tests.children import database_url
from tests.factories import make_scope

from .conftest import due_fetch, own_redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class HalfOpen:
    """A way to Redis that can go dead: connections stay open and nothing comes through. New ones work."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.dead_before = 0
        self.count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def go_dead(self) -> None:
        self.dead_before = self.count

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _address = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                number, self.count = self.count, self.count + 1
                threading.Thread(target=self._carry, args=(near, far, number), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket, number: int) -> None:
        other = {near: far, far: near}
        with selectors.DefaultSelector() as waiting, near, far, suppress(OSError):
            for one in other:
                waiting.register(one, selectors.EVENT_READ)
            while True:
                for key, _events in waiting.select():
                    said = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not said:
                        return
                    if number >= self.dead_before:
                        other[key.fileobj].sendall(said)  # type: ignore[index]


@contextmanager
def running(folder: Path, **urls: str) -> Iterator[Supervisor]:
    """A worker and a beat, each with its own way to Redis; restarted when they end."""
    children = Supervisor(folder / "logs")
    for name, command in (("worker", processes.worker()), ("beat", processes.beat())):
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "REDIS_URL": urls[name],
            "OPSBOARD_TICK_SECONDS": "1",
            "OPSBOARD_DEAF_SECONDS": "5",
            "OPSBOARD_DATA_DIR": str(folder),
            "WORKER_CONCURRENCY": "1",
        }
        children.spawn(name, command, environment)
    try:
        yield children
    finally:
        children.stop()


def wait_for(what: Callable[[], bool], children: Supervisor, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, children.tail("worker", 3000) + children.tail("beat")
        assert not children.look_after()
        time.sleep(0.2)


def kinds() -> set[str]:
    return set(Heartbeat.objects.exclude(worked_at=None).values_list("kind", flat=True))


def test_a_deaf_worker_ends_itself_and_the_next_one_does_the_work(tmp_path: Path) -> None:
    scope, port = make_scope(), free_port()  # nothing to sign in with: its fetch ends at once
    with own_redis("--port", str(port)) as _redis:
        way = HalfOpen(port)
        urls = {"worker": f"redis://127.0.0.1:{way.port}/0", "beat": f"redis://127.0.0.1:{port}/0"}
        with running(tmp_path, **urls) as children:
            wait_for(lambda: kinds() == {"clock", "tick", "worker"}, children)
            first = Heartbeat.objects.get(kind="worker")
            assert first.saw["redis"]["status"] == "ok" and set(first.saw["redis"]["sentences"]) == {"en", "zh-hans"}
            assert abs(first.ahead) < 5

            way.go_dead()
            time.sleep(3)  # what it was given before is over
            fetch = due_fetch(scope, 60, reason="")
            wait_for(lambda: Fetch.objects.get(pk=fetch.pk).finished_at is not None, children)

            assert children.restarts == {"worker": 1}
            assert "worker_deaf" in children.tail("worker", 100_000)
            others = Heartbeat.objects.filter(kind="worker").exclude(pk=first.pk)
            wait_for(others.exists, children)
            wait_for(lambda: Tally.objects.filter(what="claims", label="fetch").exists(), children)
        way.listener.close()


def test_a_dispatcher_that_is_killed_turns_the_probe_red(tmp_path: Path, client: Client) -> None:
    with own_redis() as redis, running(tmp_path, worker=redis.url, beat=redis.url) as children:
        wait_for(lambda: kinds() == {"clock", "tick", "worker"}, children)
        assert client.get("/readyz").content == b"ok\n"
        _argv, _env, beat = children.children.pop("beat")
        beat.kill()
        beat.wait()
        Heartbeat.objects.filter(kind="clock").update(seen_at=F("seen_at") - timedelta(hours=6))
        answer = client.get("/readyz")
        assert answer.status_code == 503 and b"dispatcher: The dispatcher does not run" in answer.content
        assert client.get("/readyz?only=serving").status_code == 200
    assert Heartbeat.objects.get(kind="worker").left_at is not None  # it was stopped, and said so


def test_a_dispatcher_that_says_nothing_because_enough_waits_is_alive_and_sends(tmp_path: Path) -> None:
    """Without a worker its ticks fill the queue; the worker is what is missing, and no other sign says so."""
    with own_redis() as redis, running(tmp_path, worker=redis.url, beat=redis.url) as children:
        wait_for(lambda: kinds() == {"clock", "tick", "worker"}, children)
        _argv, _env, worker = children.children.pop("worker")
        worker.kill()
        worker.wait()
        redis.client.rpush("celery", *["later"] * hints.LONGEST_QUEUE)
        hours = timedelta(hours=1)
        Heartbeat.objects.filter(kind="clock").update(seen_at=F("seen_at") - hours, worked_at=F("worked_at") - hours)
        wait_for(lambda: Heartbeat.objects.get(kind="clock").seen_at > timezone.now() - timedelta(minutes=5), children)
        (clock,) = (one for one in heartbeats.standing() if one.kind == "clock")
        assert clock.alive and clock.worked is not None and clock.worked < heartbeats.silence()


def test_a_worker_that_took_long_to_start_has_not_been_deaf_meanwhile() -> None:
    ears = Ears()
    ears.last_heard = ears.last_turn = time.monotonic() - 3600
    ears._over.set()  # it is told to end before its first look
    ears.start()
    ears.join(10)
    assert time.monotonic() - min(ears.last_heard, ears.last_turn) < 600
