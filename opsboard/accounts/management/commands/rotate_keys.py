"""manage.py rotate_keys: put every stored secret under the first key of OPSBOARD_SEAL_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from opsboard.accounts import sealing


class Command(BaseCommand):
    help = (
        "Re-seal all Amazon credentials with the first key of OPSBOARD_SEAL_KEYS. To rotate: "
        "print a key with --new, put it in front of the old one, restart, run this, then drop the old key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--new", action="store_true", help="only print a new key, ready for OPSBOARD_SEAL_KEYS")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(sealing.new_key())
            return
        try:
            changed = sealing.rotate()
        except sealing.SealError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{changed} credentials re-sealed with key {sealing.keys()[0].id}.")
