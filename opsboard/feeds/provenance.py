"""Where a figure comes from: the document and line behind a fact row, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats

from . import registry
from .models import Document


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One fact row as evidence: its day, its figures (formatted), and the document line it came from."""

    day: date
    cells: tuple[str, ...]
    source: str
    url: str


def describe(document: Document, scope: AccountMarketplace) -> str:
    """ "SP campaigns report 123, downloaded 22 Nov 06:12" on the marketplace's clock."""
    try:
        label = str(registry.spec(document.spec).label)
    except KeyError:
        label = document.report_type or document.spec
    name = document.report_id or document.file_name or f"#{document.pk}"
    words = {"report": label, "id": name, "when": formats.instant(document.received_at, scope.marketplace)}
    if document.source == Document.Source.UPLOAD:
        return _("%(report)s, file %(id)s, uploaded %(when)s") % words
    return _("%(report)s, report %(id)s, downloaded %(when)s") % words


def trace(scope: AccountMarketplace, rows: Iterable[tuple[date, tuple[str, ...], int, int]]) -> list[EvidenceLine]:
    """(day, cells, document id, line) rows with their sources; documents of other scopes stay unnamed."""
    listed = list(rows)
    documents: dict[int, Any] = Document.objects.filter(
        account_id=scope.account_id, marketplace_id=scope.marketplace_id
    ).in_bulk({row[2] for row in listed})
    found = []
    for day, cells, document_id, line in listed:
        document = documents.get(document_id)
        if document is None:
            found.append(
                EvidenceLine(day, cells, _("document %(id)s, line %(line)s") % {"id": document_id, "line": line}, "")
            )
            continue
        words = _("%(document)s, line %(line)s") % {"document": describe(document, scope), "line": line}
        found.append(EvidenceLine(day, cells, words, line_url(document, line)))
    return found


def line_url(document: Document, line: int) -> str:
    """The page of one line; that of the document where the figure is of no line in particular."""
    if line < 1:
        return document_url(document)
    return reverse("feeds:document-line", args=[document.pk, line])


def document_url(document: Document) -> str:
    try:
        return reverse("feeds:document", args=[document.pk])
    except NoReverseMatch:
        return ""
