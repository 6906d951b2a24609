"""Celery's beat, which says nothing while enough messages wait to be read (opsboard.feeds.hints.LONGEST_QUEUE)."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry

from opsboard.feeds import hints


class Scheduler(PersistentScheduler):  # type: ignore[misc]
    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Ticks that pile up while workers are away would all have to be read before anything else."""
        if self._queue_is_full():
            from opsboard.watch import heartbeats  # models: not before Django is ready

            heartbeats.seldom("clock", worked=True)  # Redis answers and holds enough: it is the workers who are away
            if advance:
                self.reserve(entry)
            return None
        return super().apply_async(entry, producer=producer, advance=advance, **kwargs)

    def _queue_is_full(self) -> bool:
        try:
            return hints.is_full(self.connection)
        except Exception:  # away: Celery's own way reports that and comes back to it
            return False
