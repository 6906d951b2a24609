"""manage.py demo: everything on one machine, with a made-up seller."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from opsboard.demo.runner import Demo


class Command(BaseCommand):
    help = (
        "Start PostgreSQL, Redis, a simulated Amazon, worker, beat and web server of our own and fill them. "
        "With --once: leave when the first full cycle is ingested, judged and mailed; the last line is JSON."
    )
    # The database is started by this command: nothing may touch it before.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true")
        parser.add_argument("--days", type=int, help="how many days back (default: 400, with --once 60)")
        # A string goes through `type` too: PORT=abc is refused by name.
        parser.add_argument("--port", type=int, default=os.environ.get("PORT") or "8000", help="PORT, else 8000")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = Demo(
            port=options["port"],
            data_dir=Path(settings.DATA_DIR),
            once=options["once"],
            days=options["days"],
            say=_say,
        )
        sys.exit(demo.run())


def _say(line: str) -> None:
    """At once, also into a pipe or a log file: the password is in one of these lines."""
    print(line, flush=True)
