"""Signs of life as rows: the dispatcher, its planning and each worker leave one every few seconds.

The page, the probes and the doctor read these rows and never ask Redis: a row that grows old is a
process that does not run, whatever the reason.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Subquery
from django.db.models.functions import Now

from .models import Heartbeat

#: A process writes no oftener than this.
EVERY_SECONDS = 5.0
#: Rows of processes that are long gone are swept away.
KEEP = timedelta(hours=1)

log = structlog.get_logger(__name__)
_written: dict[tuple[str, bool], float] = {}


def silence() -> float:
    """After so many seconds without a sign of life a process does not run."""
    return max(settings.SILENCE_SECONDS, 6 * settings.TICK_SECONDS)


def own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:120]


# One small statement; leans on heartbeat_once (kind, name).
_BEAT = """
    INSERT INTO watch_heartbeat AS h (kind, name, seen_at, worked_at, ahead, busy, saw, deaf_since)
    VALUES (%(kind)s, %(name)s, clock_timestamp(),
            clock_timestamp() - make_interval(secs => %(idle)s),
            %(host)s - EXTRACT(EPOCH FROM clock_timestamp()), %(busy)s, coalesce(%(saw)s::jsonb, '{}'),
            CASE WHEN %(deaf)s THEN clock_timestamp() END)
    ON CONFLICT (kind, name) DO UPDATE SET
        seen_at = EXCLUDED.seen_at, worked_at = GREATEST(EXCLUDED.worked_at, h.worked_at),
        ahead = EXCLUDED.ahead, busy = EXCLUDED.busy, saw = coalesce(%(saw)s::jsonb, h.saw),
        deaf_since = CASE WHEN %(deaf)s THEN coalesce(h.deaf_since, EXCLUDED.deaf_since) END,
        left_at = NULL"""


def beat(
    kind: str,
    name: str = "",
    *,
    idle: float | None = None,
    busy: int = 0,
    saw: dict[str, Any] | None = None,
    deaf: bool = False,
) -> None:
    """Leave a sign of life. `idle`: seconds since it last did its work; None when it has done none so far."""
    values = {
        "kind": kind,
        "name": name or own_name(),
        "idle": idle,
        "host": time.time(),
        "busy": busy,
        "saw": None if saw is None else json.dumps(saw),
        "deaf": deaf,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, values)


def seldom(kind: str, *, worked: bool) -> None:
    """`beat`, but no oftener than every few seconds, and never a reason for its caller to fail."""
    now = time.monotonic()
    if now - _written.get((kind, worked), -EVERY_SECONDS) < EVERY_SECONDS:
        return
    try:
        beat(kind, idle=0.0 if worked else None)
        _written[(kind, worked)] = now
    except DatabaseError as error:
        log.warning("no_heartbeat", kind=kind, error=type(error).__name__)
        connection.close()


def leave(kind: str) -> None:
    """A process that ends as it should says so."""
    try:
        Heartbeat.objects.filter(kind=kind, name=own_name()).update(left_at=Now(), busy=0)
    except DatabaseError as error:
        log.warning("no_heartbeat", kind=kind, error=type(error).__name__)


def ticked() -> None:
    """Called at the end of each tick: planning works."""
    beat(Heartbeat.Kind.TICK, "tick", idle=0.0)
    gone = Heartbeat.objects.filter(seen_at__lt=Now() - KEEP).exclude(kind=Heartbeat.Kind.TICK)
    # The newest of a kind stays however old it is: it says since when there is none.
    gone.exclude(pk__in=[_newest(Heartbeat.Kind.CLOCK), _newest(Heartbeat.Kind.WORKER)]).delete()


def _newest(kind: str) -> Subquery:
    return Subquery(Heartbeat.objects.filter(kind=kind).order_by("-seen_at").values("pk")[:1])


@dataclass(frozen=True, slots=True)
class Process:
    """A heartbeat with its ages in seconds, on the database's clock."""

    kind: str
    name: str
    seen: float
    #: Since it last did its work; None when it never has.
    worked: float | None
    ahead: float
    busy: int
    deaf: bool
    #: It ended as it should.
    left: bool
    saw: dict[str, Any]

    @property
    def alive(self) -> bool:
        """Seen a moment ago, also when it has ended since: restarting is no fault."""
        return self.seen <= silence()

    @property
    def running(self) -> bool:
        return self.alive and not self.left


#: The table has a row a process, so it is read whole.
STANDING = """
    SELECT kind, name, EXTRACT(EPOCH FROM clock_timestamp() - seen_at)::float8,
           EXTRACT(EPOCH FROM clock_timestamp() - worked_at)::float8,
           ahead, busy, deaf_since IS NOT NULL, left_at IS NOT NULL, saw::text
      FROM watch_heartbeat"""


def process(row: tuple[Any, ...]) -> Process:
    values = [*row[:-1], json.loads(row[-1])]
    return Process(*values)


def standing() -> list[Process]:
    """Every process that left a sign of life of late, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return sorted((process(row) for row in cursor.fetchall()), key=lambda one: one.seen)
