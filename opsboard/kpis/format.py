"""Figures as people read them: the user's language, the marketplace's currency."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency, format_decimal, format_percent
from django.utils.translation import get_language

from opsboard.accounts.models import Marketplace


def _locale() -> str:
    return {"zh-hans": "zh_Hans_CN"}.get(get_language() or "en", "en_US")


def format_number(value: int | Decimal) -> str:
    return format_decimal(value, locale=_locale())


def format_rate(value: Decimal, digits: int = 1) -> str:
    """A fraction as a percentage: 0.413 -> 41.3%."""
    pattern = "#,##0." + "0" * digits + "%" if digits else "#,##0%"
    return format_percent(value, format=pattern, locale=_locale(), decimal_quantization=True)


def format_money(minor: int | Decimal, marketplace: Marketplace) -> str:
    """Minor units in the marketplace's currency: 123456 -> $1,234.56."""
    amount = Decimal(minor).scaleb(-marketplace.minor_digits)
    return format_currency(amount, marketplace.currency, locale=_locale())
