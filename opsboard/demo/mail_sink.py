"""A real SMTP server that keeps every mail as a file: where the demo's alerts arrive."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Keep:
    """Writes each accepted mail to <dir>/<number>.eml before it answers 250."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.number = len(list(directory.glob("*.eml")))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        self.number += 1
        temporary = self.directory / f".{self.number:05d}.part"
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(temporary, self.directory / f"{self.number:05d}.eml")
        return "250 Message accepted for delivery"


def main() -> None:
    parser = argparse.ArgumentParser(prog="opsboard.demo.mail_sink")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    controller = Controller(Keep(options.dir), hostname="127.0.0.1", port=options.port)
    controller.start()
    try:
        asyncio.new_event_loop().run_forever()
    except KeyboardInterrupt:
        pass
    finally:
        controller.stop()


if __name__ == "__main__":
    main()
