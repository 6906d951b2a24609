"""/metrics for Prometheus: figures of the whole installation, made of rows when somebody asks.

No label names a seller, an account or a person. Every figure leans on an index or reads a table of a
few rows, so a scrape every 15 seconds costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from opsboard.accounts.models import AccountMarketplace
from opsboard.accounts.public import public
from opsboard.alerts.models import OutboxMessage
from opsboard.feeds import dispatch, freshness
from opsboard.feeds import registry as reports

from . import heartbeats, staleness
from .models import Heartbeat, Tally


@public
def metrics(request: HttpRequest) -> HttpResponse:
    """For who knows OPSBOARD_METRICS_TOKEN; without one, for this machine itself and nobody behind a proxy."""
    if not _may_read(request):
        text = "Send OPSBOARD_METRICS_TOKEN as a bearer token, or ask from this machine itself.\n"
        return HttpResponse(text, content_type="text/plain; charset=utf-8", status=403)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Rows())
    try:
        body = encode(registry)
    except DatabaseError:
        return HttpResponse("the database does not answer\n", content_type="text/plain; charset=utf-8", status=503)
    response = HttpResponse(body, content_type=content_type)
    response["Cache-Control"] = "no-store"
    return response


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        said = request.headers.get("Authorization", "")
        return compare_digest(said.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if {"X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded"} & set(request.headers):
        return False  # a proxy on this machine asks for somebody else
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False  # a unix socket, so there is a proxy


class Rows(Collector):
    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _processes()
        yield from _work()
        yield from _counted()
        yield from _throttle()
        yield from _mail()
        yield from _freshness()


def _gauge(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"opsboard_{name}", help_, labels=labels)


def _counter(name: str, help_: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"opsboard_{name}", help_, labels=labels)


def _processes() -> Iterator[Metric]:
    """The heartbeats: a row a process."""
    found = heartbeats.standing()
    up = _gauge("processes_alive", "Processes that were seen within a minute or so.", "kind")
    deaf = _gauge("workers_deaf", "Workers that are up and hear nothing although there is work.")
    seen = _gauge("heartbeat_age_seconds", "Since the newest sign of life of a kind of process.", "kind")
    busy = _gauge("worker_busy_tasks", "Tasks that the living workers are at.")
    ahead = _gauge("clock_ahead_seconds", "The clock furthest from the database's.")
    for kind in Heartbeat.Kind.values:
        mine = [one for one in found if one.kind == kind]
        up.add_metric([kind], sum(one.running for one in mine))
        if mine:
            seen.add_metric([kind], mine[0].seen)
    alive = [one for one in found if one.running]
    deaf.add_metric([], sum(one.deaf for one in alive))
    busy.add_metric([], sum(one.busy for one in alive))
    ahead.add_metric([], max((one.ahead for one in alive), key=abs, default=0.0))
    lag = _gauge("dispatch_lag_seconds", "How late planning is: the oldest slot that is due and not planned.")
    lag.add_metric([], dispatch.lag().total_seconds())
    yield from (up, deaf, seen, busy, ahead, lag)


#: kind of work -> (table, what is open). Each leans on the partial index of its due rows.
_OPEN = {
    "fetch": ("feeds_fetch", "state IN ('waiting', 'requested', 'ready')"),  # fetch_due
    "ingest": ("feeds_ingest", "state = 'waiting'"),  # ingest_due
    "upload": ("feeds_uploaditem", "state IN ('waiting', 'wanted')"),  # uploaditem_due
    "mail": ("alerts_outboxmessage", "TRUE"),  # outbox_due
}
_WAITING = """
    SELECT %s, count(*) FILTER (WHERE since < now()), EXTRACT(EPOCH FROM now() - min(since))::float8,
           count(*) FILTER (WHERE lease_until < now()), count(*) FILTER (WHERE attempts > 0)
      FROM (SELECT attempts, lease_until, GREATEST(not_before, lease_until) AS since
              FROM {table} WHERE finished_at IS NULL AND {open}) AS waiting"""


def _work() -> Iterator[Metric]:
    due = _gauge("due_rows", "Rows of work that could be worked on now.", "work")
    age = _gauge("due_age_seconds", "Since when the oldest of them could be.", "work")
    expired = _gauge("expired_leases", "Rows whose worker died or lost them and that nobody has taken since.", "work")
    tried = _gauge("retried_rows", "Open rows that have cost an attempt, or are being worked on.", "work")
    sql = " UNION ALL ".join(_WAITING.format(table=table, open=open_) for table, open_ in _OPEN.values())
    with connection.cursor() as cursor:
        cursor.execute(sql, list(_OPEN))
        for kind, rows, oldest, lost, attempts in cursor.fetchall():
            due.add_metric([kind], rows)
            age.add_metric([kind], max(0.0, oldest or 0.0))
            expired.add_metric([kind], lost)
            tried.add_metric([kind], attempts)
    yield from (due, age, expired, tried)


_WORK = {"fetch": "fetch", "ingest": "ingest", "uploaditem": "upload", "outboxmessage": "mail"}


def _counted() -> Iterator[Metric]:
    """Tallies: a row a counter."""
    claims = _counter("claims", "Rows of work that a worker took.", "work")
    outcomes = _counter("outcomes", "How units of work ended.", "work", "outcome")
    seconds = _counter("work_seconds", "Time from the last claim to the end.", "work")
    rows = _counter("ingested_rows", "Rows read from documents.")
    stale = _counter("stale_fences", "Writes refused because the claim was lost.", "work")
    aside = _counter("set_aside", "Units of work set aside after three tries.", "work")
    by_name = {"claims": claims, "seconds": seconds, "stale_fences": stale, "set_aside": aside}
    total_rows = 0.0
    for what, label, total in Tally.objects.order_by("what", "label").values_list("what", "label", "total"):
        kind, _, state = label.partition(":")
        kind = _WORK.get(kind, kind)
        if what in by_name:
            by_name[what].add_metric([kind], total)
        elif what == "finished":
            outcomes.add_metric([kind, state], total)
        elif what == "rows":
            total_rows += total
    rows.add_metric([], total_rows)
    yield from (claims, outcomes, seconds, rows, stale, aside)


# The buckets: a row a seller, application and operation.
_BUCKETS = """
    SELECT operation, min(level), max(CASE WHEN level < 1 THEN (1 - level) / rate ELSE 0 END), sum(waits), sum(refused)
      FROM (SELECT operation, rate, waits, refused, LEAST(burst, tokens + rate *
                   GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - filled_at)::float8)) AS level
              FROM amazon_bucket) AS bucket GROUP BY operation ORDER BY operation"""


def _throttle() -> Iterator[Metric]:
    tokens = _gauge("throttle_tokens", "Calls that may be made now, of the seller who may make fewest.", "operation")
    wait = _gauge("throttle_wait_seconds", "Until the seller who waits longest may call.", "operation")
    waits = _counter("throttle_waits", "How often a caller had to wait for a token.", "operation")
    refusals = _counter("throttle_refusals", "How often Amazon said 429.", "operation")
    with connection.cursor() as cursor:
        cursor.execute(_BUCKETS)
        for operation, level, seconds, waited, refused in cursor.fetchall():
            tokens.add_metric([operation], level)
            wait.add_metric([operation], seconds)
            waits.add_metric([operation], float(waited))
            refusals.add_metric([operation], float(refused))
    yield from (tokens, wait, waits, refusals)


def _mail() -> Iterator[Metric]:
    """States and copies lean on outbox_by_state (state, tries), the age on outbox_due."""
    states = _gauge("mails", "Mails by state.", "state")
    copies = _counter("mail_copies", "Copies sent again because nobody knows whether the first arrived.")
    age = _gauge("outbox_age_seconds", "Since when the oldest mail that is due is not sent.")
    counts = dict.fromkeys(OutboxMessage.State.values, 0)
    doubled = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*), sum(GREATEST(tries - 1, 0))::int FROM alerts_outboxmessage GROUP BY state"
        )
        for state, number, again in cursor.fetchall():
            counts[state] = number
            doubled += again
        cursor.execute(
            "SELECT coalesce(EXTRACT(EPOCH FROM now() - min(due_at)), 0)::float8"
            " FROM alerts_outboxmessage WHERE finished_at IS NULL AND due_at <= now()"
        )
        age.add_metric([], max(0.0, cursor.fetchone()[0]))
    for state, number in counts.items():
        states.add_metric([state], number)
    copies.add_metric([], doubled)
    yield from (states, copies, age)


def _freshness() -> Iterator[Metric]:
    """The feeds' table, and one backward probe of coverage_once a scope and dataset."""
    age = _gauge(
        "feed_age_seconds", "Since the last success of a report, of the scope where that is longest.", "report"
    )
    late = _gauge("feeds_late", "Feeds older than their rhythm allows, and so old that pages say stale.", "level")
    behind = _gauge(
        "covered_days_behind", "Days from the newest covered day to the marketplace's today, worst scope.", "dataset"
    )
    oldest: dict[str, float] = {}
    levels = {"late": 0, "stale": 0}
    for spec, seconds, hours, weekdays in staleness.ages():
        oldest[spec] = max(oldest.get(spec, 0.0), seconds)
        if found := staleness.judge(spec, seconds, hours, weekdays):
            levels["stale" if found.stale else "late"] += 1
    for spec, seconds in sorted(oldest.items()):
        age.add_metric([spec], seconds)
    for level, number in levels.items():
        late.add_metric([level], number)
    scopes = list(
        AccountMarketplace.objects.filter(active=True, account__active=True).select_related("account", "marketplace")
    )
    days: dict[str, int] = {}
    for one in freshness.covered(scopes, sorted(reports.datasets())) if scopes else ():
        if one.last:
            distance = (one.scope.marketplace.today() - one.last).days
            days[one.dataset] = max(days.get(one.dataset, distance), distance)
    for dataset, distance in sorted(days.items()):
        behind.add_metric([dataset], distance)
    yield from (age, late, behind)
