"""Documents of any size are read as they are, or refused where they break."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsboard.feeds import readers
from opsboard.feeds.errors import BadDocument, Empty
from opsboard.feeds.readers import Batch, read_json, read_tsv
from opsboard.feeds.records import Shape

quickly = settings(
    max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
records = st.lists(
    st.fixed_dictionaries(
        {"key": st.integers(0, 10**17), "text": st.text(st.sampled_from('ab},{[]:"\\ \n蒜é\U0001f600'), max_size=40)}
    ),
    min_size=1,
    max_size=25,
)


def rows(parts: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _key, batch in parts:
        assert isinstance(batch, Batch)
        columns = {name: list(cells) for name, cells in batch.columns.items()}
        found += [{name: columns[name][at] for name in columns} for at in range(len(batch.lines))]
    return found


def spaced(data: Any) -> bytes:
    return json.dumps(data, indent=2, ensure_ascii=False).encode()


def tight(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def escaped(data: Any) -> bytes:
    return json.dumps(data).encode()


@pytest.mark.parametrize("write", [spaced, tight, escaped])
@pytest.mark.parametrize("chunk", [16, 61, 400, 2 << 20])
@quickly
@given(data=records)
def test_rows_are_those_of_json_loads_however_the_document_is_cut(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], bytes], chunk: int, data: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(readers, "_CHUNK", chunk)
    assert rows(list(read_json(io.BytesIO(write(data))))) == data


@pytest.mark.parametrize("chunk", [16, 200, 2 << 20])
def test_nested_objects_become_dotted_columns_whatever_is_inside_a_string(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(readers, "_CHUNK", chunk)
    data = [
        {"a": {"b": n, "c": {"d": 'x},{"b":' + str(n)}}, "note": "],[", "tags": [{"t": 1}, {"t": 2}]} for n in range(50)
    ]
    found = rows(list(read_json(io.BytesIO(tight(data)))))
    assert [row["a.b"] for row in found] == list(range(50))
    assert [row["a.c.d"] for row in found] == ['x},{"b":' + str(n) for n in range(50)]


@pytest.mark.parametrize("chunk", [16, 100, 2 << 20])
@pytest.mark.parametrize("write", [spaced, tight])
def test_parts_of_an_object_come_in_order_and_each_whole(
    monkeypatch: pytest.MonkeyPatch, chunk: int, write: Callable[[Any], bytes]
) -> None:
    monkeypatch.setattr(readers, "_CHUNK", chunk)
    data = {
        "spec": {"type": "x", "list": [1, 2], "nothing": None},
        "byDate": [{"date": "2026-11-01", "n": 1}, {"date": "2026-11-02", "n": 2}],
        "none": [],
        "byAsin": [{"asin": f"B0{n}", "n": n} for n in range(30)],
        "number": 12.5,
        "yes": True,
        "nothing": None,
    }
    parts = list(read_json(io.BytesIO(write(data))))
    values = {key: value for key, value in parts if not isinstance(value, Batch)}
    assert values == {key: data[key] for key in ("spec", "number", "yes", "nothing")}
    for key in ("byDate", "none", "byAsin"):
        assert rows([part for part in parts if part[0] == key]) == data[key]
    assert ("none", 0) in [(key, len(value.lines)) for key, value in parts if isinstance(value, Batch)]


def test_an_empty_array_is_one_empty_batch() -> None:
    ((key, batch),) = read_json(io.BytesIO(b" [ ] \n"))
    assert (key, len(batch.lines)) == ("", 0)


def test_a_key_that_some_rows_lack_reads_as_nothing() -> None:
    data = [{"a": 1}, {"a": 2, "b": "x"}, {"b": "y"}]
    found = rows(list(read_json(io.BytesIO(tight(data)))))
    assert [(row.get("a"), row.get("b")) for row in found] == [(1, None), (2, "x"), (None, "y")]


def test_a_key_that_comes_late_is_read_even_in_a_long_document() -> None:
    data: list[dict[str, Any]] = [{"a": n} for n in range(3000)] + [{"a": 1, "late": "x"}]
    assert rows(list(read_json(io.BytesIO(tight(data)))))[-1] == {"a": 1, "late": "x"}


def test_numbers_and_text_in_one_column_keep_their_digits() -> None:
    for cells in ([1, "x", 2.5], ["x", 1], [12345678901234567, "7"], [None, "a", 3]):
        found = [row["v"] for row in rows(list(read_json(io.BytesIO(tight([{"v": cell} for cell in cells])))))]
        assert [None if cell is None else str(cell) for cell in found] == [
            None if cell is None else str(cell) for cell in cells
        ]


def test_every_digit_of_an_amount_survives() -> None:
    text = b'[{"cost":0.1},{"cost":123456789.01},{"cost":7},{"cost":1e2},{"cost":0.07}]'
    found = [row["cost"] for row in rows(list(read_json(io.BytesIO(text))))]
    assert list(map(str, found)) == ["0.1", "123456789.01", "7.0", "100.0", "0.07"]


@pytest.mark.parametrize(
    "odd",
    [
        {"a": 2.5, "b": "x"},
        {"a": None, "b": None},
        {"a": "text", "b": "x"},
        {"a": 1, "b": "x", "new": "key"},
        {"a": 1},
        {"a": 2**70, "b": "x"},
        {"a": 9007199254740993, "b": "x"},
        {"a": {"c": 1}, "b": "x"},
        {"a": 1, "b": "\\u2028 },{"},
    ],
    ids=json.dumps,
)
def test_records_of_another_shape_among_many_are_read_as_they_stand(
    monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    monkeypatch.setattr(readers, "_CHUNK", 2000)
    plain = [{"a": n, "b": f"t{n}"} for n in range(400)]
    for data in ([*plain, odd, *plain], [*plain, odd], [odd, *plain]):
        found = [
            {name: text(cell) for name, cell in row.items()} for row in rows(list(read_json(io.BytesIO(tight(data)))))
        ]
        assert len(found) == len(data)
        for record, row in zip(data, found, strict=True):
            cells = {"a.c": record["a"]["c"]} | record if isinstance(record["a"], dict) else record
            for name, cell in cells.items():
                assert isinstance(cell, dict) or row.get(name) == text(cell)


def text(cell: Any) -> Any:
    """A cell as its digits: 1 and 1.0 are one number, true and "true" one word."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str) and cell[:1].isdigit():
        return text(json.loads(cell))
    return (
        cell
        if cell is None or isinstance(cell, str)
        else json.dumps(float(cell) if isinstance(cell, int) and abs(cell) < 2**53 else cell)
    )


def test_what_looks_alike_is_inferred_once(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[object] = []
    learn = Shape.learn
    monkeypatch.setattr(readers, "_CHUNK", 2000)
    monkeypatch.setattr(Shape, "learn", lambda *args: learned.append(args) or learn(*args))
    list(read_json(io.BytesIO(tight([{"a": n, "b": None if n < 999 else "x", "c": n / 2} for n in range(2000)]))))
    assert len(learned) == 2  # at the start, and where "b" is text for the first time


@pytest.mark.parametrize("chunk", [16, 100, 2 << 20])
@pytest.mark.parametrize("write", [spaced, tight])
def test_a_document_cut_off_anywhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, chunk: int, write: Callable[[Any], bytes]
) -> None:
    monkeypatch.setattr(readers, "_CHUNK", chunk)
    whole = write([{"a": n, "t": "},{"} for n in range(4)])
    for cut in range(len(whole.rstrip())):
        with pytest.raises(BadDocument):
            list(read_json(io.BytesIO(whole[:cut])))
    whole = write({"spec": {"a": 1}, "rows": [{"a": 1}, {"a": 2}]})
    for cut in range(len(whole.rstrip())):
        with pytest.raises(BadDocument):
            list(read_json(io.BytesIO(whole[:cut])))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"   ", b"hello", b"<html>", b'[{"a":1}] x', b'[{"a":1}', b"[1,2]", b'[{"a":1},]', b'[{"a":1} {"a":2}]',
        b'{"a":1 "b":2}', b'{"a":[{"b":1}]', b"null", b'"text"', b'[{"a":1},[2]]', b"[" * 100_000,
        b'{"a":' + b"[" * 100_000, b'[{"a":1},{"a":2}x,{"a":3}]',
    ],
)  # fmt: skip
def test_what_is_not_the_json_of_a_report_is_refused_in_a_sentence(text: bytes) -> None:
    with pytest.raises(BadDocument):
        list(read_json(io.BytesIO(text)))


def test_a_byte_order_mark_before_the_json_is_no_part_of_it() -> None:
    assert rows(list(read_json(io.BytesIO(b"\xef\xbb\xbf" + b'[{"a":1}]')))) == [{"a": 1}]


@pytest.mark.parametrize("write", [spaced, tight, escaped])
def test_a_document_written_with_spaces_is_cut_into_as_few_pieces(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], bytes]
) -> None:
    """Record by record it took a minute where it takes a second."""
    monkeypatch.setattr(readers, "_CHUNK", 10_000)
    whole = write([{"n": n, "text": "},{"} for n in range(5000)])
    batches = list(read_json(io.BytesIO(whole)))
    assert len(rows(batches)) == 5000
    assert len(batches) <= len(whole) / 10_000 + 2


def test_rows_are_numbered_from_one_through_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_CHUNK", 64)
    monkeypatch.setattr(readers, "BATCH_ROWS", 50)
    batches = [batch for _key, batch in read_json(io.BytesIO(tight([{"a": n} for n in range(200)])))]
    assert len(batches) > 3
    assert [line for batch in batches for line in batch.lines] == list(range(1, 201))


# --- flat files ---------------------------------------------------------------------------------


def tsv(text: str, charset: str = "utf-8") -> list[Batch]:
    return list(read_tsv(io.BytesIO(text.encode(charset)), charset))


def test_a_flat_file_is_read_as_it_stands_quotes_and_all() -> None:
    (_header, batch) = tsv('sku\ttitle\r\nA\t24" "bowl"\r\nB\té\r\n')
    assert batch.columns == {"sku": ["A", "B"], "title": ['24" "bowl"', "é"]}
    assert list(batch.lines) == [2, 3]


def test_empty_lines_are_skipped_and_the_others_keep_their_numbers() -> None:
    (_header, batch) = tsv("sku\tqty\nA\t1\n\nB\t2\n\n")
    assert list(batch.lines) == [2, 4]
    assert batch.columns["sku"] == ["A", "B"]


def test_a_header_alone_still_names_its_columns() -> None:
    (header,) = tsv("sku\tqty\n")
    assert set(header.columns) == {"sku", "qty"}


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "cp1252", "shift_jis"])
def test_every_encoding_amazon_uses_gives_the_same_header(charset: str) -> None:
    (header, batch) = tsv("sku\tqty\nA\t1\n", charset)
    assert list(header.columns) == ["sku", "qty"]
    assert batch.columns["qty"] == ["1"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("sku\tqty\nA\t1\nB\n", 3, "1 cells, the header has 2"),
        ("sku\tqty\nA\t1\t9\nB\t2\n", 2, "3 cells, the header has 2"),
        ("sku\tqty\nA\t1\nB", 3, "cut off"),
        ("sku\tqty\tsku\n", 1, "twice"),
    ],
)
def test_ragged_and_cut_off_lines_are_refused_by_number(text: str, line: int, words: str) -> None:
    with pytest.raises(BadDocument, match=words) as caught:
        tsv(text)
    assert caught.value.line == line


@pytest.mark.parametrize("text", ["", "\n", "  \n"])
def test_a_file_with_nothing_in_it_says_so(text: str) -> None:
    with pytest.raises(Empty):
        tsv(text)


def test_a_header_of_thousands_of_columns_is_no_report() -> None:
    with pytest.raises(BadDocument, match="columns"):
        tsv("\t".join(f"c{n}" for n in range(3000)) + "\n")


def test_lines_are_counted_through_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "BATCH_ROWS", 7)
    batches = tsv("sku\tqty\n" + "".join(f"S{n}\t{n}\n" for n in range(50)))
    assert [line for batch in batches for line in batch.lines] == list(range(2, 52))
    with pytest.raises(BadDocument) as caught:
        tsv("sku\tqty\n" + "".join(f"S{n}\t{n}\n" for n in range(50)) + "bad\n")
    assert caught.value.line == 52
