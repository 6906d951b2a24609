"""plotly.min.js as a static file, straight from the installed plotly wheel: no copy in the repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "plotly.min.js"
PREFIX = "plotly"


class PlotlyFinder(BaseFinder):
    """Finds exactly one file, `plotly/plotly.min.js`; nothing when plotly is not installed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        found = find_spec("plotly")
        self.folder = Path(found.origin).parent / "package_data" if found and found.origin else None
        super().__init__(*args, **kwargs)

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if self.folder is None or path != f"{PREFIX}/{NAME}":
            return []
        file = str(self.folder / NAME)
        return [file] if find_all else file

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        if self.folder is not None:
            storage = FileSystemStorage(location=str(self.folder))
            storage.prefix = PREFIX  # type: ignore[attr-defined]
            yield NAME, storage
