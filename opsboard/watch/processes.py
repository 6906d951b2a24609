"""How Celery's processes leave their signs of life: hung on Celery's own signals.

The dispatcher beats as it sends, not in a thread beside: a loop that hangs must look dead. A worker
beats from a thread of its main process, which also notices that the worker has gone deaf.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps, current_app, signals

from . import counters, heartbeats
from .ears import Ears
from .models import Heartbeat

_ears = Ears()
#: The main loop of a worker says so often that it goes round.
TURN_SECONDS = 1.0


def connect() -> None:
    """Called once, when Django is ready, in every process; only Celery's ever send these signals."""
    signals.beat_init.connect(_dispatcher_started, weak=False, dispatch_uid="opsboard.watch")
    signals.celeryd_init.connect(_worker_begins, weak=False, dispatch_uid="opsboard.watch")
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


class Turns(bootsteps.StartStopStep):  # type: ignore[misc]
    """Started anew with each connection to Redis: with one that is lost, Celery may cancel its timers."""

    requires = ("celery.worker.consumer.connection:Connection",)
    entry: Any = None

    def start(self, consumer: Any) -> None:
        _ears.turned()
        self.entry = consumer.timer.call_repeatedly(TURN_SECONDS, _ears.turned)

    def stop(self, consumer: Any) -> None:
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None


def _worker_begins(**_: Any) -> None:
    current_app.steps["consumer"].add(Turns)


def _worker_started(**_: Any) -> None:
    signals.task_received.connect(_ears.heard, weak=False, dispatch_uid="opsboard.watch")
    _ears.start()


def _worker_ends(**_: Any) -> None:
    _ears.stop()


def _task_over(**_: Any) -> None:
    counters.flush()


def _child_ends(**_: Any) -> None:
    counters.flush()
