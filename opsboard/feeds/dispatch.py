"""Who looks at which row, and when.

The tick plans what has come due and sends a few `opsboard.feeds.work` hints, as many as there are
worker slots and only if something is due. A hint carries no row: the worker that gets it takes the
next due row itself (SKIP LOCKED), works on it, and goes on until nothing is due or its time is up.

Why not a message a row: throughput then does not depend on how often the tick comes or how many
messages it dares to send; a lost, doubled or flushed message changes nothing; the order (what a
person waits for, then the first screen, routine, history; each account in turn: turns.py) is decided
when a worker is free rather than when a message was sent; and other tasks (judging,
mail) never queue behind hundreds of fetches: few hints wait at any time (hints.LONGEST_QUEUE), and a worker
gives its slot back after WORK_SECONDS.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from . import backfill, batches, fetching, pipeline, schedule, turns
from .hints import hint
from .models import Feed, Ingest

__all__ = ["due_count", "hint", "ingest", "lag", "on_tick", "tick", "wake", "work"]

#: How long one hint keeps a worker busy at most, before others get the slot.
LONGEST_WORK = 20.0
#: While something comes due within this time, a worker waits for it rather than for the next tick.
SOON_SECONDS = 1.0
NAP_SECONDS = 0.05
_PLANNING_LOCK = 0x6F70_7362  # any number; all dispatchers use the same

log = structlog.get_logger(__name__)
_on_tick: list[Callable[[], object]] = []


def on_tick(function: Callable[[], object]) -> None:
    """Have `function` called at every tick (from AppConfig.ready of the layers above). It must be quick."""
    if function not in _on_tick:
        _on_tick.append(function)


def tick(now: datetime | None = None) -> int:
    """Plan what is due, wake the workers, call who registered. How many hints were sent.

    Safe to run anywhere, any number of times at once. Nothing here fails because the broker is away.
    """
    with transaction.atomic():
        if _only_planner():
            schedule.plan_due(now)
    batches.sweep()
    backfill.sweep()
    sent = wake()
    for function in _on_tick:
        try:
            function()
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("on_tick_failed", function=getattr(function, "__qualname__", str(function)))
    return sent


def _only_planner() -> bool:
    """Spares five dispatchers doing the same sums; correctness rests on the unique key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_PLANNING_LOCK])
        return bool(cursor.fetchone()[0])


def wake() -> int:
    """Hint at the workers that rows are due; how many hints went out."""
    slots = int(getattr(settings, "CELERY_WORKER_CONCURRENCY", 0) or os.cpu_count() or 1)
    sent = 0
    for _ in range(min(slots, due_count(slots))):
        if not hint("opsboard.feeds.work"):
            break
        sent += 1
    return sent


def _free() -> Q:
    """Rows that could be claimed now, by the database's clock."""
    return Q(finished_at=None, not_before__lte=Now()) & (Q(lease_until=None) | Q(lease_until__lt=Now()))


def due_count(at_most: int) -> int:
    """How many rows could be worked on now, counted no further than `at_most`."""
    fetches = turns.due(at_most)
    if fetches >= at_most:
        return fetches
    ingests = Ingest.objects.filter(_free(), state=Ingest.State.WAITING).order_by()[: at_most - fetches].count()
    return fetches + ingests + batches.due(at_most - fetches)


def lag(now: datetime | None = None) -> timedelta:
    """How late planning is: the age of the oldest slot whose fetches are not planned (for /readyz)."""
    now = now or timezone.now()
    oldest = Feed.objects.filter(enabled=True, account__active=True).aggregate(oldest=Min("next_due"))["oldest"]
    return max(timedelta(0), now - oldest) if oldest else timedelta(0)


# --- a worker's turn ------------------------------------------------------------------------------


def work(seconds: float | None = None) -> int:
    """Take due rows one after the other until none is due or the time is up; how many were worked on."""
    allowed = min(LONGEST_WORK, max(2.0, settings.TICK_SECONDS)) if seconds is None else seconds
    until = time.monotonic() + allowed
    worked = 0
    while time.monotonic() < until:
        if batches.work_one() or _ingest_one() or _fetch_one():
            worked += 1
        elif turns.soon(SOON_SECONDS):
            time.sleep(NAP_SECONDS)
        else:
            break
    return worked


def _ingest_one() -> bool:
    """Documents first: what has been fetched should be seen."""
    waiting = Ingest.objects.filter(_free(), state=Ingest.State.WAITING).order_by("not_before", "id")
    for pk in waiting.values_list("id", flat=True)[:4]:
        if ingest(pk):
            return True
    return False


def _fetch_one() -> bool:
    claimed = turns.claim(on_set_aside=fetching.tell_feed)
    if claimed is None:
        return False
    advanced = fetching.carry_on(*claimed)
    if advanced.ingest_id:
        ingest(advanced.ingest_id)
    return True


def ingest(pk: int) -> bool:
    """Run one ingest; False when somebody else has it.

    A failure other than a bad document leaves the row to its lease: it is tried again and, at the
    third time, set aside. It does not stop the worker.
    """
    try:
        outcome = pipeline.run_ingest(pk)
        if outcome is not None and outcome.rows_in == 0 and outcome.state == Ingest.State.APPLIED:
            fetching.without_rows(pk)
        return outcome is not None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("ingest_failed", ingest=pk)
        return True
