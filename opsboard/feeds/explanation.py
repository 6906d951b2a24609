"""Why Amazon did not make a report, in Amazon's own words.

A report that ended FATAL or CANCELLED may carry a document after all, which then holds the reason:
{"errorDetails": "..."} or plain text. The reason is a help, never a condition: when it cannot be
read, there is none.
"""

from __future__ import annotations

import json
import zlib

from opsboard.amazon.download import downloaded
from opsboard.amazon.errors import AmazonError, Throttled
from opsboard.amazon.reports import Reports, Status

#: A reason is short; whatever is longer is not one.
MAX_BYTES = 1 << 20
MAX_TEXT = 500


def of(reports: Reports, report_id: str, status: Status) -> str:
    """Amazon's reason, "" when it gave none. Throttled when it has to be asked for later."""
    if status.reason:
        return _tidy(status.reason)
    if not status.document_id:
        return ""
    try:
        with downloaded(reports.locate(report_id, status.document_id), MAX_BYTES) as file:
            return _read(file.content.read())
    except Throttled:
        raise
    except AmazonError:
        return ""


def _read(raw: bytes) -> str:
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = zlib.decompressobj(31).decompress(raw, MAX_BYTES)
        except zlib.error:
            return ""
    text = raw.decode("utf-8-sig", errors="backslashreplace")
    try:
        found = json.loads(text)
    except ValueError:
        return _tidy(text)
    if isinstance(found, dict):
        for name in ("errorDetails", "message", "detail", "reason"):
            if found.get(name):
                return _tidy(str(found[name]))
    return _tidy(text)


def _tidy(text: str) -> str:
    return " ".join(text.split())[:MAX_TEXT]
