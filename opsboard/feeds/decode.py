"""From the bytes somebody handed over to a document that is known to be whole and readable.

Labels lie, so none is believed before the bytes: gzip, zip, workbooks, web pages and pointers are
told by how they begin, and an encoding has to fit every byte. Everything streams; memory stays
at a few megabytes however large the document is.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, Any, BinaryIO, Self

from django.utils.translation import gettext as _

from . import archives
from .errors import BadDocument, Empty, TooBig, Truncated, UnknownKind, WrongCharset

BLOCK = 1 << 20
HEAD = 1 << 16
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Charset labels by what Amazon means with them: its Latin-1 is Windows', its Shift JIS Microsoft's.
_LABELS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-15": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
_PRIORS = {"JP": ("cp932",), "CN": ("gb18030",)}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))
_C1 = re.compile("[\x80-\x9f]")
_UTF8_PAIR = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on real output bytes; a document beyond them is not a report."""

    size: int = 4 << 30
    #: How many times larger than the packed bytes the content may be, once it is past `floor`.
    ratio: int = 250
    floor: int = 64 << 20
    workbook: int = 256 << 20


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
                archives.check_workbook(raw, limits.workbook, limits.ratio)
            else:
                raw, name = archives.only_member(raw, limits)
                owned.append(raw)
                magic = raw.read(8)
                workbook = magic.startswith(ZIP) and archives.is_workbook(raw)
                if workbook:
                    archives.check_workbook(raw, limits.workbook, limits.ratio)
        packed = magic.startswith(GZIP)
        seen = _Survey(text=not workbook)
        raw.seek(0)
        for block in gunzip(raw, limits) if packed else _plain(raw, limits):
            seen.look(block)
        file: Any = raw
        if packed:
            file = gzip.GzipFile(fileobj=raw, mode="rb")
            owned.append(file)
        raw.seek(0)
        charset = "" if workbook else _charset(seen, file, declared, marketplace_code)
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
            raise _too_big()
        yield block


def gunzip(raw: BinaryIO, limits: Limits) -> Iterator[bytes]:
    """The content of one or more gzip members, in blocks of bounded size.

    Raises Truncated when the last member does not end, TooBig when it unpacks to more than any report.
    """
    read = size = 0
    member = zlib.decompressobj(wbits=31)
    try:
        while packed := raw.read(BLOCK):
            read += len(packed)
            while packed:
                if member.eof:
                    packed = packed.lstrip(b"\0")  # padding some servers add
                    if not packed:
                        break
                    member = zlib.decompressobj(wbits=31)
                block = member.decompress(packed, 4 * BLOCK)
                packed = member.unused_data if member.eof else member.unconsumed_tail
                size += len(block)
                if size > limits.size or (size > limits.floor and size > read * limits.ratio):
                    raise _too_big()
                if block:
                    yield block
    except zlib.error:
        raise Truncated(_("The compressed file is damaged"), todo=_("Download the file again.")) from None
    if not member.eof:
        raise Truncated(_("The compressed file is cut off"), todo=_("Download the file again."))


def _too_big() -> TooBig:
    return TooBig(
        _("It unpacks to more than any report of Amazon's"),
        todo=_("Check that this is the file you meant to send."),
    )


class _Survey:
    """What one pass over the blocks tells: size, digest, and whether they are UTF-8."""

    def __init__(self, *, text: bool) -> None:
        self.text = text
        self.size = 0
        self.hash = hashlib.sha256()
        self.controls = 0
        self.ascii = True
        self.utf8_broken_at: int | None = None
        self.bom = ""
        self._rest = b""

    def look(self, block: bytes) -> None:
        if self.size == 0 and self.text:
            self.bom = next((codec for mark, codec in _BOMS if block.startswith(mark)), "")
            self._refuse_other_things(block)
        start, self.size = self.size, self.size + len(block)
        self.hash.update(block)
        if not self.text or self.bom == "utf-16":
            return
        if b"\0" in block:
            raise UnknownKind(
                _("It has bytes no text has (NUL), so it is not a report"),
                todo=_("Download the file again."),
            )
        if len(block) != len(clean := block.translate(None, _CONTROLS)):
            self.controls += len(block) - len(clean)
        if self.utf8_broken_at is None and not (block.isascii() and not self._rest):
            self._look_at_utf8(block, start)

    def _look_at_utf8(self, block: bytes, start: int) -> None:
        self.ascii = False
        data = self._rest + block
        try:
            _text, used = codecs.utf_8_decode(data, "strict", False)
        except UnicodeDecodeError as error:
            self.utf8_broken_at = start - len(self._rest) + error.start
        else:
            self._rest = data[used:]

    def end(self) -> None:
        if self._rest and self.utf8_broken_at is None:
            self.utf8_broken_at = self.size - len(self._rest)

    def _refuse_other_things(self, block: bytes) -> None:
        head = block[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
        again = _("Download the file again.")
        if head.startswith(b"version https://git-lfs"):
            raise UnknownKind(
                _("This is a pointer to a file in Git LFS, not the file itself"),
                todo=_("Fetch the file itself."),
            )
        lower = head.lower()
        if re.match(
            rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype html|html|head|body)",
            lower,
            re.DOTALL,
        ):
            raise UnknownKind(
                _("This is a web page, not a report (perhaps a sign-in or error page saved under the report's name)"),
                todo=_("Sign in to Seller Central and download the report again."),
            )
        if lower.startswith(b"<?xml") or re.match(rb"<[a-z]*(error|envelope)", lower):
            if found := re.search(rb"<code>\s*([\w.]+)\s*</code>", head, re.IGNORECASE):
                code = found[1].decode("ascii", "ignore")
                raise UnknownKind(
                    _("This is an error message instead of a report (%(code)s)") % {"code": code},
                    todo=again,
                )
            raise UnknownKind(_("This is an XML document, which opsboard cannot read"))
        for magic, what in _OTHERS:
            if head.startswith(magic):
                raise UnknownKind(
                    _("This is %(what)s, not a report") % {"what": what},
                    todo=_("Download the report as text (TXT), CSV or XLSX."),
                )


_OTHERS = (
    (b"%PDF", "PDF"),
    (b"\xd0\xcf\x11\xe0", "XLS (Excel 97-2003)"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3", "SQLite"),
)


def _charset(seen: _Survey, content: BinaryIO, declared: str, marketplace_code: str) -> str:
    """The codec that fits: BOM, UTF-8 wherever it is valid, then the label, then what the marketplace uses.

    Text in another encoding is practically never valid UTF-8 by chance, while labels are often
    wrong; so valid UTF-8 is believed before a label.
    """
    if not seen.size:
        raise Empty(_("The file is empty"))
    seen.end()
    if seen.controls > max(16, seen.size // 1000):
        raise UnknownKind(
            _("It is full of control characters, so it is not text"),
            todo=_("Download the file again."),
        )
    if seen.bom == "utf-16":
        if not _fits(content, "utf-16"):
            raise WrongCharset(
                _("It says it is UTF-16 text and is not"),
                todo=_("Download the file again."),
            )
        return "utf-16"
    if seen.ascii or seen.utf8_broken_at is None:
        return seen.bom or "utf-8"
    line = _line_of(content, seen.utf8_broken_at)
    if seen.bom or _mostly_utf8(content):
        raise WrongCharset(
            _("A character is damaged (the text is UTF-8 everywhere else)"),
            line=line,
            todo=_("Download the file again, and do not open it in a spreadsheet before sending it."),
        )
    candidates = list(_PRIORS.get(marketplace_code, ("cp1252",)))
    if (label := _codec(declared)) and label != "utf-8":
        candidates.insert(0, label)
    for candidate in candidates:
        if _fits(content, candidate):
            return candidate
    raise WrongCharset(
        _("The text is in none of the encodings Amazon uses for this marketplace (%(names)s)")
        % {"names": ", ".join(["utf-8", *candidates])},
        line=line,
        todo=_("Check the marketplace, or download the file again."),
    )


def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label.strip().strip("\"'")).name if label else ""
    except LookupError:
        return ""
    return _LABELS.get(name, name)


def _blocks(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while block := content.read(BLOCK):
        yield block


def _fits(content: BinaryIO, codec: str) -> bool:
    """Every byte is a character of `codec`, and none of them a control character nobody types."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        for block in _blocks(content):
            if _C1.search(decoder.decode(block)):
                return False
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(content: BinaryIO) -> bool:
    """UTF-8 with a wound rather than another encoding: most high bytes form UTF-8 characters."""
    whole = stray = 0
    for block in _blocks(content):
        if block.isascii():
            continue
        rest, count = _UTF8_PAIR.subn(b"", block)
        whole += count
        stray += len(_HIGH.findall(rest))
    return whole > 3 * stray


def _line_of(content: BinaryIO, offset: int) -> int:
    line, left = 1, offset
    for block in _blocks(content):
        line += block[:left].count(b"\n")
        left -= len(block)
        if left <= 0:
            break
    return line
