"""Archives made to hurt: gzip and zip."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

from . import EITHER, GOOD, HEADER, MB, READ, blocks, plain


def _deflated_noughts(size: int, times: int) -> list[bytes]:
    """A raw deflate stream of `times` x `size` noughts, without working for all of them."""
    squeeze = zlib.compressobj(9, wbits=-15)
    one = squeeze.compress(b"0" * size) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return [one] * times


def _gzip_bomb() -> Iterator[bytes]:
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    yield from _deflated_noughts(16 * MB, 256)
    yield b"\x03\0" + bytes(8)


blocks("gzip bomb of 4 GB", _gzip_bomb, says="longer than any", suffix=".gz")
blocks(
    "gzip bomb of many members",
    lambda: [gzip.compress(b"0\t" * (8 * MB), 9)] * 64,
    says="longer than any",
    suffix=".gz",
)
blocks(
    "gzip of a million empty members", lambda: [gzip.compress(b"") * 1_000_000], says="unpacks to more", suffix=".gz"
)


plain("gzip in gzip", gzip.compress(gzip.compress(GOOD.encode())), says="GZIP", suffix=".gz")
plain("gzip with garbage after it", gzip.compress(GOOD.encode()) + b"garbage", says="damaged", suffix=".gz")
plain("gzip cut off", gzip.compress(random.Random(1).randbytes(9000).hex().encode())[:-300], says="cut off")
plain(
    "gzip of several members",
    gzip.compress(HEADER.encode()) + gzip.compress(GOOD[len(HEADER) :].encode()) + bytes(300),
    READ,
    suffix=".gz",
)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _zip_of(packed: list[bytes], size: int, method: int = 8, entries: int = 1) -> Iterator[bytes]:
    """A zip whose one stored stream is `packed`, named by `entries` directory entries; sizes as told."""
    length = sum(map(len, packed))
    name = b"report.csv"
    yield struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, method, 0, 33, 0, length, size, len(name), 0) + name
    yield from packed
    at = 30 + len(name) + length
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, method, 0, 33, 0, length, size, 10, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry + (name if entries == 1 else b"r%09d" % n) for n in range(entries))
    yield directory
    yield struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, entries & 0xFFFF, entries & 0xFFFF, len(directory), at, 0)


blocks(
    "zip bomb of 4 GB",
    lambda: _zip_of([*_deflated_noughts(16 * MB, 256), b"\x03\0"], 0xFFFFFFF0),
    says="unpacks to more",
    suffix=".zip",
)
blocks(
    "zip bomb that says it is small",
    lambda: _zip_of([*_deflated_noughts(16 * MB, 256), b"\x03\0"], 100),
    suffix=".zip",
)
blocks("zip of a million entries", lambda: _zip_of([b"\x03\0"], 0, entries=1_000_000), suffix=".zip")
blocks(
    "zip whose 5,000 entries share one stream",
    lambda: _zip_of([*_deflated_noughts(MB, 20), b"\x03\0"], 20 * MB, entries=5000),
    suffix=".zip",
)
blocks(
    "bzip2 bomb in a zip",
    lambda: _zip_of([bz2.compress(b"0" * (64 * MB))], 64 * MB, method=12),
    says="packed in a way",
    suffix=".zip",
)
plain(
    "lzma bomb in a zip",
    lambda: zipped({"report.csv": b"0" * (64 * MB)}, zipfile.ZIP_LZMA),
    says="packed in a way",
    suffix=".zip",
)


def _encrypted() -> bytes:
    """A zip whose directory says that its file needs a password."""
    raw = bytearray(zipped({"report.csv": GOOD.encode()}))
    raw[6] |= 1
    raw[raw.index(b"PK\1\2") + 8] |= 1
    return bytes(raw)


def _nested(depth: int) -> bytes:
    content = zipped({"report.csv": b"0" * (4 * MB)})
    for _level in range(depth):
        content = zipped({f"{n}.zip": content for n in range(2)})
    return content


plain("zips in zips", lambda: _nested(5), suffix=".zip")
plain("zip in a zip", zipped({"inner.zip": zipped({"report.csv": GOOD.encode()})}), EITHER, suffix=".zip")
plain("zip that tells less than it holds", b"".join(_zip_of([zlib.compress(GOOD.encode())[2:-4]], 40)), suffix=".zip")
plain("zip that tells more than it holds", b"".join(_zip_of([zlib.compress(GOOD.encode())[2:-4]], MB)), suffix=".zip")
plain("zip cut off", zipped({"report.csv": random.Random(2).randbytes(9000)})[:-50], says="cut off", suffix=".zip")
plain("zip with a password", _encrypted, says="password", suffix=".zip")
plain("zip whose name climbs out", zipped({"../../../etc/cron.d/report.csv": GOOD.encode()}), READ, suffix=".zip")
plain("zip whose name is a drive", zipped({"C:\\Windows\\report.csv": GOOD.encode()}), READ, suffix=".zip")
plain(
    "zip whose name is endless",
    zipped({"r" * 60_000 + "\u202evsc.csv": b"x"}),
    suffix=".zip",
)
