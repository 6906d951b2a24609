"""The Listings page reads the windows that are kept, and says the same as from the facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from listings.models import AsinDay, AsinWindow
from opsboard.accounts.models import AccountMarketplace, Role
from opsboard.kpis import snapshots
from opsboard.kpis.models import SnapshotWindow
from tests.e2e.shop import stock_shop
from tests.factories import make_scope, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> AccountMarketplace:
    scope = make_scope()
    stock_shop(scope)
    return scope


def rows(scope: AccountMarketplace, **query: str) -> tuple[list[list[str]], bool]:
    """The cells of the table, and whether the facts were read for them."""
    client = Client()
    client.force_login(make_user(scope.account.organisation, Role.VIEWER))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = client.get("/listings/", {"scope": str(scope.pk), **query})
    cells: list[list[Any]] = page.context["table"].rows
    read = any("FROM listings_asinday" in query["sql"] for query in asked)
    return [[cell.text for cell in row] for row in cells], read


@pytest.mark.parametrize("period", ["7d", "14d", "30d", "90d", "mtd"])
def test_a_preset_period_is_read_from_its_window(shop: AccountMarketplace, period: str) -> None:
    kept, read = rows(shop, period=period)
    assert kept and not read
    SnapshotWindow.objects.update(stale=True)

    assert rows(shop, period=period) == (kept, True)


def test_other_days_and_other_comparisons_are_read_from_the_facts(shop: AccountMarketplace) -> None:
    today = shop.marketplace.today()
    days = {"from": (today - timedelta(days=9)).isoformat(), "to": (today - timedelta(days=3)).isoformat()}

    assert rows(shop, period="custom", **days)[1]
    assert rows(shop, compare="year")[1] and rows(shop, compare="none")[1]


def test_a_product_nobody_saw_any_more_leaves_the_window(shop: AccountMarketplace) -> None:
    pair = (shop.account_id, shop.marketplace_id)
    AsinDay.objects.filter(account_id=pair[0], asin="B000000002").delete()
    snapshots.mark_all(*pair)
    with transaction.atomic():
        snapshots.refresh(*pair)

    assert not AsinWindow.objects.filter(account_id=pair[0], asin="B000000002").exists()
    assert AsinWindow.objects.filter(account_id=pair[0], asin="B000000001").count() == 6
