"""What the tests of talking to Amazon share: a scripted Amazon and an account that may talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon import tokens
from tests.factories import make_scope

from .scripted import ScriptedAmazon, scripted_amazon

CREDENTIALS = {"client_id": "amzn1.client", "client_secret": "SECRETCLIENT", "refresh_token": "SECRETREFRESH"}


@pytest.fixture
def amazon(settings: Settings) -> Iterator[ScriptedAmazon]:
    with scripted_amazon() as script:
        settings.SP_API_ENDPOINT = settings.ADS_API_ENDPOINT = script.url
        settings.LWA_TOKEN_URL = f"{script.url}/auth/o2/token"
        tokens._held.clear()
        yield script


@pytest.fixture
def scope(db: None, settings: Settings) -> AccountMarketplace:
    """A shop with both kinds of credentials and an advertising profile."""
    settings.SEAL_KEYS = sealing.new_key()
    scope = make_scope(marketplace="US", ads_profile_id="4711")
    for kind in ("sp_api", "ads"):
        sealing.store(scope.account, kind, CREDENTIALS)
    return scope
