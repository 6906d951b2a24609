"""Is it text, and in which encoding? Told by the bytes; a label is only a hint.

One pass over a document inspects it while it is being hashed; only text that is not UTF-8 is read
again, once for every encoding that may be meant. Never is a character replaced or dropped.
"""

from __future__ import annotations

import codecs
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

from .errors import Empty, TooBig, UnknownKind, WrongCharset

_BLOCK = 1 << 20
#: Bytes of a line of a table. The longest of Amazon's are listings, with a description of 2,000 characters.
MAX_LINE = 1 << 20
_JSON = (b"{", b"[")
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
#: What a spreadsheet of the marketplace's country saves; Amazon itself writes Windows' Latin-1 or UTF-8.
_PRIORS = {"JP": ("cp932",), "CN": ("gb18030",), "PL": ("cp1250",), "TR": ("cp1254",)}
#: Encodings of sellers' spreadsheets elsewhere, believed when they give a header in their language.
_ABROAD = ("gb18030", "cp932")
#: Zero bytes that are no accident.
_ZEROS = 8
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))
_C1 = re.compile("[\x80-\x9f]")
_UTF8_PAIR = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LEADS = bytes(range(0xC2, 0xF5))
#: Blocks behind a wound that are looked at to tell what it is.
_LOOK_BLOCKS = 4
_HIGH = re.compile(rb"[\x80-\xff]")
#: Latin letters with accents stand alone or in twos; other scripts form whole words of such bytes.
_HIGH_WORD = re.compile(rb"[\x80-\xff]{4,}")
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
#: How files begin that are no reports.
_OTHERS = (
    (b"%PDF", "PDF"),
    (_OLE, "XLS (Excel 97-2003)"),
    (b"PK\x03\x04", "ZIP"),  # inside gzip: elsewhere it is opened
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "GZIP"),  # inside gzip
    (b"PAR1", "Parquet"),
    (b"GIF8", "GIF"),
    (b"MZ\x90\0", "EXE"),
    (b"SQLite format 3", "SQLite"),
)


class Lines:
    """Refuses a text with a line that is longer than any of a report, before anybody has to hold it."""

    def __init__(self) -> None:
        self.long = 0

    def see(self, block: bytes | str) -> None:
        ends = (b"\n", b"\r") if isinstance(block, bytes) else ("\n", "\r")
        last = first = -1
        for end in ends:
            last = max(last, block.rfind(end))  # type: ignore[arg-type]
            found = block.find(end)  # type: ignore[arg-type]
            first = found if first < 0 else min(first, found) if found >= 0 else first
        self.long += len(block) if first < 0 else first
        if self.long > MAX_LINE:
            raise too_long()
        if first >= 0:
            self.long = len(block) - 1 - last


def too_long() -> TooBig:
    return TooBig(
        _("It has a line longer than any report's, so its lines are not where they should be"),
        todo=_("Download the file again."),
    )


class Inspection:
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
        self._lines = Lines()
        #: JSON has no lines; its reader has limits of its own.
        self._has_lines = text

    def look(self, block: bytes) -> None:
        if self.size == 0 and self.text:
            self.bom = next((codec for mark, codec in _BOMS if block.startswith(mark)), "") or _utf_16(block[:4096])
            self._refuse_other_things(block)
            self._has_lines = not block[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_JSON)
        start, self.size = self.size, self.size + len(block)
        self.hash.update(block)
        if not self.text or self.bom.startswith("utf-16"):
            return
        if b"\0" in block:
            raise UnknownKind(
                _("It has bytes no text has (NUL), so it is not a report"),
                todo=_("Download the file again."),
            )
        if self._has_lines:
            self._lines.see(block)
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
            rb"mime-version:|(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?"
            rb"<(!doctype html|!--|html|head|body|meta|table|div|title|script|style|center|h[1-6]|p>|pre)",
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
            raise UnknownKind(
                _("This is an XML document, which opsboard cannot read"),
                todo=_("Download the report as text (TXT), CSV or XLSX."),
            )
        if head.startswith(_OLE) and _ENCRYPTED in block:
            raise UnknownKind(
                _("The workbook is protected by a password"), todo=_("Remove the password and send it again.")
            )
        for magic, what in _OTHERS:
            if head.startswith(magic):
                raise UnknownKind(
                    _("This is %(what)s, not a report") % {"what": what},
                    todo=_("Download the report as text (TXT), CSV or XLSX."),
                )


def choose(
    seen: Inspection,
    content: BinaryIO,
    declared: str,
    marketplace_code: str,
    knows: Callable[[str], bool] = lambda _text: False,
) -> str:
    """The codec that fits: BOM, UTF-8 wherever it is valid, then the label, then what the marketplace uses.

    `knows` tells whether a text begins with a header in another language than English.

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
    if seen.bom.startswith("utf-16"):
        if not _fits(content, seen.bom):
            raise WrongCharset(
                _("It says it is UTF-16 text and is not"),
                todo=_("Download the file again."),
            )
        return seen.bom
    if seen.ascii or seen.utf8_broken_at is None:
        return seen.bom or "utf-8"
    line = _line_of(content, seen.utf8_broken_at)
    if seen.bom or _mostly_utf8(content, seen.utf8_broken_at):
        raise WrongCharset(
            _("A character is damaged (the text is UTF-8 everywhere else)"),
            line=line,
            todo=_("Download the file again, and do not open it in a spreadsheet before sending it."),
        )
    candidates = list(_PRIORS.get(marketplace_code, ("cp1252",)))
    if (label := _codec(declared)) and label != "utf-8":
        candidates.insert(0, label)
    elif abroad := next((codec for codec in _ABROAD if knows(_head(content).decode(codec, "ignore"))), ""):
        candidates.insert(0, abroad)
    for candidate in candidates:
        if _fits(content, candidate):
            if candidate.startswith("cp125") and candidate != label and _whole_words(content):
                break
            return candidate
    else:
        raise WrongCharset(
            _("The text is in none of the encodings Amazon uses for this marketplace (%(names)s)")
            % {"names": ", ".join(["utf-8", *candidates])},
            line=line,
            todo=_("Check the marketplace, or download the file again."),
        )
    raise WrongCharset(
        _("A spreadsheet saved this text in an encoding that nobody can tell from the file"),
        line=line,
        todo=_("Save it as “CSV UTF-8”, or say the encoding, such as gb18030 (--encoding)."),
    )


def _utf_16(head: bytes) -> str:
    """The codec of UTF-16 without a mark at its beginning, as some programs save it; "" for anything else.

    Every plain letter of it has a zero byte, all on the same side; a text in another encoding has none at all.
    """
    even, odd = head[::2].count(0), head[1::2].count(0)
    if (even and odd) or max(even, odd) < max(_ZEROS, len(head) // 16):
        return ""
    return "utf-16-le" if odd else "utf-16-be"


def known(label: str) -> bool:
    """Python has a codec of this name."""
    return bool(_codec(label))


def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label.strip().strip("\"'")).name if label else ""
    except LookupError:
        return ""
    return _LABELS.get(name, name)


def _blocks(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while block := content.read(_BLOCK):
        yield block


def _fits(content: BinaryIO, codec: str) -> bool:
    """Every byte is a character of `codec`, and none of them a control character nobody types."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    lines = Lines()
    try:
        for block in _blocks(content):
            text = decoder.decode(block)
            if _C1.search(text):
                return False
            if codec.startswith("utf-16"):  # elsewhere the bytes have shown it
                if "\0" in text:
                    return False
                lines.see(text)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _head(content: BinaryIO) -> bytes:
    content.seek(0)
    return content.read(1 << 16)


def _whole_words(content: BinaryIO) -> bool:
    """Most bytes outside ASCII stand in words of them, as in Chinese, Korean or Russian, not as in Latin scripts."""
    high = words = 0
    for block in itertools.islice((found for found in _blocks(content) if not found.isascii()), _LOOK_BLOCKS):
        if block:
            high += len(_HIGH.findall(block))
            words += sum(map(len, _HIGH_WORD.findall(block)))
    return words * 2 > high


def _mostly_utf8(content: BinaryIO, broken_at: int) -> bool:
    """UTF-8 with a wound rather than another encoding: most high bytes form UTF-8 characters."""
    whole = stray = 0
    before = broken_at
    content.seek(0)
    while before and (block := content.read(min(_BLOCK, before))):  # all of it is UTF-8
        before -= len(block)
        whole += len(block) - len(block.translate(None, _LEADS))
    for _n in range(_LOOK_BLOCKS):
        if not (block := content.read(_BLOCK)):
            break
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
