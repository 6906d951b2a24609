"""Fixtures for tests that talk to Amazon; conftest.py of tests/amazon and tests/feeds take them from here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon import tokens
from tests.factories import make_scope

from .scripted import ScriptedAmazon, scripted_amazon

CREDENTIALS = {"client_id": "amzn1.client", "client_secret": "SECRETCLIENT", "refresh_token": "SECRETREFRESH"}


@pytest.fixture
def amazon(settings: Settings, tmp_path: Path) -> Iterator[ScriptedAmazon]:
    """A scripted Amazon at the only three addresses that differ from Amazon's."""
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
    """A shop with both kinds of credentials and an advertising profile."""
    scope = make_scope(marketplace="US", ads_profile_id="4711")
    for kind in ("sp_api", "ads"):
        sealing.store(scope.account, kind, CREDENTIALS)
    return scope
