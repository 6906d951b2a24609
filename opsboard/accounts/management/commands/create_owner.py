"""manage.py create_owner EMAIL --organisation NAME: the first person of an installation."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from opsboard.accounts.models import User
from opsboard.accounts.people import create_owner


class Command(BaseCommand):
    help = "Create an organisation and its owner. Prints a made password once, or reads one from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--organisation", required=True, metavar="NAME")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an e-mail address.") from error
        if options["password_stdin"]:
            password = sys.stdin.readline().rstrip("\n")
            try:
                validate_password(password, User(email=email))
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        else:
            password = secrets.token_urlsafe(18)
        user, organisation, created = create_owner(email, options["organisation"].strip(), password)
        if not created:
            self.stdout.write(f"{user.email} is an owner of {organisation}; the password is as it was.")
        elif options["password_stdin"]:
            self.stdout.write(f"{user.email} is an owner of {organisation}.")
        else:
            self.stdout.write(f"{user.email} is an owner of {organisation}. Password, shown once: {password}")
