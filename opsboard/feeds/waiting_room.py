"""Where uploaded files wait between "what is this?" and "bring it in": an hour, and for nobody else to see.

Files bear names made here; what they were called stays in the database (UploadItem).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path

from django.conf import settings

KEEP_SECONDS = 3600


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def hold(blocks: Iterable[bytes]) -> tuple[str, int]:
    """Put a file aside: (the name to find it by, its size). What `blocks` raises leaves nothing behind."""
    name = uuid.uuid4().hex
    path = _folder() / name
    size = 0
    try:
        with path.open("xb") as out:
            for block in blocks:
                size += out.write(block)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return name, size


def find(name: str) -> Path | None:
    """Where the file is; None when it has waited too long or never was here."""
    if not (len(name) == 32 and name.isalnum()):
        return None
    path = _folder() / name
    return path if path.is_file() else None


def drop(name: str) -> None:
    """Forget the file."""
    if path := find(name):
        path.unlink(missing_ok=True)


def sweep(wanted: Collection[str]) -> None:
    """Remove files that nobody waits for any more; those in `wanted` stay, and so do new ones."""
    for old in _folder().iterdir():
        if old.name not in wanted and old.stat().st_mtime < time.time() - KEEP_SECONDS:
            old.unlink(missing_ok=True)
