"""A desk where documents about money are handed in, written as Amazon writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.factories import make_scope
from tests.feeds.test_pipeline import Desk, kept

__all__ = ["kept"]


def tsv(header: str, rows: Iterable[dict[str, Any]]) -> bytes:
    """A tab file with Amazon's header line; a cell that a row does not name is empty."""
    names = header.split("\t")
    found = [names]
    for row in rows:
        assert set(row) <= set(names), set(row) - set(names)
        found.append([str(row.get(name, "")) for name in names])
    return "".join("\t".join(cells) + "\n" for cells in found).encode()


@pytest.fixture
def desk(kept: None, db: None) -> Desk:
    return Desk(make_scope())
