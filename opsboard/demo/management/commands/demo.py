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
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        demo = Demo(
            port=options["port"],
            data_dir=Path(settings.DATA_DIR),
            once=options["once"],
            days=options["days"],
            say=lambda line: self.stdout.write(line),
        )
        sys.exit(demo.run())
