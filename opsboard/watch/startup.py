"""Django's system checks: a start on a Redis that throws messages away is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from .looks import machine

_HINT = (
    "Set maxmemory-policy to noeviction. OPSBOARD_ALLOW_EVICTING_REDIS=1 starts all the same: "
    "rows are the truth, so a lost message is a delay."
)


def _eviction() -> list[CheckMessage]:
    try:
        policy = machine.evicting(machine.memory_of_redis())
    except (redis.RedisError, OSError):
        return []  # away is no reason not to start: work waits in rows
    if not policy:
        return []
    text = f"Redis throws keys away when its memory is full (maxmemory-policy {policy}); Celery needs noeviction."
    if settings.ALLOW_EVICTING_REDIS:
        return [Warning(text, hint=_HINT, id="watch.W001")]
    return [Error(text, hint=_HINT, id="watch.E001")]


@register("broker", deploy=True)
def redis_keeps_messages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """watch.E001, with `check --deploy`."""
    return _eviction()


@register(Tags.database)
def redis_keeps_messages_at_start(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """watch.E001, with `check --database default`, which docker/entrypoint.sh runs before it starts anything."""
    return _eviction() if databases else []
