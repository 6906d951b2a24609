"""An export opens in a spreadsheet as what it is: text stays text, figures stay figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsboard.ui.exports import escape_formula, unescape_formula


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\0=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        " =1",
        "'=1",
    ],
)
def test_what_a_spreadsheet_might_run_is_made_text(text: str) -> None:
    assert escape_formula(text).startswith("'")


@pytest.mark.parametrize("text", ["", "SKU-1", "B000000001", "Mug, 300 ml", "'tis", "10-pack"])
def test_plain_text_is_left_alone(text: str) -> None:
    assert escape_formula(text) == text


@given(st.text())
def test_escaping_can_always_be_undone(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@given(st.text())
def test_nothing_dangerous_stays_in_front(text: str) -> None:
    assert not escape_formula(text).startswith(("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠"))
