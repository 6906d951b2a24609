"""A real SMTP server that can be told what to answer, and when to strike its client down."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Postbox:
    """Keeps every mail it was handed, taken or not."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        #: What to say to RCPT, by address; and to DATA.
        self.to_recipient: Callable[[str], str] = lambda _address: "250 OK"
        self.to_data = "250 2.0.0 Ok: queued as 4XyZ"
        #: Seconds between taking a mail and saying so.
        self.slow = 0.0
        #: A process killed after its mail was taken and before it hears so.
        self.kill = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _options: Any) -> str:
        answer = self.to_recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self.kill:
            os.kill(self.kill, signal.SIGKILL)
        await asyncio.sleep(self.slow)
        return self.to_data

    def part(self, kind: str, position: int = -1) -> str:
        body = self.mails[position].get_body((kind,))
        assert body is not None
        return str(body.get_content())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(postbox: Postbox) -> Iterator[Postbox]:
    """The postbox on its port (a free one the first time)."""
    postbox.port = postbox.port or free_port()
    controller = Controller(postbox, hostname="127.0.0.1", port=postbox.port)
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()
