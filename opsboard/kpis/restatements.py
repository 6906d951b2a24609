"""What a page says of figures that changed after their days were final: was, now, by how much, which document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import provenance
from opsboard.feeds.models import Document
from opsboard.ui import formats

from .vintages import Restated

Row = Mapping[str, Any]


def as_first_final(table: Sequence[Row], news: Sequence[Restated], measures: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of daily.measures_by_day with the values their days had when they became final."""
    by_day = {row["date"]: dict(row) for row in table}
    for one in news:
        if one.measure in measures:
            row = by_day.setdefault(one.day, {"date": one.day, **dict.fromkeys(measures)})
            row[one.measure] = one.was
    return [by_day[day] for day in sorted(by_day)]


def newest_by_day(news: Sequence[Restated]) -> dict[date, Restated]:
    """The last of each day's news."""
    found: dict[date, Restated] = {}
    for one in news:
        if one.day not in found or found[one.day].known_at <= one.known_at:
            found[one.day] = one
    return found


def sources(scope: AccountMarketplace, news: Sequence[Restated]) -> dict[int, tuple[str, str]]:
    """(words, address) of the documents of this scope behind some news, by id."""
    mine: dict[int, Any] = Document.objects.filter(
        account_id=scope.account_id, marketplace_id=scope.marketplace_id
    ).in_bulk({one.document_id for one in news if one.document_id is not None})
    return {
        pk: (provenance.describe(document, scope), provenance.document_url(document)) for pk, document in mine.items()
    }


def when(scope: AccountMarketplace, one: Restated) -> str:
    """The moment it became known, on the marketplace's clock."""
    return formats.instant(one.known_at, scope.marketplace)
