"""Replace a scope: what a document says about its days becomes what the fact table says.

One transaction per dataset: rows that differ are written, rows that are gone are deleted,
rows that are the same are not touched, and the days whose figures may have moved are marked
dirty in the same commit. A day (or an order) already held by a newer document is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from django.db import IntegrityError, connection, transaction

from opsboard.accounts.models import Marketplace

from . import partitions, registry
from .groups import GroupReplacement
from .models import Document
from .readers import Batch
from .registry import Dataset, Kind, Scope
from .replacement import UNIQUE_VIOLATION, Replaced, Replacement, SuddenEmptiness
from .staging import Staged, Stager

__all__ = ["Replaced", "SuddenEmptiness", "is_loadable", "load", "replace"]


def replace(
    staged: Staged,
    document: Document,
    marketplace: Marketplace,
    *,
    day: date | None,
    force: bool = False,
    only: Collection[date] | None = None,
    disowned: int = 0,
) -> Replaced:
    """Apply `staged` to the fact table of its dataset.

    `day` dates rows that carry no date (Scope.DAY and Scope.STATE). `force` applies a document
    although it empties the scope, `only` leaves all days but these alone, rows that document `disowned`
    left are taken over though they say the same. Raises SuddenEmptiness, Held or BadDocument with
    nothing changed.
    """
    if staged.dataset.verify is not None and not force:
        with connection.cursor() as cursor:
            staged.dataset.verify(cursor, staged.table, document)
    if staged.dataset.scope is Scope.GROUPS:
        groups = GroupReplacement(staged, document, marketplace, day)
        groups.make_partitions()
        with transaction.atomic():
            return groups.run(groups.days(), force)
    work = Replacement(staged, document, marketplace, day)
    work.disowned = disowned
    days = [found for found in work.days() if only is None or found in only]
    if not days:
        return Replaced()
    if work.dated:
        partitions.ensure(work.model, days[0], days[-1])
    with transaction.atomic():
        return work.run(days, force)


def load(stager: Stager, document: Document, marketplace: Marketplace, batches: Iterable[Batch]) -> Replaced | None:
    """Stream `batches` straight into the fact table: for days that no document has spoken of yet.

    None, with nothing changed and perhaps with `batches` used up, where that cannot be done: some of
    the days are held already, or the document says a key twice. Raises BadDocument as staging does.
    """
    work = Replacement(stager.staged, document, marketplace, None)
    days = work.days()
    partitions.ensure(work.model, days[0], days[-1])
    try:
        with transaction.atomic():
            return work.load(stager, batches, days)
    except IntegrityError as error:
        if getattr(error.__cause__, "pgcode", "") != UNIQUE_VIOLATION:
            raise
        return None


def is_loadable(dataset: Dataset, document: Document) -> bool:
    """Whether the rows of such a document are stored as they are staged, on days known beforehand."""
    fields = {field.attname for field in dataset.model._meta.concrete_fields}
    return bool(
        dataset.scope is Scope.DAYS
        and document.window_start
        and document.window_end
        and registry.spec(document.spec).history
        and not (dataset.derived or dataset.verify or "ordinal" in fields)
        and all(c.kind is Kind.CURRENCY or (c.field in fields and c.kind is not Kind.PERCENT) for c in dataset.columns)
    )
