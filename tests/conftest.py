"""What every test of the database starts from."""

from __future__ import annotations

import pytest

from .factories import make_marketplaces

_DATABASE = {"db", "transactional_db"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: no processor is left with a long one when the others have done all else."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _marketplaces(request: pytest.FixtureRequest) -> None:
    """Amazon's marketplaces: a test that committed may have left empty tables behind."""
    if request.node.get_closest_marker("django_db") or _DATABASE & set(request.fixturenames):
        request.getfixturevalue("db")
        make_marketplaces()
