"""What a worker of the fault suite may be told to do wrong: patches applied in that one process before it starts.

The product has no hooks for tests. A worker is real in everything but what its sabotage names.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _once(flag: str) -> bool:
    """True for the first process that asks since the test put the flag there."""
    try:
        os.unlink(flag)
    except FileNotFoundError:
        return False
    return True


def die_after_facts(flag: str) -> None:
    """Killed once, between the commit of the facts and the note that the ingest is finished."""
    from opsboard.feeds import pipeline

    apply = pipeline.apply

    def applied(*args: Any, **kwargs: Any) -> Any:
        outcome = apply(*args, **kwargs)
        if _once(flag):
            _die()
        return outcome

    pipeline.apply = applied


def die_after_finish(flag: str) -> None:
    """Killed once, when all is committed and the message is not acknowledged yet."""
    from opsboard.feeds import pipeline

    run = pipeline.run_ingest

    def ran(*args: Any, **kwargs: Any) -> Any:
        outcome = run(*args, **kwargs)
        if outcome is not None and _once(flag):
            _die()
        return outcome

    pipeline.run_ingest = ran


def die_after_request(flag: str) -> None:
    """Killed once, between Amazon's accepting a request and our noting its id."""
    from opsboard.amazon import ads_api

    request = ads_api.AdsReportService.request

    def requested(self: Any, wanted: Any) -> str:
        report_id = request(self, wanted)
        if _once(flag):
            _die()
        return report_id

    ads_api.AdsReportService.request = requested  # type: ignore[method-assign]


def poison(account_id: str) -> None:
    """The documents of one account kill whoever reads them."""
    from opsboard.feeds import pipeline

    apply = pipeline.apply

    def applied(document: Any, **kwargs: Any) -> Any:
        if document.account_id == int(account_id):
            _die()
        return apply(document, **kwargs)

    pipeline.apply = applied


def slow_ingest(seconds: str) -> None:
    """Every document takes so long to be read."""
    import time

    from opsboard.feeds import pipeline

    apply = pipeline.apply

    def applied(*args: Any, **kwargs: Any) -> Any:
        time.sleep(float(seconds))
        return apply(*args, **kwargs)

    pipeline.apply = applied


def short_visibility(seconds: str) -> None:
    """Redis hands a message out again after so many seconds."""
    from opsboard.celery import app

    app.conf.broker_transport_options = {
        "visibility_timeout": float(seconds),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


def own_way_to_redis(port: str) -> None:
    """It reaches Redis by another way than everybody else."""
    from opsboard.celery import app

    app.conf.broker_url = f"redis://127.0.0.1:{port}/0"


def quick_ears(seconds: str) -> None:
    """It calls itself deaf after so many seconds rather than after two minutes."""
    from django.conf import settings

    settings.DEAF_SECONDS = float(seconds)


def acknowledge_for_the_dead(_: str) -> None:
    """Celery's own default: the message of a killed child counts as done."""
    from opsboard.celery import app

    app.conf.task_reject_on_worker_lost = False


def clock(seconds: str) -> None:
    """The host's clock is wrong by so much, and goes on from there."""
    import time_machine

    moment = datetime.now(UTC) + timedelta(seconds=float(seconds))
    time_machine.travel(moment, tick=True).start()


def pages_of(count: str) -> None:
    """Amazon is asked for lists of so many reports a page."""
    from opsboard.amazon import sp_api

    sp_api.PAGE_SIZE = int(count)


def short_penalty(seconds: str) -> None:
    """After a 429 that does not say for how long, it rests so many seconds, not half a minute; then twice that."""
    from opsboard.amazon import throttle

    throttle.PENALTY_SECONDS = float(seconds)


SABOTAGES: dict[str, Callable[[str], None]] = {
    made.__name__: made
    for made in (
        die_after_facts,
        die_after_finish,
        die_after_request,
        poison,
        slow_ingest,
        short_visibility,
        own_way_to_redis,
        quick_ears,
        acknowledge_for_the_dead,
        clock,
        pages_of,
        short_penalty,
    )
}
