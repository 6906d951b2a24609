"""System checks: a start that could not open the stored credentials is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from . import sealing

_HINT = "Set OPSBOARD_SEAL_KEYS to the keys that sealed them, newest first; keep a copy apart from the database."


@register(Tags.security)
def seal_keys_are_well_formed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """accounts.E001: OPSBOARD_SEAL_KEYS cannot be read."""
    try:
        sealing.keys()
    except sealing.SealError as error:
        return [Error(str(error), hint=_HINT, id="accounts.E001")]
    return []


@register(Tags.security, deploy=True)
def seal_keys_are_set(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """accounts.W001: no key, so no Amazon credentials can be stored."""
    if settings.SEAL_KEYS:
        return []
    return [Warning("OPSBOARD_SEAL_KEYS is not set: Amazon credentials cannot be stored.", id="accounts.W001")]


@register(Tags.database)
def stored_credentials_open(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """accounts.E002: credentials are stored and a key is missing or wrong (`check --database default`)."""
    if not databases or "default" not in databases:
        return []
    try:
        return [Error(text, hint=_HINT, id="accounts.E002") for text in sealing.problems()]
    except DatabaseError:
        return []  # before the first migrate there is nothing to open
