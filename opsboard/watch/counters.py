"""Counters that outlive a process: added up in memory, written to one row each when a task is over.

Counting must not be rolled back with the work, so nothing is written here and now. Nor may it wait for the
next task: a child of a quiet worker may be given none for hours. What a killed process had not written yet,
its last task's worth, is lost.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from opsboard.feeds.models import Work

log = structlog.get_logger(__name__)
_lock = threading.Lock()
_waiting: dict[tuple[str, str], float] = defaultdict(float)
_begun: dict[tuple[str, int, int], float] = {}


def add(what: str, label: str = "", count: float = 1.0) -> None:
    with _lock:
        _waiting[(what, label)] += count


def noticed(event: str, model: type[Work], pk: int, fence: int, fields: dict[str, Any]) -> None:
    """What leases tell of every unit of work (leases.observe)."""
    kind = str(model._meta.model_name)
    if event == "claimed":
        add("claims", kind)
        if len(_begun) > 1000:  # claims that were lost are never finished here
            _begun.clear()
        _begun[(kind, pk, fence)] = time.monotonic()
    elif event == "finished":
        began = _begun.pop((kind, pk, fence), None)
        seconds = None if began is None else time.monotonic() - began
        state = str(fields.get("state", ""))
        rows = fields.get("rows_in")
        transaction.on_commit(lambda: _finished(kind, state, seconds, rows))
    else:
        add(event, kind)


def _finished(kind: str, state: str, seconds: float | None, rows: Any) -> None:
    add("finished", f"{kind}:{state}")
    if seconds is not None:
        add("seconds", kind, seconds)
    if isinstance(rows, int):
        add("rows", kind, rows)


def flush() -> None:
    """Write what was counted; never a reason for the caller to fail."""
    with _lock:
        counted = sorted(_waiting.items())  # in one order: two processes must not wait for each other
        _waiting.clear()
    if not counted:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for (what, label), count in counted:
                cursor.execute(
                    "INSERT INTO watch_tally AS t (what, label, total) VALUES (%s, %s, %s)"
                    " ON CONFLICT (what, label) DO UPDATE SET total = t.total + EXCLUDED.total",
                    [what, label, count],
                )
    except DatabaseError as error:
        log.warning("not_counted", error=type(error).__name__)
        for (what, label), count in counted:
            add(what, label, count)
