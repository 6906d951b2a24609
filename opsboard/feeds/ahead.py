"""Work ahead: the next batch is unpacked, parsed and converted while this one is stored.

Unzipping, polars and waiting for the database release the interpreter's lock, so threads are enough
to keep a second core busy.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

from django.utils import translation

T = TypeVar("T")
_END = object()


def read_ahead(source: Iterator[T], depth: int = 2) -> Generator[T]:
    """The items of `source`, produced in a thread, at most `depth` ahead; what it raises comes out here.

    The thread has no database connection: `source` must ask nothing of it.
    """
    items: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()
    language = translation.get_language()  # a refusal is worded where it is found

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                items.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        with translation.override(language):
            try:
                for item in source:
                    if not put(item):
                        return
            except Exception as error:
                put(_Failure(error))
            else:
                put(_END)

    thread = threading.Thread(target=produce, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (item := items.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


class _Failure:
    def __init__(self, error: Exception) -> None:
        self.error = error
