"""A change comes apart into shares that add up to it, whatever the figures are."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ads import movers as ads
from listings import movers as listings
from opsboard.kpis.movers import shares, whole

COUNTS = st.integers(min_value=0, max_value=10**6)
MONEY = st.integers(min_value=0, max_value=10**9)
ROW = st.fixed_dictionaries(
    dict.fromkeys(("sessions", "sessions_b", "units", "units_b", "clicks", "clicks_b"), COUNTS)
    | dict.fromkeys(("sales", "sales_b", "spend", "spend_b"), MONEY)
)


@given(ROW)
def test_sales_come_apart_into_sessions_conversion_and_price_to_the_cent(row: dict[str, int]) -> None:
    parts = listings.come_apart(row)

    if parts:
        assert sum(value for _name, value in parts) == row["sales"] - row["sales_b"]
        assert all(value == value.to_integral_value() for _name, value in parts)
    else:  # sold without a visit, or paid for without a unit: that does not divide
        assert any(
            (not row[f"sessions{end}"] and (row[f"units{end}"] or row[f"sales{end}"]))
            or (not row[f"units{end}"] and row[f"sales{end}"])
            for end in ("", "_b")
        )


@given(ROW)
def test_spend_comes_apart_into_clicks_and_their_cost_to_the_cent(row: dict[str, int]) -> None:
    parts = ads.come_apart(row)

    if parts:
        assert sum(value for _name, value in parts) == row["spend"] - row["spend_b"]


def test_what_did_not_change_has_no_share() -> None:
    half, ten, forty = Decimal("0.5"), Decimal(10), Decimal(40)

    assert shares([ten, half, forty], [ten * 2, half, forty]) == [Decimal(200), 0, 0]
    assert listings.come_apart(
        {"sessions": 20, "sessions_b": 20, "units": 5, "units_b": 5, "sales": 6000, "sales_b": 5000}
    ) == (("sessions", Decimal(0)), ("conversion", Decimal(0)), ("price", Decimal(1000)))


def test_an_asin_that_nobody_saw_before_owes_its_sales_to_its_visits() -> None:
    parts = listings.come_apart(
        {"sessions": 50, "sessions_b": None, "units": 5, "units_b": 0, "sales": 9995, "sales_b": 0}
    )

    assert dict(parts) == {"sessions": Decimal(9995), "conversion": Decimal(0), "price": Decimal(0)}


def test_rounding_keeps_the_sum() -> None:
    thirds = [Decimal(100) / 3] * 3

    assert whole(thirds, Decimal(100)) == [34, 33, 33]
    assert sum(whole([Decimal("-0.5"), Decimal("-0.5")], Decimal(-1))) == -1
