"""The rows of a table come out the same wherever the file happens to be cut into blocks."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opsboard.feeds import table_rows
from opsboard.feeds.decode import Decoded
from opsboard.feeds.errors import BadDocument
from opsboard.feeds.tables import Layout

quickly = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HEADER = ("date", "sku", "units")
#: Texts a spreadsheet puts into quotation marks, and marks that stand within a cell.
texts = st.text(st.sampled_from('ab ,"\n\r\t'), max_size=6)
cells = st.lists(st.lists(texts, min_size=3, max_size=3), max_size=12)
#: Rows and what stands between them in the files of people.
kinds = st.sampled_from(
    ["2026-11-01,A,1\n", "2026-11-01,B,2,\n", "\n", ",,\n", "date,sku,units\n", '"2026-11-02","C\nD","3"\n', "sku,x,\n"]
)


@pytest.fixture(params=[1, 7, 40, table_rows.BLOCK_TEXT])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Characters of a block."""
    monkeypatch.setattr(table_rows, "BLOCK_TEXT", request.param)
    return int(request.param)


def opened(text: str) -> Decoded:
    return Decoded(io.BytesIO(text.encode()), "utf-8")


def line_by_line(text: str, delimiter: str, quoting: int) -> list[table_rows.Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    found: list[table_rows.Row] = []
    line = 1
    for row in reader:
        found.append((line, row))
        line = reader.line_num + 1
    return found


@quickly
@given(cells)
def test_cells_that_go_on_over_lines_keep_their_rows_and_lines(block: int, rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)

    found = list(table_rows.lines(opened(out.getvalue()), ","))

    assert found == line_by_line(out.getvalue(), ",", csv.QUOTE_MINIMAL)
    assert [row for _line, row in found] == rows


@quickly
@given(st.text(st.sampled_from('ab"\t\n\r'), max_size=60))
@example('5" pipe\t"\n"\ta')
def test_a_mark_in_amazons_own_tab_file_is_part_of_the_text(block: int, text: str) -> None:
    found = list(table_rows.lines(opened(text), "\t", quoted=False))

    assert found == line_by_line(text, "\t", csv.QUOTE_NONE)


@quickly
@given(st.lists(kinds, max_size=15))
def test_what_is_no_row_is_left_out_wherever_it_stands(block: int, below: list[str]) -> None:
    """Blank lines, repeated headers and empty cells behind the last column, as one by one by hand."""
    text = "".join(["date,sku,units\n", *below])
    told: list[int] = []
    expected: list[table_rows.Row] = []
    headers: list[int] = []
    for line, row in line_by_line(text, ",", csv.QUOTE_MINIMAL)[1:]:
        if row[:3] == list(HEADER):
            headers.append(len(expected))
        elif any(row):
            expected.append((line, row[:3]))

    found: list[table_rows.Row] = []
    stream = table_rows.blocks(opened(text), Layout(HEADER, delimiter=","), lambda: told.append(len(found)))
    for lines, rows in stream:
        found += zip(lines, rows, strict=True)

    assert found == expected
    assert told == headers  # each is told between the rows before it and those behind


@pytest.mark.parametrize("wrong", ["2026-11-03,E\n", '2026-11-03,"E', "2026-11-03,E,1,2\n"])
def test_the_rows_before_a_wrong_one_are_given_first(block: int, wrong: str) -> None:
    text = "date,sku,units\n2026-11-01,A,1\n2026-11-02,B,2\n" + wrong + "\n" * ('"' in wrong)
    found: list[table_rows.Row] = []

    with pytest.raises(BadDocument) as raised:
        for lines, rows in table_rows.blocks(opened(text), Layout(HEADER, delimiter=",")):
            found += zip(lines, rows, strict=True)

    assert found == [(2, ["2026-11-01", "A", "1"]), (3, ["2026-11-02", "B", "2"])]
    assert raised.value.line == 4
