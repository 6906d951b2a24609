"""What moved a figure is told in parts that add up, in exact arithmetic and as rounded on the page."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from opsboard.kpis.decomposition import DIGITS, product, rounded, split
from opsboard.kpis.turning import turned_on

FACTOR = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(100_000), places=4)
SIGN = st.sampled_from([1, -1])
DAY = date(2026, 11, 1)


@given(st.lists(st.tuples(FACTOR, FACTOR, SIGN), min_size=1, max_size=6))
def test_the_parts_add_up_to_the_change_without_a_rest(factors: list[tuple[Decimal, Decimal, int]]) -> None:
    before, now, signs = (list(column) for column in zip(*factors, strict=True))
    parts = split(before, now, signs)
    with localcontext(prec=DIGITS):
        change = product(now, signs) - product(before, signs)
        assert abs(sum(parts, Decimal(0)) - change) <= max(abs(part) for part in parts) * Decimal("1e-90")


def test_factors_that_changed_places_are_no_change() -> None:
    parts = split([Decimal(8), Decimal("0.0169")], [Decimal("0.0169"), Decimal(8)], [-1, -1])
    assert parts[0] + parts[1] == 0 and parts[0] > 0


@given(FACTOR, FACTOR, FACTOR)
def test_a_factor_that_stood_still_moved_nothing_and_the_other_all_of_it(
    still: Decimal, old: Decimal, new: Decimal
) -> None:
    parts = split([still, old], [still, new], [1, -1])
    change = still / new - still / old
    assert abs(parts[0]) <= max(abs(change), Decimal(1)) * Decimal("1e-20")
    assert abs(parts[1] - change) <= max(abs(change), Decimal(1)) * Decimal("1e-20")


@given(st.lists(st.tuples(FACTOR, FACTOR, SIGN), min_size=1, max_size=4))
def test_looked_at_backwards_every_part_is_the_same_with_the_other_sign(
    factors: list[tuple[Decimal, Decimal, int]],
) -> None:
    before, now, signs = (list(column) for column in zip(*factors, strict=True))
    there, back = split(before, now, signs), split(now, before, signs)
    size = sum((abs(part) for part in there), Decimal(1))
    assert all(abs(a + b) <= size * Decimal("1e-18") for a, b in zip(there, back, strict=True))


def test_a_click_that_doubled_and_orders_that_halved_share_the_blame() -> None:
    # ACoS = price of a click / orders a click / sales an order: 0.50 / 0.10 / 20 = 25 %, then four times that.
    before = [Decimal("0.50"), Decimal("0.10"), Decimal(20)]
    now = [Decimal("1.00"), Decimal("0.05"), Decimal(20)]
    cpc, conversion, value = split(before, now, [1, -1, -1])
    assert round(cpc, 12) == round(conversion, 12) == Decimal("0.375") and round(value, 12) == 0


@given(st.lists(st.decimals(min_value=-1000, max_value=1000, places=6), min_size=1, max_size=8), st.integers(0, 4))
def test_rounded_parts_still_add_up_and_none_is_off_by_more_than_one(parts: list[Decimal], digits: int) -> None:
    shown, unit = rounded(parts, digits), Decimal(1).scaleb(-digits)
    assert sum(shown, Decimal(0)) == sum(parts, Decimal(0)).quantize(unit)
    assert all(abs(a - b) < 2 * unit for a, b in zip(shown, parts, strict=True))


@given(st.integers(5, 55), st.lists(st.integers(-5, 5), min_size=60, max_size=60))
def test_the_day_a_figure_rose_is_found_through_its_wavering(turn: int, noise: list[int]) -> None:
    days = {DAY + timedelta(days=n): Decimal(100 + noise[n] + (60 if n >= turn else 0)) for n in range(60)}
    assert turned_on(days, 1) == DAY + timedelta(days=turn)


def test_a_figure_that_stands_or_goes_the_other_way_turned_on_no_day() -> None:
    flat = {DAY + timedelta(days=n): Decimal(5) for n in range(30)}
    falling = {DAY + timedelta(days=n): Decimal(30 - n) for n in range(30)}
    assert turned_on(flat, 1) is None and turned_on(falling, 1) is None and turned_on({}, -1) is None
