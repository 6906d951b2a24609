"""Leases: who may work on a row, for how long, and whose writes still count.

A claim is one UPDATE ... RETURNING on the database's clock: of any number of workers one gets
the fence. Every later write names that fence, so a worker that was paused, cut off or declared
dead changes nothing. What a claim leaves behind when its worker dies is an expired lease, and
anybody may claim again.

`attempts` counts claims that did not end well: it goes up with the claim and comes down again
when the work is parked or finished cleanly. So a death (nobody took it down) and a failure
(`strike`) weigh the same, a job that merely waits for Amazon weighs nothing, and whatever has
cost MAX_ATTEMPTS of them is set aside with its reason instead of being tried for ever.

Works for every subclass of opsboard.feeds.models.Work. Nothing here reads the host's clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models
from django.db.models import DurationField, F, Value
from django.db.models.functions import Greatest, Now
from django.utils.translation import gettext as _

from .models import Work

#: Deaths and failures together after which a row is set aside.
MAX_ATTEMPTS = 3

log = structlog.get_logger(__name__)

#: Told of what happens: (event, model, pk, fence, fields); events: claimed, set_aside, finished, stale_fences.
Observer = Callable[[str, type[Work], int, int, dict[str, Any]], None]
_observers: list[Observer] = []


def observe(observer: Observer) -> None:
    """Have `observer` told of every claim and its end (from AppConfig.ready of the layers above), for counting.

    It is called inside the caller's transaction: it must be quick, write nothing and never fail.
    """
    if observer not in _observers:
        _observers.append(observer)


def _tell(event: str, model: type[Work], pk: int, fence: int, **fields: Any) -> None:
    for observer in _observers:
        observer(event, model, pk, fence, fields)


def claim(model: type[Work], pk: int, seconds: float | None = None) -> int | None:
    """Take the row for `seconds` (settings.LEASE_SECONDS); the fence to write under, or None.

    None: somebody else holds it, it is finished, not due yet, gone, or was set aside just now.
    """
    return _claim(model, "id = %s", [pk], seconds)[1]


def claim_first(
    model: type[Work],
    condition: str,
    params: list[Any],
    order: str,
    seconds: float | None = None,
    on_set_aside: Callable[[int], object] = int,
) -> tuple[int, int] | None:
    """Take the first claimable row by `order` among those that meet `condition`: (pk, fence), or None.

    Rows that another worker is taking at this moment are skipped, not waited for. `condition` and
    `order` are SQL over the table's own columns. Rows found poisonous are set aside on the way, and
    `on_set_aside` is told which.
    """
    chosen = (
        f"id = (SELECT id FROM {model._meta.db_table} WHERE {condition} AND {CLAIMABLE} "
        f"ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED)"
    )
    while True:
        pk, fence = _claim(model, chosen, params, seconds)
        if pk is None:
            return None
        if fence is not None:
            return pk, fence
        on_set_aside(pk)


CLAIMABLE = (
    "finished_at IS NULL AND not_before <= statement_timestamp() "
    "AND (lease_until IS NULL OR lease_until < statement_timestamp())"
)


def _claim(model: type[Work], which: str, params: list[Any], seconds: float | None) -> tuple[int | None, int | None]:
    """(pk, fence) of the claimed row; (pk, None) when it was set aside; (None, None) when there is none."""
    values, assignments = _quarantine(model)
    sql = f"""
        UPDATE {model._meta.db_table} SET
            fence = fence + 1,
            attempts = LEAST(attempts + 1, {MAX_ATTEMPTS}),
            lease_until = CASE WHEN attempts >= {MAX_ATTEMPTS} THEN NULL
                               ELSE statement_timestamp() + make_interval(secs => %s) END,
            finished_at = CASE WHEN attempts >= {MAX_ATTEMPTS} THEN statement_timestamp() END
            {assignments}
         WHERE {which} AND {CLAIMABLE}
        RETURNING id, fence, finished_at IS NOT NULL"""
    lease = settings.LEASE_SECONDS if seconds is None else seconds
    with connection.cursor() as cursor:
        cursor.execute(sql, [lease, *values, *params])
        row = cursor.fetchone()
    if row is None:
        return None, None
    pk, fence, quarantined = row
    if quarantined:
        log.error("quarantined", table=model._meta.db_table, pk=pk)
        _tell("set_aside", model, pk, fence)
        return pk, None
    _tell("claimed", model, pk, fence)
    return pk, fence


def _quarantine(model: type[Work]) -> tuple[list[str], str]:
    """What is written to a row that is set aside: parameters and assignments; the last known reason stays readable."""
    values: list[str] = []
    assignments = ""
    states = getattr(model, "State", None)
    state = getattr(states, "QUARANTINED", None) or getattr(states, "FAILED", None)
    if state is not None:
        values.append(state.value)
        assignments += f", state = CASE WHEN attempts >= {MAX_ATTEMPTS} THEN %s ELSE state END"
    if _has(model, "reason"):
        values.append(_("Set aside: it failed or stopped its worker %(count)d times.") % {"count": MAX_ATTEMPTS})
        told = "concat_ws(' ', %s, nullif(reason, ''))"
        assignments += f", reason = CASE WHEN attempts >= {MAX_ATTEMPTS} THEN {told} ELSE reason END"
    return values, assignments


def _has(model: type[models.Model], field: str) -> bool:
    try:
        model._meta.get_field(field)
    except FieldDoesNotExist:
        return False
    return True


def write(model: type[Work], pk: int, fence: int, **fields: Any) -> bool:
    """Write under the fence; False when the claim was lost, and then nothing was written."""
    if model._base_manager.filter(pk=pk, fence=fence).update(**fields):
        return True
    log.warning("stale_fence", table=model._meta.db_table, pk=pk, fence=fence)
    _tell("stale_fences", model, pk, fence)
    return False


def park(model: type[Work], pk: int, fence: int, seconds: float = 0.0, **fields: Any) -> bool:
    """Give the row back, to be looked at again in `seconds`; this claim does not count as an attempt."""
    return write(model, pk, fence, **_later(seconds), attempts=Greatest(F("attempts") - 1, 0), **fields)


def strike(model: type[Work], pk: int, fence: int, seconds: float = 0.0, **fields: Any) -> bool:
    """Give the row back after a failure: it is tried again in `seconds`, and the attempt counts."""
    return write(model, pk, fence, **_later(seconds), **fields)


def finish(model: type[Work], pk: int, fence: int, **fields: Any) -> bool:
    """The work is over, well or badly: nobody claims the row again."""
    if not write(model, pk, fence, lease_until=None, finished_at=Now(), **fields):
        return False
    _tell("finished", model, pk, fence, **fields)
    return True


def _later(seconds: float) -> dict[str, Any]:
    wait = Value(timedelta(seconds=max(0.0, seconds)), output_field=DurationField())
    return {"not_before": Now() + wait, "lease_until": None}


def renew(model: type[Work], pk: int, fence: int, seconds: float | None = None) -> bool:
    """Hold the row for `seconds` more; False when it is no longer ours (stop working on it)."""
    lease = timedelta(seconds=settings.LEASE_SECONDS if seconds is None else seconds)
    return write(model, pk, fence, lease_until=Now() + Value(lease, output_field=DurationField()))


@contextmanager
def held(model: type[Work], pk: int, fence: int) -> Iterator[None]:
    """Keep renewing the lease while the block runs, for work of unknown length.

    A killed or stopped process renews nothing, so its lease runs out as it should. The thread
    opens a database connection only when the block outlasts a third of the lease.
    """
    over = threading.Event()

    def keep() -> None:
        try:
            while not over.wait(settings.LEASE_SECONDS / 3):
                if not renew(model, pk, fence):
                    return
        finally:
            connection.close()

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
