"""manage.py demo_setup: migrate, create the demo organisation, plan its fetches (used by `demo`)."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from opsboard.demo import setup


class Command(BaseCommand):
    help = "Migrate and prepare the demo organisation; safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=400)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        scopes = setup.create(os.environ["DEMO_PASSWORD"])
        planned = setup.plan(scopes, options["days"])
        self.stdout.write(f"{planned} fetches planned")
