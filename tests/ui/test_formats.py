"""Figures and dates as people read them in both languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from opsboard.accounts.models import Marketplace
from opsboard.ui import entities, formats

US = Marketplace(code="US", currency="USD", minor_digits=2)
JP = Marketplace(code="JP", currency="JPY", minor_digits=0)
DE = Marketplace(code="DE", currency="EUR", minor_digits=2)


@pytest.mark.parametrize(
    ("minor", "shop", "text"),
    [(123456, US, "$1,234.56"), (-5, US, "−$0.05"), (1234, JP, "¥1,234"), (None, US, "–"), (0, DE, "€0.00")],
)
def test_money_is_in_the_marketplaces_own_currency(minor: int | None, shop: Marketplace, text: str) -> None:
    assert formats.money(minor, shop) == text


def test_big_sums_may_drop_their_cents_small_ones_keep_them() -> None:
    assert formats.money(12345678, US, whole=True) == "$123,457"
    assert formats.money(92, US, whole=True) == "$0.92"


def test_a_change_of_a_rate_is_said_in_points() -> None:
    assert formats.points(Decimal("0.062")) == "+6.2 pts"
    assert formats.points(Decimal("-0.0001")) == "0.0 pts"


def test_no_data_is_a_dash_and_never_a_zero() -> None:
    assert {formats.percent(None), formats.decimals(None), formats.points(None), formats.day(None)} == {"–"}


def test_nothing_to_compare_with_is_a_dash_not_infinity() -> None:
    assert formats.relative(5, 0) == formats.relative(5, None) == "–"


def test_days_are_written_the_readers_way() -> None:
    with translation.override("en"):
        assert formats.day(date(2026, 11, 22), today=date(2026, 11, 23)) == "22 Nov"
        assert formats.day(date(2025, 11, 22), today=date(2026, 11, 23)) == "22 Nov 2025"
        assert formats.full_day(date(2026, 11, 22)) == "Sun 22 Nov 2026"
    with translation.override("zh-hans"):
        assert formats.day(date(2026, 11, 22), today=date(2026, 11, 23)) == "11月22日"
        assert formats.full_day(date(2026, 11, 22)) == "2026年11月22日 周日"


def test_countries_are_named_in_the_readers_language() -> None:
    uk = Marketplace(code="UK", name="United Kingdom")
    with translation.override("zh-hans"):
        assert formats.country(uk) == "英国"
    with translation.override("en"):
        assert formats.country(uk) == "United Kingdom"


def test_a_change_that_rounds_to_nothing_is_neither_good_nor_bad() -> None:
    small = entities.figure("CTR", Decimal("0.00661"), Decimal("0.00659"), "rate", US)
    large = entities.figure("CTR", Decimal("0.0071"), Decimal("0.0066"), "rate", US)

    assert (small.text, small.change, small.tone) == (formats.percent(Decimal("0.0066"), 2), "0.00 pts", "")
    assert (large.change, large.tone) == ("+0.05 pts", "good")
