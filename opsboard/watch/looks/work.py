"""Whether work is done: the dispatcher, Redis as the processes see it, workers, the queue, judging."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.feeds import dispatch
from opsboard.feeds.models import DirtyDay
from opsboard.ui import formats

from .. import ears, heartbeats
from ..models import Heartbeat
from ..registry import Check, Finding, Sight, Status, register

#: Planning later than this is a fault.
LAG = timedelta(minutes=5)
#: Work that waits for nobody but a worker: minutes until a warning, until a fault.
QUEUE_WARN, QUEUE_FAIL = 15, 60
#: The same for days whose figures changed and that nobody has judged yet.
JUDGE_WARN, JUDGE_FAIL = 15, 60

Kind = Heartbeat.Kind


def ago(seconds: float) -> str:
    return formats.ago(timezone.now() - timedelta(seconds=seconds))


def _dispatcher(sight: Sight) -> Finding:
    clocks, late = sight.of(Kind.CLOCK), dispatch.lag()
    if not clocks:
        if late > LAG:
            return Finding(
                Status.FAIL,
                _("No dispatcher has ever run here, and reports are due."),
                {"late_seconds": round(late.total_seconds())},
            )
        return Finding(Status.UNKNOWN, _("No dispatcher has run here yet."))
    newest = clocks[0]
    if not newest.alive:
        return Finding(
            Status.FAIL,
            _("The dispatcher does not run; it was last seen %(ago)s. Nothing new is fetched.")
            % {"ago": ago(newest.seen)},
            {"last_seen_seconds": round(newest.seen)},
        )
    return Finding(Status.OK, _("The dispatcher runs."), {"last_seen_seconds": round(newest.seen)})


def broker_away(processes: list[heartbeats.Process]) -> bool:
    """Whether somebody alive says that Redis does not answer; asks nobody but the rows."""
    for one in processes:
        if one.alive and one.saw.get("redis", {}).get("status") == Status.FAIL.value:
            return True
        sent = one.worked if one.worked is not None else float("inf")
        if one.kind == Kind.CLOCK and one.alive and sent > heartbeats.silence():
            return True
    return False


def _broker(sight: Sight) -> Finding:
    alive = [one for one in sight.processes if one.alive and one.kind != Kind.TICK]
    if not alive:
        return Finding(Status.UNKNOWN, _("No process is alive that could tell."))
    if broker_away(alive):
        return Finding(
            Status.FAIL, _("The running processes cannot reach Redis. Pages work, nothing new is fetched or mailed.")
        )
    return Finding(Status.OK, _("The running processes reach Redis."))


def _planning(sight: Sight) -> Finding:
    late, ticks = dispatch.lag(), sight.of(Kind.TICK)
    evidence: dict[str, str | int | float] = {"late_seconds": round(late.total_seconds())}
    if ticks:
        evidence["last_tick_seconds"] = round(ticks[0].seen)
    if late > LAG:
        return Finding(
            Status.FAIL,
            _("Reports that were due %(ago)s are not planned yet.") % {"ago": ago(late.total_seconds())},
            evidence,
        )
    if ticks and not ticks[0].alive:
        return Finding(
            Status.FAIL, _("Planning stopped: its last turn was %(ago)s.") % {"ago": ago(ticks[0].seen)}, evidence
        )
    return Finding(Status.OK, _("What is due is planned."), evidence)


def _worker(sight: Sight) -> Finding:
    workers = sight.of(Kind.WORKER)
    running = [one for one in workers if one.running]
    if running:
        said = ngettext("%(n)d worker runs.", "%(n)d workers run.", len(running)) % {"n": len(running)}
        return Finding(Status.OK, said, {"workers": len(running), "busy": sum(one.busy for one in running)})
    if workers:
        said = _("No worker runs; the last was seen %(ago)s.") % {"ago": ago(workers[0].seen)}
        status = Status.WARN if workers[0].alive else Status.FAIL  # a restart takes a moment
        return Finding(status, said, {"last_seen_seconds": round(workers[0].seen)})
    if ears.overdue():
        return Finding(Status.FAIL, _("No worker runs, and there is work."))
    return Finding(Status.UNKNOWN, _("No worker has run here yet."))


def _deaf(sight: Sight) -> Finding:
    workers = [one for one in sight.of(Kind.WORKER) if one.running]
    silent = [one for one in workers if one.deaf or ears.is_deaf(one, sight.processes)]
    if silent and ears.overdue():
        return Finding(
            Status.FAIL,
            ngettext(
                "%(n)d worker is up and hears nothing, although there is work. It ends itself and is started again.",
                "%(n)d workers are up and hear nothing, although there is work. They end themselves and are started"
                " again.",
                len(silent),
            )
            % {"n": len(silent)},
            {"workers": ", ".join(one.name for one in silent) if sight.accounts is None else len(silent)},
        )
    if not workers:
        return Finding(Status.UNKNOWN, _("No worker runs that could be deaf."))
    return Finding(Status.OK, _("Every worker hears."))


# What waits for a worker alone. History is left out: Amazon lets it through at its own pace, over hours.
# Leans on fetch_due, ingest_due and uploaditem_due.
_OLDEST = """
    SELECT EXTRACT(EPOCH FROM clock_timestamp() - min(since))::float8, count(*) FROM (
        SELECT GREATEST(not_before, lease_until) AS since FROM feeds_fetch
         WHERE finished_at IS NULL AND state IN ('waiting', 'requested', 'ready') AND kind <> 'backfill'
        UNION ALL SELECT GREATEST(not_before, lease_until) FROM feeds_ingest
         WHERE finished_at IS NULL AND state = 'waiting'
        UNION ALL SELECT GREATEST(not_before, lease_until) FROM feeds_uploaditem
         WHERE finished_at IS NULL AND state IN ('waiting', 'wanted')) AS due
     WHERE since < clock_timestamp()"""


def _queue(sight: Sight) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        age, waiting = cursor.fetchone()
    return _by_age(
        age,
        waiting,
        QUEUE_WARN,
        QUEUE_FAIL,
        _("Nothing waits for a worker."),
        _("What has waited longest for a worker was due %(ago)s."),
    )


def _judging(sight: Sight) -> Finding:
    days = DirtyDay.objects.all()
    if sight.accounts is not None:
        days = days.filter(account__in=sight.accounts)
    oldest = days.order_by("marked_at").values_list("marked_at", flat=True).first()
    age = (timezone.now() - oldest).total_seconds() if oldest else None
    return _by_age(
        age,
        days.count() if oldest else 0,
        JUDGE_WARN,
        JUDGE_FAIL,
        _("All figures are judged."),
        _("A day whose figures changed %(ago)s is not judged yet: tiles and alerts are behind."),
    )


def _by_age(age: float | None, waiting: int, warn: int, fail: int, fine: str, said: str) -> Finding:
    """A finding about the oldest of what waits; `warn` and `fail` in minutes."""
    if age is None:
        return Finding(Status.OK, fine)
    status = Status.FAIL if age > fail * 60 else Status.WARN if age > warn * 60 else Status.OK
    evidence: dict[str, str | int | float] = {"waiting": waiting, "oldest_seconds": round(age)}
    return Finding(status, said % {"ago": ago(age)}, evidence)


register(
    Check(
        "dispatcher",
        gettext_lazy("Dispatcher"),
        gettext_lazy("the newest sign of life of beat"),
        gettext_lazy("Start it: docker compose up -d beat, or docker/entrypoint.sh beat. It catches up once."),
        _dispatcher,
        stops="processing",
    ),
    Check(
        "broker",
        gettext_lazy("Way to Redis"),
        gettext_lazy("what beat and the workers say of Redis"),
        gettext_lazy("Start Redis and check REDIS_URL. Work goes on by itself."),
        _broker,
        stops="processing",
    ),
    Check(
        "planning",
        gettext_lazy("Planning"),
        gettext_lazy("the oldest report that is due and not planned, and the last tick"),
        gettext_lazy("Look at the other findings first; if there is none, read the log of the workers."),
        _planning,
        stops="processing",
    ),
    Check(
        "worker",
        gettext_lazy("Workers"),
        gettext_lazy("signs of life of the workers"),
        gettext_lazy("Start one: docker compose up -d worker, or docker/entrypoint.sh worker."),
        _worker,
        stops="processing",
    ),
    Check(
        "deaf",
        gettext_lazy("Hearing of the workers"),
        gettext_lazy("workers that are idle while work waits"),
        gettext_lazy("It ends itself within a minute; if none comes back, restart it by hand."),
        _deaf,
        stops="processing",
    ),
    Check(
        "queue",
        gettext_lazy("Queue"),
        gettext_lazy("what has been due longest; history that waits for Amazon is left out"),
        gettext_lazy("Raise WORKER_CONCURRENCY or start another worker."),
        _queue,
    ),
    Check(
        "judging",
        gettext_lazy("Judging"),
        gettext_lazy("the oldest day whose figures changed and are not judged"),
        gettext_lazy("Start another worker; if one scope stays behind, read the log of the workers."),
        _judging,
    ),
)
