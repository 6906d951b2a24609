"""A document arrives whole or not at all."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest

from opsboard.amazon.download import downloaded
from opsboard.amazon.errors import DownloadFailed, Expired, TemporarilyDown, TooBig
from opsboard.amazon.reports import Link

from .scripted import Says, ScriptedAmazon

S3_ERROR = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_bytes_and_what_the_server_said_about_them(amazon: ScriptedAmazon, tmp_path: Path) -> None:
    packed = gzip.compress(b"sku\tprice\n" * 1000)
    amazon.on("GET", "/file", Says(packed, headers={"Content-Type": "text/plain; charset=cp932"}))

    with downloaded(Link(f"{amazon.url}/file", gzip=True)) as file:
        assert file.content.read() == packed
        assert (file.size, file.charset, file.gzip) == (len(packed), "cp932", True)
        assert not list(tmp_path.iterdir()), "a reader that is killed here would leave it"
    assert not {"authorization", "x-amz-access-token"} & set(amazon.asked[-1].headers)


def test_bytes_are_not_unpacked_on_the_way(amazon: ScriptedAmazon) -> None:
    packed = gzip.compress(b"{}")
    amazon.on("GET", "/file", Says(packed, headers={"Content-Encoding": "gzip"}))

    with downloaded(Link(f"{amazon.url}/file", gzip=True)) as file:
        assert file.content.read() == packed


@pytest.mark.parametrize("percent", [1, 37, 50, 99])
def test_half_a_document_is_none(amazon: ScriptedAmazon, tmp_path: Path, percent: int) -> None:
    packed = gzip.compress(bytes(range(256)) * 1000)
    cut = packed[: len(packed) * percent // 100]
    amazon.on("GET", "/file", Says(cut, announced=len(packed)))

    with pytest.raises(DownloadFailed), downloaded(Link(f"{amazon.url}/file", gzip=True)):
        pass

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("says", [Says(S3_ERROR, 403), Says(S3_ERROR, 200), Says(b"", 404), Says(S3_ERROR, 400)])
def test_an_expired_address_is_known_by_its_status_or_its_error_page(amazon: ScriptedAmazon, says: Says) -> None:
    amazon.on("GET", "/file", says)

    with pytest.raises(Expired) as raised, downloaded(Link(f"{amazon.url}/file?secret=1", gzip=True)):
        pass

    assert "secret" not in str(raised.value)


def test_a_page_of_somebody_in_between_is_no_document(amazon: ScriptedAmazon) -> None:
    amazon.on("GET", "/file", Says(b"\n<HTML><body>Sign in</body></HTML>"))

    with pytest.raises(DownloadFailed), downloaded(Link(f"{amazon.url}/file", gzip=True)):
        pass


def test_a_document_that_is_xml_is_a_document(amazon: ScriptedAmazon) -> None:
    amazon.on("GET", "/file", Says(b"<?xml version='1.0'?><Listings><Code>A</Code></Listings>"))

    with downloaded(Link(f"{amazon.url}/file", gzip=False)) as file:
        assert file.size == 56


def test_too_much_is_refused_before_and_while_it_comes(amazon: ScriptedAmazon) -> None:
    amazon.on("GET", "/file", Says(b"x" * 2000))

    with pytest.raises(TooBig), downloaded(Link(f"{amazon.url}/file", gzip=False), max_bytes=1000):
        pass


def test_trouble_at_the_store_is_not_the_documents_fault(amazon: ScriptedAmazon) -> None:
    amazon.on("GET", "/file", Says(b"<html>", 503))

    with pytest.raises(TemporarilyDown), downloaded(Link(f"{amazon.url}/file", gzip=False)):
        pass
    with pytest.raises(TemporarilyDown), downloaded(Link("http://127.0.0.1:9/file", gzip=False)):
        pass
