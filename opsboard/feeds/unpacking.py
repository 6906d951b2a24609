"""What is in a zip, taken out with care: nothing of its directory is believed, and nothing of it costs much.

A zip says itself how many files it holds and how large they are. Here its directory may only be as
large as a report's can be, and sizes are counted on the bytes that come out.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

from .errors import TooBig, Truncated, UnknownKind

BLOCK = 1 << 20
#: Bytes of a zip's directory; a file in it takes about a hundred.
_DIRECTORY = 1 << 20
_LOCAL_HEADER = 30
#: A stream that unpacks to less is never called a bomb.
_FLOOR = 4 * BLOCK


class _Cautious:
    """A file that does not read more at once than a zip's directory can be."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw = raw
        self.seek, self.tell = raw.seek, raw.tell

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY:
            raise too_many()
        return self.raw.read(size if size >= 0 else _DIRECTORY)


def directory(raw: BinaryIO) -> list[zipfile.ZipInfo]:
    """The files a zip says it holds. Raises Truncated when it is damaged, TooBig when they are too many."""
    raw.seek(0)
    try:
        with zipfile.ZipFile(_Cautious(raw)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, UnicodeDecodeError, NotImplementedError, OSError):
        raise damaged() from None


def unpack(raw: BinaryIO, member: zipfile.ZipInfo, size: int, ratio: int, floor: int = _FLOOR) -> Iterator[bytes]:
    """The content of one file of a zip, in blocks of bounded size.

    Raises TooBig past `size` bytes, or past `floor` when it is more than `ratio` times what was read for
    it; Truncated when the content is not what the zip says; UnknownKind for a packing nobody uses.
    """
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise UnknownKind(
            _("The zip is packed in a way opsboard cannot read"), todo=_("Unpack it and send the file itself.")
        )
    raw.seek(member.header_offset)
    header = raw.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER:
        raise damaged()
    raw.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    checksum = made = 0
    for read, block in _blocks(raw, member):
        made += len(block)
        if made > size or (made > floor and made > read * ratio):
            raise too_big()
        checksum = zlib.crc32(block, checksum)
        yield block
    if made != member.file_size or checksum != member.CRC:
        raise damaged()


def _blocks(raw: BinaryIO, member: zipfile.ZipInfo) -> Iterator[tuple[int, bytes]]:
    """(packed bytes read so far, a block of content)."""
    left = member.compress_size
    if member.compress_type == zipfile.ZIP_STORED:
        while left:
            block = raw.read(min(BLOCK, left))
            if not block:
                raise damaged()
            left -= len(block)
            yield member.compress_size - left, block
        return
    inflate = zlib.decompressobj(wbits=-15)
    try:
        while not inflate.eof:
            packed = inflate.unconsumed_tail
            if not packed:
                packed = raw.read(min(BLOCK, left))
                left -= len(packed)
            if not packed:
                raise damaged()
            if block := inflate.decompress(packed, BLOCK):
                yield member.compress_size - left, block
    except zlib.error:
        raise damaged() from None


def damaged() -> Truncated:
    return Truncated(
        _("The zip or workbook is damaged or cut off"),
        todo=_("Download the file again."),
    )


def too_big() -> TooBig:
    return TooBig(
        _("It unpacks to more than any report of Amazon's"),
        todo=_("Check that this is the file you meant to send."),
    )


def too_many() -> TooBig:
    return TooBig(
        _("The zip holds more files than anybody could mean to send at once"),
        todo=_("Unpack it and send the reports among them."),
    )
