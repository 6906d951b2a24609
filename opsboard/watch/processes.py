"""How Celery's processes leave their signs of life: hung on Celery's own signals.

The dispatcher beats as it sends, not in a thread beside: a loop that hangs must look dead. A worker
beats from a thread of its main process, which also notices that the worker has gone deaf.
"""

from __future__ import annotations

from typing import Any

from celery import signals

from . import counters, heartbeats
from .ears import Ears
from .models import Heartbeat

_ears: list[Ears] = []


def connect() -> None:
    """Called once, when Django is ready, in every process; only Celery's ever send these signals."""
    signals.beat_init.connect(_dispatcher_started, weak=False, dispatch_uid="opsboard.watch")
    signals.worker_ready.connect(_worker_started, weak=False, dispatch_uid="opsboard.watch")
    signals.worker_shutting_down.connect(_worker_ends, weak=False, dispatch_uid="opsboard.watch")
    signals.task_postrun.connect(_task_over, weak=False, dispatch_uid="opsboard.watch")
    signals.worker_process_shutdown.connect(_child_ends, weak=False, dispatch_uid="opsboard.watch")


def _dispatcher_started(**_: Any) -> None:
    signals.before_task_publish.connect(_sending, weak=False, dispatch_uid="opsboard.watch")
    signals.after_task_publish.connect(_sent, weak=False, dispatch_uid="opsboard.watch")


def _sending(**_: Any) -> None:
    heartbeats.seldom(Heartbeat.Kind.CLOCK, worked=False)


def _sent(**_: Any) -> None:
    heartbeats.seldom(Heartbeat.Kind.CLOCK, worked=True)


def _worker_started(**_: Any) -> None:
    ears = Ears()
    _ears.append(ears)
    signals.task_received.connect(ears.heard, weak=False, dispatch_uid="opsboard.watch")
    ears.start()


def _worker_ends(**_: Any) -> None:
    for ears in _ears:
        ears.stop()


def _task_over(**_: Any) -> None:
    counters.flush()


def _child_ends(**_: Any) -> None:
    counters.flush(now=True)
