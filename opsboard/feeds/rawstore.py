"""Raw documents on disk: gzip files named by the sha256 of their decoded bytes.

A document is whole or absent: it is written beside its place, flushed to the disk and
renamed. The same bytes are stored once.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from isal import igzip

_BLOCK = 1 << 20


def path_of(sha256: str) -> Path:
    return Path(settings.DOCUMENT_DIR) / sha256[:2] / f"{sha256}.gz"


def store(content: BinaryIO, sha256: str, *, compressed: bool) -> Path:
    """Keep `content` (already gzip if `compressed`) under its digest; OSError leaves nothing behind."""
    target = path_of(sha256)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # Named by the content: what a killed worker leaves is written over by whoever stores the same bytes next.
    temporary = target.with_name(f".part-{sha256}")
    with open(temporary, "ab") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        if target.exists():  # somebody else stored it while we waited
            return target
        try:
            out.truncate(0)
            if compressed:
                shutil.copyfileobj(content, out, _BLOCK)
            else:
                with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed:
                    shutil.copyfileobj(content, packed, _BLOCK)
            out.flush()
            os.fsync(out.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return target


def open_raw(sha256: str) -> BinaryIO:
    """The decoded bytes, streaming; FileNotFoundError when the file was removed by hand."""
    opened: BinaryIO = igzip.open(path_of(sha256), "rb")  # type: ignore[no-untyped-call]
    return opened
