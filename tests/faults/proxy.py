"""A TCP way that can be made bad: between opsboard and its Redis, PostgreSQL, mail server or Amazon.

Faults are attributes, changed while connections live: `latency` (seconds a block), `refuse` (new
connections are reset), `silent` (half-open: bytes go nowhere and nobody is told), `cut_after` and
`hold_after` (after so many bytes of an answer the connection is reset, or says no more), `slow_close`
(seconds before the far end's goodbye is passed on). `only` limits the last two to answers of requests that begin
so. `reset()` breaks every living connection at once.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from dataclasses import dataclass, field

_BLOCK = 1 << 16
#: Closed with this, a socket sends RST: the far end sees a broken connection, not a goodbye.
_AT_ONCE = struct.pack("ii", 1, 0)


def _abort(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family != socket.AF_UNIX:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        except OSError:
            pass
    writer.transport.abort()


@dataclass(eq=False)
class _Way:
    """One connection through the proxy."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    answered: int = 0  # bytes, since the last request that `only` means
    meant: bool = True
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def abort(self) -> None:
        _abort(self.near)
        _abort(self.far)
        self.over.set()


class Proxy:
    """Listens on 127.0.0.1:`port` and passes on to `target`: (host, port), or the path of a unix socket."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.target = target
        self.well()
        self.port = 0
        self.accepted = 0
        self._ways: set[_Way] = set()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault proxy", daemon=True)
        self._thread.start()
        self._up.wait(10)

    def well(self) -> None:
        """No fault any more; connections that were held or silenced are still to be `reset()`."""
        self.latency = 0.0
        self.slow_close = 0.0
        self.refuse = False
        self.silent = False
        self.cut_after: int | None = None
        self.hold_after: int | None = None
        self.only = b""

    @property
    def alive(self) -> int:
        """How many connections go through it now."""
        return len(self._ways)

    def reset(self) -> None:
        """Break every connection that goes through it now."""

        def all_of_them() -> None:
            for way in list(self._ways):
                way.abort()

        self._loop.call_soon_threadsafe(all_of_them)

    def close(self) -> None:
        self.reset()

        async def leave() -> None:
            mine = asyncio.current_task()
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(leave(), self._loop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=256))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuse:
            return _abort(writer)
        try:
            if isinstance(self.target, str):
                far_reader, far_writer = await asyncio.open_unix_connection(self.target)
            else:
                far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            return _abort(writer)
        way = _Way(writer, far_writer)
        self._ways.add(way)
        parts = [
            asyncio.ensure_future(self._pass_on(reader, far_writer, way, asking=True)),
            asyncio.ensure_future(self._pass_on(far_reader, writer, way, asking=False)),
        ]
        over = asyncio.ensure_future(way.over.wait())
        await asyncio.wait([*parts, over], return_when=asyncio.FIRST_COMPLETED)
        if not way.over.is_set():
            await asyncio.wait(parts, timeout=self.slow_close or 1)
        for part in (*parts, over):
            part.cancel()
        for end in (writer, far_writer):
            end.close()
        self._ways.discard(way)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Way, *, asking: bool
    ) -> None:
        try:
            while block := await reader.read(_BLOCK):
                if asking and self.only:
                    way.meant = block.startswith(self.only)
                    way.answered = 0
                while self.silent:
                    await asyncio.sleep(0.05)
                if self.latency:
                    await asyncio.sleep(self.latency)
                if not asking and not await self._let_through(block, writer, way):
                    return
                if asking:
                    writer.write(block)
                    await writer.drain()
            if self.slow_close:
                await asyncio.sleep(self.slow_close)
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            way.over.set()

    async def _let_through(self, block: bytes, writer: asyncio.StreamWriter, way: _Way) -> bool:
        """Pass a block of an answer on, or as much of it as the faults allow; False when the connection is broken."""
        limit = self.cut_after if self.cut_after is not None else self.hold_after
        room = len(block) if limit is None or not way.meant else max(0, limit - way.answered)
        way.answered += len(block)
        writer.write(block[:room])
        await writer.drain()
        if room >= len(block):
            return True
        if self.cut_after is not None:
            way.abort()
            return False
        while self.hold_after is not None:
            await asyncio.sleep(0.05)
        writer.write(block[room:])  # it was only slow
        await writer.drain()
        return True
