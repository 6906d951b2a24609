"""Zip files: a workbook is one, and so is a report somebody packed before sending it.

opsboard.feeds.unpacking takes out what is in it, opsboard.feeds.workbooks looks at workbooks.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from . import unpacking
from .errors import BadDocument, Empty, UnknownKind

if TYPE_CHECKING:
    from .decode import Limits

_ZIP = b"PK\x03\x04"
#: Files a bundle may hold.
MAX_MEMBERS = 500
#: Endings of archives; one inside a zip is not opened.
_PACKED = {".zip", ".7z", ".rar", ".tar", ".tgz"}
#: A part of the archive -> what it is part of.
_OTHERS = {
    "content.xml": "OpenDocument (ODS)",
    "xl/workbook.bin": "XLSB",
    "word/document.xml": "DOCX",
    "Index/Document.iwa": "Numbers",
}


def is_workbook(raw: BinaryIO) -> bool:
    """An XLSX or XLSM file. Raises Truncated when the zip's directory is not there."""
    return any(member.filename == "xl/workbook.xml" for member in unpacking.directory(raw))


def is_bundle(raw: BinaryIO) -> bool:
    """A zip of several files, as somebody packs the reports of a month; a workbook is none."""
    raw.seek(0)
    magic = raw.read(len(_ZIP))
    raw.seek(0)
    if magic != _ZIP or is_workbook(raw):
        return False
    bundle = len(_files(raw)) > 1
    raw.seek(0)
    return bundle


def members(raw: BinaryIO, limits: Limits) -> Iterator[tuple[str, Iterator[bytes] | BadDocument]]:
    """The files of a bundle as (name, its blocks or what is wrong with it). Raises TooBig for too many of them.

    Names are for reading only: nothing is ever written under them. All files together may unpack to what one
    document may.
    """
    inside = _files(raw)
    if len(inside) > MAX_MEMBERS:
        raise unpacking.too_many()
    left = [limits.size]
    for member in inside:
        name = PurePath(member.filename.replace("\\", "/")).name[:255] or "?"
        try:
            _check(member)
        except BadDocument as error:
            error.file = name
            yield name, error
        else:
            yield name, _blocks(raw, member, limits, left)


def _blocks(raw: BinaryIO, member: zipfile.ZipInfo, limits: Limits, left: list[int]) -> Iterator[bytes]:
    for block in unpacking.unpack(raw, member, left[0], limits.ratio, limits.floor):
        left[0] -= len(block)
        yield block
        if left[0] <= 0:
            raise unpacking.too_big()


def only_member(raw: BinaryIO, limits: Limits) -> tuple[BinaryIO, str]:
    """The one file in a zip, in a temporary file, and its name."""
    inside = _files(raw)
    if len(inside) != 1:
        raise BadDocument(
            _("The zip holds %(count)d files, and one report at a time can be read") % {"count": len(inside)},
            todo=_("Unpack it and send the files one by one."),
        )
    _check(inside[0])
    out: Any = tempfile.TemporaryFile()
    try:
        for block in unpacking.unpack(raw, inside[0], limits.size, limits.ratio, limits.floor):
            out.write(block)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out, PurePath(inside[0].filename).name


def _files(raw: BinaryIO) -> list[zipfile.ZipInfo]:
    """What somebody packed, litter aside. Raises UnknownKind for a document that is a zip inside, Empty for none."""
    inside = unpacking.directory(raw)
    for member in inside:
        if member.filename in _OTHERS:
            raise UnknownKind(
                _("This is %(what)s, not a report") % {"what": _OTHERS[member.filename]},
                todo=_("Save it as XLSX or CSV, or download the report again."),
            )
    found = [m for m in inside if not m.is_dir() and not _is_litter(m.filename)]
    if not found:
        raise Empty(_("The zip is empty"))
    return found


def _check(member: zipfile.ZipInfo) -> None:
    """Raises BadDocument for a file that is not taken out: behind a password, or a zip itself."""
    if member.flag_bits & 1:
        raise BadDocument(
            _("The zip is protected by a password"),
            todo=_("Unpack it and send the file."),
        )
    if PurePath(member.filename).suffix.lower() in _PACKED:
        raise packed_twice(PurePath(member.filename).name)


def packed_twice(name: str) -> BadDocument:
    return BadDocument(
        _("It is packed twice: “%(name)s” is an archive inside the zip") % {"name": name},
        todo=_("Unpack the inner one and send its files."),
    )


def _is_litter(name: str) -> bool:
    """What a Mac or Windows adds to every zip."""
    last = PurePath(name.replace("\\", "/")).name
    return "__MACOSX" in name or last.startswith(".") or last.lower() in {"thumbs.db", "desktop.ini"}
