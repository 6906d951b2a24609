"""What the tests of feeds share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.amazon import tokens
from tests.amazon.scripted import ScriptedAmazon, scripted_amazon
from tests.factories import make_scope


@pytest.fixture(autouse=True)
def _marketplaces(request: pytest.FixtureRequest) -> None:
    """Tests that commit leave empty tables behind; the marketplaces belong to the migrations."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        request.getfixturevalue("db")
        Marketplace.objects.bulk_create([Marketplace(**asdict(fact)) for fact in MARKETPLACES], ignore_conflicts=True)


@pytest.fixture
def amazon(settings: Settings, tmp_path: Path) -> Iterator[ScriptedAmazon]:
    with scripted_amazon() as script:
        settings.SP_API_ENDPOINT = settings.ADS_API_ENDPOINT = script.url
        settings.LWA_TOKEN_URL = f"{script.url}/auth/o2/token"
        settings.DOCUMENT_DIR = tmp_path
        settings.SEAL_KEYS = sealing.new_key()
        settings.OPSBOARD_HINTS = False
        settings.POLL_SECONDS = 20.0
        tokens._held.clear()
        yield script


@pytest.fixture
def scope(amazon: ScriptedAmazon, db: None) -> AccountMarketplace:
    """A shop whose credentials open the scripted Amazon."""
    scope = make_scope(marketplace="US", ads_profile_id="4711")
    for kind in ("sp_api", "ads"):
        sealing.store(scope.account, kind, {"client_id": "c", "client_secret": "SECRET1", "refresh_token": "SECRET2"})
    return scope
