"""What the tests of the watch share: processes that left signs of life, and servers of their own to break."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace
from opsboard.embedded import _redis_binary
from opsboard.feeds.models import Feed, Fetch
from opsboard.supervisor import end
from opsboard.watch.models import Heartbeat
from tests.amazon.fixtures import amazon, scope

__all__ = ["amazon", "scope"]

ROOT = Path(__file__).resolve().parents[2]


def lived(kind: str, seen: float = 0, worked: float | None = 0, name: str = "", **fields: Any) -> Heartbeat:
    """A process that was last seen, and last did its work, so many seconds ago."""
    row, _new = Heartbeat.objects.update_or_create(
        kind=kind,
        name=name or f"{kind}:1",
        defaults={
            "seen_at": Now() - timedelta(seconds=seen),
            "worked_at": None if worked is None else Now() - timedelta(seconds=worked),
            **fields,
        },
    )
    return row


def all_alive() -> None:
    for kind in Heartbeat.Kind.values:
        lived(kind)


def due_fetch(scope: AccountMarketplace, seconds: float, **fields: Any) -> Fetch:
    """A fetch that could have been worked on for so long."""
    today = scope.marketplace.today()
    values = {"window_start": today, "window_end": today, "spec": "listings", "slot": Now(), **fields}
    return Fetch.objects.create(
        account=scope.account, marketplace=scope.marketplace, not_before=Now() - timedelta(seconds=seconds), **values
    )


def feed(scope: AccountMarketplace, spec: str = "listings", hours: float = 0, **fields: Any) -> Feed:
    """A feed whose last success is so many hours ago and that is planned for tomorrow."""
    values = {"next_due": Now() + timedelta(days=1), "last_success_at": Now() - timedelta(hours=hours), **fields}
    return Feed.objects.create(account=scope.account, marketplace=scope.marketplace, spec=spec, **values)


@dataclass
class OwnRedis:
    """A real Redis of this test's own, to be stopped and misconfigured."""

    url: str
    process: subprocess.Popen[bytes]
    client: redis.Redis

    def stop(self) -> None:
        end(self.process)


@contextmanager
def own_redis(*options: str) -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="opsboard-redis-") as folder:
        socket = f"{folder}/redis.sock"
        argv = [_redis_binary(), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder, *options]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)
        client = redis.Redis(unix_socket_path=socket)
        try:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
            yield OwnRedis(f"redis+socket://{socket}", process, client)
        finally:
            client.close()
            end(process)


@pytest.fixture
def broker(settings: Settings) -> Iterator[OwnRedis]:
    with own_redis() as running:
        settings.CELERY_BROKER_URL = running.url
        yield running


Doctor = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def doctor() -> Doctor:
    """doctor("--json", NAME="value"): the command in a process of its own."""

    def called(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "doctor", *options],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return called
