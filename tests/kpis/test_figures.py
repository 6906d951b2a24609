"""What a status is called: a limit that is only coloured, and broken, is not "close to limit"."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from opsboard.accounts.models import Marketplace
from opsboard.kpis import cards, figures
from opsboard.kpis.registry import kpis


def held(value: str, status: str, low: str | None = None, high: str | None = None) -> Any:
    number = {name: None if text is None else Decimal(text) for name, text in (("low", low), ("high", high))}
    return SimpleNamespace(value=Decimal(value), status=status, **number)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (held("65", "warn", high="3"), "over the line, no alert"),
        (held("1.31", "warn", low="2"), "over the line, no alert"),
        (held("236", "warn", low="200"), ""),  # a warning ahead of the limit is what its usual word says
        (held("0.31", "breach", high="0.25"), ""),
        (held("0.2", "ok", high="0.25"), ""),
    ],
)
def test_a_broken_limit_that_only_colours_is_called_broken(verdict: SimpleNamespace, words: str) -> None:
    assert figures.status_words(verdict) == words


def test_a_figure_on_its_limit_is_not_said_to_have_zero_left() -> None:
    usa = Marketplace(code="US", currency="USD", minor_digits=2, locale="en_US", time_zone="UTC")
    assert figures.headroom(held("0", "ok", high="0"), kpis()["suppressed"], usa) == "on the limit"


def test_a_tile_says_which_value_its_distance_is_of() -> None:
    usa = Marketplace(code="US", currency="USD", minor_digits=2, locale="en_US", time_zone="UTC")
    verdict = held("0.302", "breach", high="0.25")

    other = cards._headroom(verdict, kpis()["acos"], Decimal("0.342"), usa)
    same = cards._headroom(verdict, kpis()["acos"], Decimal("0.302"), usa)

    assert other == f"{same}, judged at {figures.in_words(verdict.value, kpis()['acos'].unit, usa)}"
