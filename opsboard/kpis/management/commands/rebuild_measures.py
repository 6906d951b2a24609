"""Sum what is stored again: after a new measure or snapshot, and for vintages from before they named documents."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis import rollup, snapshots


class Command(BaseCommand):
    help = "Sum every covered day of every account again; what is new counts as known since its document's download."

    def handle(self, *args: Any, **options: Any) -> None:
        for scope in AccountMarketplace.objects.select_related("account", "marketplace").order_by("pk"):
            with transaction.atomic():
                changed = rollup.rebuild(scope.account_id, scope.marketplace_id)
                named = rollup.name_documents(scope.account_id, scope.marketplace_id)
                snapshots.mark_all(scope.account_id, scope.marketplace_id)
                snapshots.refresh(scope.account_id, scope.marketplace_id)
            self.stdout.write(f"{scope}: {changed} values changed, {named} vintages now name their document")
