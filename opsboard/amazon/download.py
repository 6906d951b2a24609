"""Fetching a document from the address Amazon gave, whole or not at all.

No sign-in header goes along (the address carries its own signature), nothing of the address is
ever logged, and the bytes stay as they came: whether they are gzip and which charset they are in
is for the reader to find out, with what the server declared as a hint.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO

import httpx

from . import hosts
from .errors import DownloadFailed, Expired, PageInstead, TemporarilyDown, TooBig, Unreachable
from .reports import Link

#: Bytes over the wire (usually gzip); Amazon's largest reports unpack to a few gigabytes.
MAX_BYTES = 1 << 30
_BLOCK = 1 << 18
_CODE = re.compile(rb"<Code>(\w+)</Code>")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A complete file, open at its beginning. It has no name: whatever becomes of its reader, it is gone."""

    content: BinaryIO
    size: int
    charset: str  # declared by the server, "" when it did not say
    gzip: bool  # as Amazon announced it; the bytes themselves may differ


@contextmanager
def downloaded(link: Link, max_bytes: int = MAX_BYTES) -> Iterator[Downloaded]:
    """The document at `link` in a temporary file.

    Expired: ask for a new link. DownloadFailed: it was cut off, nothing is kept. TooBig, TemporarilyDown.
    """
    with tempfile.TemporaryFile(prefix="opsboard-report-") as out:
        try:
            size, charset = _stream(link, out.write, max_bytes)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout) as error:
            raise DownloadFailed(type(error).__name__) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from None
        out.seek(0)
        yield Downloaded(out, size, charset, link.gzip)


_kept = threading.local()


def _client() -> httpx.Client:
    """One client a thread: a TLS context costs more than a small document."""
    if not hasattr(_kept, "client"):
        _kept.client = httpx.Client(
            timeout=httpx.Timeout(hosts.READ_SECONDS, connect=hosts.CONNECT_SECONDS), follow_redirects=False
        )
    return _kept.client  # type: ignore[no-any-return]


def _stream(link: Link, write: Callable[[bytes], object], max_bytes: int) -> tuple[int, str]:
    with _client().stream("GET", link.url, headers={"Accept-Encoding": "identity"}) as answer:
        _check(answer)
        announced = answer.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            raise TooBig()
        size = 0
        head = b""
        for block in answer.iter_raw(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise TooBig()
            head = head or block[:512]
            write(block)
        if announced.isdigit() and size != int(announced):
            raise DownloadFailed(f"{size} of {announced} bytes")
        if _is_storage_error(head):
            raise Expired(_code(head))
        if head[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
            raise PageInstead("HTML")  # somebody's page in between; no report is one
        return size, _charset(answer.headers.get("Content-Type", ""))


def _check(answer: httpx.Response) -> None:
    if answer.status_code == 200:
        return
    if answer.status_code in {400, 401, 403, 404, 410}:
        raise Expired(_code(b"".join(answer.iter_raw())[:2000]))
    raise TemporarilyDown(f"HTTP {answer.status_code}")


def _is_storage_error(head: bytes) -> bool:
    """The file store's own error page, served as if it were the document."""
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    return start.startswith((b"<?xml", b"<Error>")) and b"<Error>" in start and bool(_CODE.search(start))


def _code(page: bytes) -> str:
    found = _CODE.search(page)
    return found.group(1).decode("ascii") if found else ""


def _charset(content_type: str) -> str:
    message = Message()
    message["Content-Type"] = content_type or "application/octet-stream"
    charset = message.get_content_charset() or ""
    return charset if re.fullmatch(r"[\w.:-]{1,40}", charset) else ""
