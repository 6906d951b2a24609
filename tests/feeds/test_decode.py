"""Whatever is handed over: whole and readable, or refused with a sentence, and never half read."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsboard.feeds.decode import Decoded, Limits, decode
from opsboard.feeds.errors import BadDocument, Empty, TooBig, Truncated, UnknownKind, WrongCharset

TSV = "sku\ttitle\nA-1\tKäse für Zürich\n"


def read(raw: bytes, **how: object) -> tuple[str, Decoded]:
    with decode(io.BytesIO(raw), **how) as found:  # type: ignore[arg-type]
        return found.file.read().decode(found.charset), found


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_gzip_is_told_by_its_bytes_not_by_its_name() -> None:
    text, found = read(gzip.compress(TSV.encode()), file_name="report.txt")

    assert text == TSV
    assert found.was_gzip
    assert found.size == len(TSV.encode())
    assert read(TSV.encode(), file_name="report.gz")[0] == TSV


def test_the_same_content_has_one_digest_however_it_was_packed() -> None:
    packed, plain, in_zip = read(gzip.compress(TSV.encode())), read(TSV.encode()), read(zipped(a=TSV.encode()))

    assert packed[1].sha256 == plain[1].sha256 == in_zip[1].sha256


def test_a_gzip_of_several_members_and_padding_is_read_to_its_end() -> None:
    half = len(TSV) // 2
    raw = gzip.compress(TSV[:half].encode()) + gzip.compress(TSV[half:].encode()) + b"\0" * 512

    assert read(raw)[0] == TSV


@given(st.integers(min_value=1, max_value=200))
def test_a_cut_gzip_is_refused_wherever_it_was_cut(missing: int) -> None:
    noise = random.Random(7).randbytes(500).hex()
    raw = gzip.compress(noise.encode())

    with pytest.raises(Truncated):
        decode(io.BytesIO(raw[: len(raw) - missing]))


def test_a_damaged_gzip_is_refused() -> None:
    raw = bytearray(gzip.compress(TSV.encode() * 50))
    raw[len(raw) // 2] ^= 0xFF

    with pytest.raises(Truncated):
        decode(io.BytesIO(bytes(raw)))


def test_a_bomb_is_refused_before_it_has_filled_anything() -> None:
    raw = gzip.compress(b"0" * (96 << 20), compresslevel=9)

    tracemalloc.start()
    with pytest.raises(TooBig):
        decode(io.BytesIO(raw))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 40 << 20


def test_a_document_over_the_size_cap_is_refused_packed_or_not() -> None:
    tight = Limits(size=1000)

    for raw in (b"a\tb\n" * 500, gzip.compress(b"a\tb\n" * 500), zipped(a=b"a\tb\n" * 500)):
        with pytest.raises(TooBig):
            decode(io.BytesIO(raw), limits=tight)


@pytest.mark.parametrize(
    ("text", "encoding", "marketplace", "declared", "charset"),
    [
        (TSV, "utf-8", "DE", "", "utf-8"),
        (TSV, "utf-8-sig", "DE", "", "utf-8-sig"),
        (TSV, "cp1252", "DE", "", "cp1252"),
        (TSV, "cp1252", "DE", "ISO-8859-1", "cp1252"),
        (TSV, "utf-8", "DE", "ISO-8859-1", "utf-8"),
        (TSV, "utf-16", "DE", "", "utf-16"),
        ("sku\t商品名\nA\t日本語の説明\n", "cp932", "JP", "", "cp932"),
        ("sku\t商品名\nA\t日本語の説明\n", "utf-8", "JP", "Shift_JIS", "utf-8"),
        ("sku\t商品名\nA\t①②株\n", "cp932", "US", "Shift_JIS", "cp932"),
        ("sku\t名称\nA\t中文标题\n", "gb18030", "CN", "", "gb18030"),
    ],
)
def test_the_charset_fits_every_byte(text: str, encoding: str, marketplace: str, declared: str, charset: str) -> None:
    found, decoded = read(text.encode(encoding), marketplace_code=marketplace, declared_charset=declared)

    assert found == text
    assert decoded.charset == charset


def test_damaged_utf8_is_not_taken_for_another_encoding() -> None:
    raw = (TSV * 40).encode() + b"B-2\tK\xc3 broken\n"

    with pytest.raises(WrongCharset) as refused:
        decode(io.BytesIO(raw), marketplace_code="DE")

    assert refused.value.line == 81


def test_text_in_no_encoding_of_the_marketplace_is_refused() -> None:
    with pytest.raises(WrongCharset):
        decode(io.BytesIO("sku\tназвание\nA\tсыр".encode("koi8-r") + b"\x81\x8d"), marketplace_code="US")


@pytest.mark.parametrize(
    ("raw", "error", "fragment"),
    [
        (b"", Empty, "empty"),
        (b"\n\n<!DOCTYPE html><html><title>Sign in", UnknownKind, "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", UnknownKind, "pointer"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", UnknownKind, "AccessDenied"),
        (b"<?xml version='1.0'?><AmazonEnvelope/>", UnknownKind, "XML"),
        (b"sku\tname\nA\0B\tx\n", UnknownKind, "NUL"),
        (b"%PDF-1.7\n", UnknownKind, "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", UnknownKind, "XLS"),
        (b"a\tb\n" + bytes(range(1, 9)) * 400, UnknownKind, "control characters"),
        (b"PK\x03\x04 and nothing else", Truncated, "cut off"),
    ],
)
def test_other_things_are_refused_by_what_they_are(raw: bytes, error: type[BadDocument], fragment: str) -> None:
    for packed in (raw, gzip.compress(raw)) if not raw.startswith(b"PK") else (raw,):
        with pytest.raises(error, match=fragment) as refused:
            decode(io.BytesIO(packed), file_name="C:\\sales\\report.txt")
        assert str(refused.value).startswith("report.txt")


def test_a_zip_with_two_files_asks_for_one() -> None:
    with pytest.raises(BadDocument, match="holds 2 files"):
        decode(io.BytesIO(zipped(a=b"x\ty\n", b=b"x\ty\n")))


def test_a_zip_with_one_file_is_that_file() -> None:
    text, found = read(zipped(**{"inner.txt": TSV.encode(), "__MACOSX/._inner.txt": b"\1"}))

    assert (text, found.file_name, found.was_gzip) == (TSV, "inner.txt", False)


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_it_fail_in_another_way(raw: bytes) -> None:
    for bytes_ in (raw, gzip.compress(raw), b"\x1f\x8b\x08" + raw, b"PK\x03\x04" + raw):
        try:
            with decode(io.BytesIO(bytes_), marketplace_code="JP") as found:
                if not found.workbook:
                    found.file.read().decode(found.charset)
        except BadDocument as refused:
            assert str(refused)
