"""What the Data page says: each feed's state in words, back-fill progress, recent documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats

from . import freshness, registry, slots, standing
from .models import Document, Feed, Ingest


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A feed as a person reads it."""

    scope: AccountMarketplace
    label: str
    source_page: str
    status: str  # ok, warn, breach, unknown, provisional (running)
    status_words: str
    reason: str
    #: What ended or holds up its fetches, when that is what its state is about.
    told: standing.Standing | None
    last_success: datetime | None
    next_run: datetime | None
    covered_to: date | None
    provisional_from: date | None
    running: int
    backfill: Backfill | None


@dataclass(frozen=True, slots=True)
class Backfill:
    """How much of the history is fetched, in requests."""

    done: int
    total: int
    #: Set aside or failed requests among them.
    troubled: int


def pairs_filter(scopes: Sequence[AccountMarketplace]) -> Q:
    """Rows of exactly these (visible) scopes; no scope matches nothing."""
    found = Q(pk__in=[])
    for scope in scopes:
        found |= Q(account_id=scope.account_id, marketplace_id=scope.marketplace_id)
    return found


# Leans on fetch_by_scope (account, marketplace, spec): each pair's fetches once.
_WORK = """
    SELECT f.account_id, f.marketplace_id, f.spec,
           count(*) FILTER (WHERE f.state IN ('waiting', 'requested', 'ready') AND f.not_before <= now()
               AND NOT (f.state = 'waiting' AND p.state IS NOT NULL AND p.state <> 'running')) AS running,
           count(*) FILTER (WHERE f.kind = 'backfill') AS total,
           count(*) FILTER (WHERE f.kind = 'backfill'
               AND f.state IN ('done', 'empty', 'cancelled', 'failed', 'quarantined'))
               AS done,
           count(*) FILTER (WHERE f.kind = 'backfill' AND f.state IN ('failed', 'quarantined')) AS troubled,
           max(f.finished_at) FILTER (WHERE f.state IN ('done', 'empty')) AS arrived
      FROM feeds_fetch f
      JOIN unnest(%s::int[], %s::int[]) AS pair(account_id, marketplace_id)
        ON pair.account_id = f.account_id AND pair.marketplace_id = f.marketplace_id
      LEFT JOIN feeds_backfillplan p ON p.id = f.plan_id
     GROUP BY 1, 2, 3
"""


def feed_lines(scopes: Sequence[AccountMarketplace]) -> list[FeedLine]:
    """Every feed of these scopes, troubled ones first, then by account, marketplace and report."""
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    arrays = [[account for account, _m in by_pair], [market for _a, market in by_pair]]
    with connection.cursor() as cursor:
        cursor.execute(_WORK, arrays)
        work = {row[:3]: row[3:] for row in cursor.fetchall()}
    going = standing.of(scopes)
    specs = {spec.key: spec for spec in registry.specs()}
    newest = {
        (item.scope.account_id, item.scope.marketplace_id, item.dataset): item
        for item in freshness.covered(scopes, list(registry.datasets()))
    }
    found = []
    for feed in Feed.objects.filter(pairs_filter(scopes)).order_by("spec"):
        spec, scope = specs.get(feed.spec), by_pair[(feed.account_id, feed.marketplace_id)]
        key = (feed.account_id, feed.marketplace_id, feed.spec)
        running, total, done, troubled, arrived = work.get(key, (0, 0, 0, 0, None))
        last = max(filter(None, (feed.last_success_at, arrived)), default=None)  # routine or back-fill
        covered = newest.get((*key[:2], spec.datasets[0].key)) if spec and spec.datasets else None
        told = standing.worst(going.get(key, []), last)
        status, words, reason, told = _state(feed, spec, told, running, last)
        found.append(
            FeedLine(
                scope=scope,
                label=str(spec.label) if spec else feed.spec,
                source_page=spec.source_page if spec else "",
                status=status,
                status_words=words,
                reason=reason,
                told=told,
                last_success=last,
                next_run=feed.next_due if feed.enabled else None,
                covered_to=covered.last if covered else None,
                provisional_from=covered.provisional_from if covered else None,
                running=running,
                backfill=Backfill(done, total, troubled) if total else None,
            )
        )
    order = {"breach": 0, "warn": 1, "unknown": 2, "provisional": 3, "ok": 4, "no_limit": 5}
    return sorted(found, key=lambda line: (str(line.scope), order[line.status], line.label))


def _state(
    feed: Feed,
    spec: registry.ReportSpec | None,
    told: standing.Standing | None,
    running: int,
    last: datetime | None,
) -> tuple[str, str, str, standing.Standing | None]:
    """(status, word, reason, what it stands at) of a feed; trouble older than the last success is history."""
    now = timezone.now()
    if not feed.enabled:
        return "no_limit", _("switched off"), "", None
    if told and told.severity in {"warn", "breach"}:
        return told.severity, told.word, told.sentence, told
    if feed.last_error and (last is None or last < now - timedelta(days=1)):
        return "breach", _("failed"), feed.last_error, None
    if last and spec and now - last > slots.late_after(spec, feed.hours, feed.weekdays):
        # What holds it up says why it is late; that it waits does not make it punctual.
        return "warn", _("late"), _("The last success is older than this report's rhythm."), told
    if told:
        return told.severity, told.word, told.sentence, told
    if running:
        return "provisional", _("under way"), "", None
    if last is None:
        return "unknown", _("not fetched yet"), "", None
    return "ok", _("up to date"), "", None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A received document and what became of it."""

    document: Document
    scope: AccountMarketplace
    label: str
    days: str
    ingest: Ingest | None
    status: str
    status_words: str


INGEST_STATUS = {
    Ingest.State.WAITING: "provisional",
    Ingest.State.APPLIED: "ok",
    Ingest.State.UNCHANGED: "ok",
    Ingest.State.SUPERSEDED: "no_limit",
    Ingest.State.HELD: "warn",
    Ingest.State.REFUSED: "breach",
    Ingest.State.QUARANTINED: "breach",
    Ingest.State.WITHDRAWN: "no_limit",
}


def document_line(document: Document, scope: AccountMarketplace) -> DocumentLine:
    """A document with its newest ingest in words."""
    ingest = max(document.ingests.all(), key=lambda item: item.pk, default=None)
    specs = {spec.key: spec for spec in registry.specs()}
    spec = specs.get(document.spec)
    days = (
        formats.span(document.window_start, document.window_end)
        if document.window_start and document.window_end
        else ""
    )
    return DocumentLine(
        document=document,
        scope=scope,
        label=str(spec.label) if spec else document.report_type,
        days=days,
        ingest=ingest,
        status=INGEST_STATUS.get(Ingest.State(ingest.state), "unknown") if ingest else "unknown",
        status_words=str(Ingest.State(ingest.state).label) if ingest else _("kept, not read yet"),
    )


def recent_documents(scopes: Sequence[AccountMarketplace], limit: int = 8) -> list[DocumentLine]:
    """The newest documents of these scopes."""
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    found: Any = (
        Document.objects.filter(pairs_filter(scopes)).prefetch_related("ingests").order_by("-received_at", "-pk")
    )
    return [
        document_line(document, by_pair[(document.account_id, document.marketplace_id)]) for document in found[:limit]
    ]
