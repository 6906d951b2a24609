"""What the tests of feeds share."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import Marketplace


@pytest.fixture(autouse=True)
def _marketplaces(request: pytest.FixtureRequest) -> None:
    """Tests that commit leave empty tables behind; the marketplaces belong to the migrations."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        request.getfixturevalue("db")
        Marketplace.objects.bulk_create([Marketplace(**asdict(fact)) for fact in MARKETPLACES], ignore_conflicts=True)
