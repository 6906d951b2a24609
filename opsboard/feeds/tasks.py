"""Celery's way in: each task names a function. Losing or doubling one changes nothing but the time."""

from __future__ import annotations

from celery import shared_task

from . import dispatch, fetching


@shared_task(name="opsboard.feeds.tick")
def tick() -> None:
    dispatch.tick()


@shared_task(name="opsboard.feeds.work")
def work() -> None:
    dispatch.work()


@shared_task(name="opsboard.feeds.advance")
def advance(fetch_id: int) -> None:
    advanced = fetching.advance(fetch_id)
    if advanced and advanced.ingest_id:
        dispatch.ingest(advanced.ingest_id)


@shared_task(name="opsboard.feeds.ingest")
def ingest(ingest_id: int) -> None:
    dispatch.ingest(ingest_id)
