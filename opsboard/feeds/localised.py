"""Amazon's own tab files that are written the way the marketplace writes.

Settlements of some marketplaces have "1.234,56" and "02.03.2026 07:35:42 UTC" where others have what a
program would write. Which it is is seen before the document is read: where the plain reading fails,
the whole file is surveyed like a file from a person's hand and read the way the survey settles. A
survey that cannot settle it refuses the document, for nobody is there to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from . import convert
from .decode import Decoded
from .readers import Batch, read_tsv
from .registry import Kind, ReportSpec
from .staging import canonical, columns_of
from .survey import Answers, survey
from .tables import NUMERIC, Layout

if TYPE_CHECKING:
    from .models import Document

_WRITTEN = NUMERIC | {Kind.DATE, Kind.INSTANT}


def options(content: BinaryIO, charset: str, spec: ReportSpec, document: Document) -> dict[str, Any] | None:
    """How to read the document (`Document.options` of an upload), None where the plain reading does.

    Raises Ambiguous or another BadDocument; leaves `content` at its beginning.
    """
    header: tuple[str, ...] | None = None
    for batch in read_tsv(content, charset):
        if len(batch.lines):
            header = None if _is_plain(batch, spec, document.marketplace.minor_digits) else tuple(batch.columns)
            break
    content.seek(0)
    if header is None:
        return None
    with Decoded.reopen(content, charset) as decoded:
        told = survey(decoded, spec, Layout(header, quoted=False), document.marketplace, Answers())
    content.seek(0)
    return told.options


def _is_plain(batch: Batch, spec: ReportSpec, minor_digits: int) -> bool:
    names = {canonical(name): name for name in batch.columns}
    for dataset in spec.datasets:
        for column in columns_of(dataset):
            name = next((names[canonical(alias)] for alias in column.names if canonical(alias) in names), "")
            if name and column.kind in _WRITTEN:
                _read, refused = convert.convert(column, name, batch.columns[name], minor_digits)
                if any(refusal.value for refusal in refused):
                    return False
    return True
