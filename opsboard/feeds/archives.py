"""Zip files: a workbook is one, and so is a report somebody packed before sending it.

opsboard.feeds.unpacking takes out what is in it, opsboard.feeds.workbooks looks at workbooks.
"""

from __future__ import annotations

import tempfile
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from . import unpacking
from .errors import BadDocument, Empty, UnknownKind

if TYPE_CHECKING:
    from .decode import Limits

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


def only_member(raw: BinaryIO, limits: Limits) -> tuple[BinaryIO, str]:
    """The one file in a zip, in a temporary file, and its name."""
    inside = unpacking.directory(raw)
    for member in inside:
        if member.filename in _OTHERS:
            raise UnknownKind(
                _("This is %(what)s, not a report") % {"what": _OTHERS[member.filename]},
                todo=_("Save it as XLSX or CSV, or download the report again."),
            )
    members = [m for m in inside if not m.is_dir() and not _is_litter(m.filename)]
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
    try:
        for block in unpacking.unpack(raw, members[0], limits.size, limits.ratio, limits.floor):
            out.write(block)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out, PurePath(members[0].filename).name


def _is_litter(name: str) -> bool:
    """What a Mac adds to every zip."""
    return "__MACOSX" in name or PurePath(name).name.startswith(".")
