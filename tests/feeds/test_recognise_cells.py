"""Numbers and days as people's files write them: read when certain, asked when not."""

from __future__ import annotations

from datetime import date

import pytest

from opsboard.feeds import cells


@pytest.mark.parametrize(
    ("cell", "point", "digits", "negative"),
    [
        ("Rs.201.68", ".", "201.68", False),
        ("$7,274.35", ".", "7274.35", False),
        ("1.234,56 €", ",", "1234.56", False),
        ("12 345,60 zł", ",", "12345.60", False),
        ("¥1,234", ".", "1234", False),
        ("1,23,456.00", ".", "123456.00", False),
        ("($3.10)", ".", "3.10", True),
        ("-$4.50", ".", "4.50", True),
        ("−5", ".", "5", True),
        ("86%", ".", "86", False),
        ("12.5 %", ".", "12.5", False),
    ],
)
def test_an_amount_is_its_digits(cell: str, point: str, digits: str, negative: bool) -> None:
    found = cells.amount(cell)

    assert found is not None
    assert cells.plain_digits(found.digits, point) == digits
    assert found.negative is negative


@pytest.mark.parametrize("cell", ["abc", "", "1-2", "$5 €", "--", "12abc34"])
def test_what_is_no_amount_stays_what_it_is(cell: str) -> None:
    assert cells.amount(cell) is None


@pytest.mark.parametrize(
    ("written", "locale", "point"),
    [
        (["1.234", "12,50"], "en_US", ","),
        (["1,234", "12.50"], "de_DE", "."),
        (["1,234"], "en_US", "."),
        (["1.234"], "de_DE", ""),
        (["1,234"], "de_DE", ""),
        (["1.234,56", "1,234.56"], "en_US", ""),
        (["1,234,567"], "de_DE", "."),
        (["5"], "de_DE", "."),
    ],
)
def test_the_decimal_point_is_proved_by_the_file_or_asked(written: list[str], locale: str, point: str) -> None:
    style = cells.NumberStyle()
    for line, cell in enumerate(written):
        style.see(line, cell, cell)

    assert style.decided(locale) == point


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-08-18T09:12:44+00:00", date(2026, 8, 18)),
        ("Feb 1, 2020", date(2020, 2, 1)),
        ("Aug 01, 2026", date(2026, 8, 1)),
        ("1 août 2026", date(2026, 8, 1)),
        ("5. Okt. 2026", date(2026, 10, 5)),
        ("3 de agosto de 2026", date(2026, 8, 3)),
        ("07.10.2025", date(2025, 10, 7)),
        ("2025/01/01 0:21:14 JST", date(2025, 1, 1)),
        ("2025年1月31日", date(2025, 1, 31)),
    ],
)
def test_a_certain_day_has_one_reading(cell: str, day: date) -> None:
    found = cells.day(cell)

    assert found is not None
    assert found.certain
    assert found.dmy == day


@pytest.mark.parametrize(
    ("written", "locale", "order"),
    [
        (["07/10/2025", "25/10/2025"], "en_US", "dmy"),
        (["07/10/2025", "10/25/2025"], "en_GB", "mdy"),
        (["07/10/2025"], "en_US", "mdy"),
        (["07/10/2025"], "en_GB", "dmy"),
        (["07/10/2025"], "en_CA", ""),
        (["01/01/2025"], "en_CA", "dmy"),  # reads the same both ways
        (["25/10/2025", "10/25/2025"], "en_US", ""),
        (["07/12/2026"], "en_CA", "mdy"),  # 7 December has not been yet
    ],
)
def test_the_order_is_proved_by_the_file_or_the_marketplace_or_asked(
    written: list[str], locale: str, order: str
) -> None:
    style = cells.DateStyle(today=date(2026, 11, 23))
    for line, cell in enumerate(written):
        found = cells.day(cell)
        assert found is not None
        style.see(line, cell, found)

    assert style.decided(locale) == order
