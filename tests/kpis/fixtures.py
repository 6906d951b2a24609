"""Fixtures for tests that judge; conftest.py of tests/kpis and tests/alerts take them from here."""

from __future__ import annotations

import pytest

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis import registry
from tests.factories import make_scope

from . import planted

__all__ = ["declared", "hints", "scope"]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the declarations of tests.kpis.planted exist."""
    monkeypatch.setattr(registry, "_measures", {item.key: item for item in planted.MEASURES})
    monkeypatch.setattr(registry, "_kpis", {item.key: item for item in planted.KPIS})


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """What would have been said to the broker; there is none here."""
    from opsboard.feeds import dispatch

    said: list[tuple[str, tuple[object, ...]]] = []

    def hint(task: str, args: tuple[object, ...] = (), expires: float | None = None) -> bool:
        said.append((task, args))
        return True

    monkeypatch.setattr(dispatch, "hint", hint)
    return said


@pytest.fixture
def scope(db: None) -> AccountMarketplace:
    return make_scope(marketplace="US")
