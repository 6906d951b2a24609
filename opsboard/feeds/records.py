"""Records of one shape, decoded straight into columns.

The records of a report look alike: once a batch has shown which keys there are and what kind of
value each holds, the next batches are decoded by msgspec into structs of that shape, which costs
a third of working the types out again. The decoder is strict. Another key, a missing one or a
value of another kind, and it declines: the batch is then read by inference, and a new shape
learned from it. So nothing is lost and nothing guessed; a changing document is only slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import polars as pl

_KINDS: dict[Any, Any] = {
    pl.Int64: int | None,
    pl.Float64: float | None,
    pl.String: str | None,
    pl.Boolean: bool | None,
    pl.Null: None,
}
#: Whole numbers beyond it are not told apart as floats.
_EXACT = float(2**53)


class Shape:
    """The keys of a document's records and the kind of value under each."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = dict(schema)
        names = [f"f{number}" for number in range(len(self.schema))]
        record = msgspec.defstruct(
            "Record",
            [(name, _KINDS[kind]) for name, kind in zip(names, self.schema.values(), strict=True)],
            rename=dict(zip(names, self.schema, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
        self._cells = attrgetter(*names) if len(names) > 1 else None

    @classmethod
    def learn(cls, frame: pl.DataFrame, before: Shape | None) -> Shape | None:
        """The shape of a frame that was read by inference; None when its records are nested."""
        schema = dict(frame.schema)
        if before is not None and before.schema.keys() == schema.keys():
            # A column that is empty in this batch keeps the kind it had.
            schema = {name: before.schema[name] if kind == pl.Null else kind for name, kind in schema.items()}
        if len(schema) < 2 or any(kind not in _KINDS for kind in schema.values()):
            return None
        return cls(schema)

    def read(self, array: bytes) -> pl.DataFrame | None:
        """The records of a JSON array as columns; None when one of them is not of this shape."""
        assert self._cells is not None
        try:
            records = self._decoder.decode(array)
        except msgspec.MsgspecError:
            return None
        columns: list[Sequence[Any]] = list(zip(*map(self._cells, records), strict=True))
        try:
            series = [
                pl.Series(name, cells, dtype=kind)
                for (name, kind), cells in zip(self.schema.items(), columns, strict=True)
            ]
        except (TypeError, OverflowError):  # a whole number of more than 64 bits
            return None
        if any(column.dtype == pl.Float64 and not column.is_between(-_EXACT, _EXACT).all() for column in series):
            return None
        return pl.DataFrame(series)
