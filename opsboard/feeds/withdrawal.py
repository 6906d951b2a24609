"""Taking a document back, and having one read again: rows ask for it, a worker does it.

A withdrawn document counts for nothing. Each day it held falls back to the newest document that
also spoke of the day (DocumentDay); a day nobody else spoke of is missing again, not zero. Its
bytes and its row stay, so that it can be restored.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import User

from . import hints, pipeline, registry
from .errors import BadDocument
from .groups import version_key
from .models import Coverage, Document, DocumentDay, Ingest, ToldGroups
from .registry import Dataset, Scope
from .replacement import mark_dirty

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
#: What became of a document that was read and might have been stored, had none been newer.
_READ = (Ingest.State.APPLIED, Ingest.State.UNCHANGED, Ingest.State.SUPERSEDED)


def replay(document: Document, *, user: User | None, why: str = "", force: bool = False) -> Ingest:
    """Have a document read again; `force` applies one that was held. A withdrawn one counts again."""
    with transaction.atomic():
        _locked(document, withdrawn_at=None)
        return _ask(document, Ingest.Task.FORCE if force else Ingest.Task.REPLAY, user, why)


def withdraw(document: Document, *, user: User | None, why: str) -> Ingest:
    """Take a document back; a worker lets its days fall back to what was known without it."""
    with transaction.atomic():
        _locked(document, withdrawn_at=timezone.now())
        return _ask(document, Ingest.Task.WITHDRAW, user, why)


def _locked(document: Document, **fields: Any) -> None:
    Document.objects.select_for_update().get(pk=document.pk)
    Document.objects.filter(pk=document.pk).update(**fields)
    for name, value in fields.items():
        setattr(document, name, value)
    # What nobody has begun is overtaken by what is asked for now.
    document.ingests.filter(state=Ingest.State.WAITING, finished_at=None, lease_until=None).update(
        state=Ingest.State.SUPERSEDED, finished_at=timezone.now(), reason=_("Something else was asked for since")
    )


def _ask(document: Document, task: str, user: User | None, why: str) -> Ingest:
    ingest = Ingest.objects.create(document=document, task=task, asked_by=user, why=why[:300])
    transaction.on_commit(lambda: hints.hint("opsboard.feeds.work"))
    return ingest


def unmake(document: Document) -> pipeline.Outcome:
    """Let every day (and group) the document holds fall back. All its datasets change, or none does."""
    outcome = pipeline.Outcome(Ingest.State.WITHDRAWN)
    if document.withdrawn_at is None:
        return pipeline.Outcome(Ingest.State.SUPERSEDED, _("It was restored since"))
    days: set[date] = set()
    with transaction.atomic():
        for dataset in registry.spec(document.spec).datasets:
            work = _Withdrawal(document, dataset)
            days |= set(work.run())
            outcome.changed += work.changed
            outcome.deleted += work.deleted
            outcome.datasets.append(dataset.key)
    outcome.days = sorted(days)
    if days:
        pipeline.hint_judge(document)
    return outcome


class _Withdrawal:
    def __init__(self, document: Document, dataset: Dataset) -> None:
        self.document = document
        self.dataset = dataset
        self.table = dataset.model._meta.db_table
        self.scope: dict[str, Any] = {
            "account": document.account_id,
            "marketplace": document.marketplace_id,
            "document": document.pk,
            "dataset": dataset.key,
        }
        self.changed = self.deleted = 0

    def run(self) -> list[date]:
        """The days whose figures may have moved."""
        held = self._held_days()
        groups = self._drop_groups() if self.dataset.scope is Scope.GROUPS else []
        stamped = self._stamped_days() if self.dataset.scope is not Scope.GROUPS else []
        if not (held or groups or stamped):
            return []
        # Nothing is older than a withdrawn document, so any other may take its days.
        self._coverage(self.document).update(source_created_at=_NEVER, digest="")
        if self.dataset.scope is Scope.GROUPS:
            self._refill(groups)
        for fallback, its_days in self._fallbacks({*held, *stamped}).items():
            self._reapply(fallback, its_days)
        orphaned = list(self._coverage(self.document).values_list("date", flat=True))
        self._forget(orphaned)
        moved = sorted({*held, *stamped, *groups})
        self._mark_dirty(moved)
        return moved

    def _coverage(self, document: Document) -> models.QuerySet[Coverage]:
        return Coverage.objects.filter(
            account=document.account_id,
            marketplace=document.marketplace_id,
            dataset=self.dataset.key,
            document=document,
        )

    def _held_days(self) -> list[date]:
        return list(self._coverage(self.document).values_list("date", flat=True))

    def _stamped_days(self) -> list[date]:
        """Days another document holds with rows that still bear this one's name, for they say the same."""
        dated = "date" in {field.attname for field in self.dataset.model._meta.concrete_fields}
        day = "date" if dated else "%(day)s::date"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT {day} FROM {self.table} WHERE account_id = %(account)s "
                "AND marketplace_id = %(marketplace)s AND document_id = %(document)s",
                {**self.scope, "day": pipeline.document_day(self.document)},
            )
            return [row[0] for row in cursor.fetchall()]

    # --- days ---------------------------------------------------------------------------------

    def _fallbacks(self, days: set[date]) -> dict[Document, list[date]]:
        """By document: the days it is the newest to have spoken of, this one aside. The oldest comes first."""
        spoken = (
            DocumentDay.objects.filter(
                account=self.document.account_id,
                marketplace=self.document.marketplace_id,
                dataset=self.dataset.key,
                document__withdrawn_at=None,
            )
            .exclude(document=self.document)
            .order_by("date", "-source_created_at", "-document_id")
        )
        if self.dataset.scope is Scope.STATE:
            newest = spoken.order_by("-source_created_at", "-document_id").values_list("date", "document_id")[:1]
            found = {document: [day] for day, document in newest}
        else:
            found = defaultdict(list)
            for day, document in spoken.filter(date__in=days).distinct("date").values_list("date", "document_id"):
                found[document].append(day)
        documents = Document.objects.select_related("account", "marketplace").filter(pk__in=found)
        return {document: found[document.pk] for document in documents.order_by("source_created_at", "pk")}

    def _reapply(self, fallback: Document, days: list[date]) -> None:
        if self.dataset.scope is Scope.GROUPS:
            # Its groups are stored already; only who speaks for the day changes.
            said = DocumentDay.objects.filter(document=fallback, dataset=self.dataset.key, date__in=days)
            for day, rows in said.values_list("date", "rows"):
                self._coverage(self.document).filter(date=day).update(
                    document=fallback,
                    source_created_at=fallback.source_created_at,
                    rows=rows,
                    applied_at=timezone.now(),
                )
            return
        self.changed += pipeline.reapply(fallback, {self.dataset.key: days}, self.document.pk)

    def _forget(self, days: list[date]) -> None:
        """Days that nobody else spoke of are missing again."""
        if not days:
            return
        if self.dataset.scope is not Scope.GROUPS:
            by_day = " AND date = ANY(%(days)s)" if self.dataset.scope is not Scope.STATE else ""
            with connection.cursor() as cursor:
                cursor.execute(
                    f"DELETE FROM {self.table} WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s"
                    + by_day,
                    {**self.scope, "days": days},
                )
                self.deleted += cursor.rowcount
        self._coverage(self.document).delete()

    def _mark_dirty(self, days: list[date]) -> None:
        with connection.cursor() as cursor:
            mark_dirty(cursor, {**self.scope, "days": days})

    # --- groups -------------------------------------------------------------------------------

    def _drop_groups(self) -> list[date]:
        """Delete the groups that are as the document told them, or in which a row bears its name; their days.

        Another document that said the same told the whole group, and tells it again.
        """
        names = ", ".join(self.dataset.group)
        mine = "account_id = %(account)s AND marketplace_id = %(marketplace)s"
        newest = f"max(f.{self.dataset.version})" if self.dataset.version else "NULL::timestamptz"
        told = (
            f"SELECT {names} FROM {self.table} f WHERE {mine} GROUP BY {names} "
            f"HAVING {version_key(self.dataset, 'f', newest)} IN (SELECT unnest(groups) FROM feeds_toldgroups "
            "WHERE document_id = %(document)s AND dataset = %(dataset)s)"
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH gone AS (DELETE FROM {self.table} WHERE {mine} AND ({names}) IN "
                f"(SELECT {names} FROM {self.table} WHERE {mine} AND document_id = %(document)s UNION {told}) "
                "RETURNING date) SELECT count(*), array_agg(DISTINCT date) FROM gone",
                self.scope,
            )
            count, days = cursor.fetchone()
        ToldGroups.objects.filter(document=self.document, dataset=self.dataset.key).delete()
        self.deleted += count
        return days or []

    def _refill(self, emptied: list[date]) -> None:
        """Let the other documents tell the groups again, the newest first: a group keeps what it is told first."""
        if not emptied:
            return
        specs = [spec.key for spec in registry.specs() if any(one.key == self.dataset.key for one in spec.datasets)]
        # Not only those that speak for a whole day: an export of what changed last week may speak for none.
        read = Ingest.objects.filter(state__in=_READ).values("document_id")
        others = (
            Document.objects.select_related("account", "marketplace")
            .filter(
                account=self.document.account_id,
                marketplace=self.document.marketplace_id,
                spec__in=specs,
                pk__in=read,
                withdrawn_at=None,
            )
            .exclude(pk=self.document.pk)
            .order_by("-source_created_at", "-pk")
        )
        for document in others.iterator():
            try:
                self.changed += pipeline.reapply(document, {self.dataset.key: []}, self.document.pk)
            except BadDocument:
                continue  # it was readable once and is not now: the next older one speaks
