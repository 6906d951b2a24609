"""Figures in evidence rows, as the pages write them: the user's language, the marketplace's currency."""

from __future__ import annotations

from decimal import Decimal

from opsboard.accounts.models import Marketplace
from opsboard.ui import formats


def format_number(value: int | Decimal) -> str:
    """1234 -> 1,234."""
    return formats.decimals(value)


def format_rate(value: Decimal, digits: int = 1) -> str:
    """A fraction as a percentage: 0.413 -> 41.3 %."""
    return formats.percent(value, digits)


def format_money(minor: int | Decimal, marketplace: Marketplace) -> str:
    """Minor units in the marketplace's currency: 123456 -> $1,234.56."""
    return formats.money(minor, marketplace)
