"""manage.py migrate_once: migrate under a lock, so any number of containers may start together."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

_LOCK = 0x6F70_736D  # any number; all processes use the same
WAIT_SECONDS = 60


class Command(BaseCommand):
    help = "Wait for the database, then apply the migrations once; others that start meanwhile wait for it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self._wait_for_database()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            try:
                call_command("migrate", interactive=False, verbosity=options["verbosity"])
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])

    def _wait_for_database(self) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                connection.ensure_connection()
                return
            except OperationalError as error:
                if time.monotonic() > until:
                    raise CommandError(
                        f"The database does not answer: {str(error).strip()}. Check DATABASE_URL and that it is up."
                    ) from None
                time.sleep(1)
