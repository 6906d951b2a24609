"""Making and sending summaries, as Celery runs it."""

from __future__ import annotations

from celery import shared_task

from . import work as rows


@shared_task(name="opsboard.summaries.work")
def work() -> None:
    rows.work()
