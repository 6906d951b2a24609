"""A worker that is up and hears nothing: it notices, says so, and ends itself.

A broker connection that was cut half-way can leave a Celery worker alive and deaf. Nothing inside
Celery notices; the rows do: work has been due for two minutes, the dispatcher does send, this worker
is idle and was given nothing, or its main loop stands still (it waits for an answer to an
acknowledgement that never comes). Ending it is safe (whatever it held is a lease) and its supervisor
starts another.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import translation

from . import heartbeats
from .models import Heartbeat
from .registry import Sight, live_checks

#: A worker that was asked to end and does not is ended after so long.
END_SECONDS = 20.0
#: How often it looks around its machine.
LOOK_SECONDS = 30.0

log = structlog.get_logger(__name__)

# Leans on fetch_due, ingest_due and uploaditem_due: the work of each kind that waits.
_OVERDUE = """
    SELECT EXISTS (SELECT 1 FROM feeds_fetch WHERE finished_at IS NULL
                      AND state IN ('waiting', 'requested', 'ready') AND {free})
        OR EXISTS (SELECT 1 FROM feeds_ingest WHERE finished_at IS NULL AND state = 'waiting' AND {free})
        OR EXISTS (SELECT 1 FROM feeds_uploaditem WHERE finished_at IS NULL
                      AND state IN ('waiting', 'wanted') AND {free})"""
_FREE = """GREATEST(not_before, lease_until) < now() - make_interval(secs => %s)"""


def overdue() -> bool:
    """Whether anything could have been worked on for settings.DEAF_SECONDS, and was not."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE.format(free=_FREE), [settings.DEAF_SECONDS] * 3)
        return bool(cursor.fetchone()[0])


def sends(everybody: list[heartbeats.Process]) -> bool:
    """Whether a dispatcher gets its messages to Redis: else nothing can be heard."""
    return any(
        one.kind == Heartbeat.Kind.CLOCK and one.worked is not None and one.worked <= heartbeats.silence()
        for one in everybody
    )


def is_deaf(worker: heartbeats.Process, everybody: list[heartbeats.Process]) -> bool:
    """Up, idle, given nothing for two minutes, although a dispatcher sends; ask `overdue` as well."""
    silent = worker.worked is not None and worker.worked > settings.DEAF_SECONDS
    return worker.running and silent and not worker.busy and sends(everybody)


class Ears(threading.Thread):
    """Beats for a worker and listens for it."""

    def __init__(self) -> None:
        super().__init__(name="ears", daemon=True)
        self.last_heard = self.last_turn = time.monotonic()
        self._over = threading.Event()
        self._looked = -LOOK_SECONDS
        self._deaf = False

    def start(self) -> None:
        """From now on it listens: what went before, its start and whoever forked it, was no silence."""
        self.last_heard = self.last_turn = time.monotonic()
        super().start()

    def heard(self, **_: Any) -> None:
        self.last_heard = time.monotonic()

    def turned(self) -> None:
        """The main loop goes round."""
        self.last_turn = time.monotonic()

    def stop(self) -> None:
        self._over.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(5)

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.once()
            except DatabaseError as error:
                log.warning("no_heartbeat", kind="worker", error=type(error).__name__)
            except Exception:
                log.exception("heartbeat_failed")
            finally:
                connection.close()  # children are forked from this process; it should own no open connection
            self._over.wait(heartbeats.EVERY_SECONDS)
        heartbeats.leave(Heartbeat.Kind.WORKER)
        connection.close()

    def once(self) -> None:
        """One sign of life; and the end, when there is work and it does not reach us."""
        idle, busy = time.monotonic() - self.last_heard, _busy()
        heartbeats.beat(Heartbeat.Kind.WORKER, idle=idle, busy=busy, saw=self._look_around(), deaf=self._deaf)
        stuck = time.monotonic() - self.last_turn > settings.DEAF_SECONDS
        if idle <= settings.DEAF_SECONDS or (busy and not stuck) or self._deaf:
            return
        if sends(heartbeats.standing()) and overdue():
            self._deaf = True
            log.error("worker_deaf", seconds=round(idle), stuck=stuck)
            heartbeats.beat(Heartbeat.Kind.WORKER, idle=idle, deaf=True)
            end()

    def _look_around(self) -> dict[str, Any] | None:
        """What only a process on this machine can see; None between two looks."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return None
        self._looked = time.monotonic()
        found: dict[str, Any] = {}
        for check in live_checks(seen_by_workers=True):
            findings = {}
            for language, _name in settings.LANGUAGES:  # who will read it is not known here
                with translation.override(language):
                    findings[language] = check.run(Sight())
            found[check.key] = {
                "status": findings[settings.LANGUAGE_CODE].status.value,
                "sentences": {language: finding.sentence for language, finding in findings.items()},
            }
        return found


def _busy() -> int:
    """Tasks this worker was given and has not finished, as its main process counts them."""
    from celery.worker import state

    return len(state.reserved_requests)


def end() -> None:
    """Ask this worker to end, and see to it that it does."""
    killer = threading.Timer(END_SECONDS, os._exit, args=(70,))
    killer.daemon = True
    killer.start()
    os.kill(os.getpid(), signal.SIGTERM)
