"""Zip files: a workbook is one, and so is a report somebody packed before sending it.

Sizes are counted on the bytes that come out, never read from the archive's own directory.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from .errors import BadDocument, Empty, TooBig, Truncated, UnknownKind

if TYPE_CHECKING:
    from .decode import Limits

_BLOCK = 1 << 20
_MAX_MEMBERS = 2_000
_LOCAL_HEADER = 30
#: Such a cell reads as an empty one, which is not what stood there.
_ERROR_CELL = b' t="e"'
#: A part of the archive -> what it is part of.
_OTHERS = {
    "content.xml": "OpenDocument (ODS)",
    "xl/workbook.bin": "XLSB",
    "word/document.xml": "DOCX",
    "Index/Document.iwa": "Numbers",
}


def is_workbook(raw: BinaryIO) -> bool:
    """An XLSX or XLSM file. Raises Truncated when the zip's directory is not there."""
    with _open(raw) as archive:
        return "xl/workbook.xml" in archive.namelist()


def check_workbook(raw: BinaryIO, size: int, ratio: int) -> None:
    """Unpack every part of a workbook once, keeping nothing. Raises TooBig or Truncated."""
    with _open(raw) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise _too_big()
        left = size
        for member in members:
            left -= _real_size(raw, member, left, ratio)


def only_member(raw: BinaryIO, limits: Limits) -> tuple[BinaryIO, str]:
    """The one file in a zip, in a temporary file, and its name."""
    with _open(raw) as archive:
        for name in archive.namelist():
            if name in _OTHERS:
                raise UnknownKind(
                    _("This is %(what)s, not a report") % {"what": _OTHERS[name]},
                    todo=_("Save it as XLSX or CSV, or download the report again."),
                )
        members = [m for m in archive.infolist() if not m.is_dir() and not _is_litter(m.filename)]
        if not members:
            raise Empty(_("The zip is empty"))
        if len(members) != 1:
            raise BadDocument(
                _("The zip holds %(count)d files, and one report at a time can be read") % {"count": len(members)},
                todo=_("Unpack it and send the files one by one."),
            )
        if members[0].flag_bits & 1:
            raise BadDocument(
                _("The zip is protected by a password"),
                todo=_("Unpack it and send the file."),
            )
        out: Any = tempfile.TemporaryFile()
        size = 0
        packed = max(1, members[0].compress_size)
        try:
            with archive.open(members[0]) as member:
                while block := member.read(_BLOCK):
                    size += len(block)
                    if size > limits.size or (size > limits.floor and size > packed * limits.ratio):
                        raise _too_big()
                    out.write(block)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            out.close()
            raise _damaged() from None
        except NotImplementedError:
            out.close()
            raise UnknownKind(_("The zip is packed in a way opsboard cannot read")) from None
        except BaseException:
            out.close()
            raise
    out.seek(0)
    return out, PurePath(members[0].filename).name


def _is_litter(name: str) -> bool:
    """What a Mac adds to every zip."""
    return "__MACOSX" in name or PurePath(name).name.startswith(".")


def _real_size(raw: BinaryIO, member: zipfile.ZipInfo, left: int, ratio: int) -> int:
    raw.seek(member.header_offset)
    header = raw.read(_LOCAL_HEADER)
    raw.seek(
        int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"),
        1,
    )
    if member.compress_type == zipfile.ZIP_STORED:
        if member.compress_size > left:
            raise _too_big()
        return member.compress_size
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise UnknownKind(_("The workbook is packed in a way opsboard cannot read"))
    inflate = zlib.decompressobj(wbits=-15)
    size, packed_left = 0, member.compress_size
    sheet = member.filename.startswith("xl/worksheets/")
    tail = b""
    try:
        while not inflate.eof:
            packed = inflate.unconsumed_tail or raw.read(min(_BLOCK, packed_left))
            if not inflate.unconsumed_tail:
                packed_left -= len(packed)
            if not packed:
                raise _damaged()
            block = inflate.decompress(packed, 4 * _BLOCK)
            size += len(block)
            if sheet and _ERROR_CELL in tail + block:
                raise BadDocument(
                    _("A cell of the workbook holds an error such as #N/A instead of a value"),
                    todo=_("Send the file as Amazon gave it."),
                )
            tail = block[-len(_ERROR_CELL) :]
            if size > left or (size > 4 * _BLOCK and size > max(1, member.compress_size) * ratio):
                raise _too_big()
    except zlib.error:
        raise _damaged() from None
    return size


def _open(raw: BinaryIO) -> zipfile.ZipFile:
    raw.seek(0)
    try:
        return zipfile.ZipFile(raw)
    except zipfile.BadZipFile:
        raise _damaged() from None


def _damaged() -> Truncated:
    return Truncated(
        _("The zip or workbook is damaged or cut off"),
        todo=_("Download the file again."),
    )


def _too_big() -> TooBig:
    return TooBig(
        _("It unpacks to more than any report of Amazon's"),
        todo=_("Check that this is the file you meant to send."),
    )
