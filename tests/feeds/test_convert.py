"""Cells become exactly what they say, or are refused with a sentence."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsboard.feeds.convert import convert
from opsboard.feeds.keys import key64, name_id
from opsboard.feeds.registry import Column, Kind

PRICE = Column("price_minor", Kind.MONEY, ("price",))
quickly = settings(max_examples=150, deadline=None, database=None)


def read(column: Column, cells: list[object], digits: int = 2) -> tuple[list[object], list[tuple[int, str]]]:
    stored, refused = convert(column, "cell", cells, digits)
    return stored.to_list(), [(item.index, item.why) for item in refused]


@quickly
@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=30), st.sampled_from([0, 2, 3]))
def test_an_amount_written_as_text_is_stored_as_the_decimal_says(amounts: list[Decimal], digits: int) -> None:
    stored, refused = read(PRICE, [str(amount) for amount in amounts], digits)
    wanted = [int(a.scaleb(digits).quantize(Decimal(1), ROUND_HALF_EVEN)) for a in amounts]
    assert (stored, refused) == (wanted, [])


@quickly
@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=30))
def test_an_amount_given_as_a_json_number_loses_no_cent(cents: list[int]) -> None:
    stored, refused = read(PRICE, [cent / 100 for cent in cents])
    assert (stored, refused) == (cents, [])


@pytest.mark.parametrize(
    ("cell", "minor"),
    [("0.005", 0), ("0.015", 2), ("0.025", 2), ("2.675", 268), (1e-05, 0), (1e7, 10**9), ("1e3", 10**5), ("12.", 1200)],
)
def test_halves_of_a_cent_go_to_the_even_cent_and_exponents_are_read(cell: object, minor: int) -> None:
    assert read(PRICE, [cell]) == ([minor], [])


def test_yen_have_no_decimals() -> None:
    assert read(PRICE, ["1980", 1980, "1980.00"], 0) == ([1980, 1980, 1980], [])


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("abc", "is not a number"),
        ("1,234.50", "is not a number"),
        ("-1", "is negative, which it cannot be"),
        (-0.5, "is negative, which it cannot be"),
        ("1e15", "is not a believable number"),
        ("NaN", "is not a believable number"),
        ("Infinity", "is not a believable number"),
    ],
)
def test_what_is_no_amount_is_refused_alone(cell: object, why: str) -> None:
    stored, refused = read(PRICE, ["1.00", str(cell), "3.00"])
    assert stored == [100, None, 300]
    assert refused == [(1, why)]


@pytest.mark.parametrize("nothing", [None, "", "  ", "--", "N/A"])
def test_nothing_is_not_zero(nothing: object) -> None:
    assert read(PRICE, ["1.00", nothing]) == ([100, None], [])


@pytest.mark.parametrize("nothing", [None, "", "--", "N/A"])
def test_nothing_where_a_figure_must_be_is_refused_and_a_default_takes_its_place(nothing: object) -> None:
    needed = Column("clicks", Kind.INTEGER, ("clicks",), required=True)
    assert read(needed, ["1", nothing]) == ([1, None], [(1, "is empty")])
    filled = Column("units", Kind.INTEGER, ("units",), default=0)
    assert read(filled, ["1", nothing]) == ([1, 0], [])


def test_whole_numbers_may_be_written_with_a_point_but_not_with_a_fraction() -> None:
    clicks = Column("clicks", Kind.INTEGER, ("clicks",))
    assert read(clicks, ["12.0", "7"]) == ([12, 7], [])
    assert read(clicks, [12.0, 7]) == ([12, 7], [])
    assert read(clicks, ["12.5"]) == ([None], [(0, "is not a whole number")])
    assert read(clicks, [12.5, 1]) == ([None, 1], [(0, "is not a whole number")])


def test_a_number_no_machine_integer_holds_is_refused() -> None:
    clicks = Column("clicks", Kind.INTEGER, ("clicks",))
    for cell in (10**30, str(10**30), 2**31, str(2**31), 2**63):
        stored, refused = read(clicks, [1, cell] if isinstance(cell, int) else ["1", cell])
        assert stored == [1, None], cell
        assert [index for index, _why in refused] == [1], cell


def test_a_rate_over_one_is_refused() -> None:
    rate = Column("rate", Kind.RATE, ("rate",), high=1)
    assert read(rate, ["0.05", "1.5"]) == ([Decimal("0.05"), None], [(1, "is more than 1")])


def test_days_are_days_whatever_stands_behind_them() -> None:
    day = Column("date", Kind.DATE, ("date",))
    cells: list[object] = ["2026-11-23", "2026-11-23T00:00:00Z", "23/11/2026", "2026-02-30", "1926-11-23"]
    stored, refused = read(day, cells)
    assert stored == [date(2026, 11, 23), date(2026, 11, 23), None, None, None]
    assert refused == [
        (2, "is not a date like 2026-11-23"),
        (3, "is not a date like 2026-11-23"),
        (4, "is not a believable day"),
    ]


def test_amazons_ids_stay_and_names_become_negative_ids() -> None:
    campaign = Column("campaign_id", Kind.ID, ("campaignId",))
    assert read(campaign, [123456789012345678]) == ([123456789012345678], [])
    assert read(campaign, ["123456789012345678", "Autumn sale"]) == ([123456789012345678, name_id("Autumn sale")], [])
    assert read(campaign, [123456789012.0, 7.0]) == ([123456789012, 7], [])
    for strange in ([7.5], [1e17], [-3.0], [0]):
        assert "is not an id of Amazon's" in str(read(campaign, strange)[1])
    assert name_id("Autumn sale") < 0


def test_a_search_term_has_one_key_everywhere() -> None:
    term = Column("term_id", Kind.KEY, ("searchTerm",))
    assert read(term, ["garlic press", "蒜泥器", "garlic press"])[0] == [
        key64("garlic press"),
        key64("蒜泥器"),
        key64("garlic press"),
    ]


def test_text_comes_without_the_space_around_it_and_absent_text_is_empty() -> None:
    title = Column("title", Kind.TEXT, ("title",))
    assert read(title, [" a b ", None, ""]) == (["a b", "", ""], [])


def test_numbers_where_text_is_wanted_keep_their_digits() -> None:
    sku = Column("sku", Kind.TEXT, ("sku",))
    assert read(sku, [123, "A"]) == (["123", "A"], [])


@quickly
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=12), st.integers(), st.floats(), st.booleans()), min_size=1, max_size=20
    )
)
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CURRENCY])
def test_no_cell_whatever_it_is_breaks_a_column(kind: Kind, cells: list[object]) -> None:
    stored, refused = convert(Column("x", kind, ("x",), required=True), "x", cells, 2)
    assert len(stored) == len(cells)
    assert isinstance(stored, pl.Series)
    empty = {index for index, cell in enumerate(stored.to_list()) if cell is None}
    assert empty <= {refusal.index for refusal in refused}
