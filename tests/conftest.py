"""What every test of the database starts from."""

from __future__ import annotations

import pytest

from .factories import make_marketplaces

_DATABASE = {"db", "transactional_db"}


@pytest.fixture(autouse=True)
def _marketplaces(request: pytest.FixtureRequest) -> None:
    """Amazon's marketplaces: a test that committed may have left empty tables behind."""
    if request.node.get_closest_marker("django_db") or _DATABASE & set(request.fixturenames):
        request.getfixturevalue("db")
        make_marketplaces()
