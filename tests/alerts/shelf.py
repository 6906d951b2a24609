"""A small shop: stock as the planning report tells it, sales as the Business Report does, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import models
from django.utils import timezone

from inventory.models import Item, PlanningDay
from listings.models import AsinDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds import partitions
from opsboard.feeds.models import Coverage, Document, DocumentDay
from opsboard.kpis import snapshots

#: {SKU: (available, shipped in 30 days)}
Stock = Mapping[str, tuple[int, int]]
#: {ASIN: (units, sessions)} of a day.
Sales = Mapping[str, tuple[int, int]]
#: What everything costs, in minor units.
PRICE = 2000


class Shelf:
    def __init__(self, scope: AccountMarketplace) -> None:
        self.scope = scope
        self.first: dict[str, Any] = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}

    def stock(self, stock: Stock, day: date | None = None) -> None:
        """What the report of a day (today) said, in place of what an earlier one of the day said."""
        day = day or self.scope.marketplace.today()
        document = self._document("planning")
        self._store(
            [
                PlanningDay(
                    **self.first, document_id=document.pk, line=n, date=day, sku=sku, available=left, shipped_30=sold
                )
                for n, (sku, (left, sold)) in enumerate(stock.items(), 2)
            ],
            PlanningDay,
            day,
        )
        Item.objects.bulk_create(
            [Item(**self.first, sku=sku, name=f"Thing {sku}") for sku in stock], ignore_conflicts=True
        )
        self._said(document, "planning", day, len(stock))

    def sold(self, sales: Sales, *days: date) -> None:
        """What was sold on each of these days, in place of what was said before."""
        document = self._document("sales_and_traffic_asin")
        for day in days:
            rows = [
                AsinDay(
                    **self.first,
                    document_id=document.pk,
                    line=n,
                    date=day,
                    asin=asin,
                    units_ordered=units,
                    ordered_sales_minor=units * PRICE,
                    sessions=sessions,
                    page_views=sessions,
                )
                for n, (asin, (units, sessions)) in enumerate(sales.items(), 2)
            ]
            self._store(rows, AsinDay, day)
            self._said(document, "sales_by_asin", day, len(rows))

    def judge(self, stock: Stock | None = None) -> int:
        """Take stock and judge it; how many alerts that opened."""
        if stock is not None:
            self.stock(stock)
        return judge_scope(self.scope.account_id, self.scope.marketplace_id)

    def _document(self, spec: str) -> Document:
        return Document.objects.create(
            **self.first,
            spec=spec,
            source=Document.Source.SP_API,
            source_created_at=timezone.now(),
            sha256="0" * 64,
            size=1,
        )

    def _store(self, rows: Sequence[models.Model], model: Any, day: date) -> None:
        partitions.ensure(model, day, day)
        model.objects.filter(**self.first, date=day).delete()
        model.objects.bulk_create(rows)

    def _said(self, document: Document, dataset: str, day: date, rows: int) -> None:
        said = {**self.first, "dataset": dataset, "date": day, "rows": rows}
        Coverage.objects.filter(**self.first, dataset=dataset, date=day).delete()
        Coverage.objects.create(**said, document=document, source_created_at=document.source_created_at)
        DocumentDay.objects.create(**said, document=document, source_created_at=document.source_created_at)
        snapshots.mark_all(self.scope.account_id, self.scope.marketplace_id)
