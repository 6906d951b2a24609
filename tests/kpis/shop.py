"""A shop of the declared KPIs, and a way to say what its measures were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis import judge
from opsboard.kpis.models import AccountDay, Verdict
from tests.factories import make_scope

TODAY = date(2026, 11, 20)


class Shop:
    """One account in one marketplace, its measures planted straight into the roll-up."""

    def __init__(self, scope: AccountMarketplace) -> None:
        self.scope = scope

    def plant(self, measure: str, values: Mapping[date, int | str | Decimal]) -> None:
        AccountDay.objects.bulk_create(
            (
                AccountDay(
                    account_id=self.scope.account_id,
                    marketplace_id=self.scope.marketplace_id,
                    date=day,
                    measure=measure,
                    value=Decimal(value),
                )
                for day, value in values.items()
            ),
            update_conflicts=True,
            update_fields=["value"],
            unique_fields=["account_id", "marketplace_id", "date", "measure"],
        )

    def forget(self, measure: str, day: date) -> None:
        AccountDay.objects.filter(account_id=self.scope.account_id, measure=measure, date=day).delete()

    def judge(self, today: date = TODAY) -> list[judge.Change]:
        with transaction.atomic():
            return judge.judge(self.scope.account_id, self.scope.marketplace_id, today)

    def verdict(self, kpi: str, today: date = TODAY) -> Verdict:
        self.judge(today)
        return Verdict.objects.get(account=self.scope.account_id, marketplace=self.scope.marketplace_id, kpi=kpi)


def back(first: int, last: int, today: date = TODAY) -> list[date]:
    """The days from `first` days ago to `last` days ago, the oldest first."""
    return [today - timedelta(days=n) for n in range(first, last - 1, -1)]


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop(make_scope())


@pytest.fixture(autouse=True)
def quiet(settings: Settings, tmp_path: Path) -> None:
    settings.DOCUMENT_DIR = tmp_path
    settings.OPSBOARD_HINTS = False
