"""Files in the shapes that sellers have them in, one below the other in shapes/*.txt: read to the cent, or refused.

    ## what it is | marketplace | day 2026-10-05
    = kind of report, rows, what its first row becomes        (or: ! a part of the sentence that refuses it)
    the file as it stands

The rows are our own; the headers are those of real downloads.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from opsboard.feeds import registry
from tests.feeds.reading import Read

pytestmark = pytest.mark.django_db

SHAPES = {
    title: rest
    for file in sorted((Path(__file__).parent / "shapes").glob("*.txt"))
    for one in file.read_text("utf-8").removeprefix("## ").split("\n## ")
    for title, _line, rest in [one.partition("\n")]
}


def test_there_are_shapes_of_every_kind_of_report_a_person_downloads() -> None:
    read_ones = {rest.split()[1] for rest in SHAPES.values() if rest.startswith("= ")}

    assert len(SHAPES) > 75
    assert len(read_ones) >= 25 and read_ones <= {spec.key for spec in registry.specs()}


@pytest.mark.parametrize("title", SHAPES)
def test_a_file_of_this_shape_is_read_right_or_refused(title: str, read: Read) -> None:
    _what, marketplace, day = (part.strip() for part in title.split("|"))
    expected, _line, content = SHAPES[title].partition("\n")

    said = read(content, marketplace, *(["--day", day.removeprefix("day ")] if day else []), name="file.csv")

    if expected.startswith("! "):
        assert (said.code, said.out) == (2, "")
        assert expected[2:] in said.err
        return
    _equals, kind, rows, *figures = expected.split()
    assert (said.json["type"], str(said.json["rows_in"]), said.json["unknown_columns"]) == (kind, rows, [])
    order = "-line" if kind == "settlements" else "line"
    fact = registry.spec(kind).datasets[0].model._default_manager.order_by(order).first()
    found = [f"{name}={getattr(fact, name)}".replace(" ", "T") for name in (one.split("=")[0] for one in figures)]
    assert found == figures
