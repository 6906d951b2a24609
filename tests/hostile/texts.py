"""Text files made to hurt."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator

from . import EITHER, GOOD, HEADER, MB, READ, blocks, plain

plain("nothing", b"", says="empty")
plain("a pointer in Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", says="pointer")
for _name, _page in {
    "a page": "<!DOCTYPE html><html><title>503</title>",
    "a bare heading": "<h1>Access denied</h1>\n" * 50,
    "a script": "\n\n <script>location='/signin'</script>",
    "a comment and a page": "<!-- x -->\n<!-- y -->\n<html>",
    "a centred error": "<center><h1>502 Bad Gateway</h1></center>",
}.items():
    plain(f"{_name} of the web called .txt", _page, says="web page", suffix=".txt")
for _name, _magic in {
    "PDF": b"%PDF-1.7\n",
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "EXE": b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff",
    "GIF": b"GIF89a\1\0\1\0\x80\0\0",
    "GZIP": gzip.compress(gzip.compress(b"x")),
    "XLS": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
}.items():
    plain(f"{_name} called .csv", _magic + random.Random(3).randbytes(5000), says="" if _name == "GZIP" else _name)
plain("EXE that starts like text", b"MZ" + bytes(range(1, 256)) * 200)
plain("NUL in the middle", (GOOD + "Mug\0Cup\tA\tB\t1\t1\tActive\n" + GOOD), says="NUL")
plain("NUL after 50 MB", lambda: (GOOD * (50 * MB // len(GOOD))).encode() + b"\0", says="NUL")
blocks("100 MB in one line", lambda: [HEADER.encode(), *[b"x" * MB] * 100], says="line")
blocks(
    "100 MB in one line of Japanese",
    lambda: [HEADER.encode("cp932"), *["日本語の説明".encode("cp932") * 80_000] * 100],
)
blocks("100 MB header", lambda: [b"x" * MB] * 100, says="line")
blocks(
    "100 MB in one line with a cell mark now and then",
    lambda: [HEADER.encode(), *[b"x" * 100_000 + b"\t"] * 1000],
    says="line",
)
blocks(
    "100 MB of UTF-16 in one line",
    lambda: [b"\xff\xfe", HEADER.encode("utf-16-le"), *["\u0a0a".encode("utf-16-le") * 500_000] * 100],
    says="line",
)
_COMMAS = GOOD.replace("\t", ",")
blocks("100 MB after a quotation mark", lambda: [_COMMAS.encode(), b'Mug,"', *[b"x" * MB] * 100], says="line")
blocks(
    "100 MB of lines after a quotation mark",
    lambda: [_COMMAS.encode(), b'Mug,"', *[GOOD.encode()] * (100 * MB // len(GOOD))],
    says="quotation",
)
plain(
    "a quotation mark that swallows the last rows",
    GOOD.replace("\t", ",") + 'Mug,A-1,B000000001,1,1,"Active\n' + GOOD.replace("\t", ",")[len(HEADER) :],
    says="quotation",
)
plain("10^5 columns", lambda: "\t".join(f"c{n}" for n in range(10**5)) + "\n", says="columns")
plain("10^5 columns of known names", lambda: HEADER.strip() + "\t" + "\t".join(f"c{n}" for n in range(10**5)) + "\n")
plain("30,000 short columns", lambda: ",".join(["a"] * 30_000) + "\n" + "," * 29_999 + "\n", says="columns")
plain("a line of 10^6 marks", lambda: GOOD + "\t" * 10**6 + "\n" + GOOD[len(HEADER) :])
plain("100 lines of 10^6 marks", lambda: GOOD + ("\t" * 10**6 + "\n") * 100)
blocks("100 MB of marks", lambda: [HEADER.encode(), *[b"," * MB] * 100])
blocks("100 MB of line ends", lambda: [HEADER.encode(), *[b"\n" * MB] * 100])
blocks("100 MB of blanks", lambda: [b" " * MB] * 100)


def _rows_of(line: str, count: int) -> Iterator[bytes]:
    yield HEADER.encode()
    for n in range(count):
        yield line.format(n=n, x="x" * 100_000, one="1" * 100_000, blanks=" " * 20_000).encode()


blocks("cells of 100 kB, all different", lambda: _rows_of("{n}{x}\tS{n}\tB0{n:08d}\t1\t1\tActive\n", 600), EITHER)
blocks("prices of 100 kB, all different", lambda: _rows_of("Mug\tS{n}\tB0{n:08d}\t{n}{one}\t1\tActive\n", 600))
blocks(
    "prices of blanks that make a pattern go round",
    lambda: _rows_of("Mug\tS{n}\tB0{n:08d}\t{n}{blanks}1x1\t1\tActive\n", 20),
    EITHER,
)
blocks("SKUs of 20 kB", lambda: _rows_of("Mug\tS{n}{blanks}{n}\tB0{n:08d}\t1\t1\tA\n", 20))
plain("CR ends its lines", GOOD.replace("\n", "\r"), READ, suffix=".txt")
plain("CRLF ends its lines", GOOD.replace("\n", "\r\n"), READ, suffix=".txt")
plain("a byte order mark in the middle", GOOD + "\ufeff" + GOOD)
plain(
    "control and bidi characters",
    GOOD + "M\x0bu\x1cg\u202e gub\u2028\tSKU-\u2066x\tB000000001\t1\t1\tActive\n",
    READ,
)
plain("invalid UTF-8 in the middle", (GOOD * 50 + "Käse\t").encode() + b"\xc3\x28\tB\t1\t1\tA\n")
blocks(
    "invalid UTF-8 after 100 MB",
    lambda: [*[("Käse für Zürich\t" * 4_000).encode() + b"\n"] * 1400, b"\xc3\x28\n"],
)
_NOISE = bytes(n | 0x80 for n in range(256))
plain(
    "50 MB of random bytes without NUL",
    lambda: HEADER.encode() + random.Random(4).randbytes(50 * MB).replace(b"\0", b"\x80"),
)
plain("50 MB of high bytes", lambda: HEADER.encode() + random.Random(5).randbytes(50 * MB).translate(_NOISE))
plain(
    "formulas as data",
    HEADER
    + "".join(
        f"{evil}\tSKU-{n}\tB00000000{n}\t9.99\t5\tActive\n"
        for n, evil in enumerate(['=HYPERLINK("http://x","y")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "=1+1"])
    ),
    READ,
)
