"""From the bytes somebody handed over to a document that is known to be whole and readable.

Labels lie, so none is believed before the bytes: gzip, zip, workbooks, web pages and pointers are
told by how they begin, and an encoding has to fit every byte (opsboard.feeds.charset). Everything streams; memory stays
at a few megabytes however large the document is.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, Any, BinaryIO, Self

from django.utils.translation import gettext as _

from . import archives, glossary, unpacking, workbooks
from .charset import Inspection, choose
from .errors import BadDocument, Truncated

BLOCK = 1 << 20
#: Packed bytes taken at a time: where a stream ends, the rest of them is copied.
_PACKED = 1 << 16
HEAD = 1 << 16
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on real output bytes; a document beyond them is not a report."""

    size: int = 4 << 30
    #: How many times larger than the packed bytes the content may be, once it is past `floor`.
    ratio: int = 250
    floor: int = 64 << 20
    workbook: int = 256 << 20
    #: Streams a gzip file may consist of.
    members: int = 10_000


@dataclass(slots=True)
class Decoded:
    """A whole document: `file` stands at its first byte. Close it (or use `with`) when done."""

    file: BinaryIO
    #: A Python codec that fits every byte; "" for a workbook.
    charset: str
    #: The caller's own bytes are a gzip stream of exactly this content.
    was_gzip: bool = False
    size: int = 0
    sha256: str = ""
    workbook: bool = False
    file_name: str = ""
    _owned: list[IO[bytes]] = field(default_factory=list)

    @classmethod
    def reopen(cls, content: BinaryIO, charset: str) -> Decoded:
        """A kept document (already checked when it came in), to be read again."""
        workbook = content.read(len(ZIP)) == ZIP
        content.seek(0)
        return cls(content, "" if workbook else charset, workbook=workbook)

    def head(self, size: int = HEAD) -> bytes:
        """The first bytes; the file stands at its first byte afterwards."""
        self.file.seek(0)
        found = self.file.read(size)
        self.file.seek(0)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened here; the caller's own file stays open."""
        for handle in self._owned:
            handle.close()
        self._owned.clear()


def decode(
    raw: BinaryIO,
    *,
    declared_charset: str = "",
    marketplace_code: str = "",
    file_name: str = "",
    limits: Limits | None = None,
) -> Decoded:
    """Check a seekable document from its first byte to its last and say how to read it.

    gzip or plain; a zip with one member is that member; a workbook (XLSX) is recognised and kept as
    it is. Raises a BadDocument naming `file_name`; nothing is returned of a document cut short.
    """
    limits = limits or Limits()
    name = PurePath(file_name.replace("\\", "/")).name
    try:
        return _decode(raw, declared_charset, marketplace_code, name, limits)
    except BadDocument as error:
        error.file = error.file or name
        raise


def _decode(raw: BinaryIO, declared: str, marketplace_code: str, name: str, limits: Limits) -> Decoded:
    owned: list[IO[bytes]] = []
    try:
        raw.seek(0)
        magic = raw.read(8)
        workbook = False
        if magic.startswith((ZIP, b"PK\x05\x06")):
            workbook = archives.is_workbook(raw)
            if workbook:
                workbooks.check(raw, limits.workbook, limits.ratio)
            else:
                raw, name = archives.only_member(raw, limits)
                owned.append(raw)
                magic = raw.read(8)
                workbook = magic.startswith(ZIP) and archives.is_workbook(raw)
                if workbook:
                    workbooks.check(raw, limits.workbook, limits.ratio)
                elif magic.startswith(ZIP):
                    raise archives.packed_twice(name)
        packed = magic.startswith(GZIP)
        seen = Inspection(text=not workbook)
        raw.seek(0)
        for block in gunzip(raw, limits) if packed else _plain(raw, limits):
            seen.look(block)
        file: Any = raw
        if packed:
            file = gzip.GzipFile(fileobj=raw, mode="rb")
            owned.append(file)
        raw.seek(0)
        charset = "" if workbook else choose(seen, file, declared, marketplace_code, glossary.knows)
        raw.seek(0)
        file.seek(0)
        was_gzip = packed and raw not in owned
        return Decoded(
            file,
            charset,
            was_gzip,
            seen.size,
            seen.hash.hexdigest(),
            workbook,
            name,
            owned,
        )
    except BaseException:
        for handle in owned:
            handle.close()
        raise


def _plain(raw: BinaryIO, limits: Limits) -> Iterator[bytes]:
    size = 0
    while block := raw.read(BLOCK):
        size += len(block)
        if size > limits.size:
            raise unpacking.too_big()
        yield block


def gunzip(raw: BinaryIO, limits: Limits) -> Iterator[bytes]:
    """The content of one or more gzip members, in blocks of bounded size.

    Raises Truncated when the last member does not end, TooBig when it unpacks to more than any report.
    """
    read = size = 0
    members = 1
    member = zlib.decompressobj(wbits=31)
    try:
        while packed := raw.read(_PACKED):
            read += len(packed)
            while packed:
                if member.eof:
                    packed = packed.lstrip(b"\0")  # padding some servers add
                    if not packed:
                        break
                    member = zlib.decompressobj(wbits=31)
                    members += 1
                    if members > limits.members:
                        raise unpacking.too_big()
                block = member.decompress(packed, 4 * BLOCK)
                packed = member.unused_data if member.eof else member.unconsumed_tail
                size += len(block)
                if size > limits.size or (size > limits.floor and size > read * limits.ratio):
                    raise unpacking.too_big()
                if block:
                    yield block
    except zlib.error:
        raise Truncated(_("The compressed file is damaged"), todo=_("Download the file again.")) from None
    if not member.eof:
        raise Truncated(_("The compressed file is cut off"), todo=_("Download the file again."))
