"""One process of a crew: `python -m tests.feeds.crew work|tick FOLDER` until FOLDER/stop is there; prints its count."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import django

django.setup()

from django.db import OperationalError  # noqa: E402

from opsboard.feeds import dispatch  # noqa: E402


def main() -> None:
    act = {"work": lambda: dispatch.work(seconds=2), "tick": dispatch.tick}[sys.argv[1]]
    stop, done = Path(sys.argv[2]) / "stop", 0
    while not stop.exists():
        try:
            done += act()
        except OperationalError as error:  # a task that fails; the next hint begins anew
            print(error, file=sys.stderr)
        time.sleep(0.05)
    print(done)


main()
