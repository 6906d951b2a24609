"""SKUs on a shelf: stock and sales as the planning report tells them, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import timezone

from inventory.models import Item, PlanningDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.tasks import judge_scope
from opsboard.feeds import partitions
from opsboard.feeds.models import Coverage, Document, DocumentDay
from opsboard.kpis import snapshots

#: {SKU: (available, shipped in 30 days)}
Stock = Mapping[str, tuple[int, int]]


class Shelf:
    def __init__(self, scope: AccountMarketplace) -> None:
        self.scope = scope
        self.first: dict[str, Any] = {"account_id": scope.account_id, "marketplace_id": scope.marketplace_id}

    def stock(self, stock: Stock, day: date | None = None) -> None:
        """What the report of a day (today) said, in place of what an earlier one of the day said."""
        day = day or self.scope.marketplace.today()
        partitions.ensure(PlanningDay, day, day)
        document = Document.objects.create(
            **self.first,
            spec="planning",
            source=Document.Source.SP_API,
            source_created_at=timezone.now(),
            sha256="0" * 64,
            size=1,
        )
        PlanningDay.objects.filter(**self.first, date=day).delete()
        PlanningDay.objects.bulk_create(
            PlanningDay(
                **self.first, document_id=document.pk, line=n, date=day, sku=sku, available=left, shipped_30=sold
            )
            for n, (sku, (left, sold)) in enumerate(stock.items(), 2)
        )
        Item.objects.bulk_create(
            [Item(**self.first, sku=sku, name=f"Thing {sku}") for sku in stock], ignore_conflicts=True
        )
        said = {**self.first, "dataset": "planning", "date": day, "rows": len(stock)}
        Coverage.objects.filter(**self.first, dataset="planning", date=day).delete()
        Coverage.objects.create(**said, document=document, source_created_at=document.source_created_at)
        DocumentDay.objects.create(**said, document=document, source_created_at=document.source_created_at)
        snapshots.mark_all(self.scope.account_id, self.scope.marketplace_id)

    def judge(self, stock: Stock | None = None) -> int:
        """Take stock and judge it; how many alerts that opened."""
        if stock is not None:
            self.stock(stock)
        return judge_scope(self.scope.account_id, self.scope.marketplace_id)
