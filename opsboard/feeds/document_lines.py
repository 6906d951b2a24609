"""One line of a kept document, cell by cell as it is read: where a figure's trail ends."""

from __future__ import annotations

import bisect
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from opsboard.accounts.models import User

from . import documents, pipeline, rawstore, registry
from .errors import BadDocument
from .models import Document
from .provenance import describe
from .readers import Batch
from .registry import Dataset
from .staging import columns_of, match


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a line: the name of its column, what stands in it, and whether a figure is made of it."""

    name: str
    text: str
    is_read: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line as one dataset reads it."""

    dataset: str
    cells: tuple[Cell, ...]


def lines(document: Document, number: int) -> list[Line]:
    """What the document says in a line, once for each dataset that counts lines of its own.

    The personal columns of a document are empty: they were emptied before it was kept. Raises BadDocument
    where the document cannot be read, OSError where its file is gone.
    """
    with rawstore.open_raw(document.sha256) as content:
        return list(_lines(document, number, content))


def _lines(document: Document, number: int, content: BinaryIO) -> Iterator[Line]:
    are_rows_shared = registry.spec(document.spec).format != "json"
    with closing(pipeline.parts(document, content)) as parts:
        for dataset, batches in parts:
            found = _find(dataset, batches, number)
            if isinstance(batches, Generator):
                batches.close()  # it may read ahead, and the file is about to be closed
            if found is not None:
                yield found
            if are_rows_shared:  # the datasets of a table read the same lines
                return


def _find(dataset: Dataset, batches: Iterator[Batch], number: int) -> Line | None:
    read: set[str] | None = None
    for batch in batches:
        if read is None:
            read = set(match(columns_of(dataset), list(batch.columns))[0].values())
        at = bisect.bisect_left(batch.lines, number)
        if at < len(batch.lines) and batch.lines[at] == number:
            cells = (Cell(name, _text(column[at]), name in read) for name, column in batch.columns.items())
            return Line(str(dataset.label), tuple(cells))
    return None


def _text(value: Any) -> str:
    """A cell in letters; nothing for an absent one."""
    if value is None or isinstance(value, str):
        return value or ""
    if hasattr(value, "to_list"):
        value = value.to_list()
    return json.dumps(value, ensure_ascii=False, default=str)


@require_safe
def line(request: HttpRequest, pk: int, line: int) -> HttpResponse:
    """The line page: the document it is of, report number and instant of download, its cells."""
    assert isinstance(request.user, User)
    document, scope = documents.visible_or_404(request.user, pk)
    found: list[Line] = []
    problem = ""
    try:
        found = lines(document, line)
    except KeyError:
        problem = _("This kind of report is no longer known.")
    except OSError:
        problem = _("The file is no longer there: somebody removed it from the disk.")
    except BadDocument as error:
        problem = str(error)
    if not found and not problem:
        raise Http404("no such line")
    context = {
        "document": document,
        "scope": scope,
        "source": describe(document, scope),
        "number": line,
        "found": found,
        "problem": problem,
        "counts_records": not problem and registry.spec(document.spec).format == "json",
    }
    return render(request, "feeds/document_line.html", context)
