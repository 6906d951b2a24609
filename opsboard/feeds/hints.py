"""Celery messages that may be lost: "there is something to look at".

The rows say what there is to do, so a broker that is away costs time and nothing else. It must not
cost the sender's time: left alone, a refused connection is retried for several seconds.
"""

from __future__ import annotations

from typing import Any

import structlog

#: One connection attempt, and not for long.
_AT_ONCE = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
#: No hint is sent while so many messages wait: the next tick comes before a worker would read it. That keeps what each
#: tick says anew from piling up. A date of expiry would not: it is read off the worker's clock.
LONGEST_QUEUE = 50

log = structlog.get_logger(__name__)


def is_full(connection: Any) -> bool:
    """Whether enough messages wait in the broker of a kombu connection."""
    from opsboard.celery import app

    return bool(connection.default_channel.client.llen(app.conf.task_default_queue) >= LONGEST_QUEUE)


def hint(task: str, args: tuple[Any, ...] = ()) -> bool:
    """Send a message if that is possible now; False when the broker is away or enough messages wait already.

    The tick comes by anyway.
    """
    from kombu.exceptions import KombuError

    from opsboard.celery import app

    try:
        with app.connection_for_write() as connection:
            connection.transport_options.update(_AT_ONCE)
            if is_full(connection):
                return False
            app.send_task(task, args=args, connection=connection, retry=False, ignore_result=True)
    except (OSError, KombuError) as error:
        log.warning("broker_away", task=task, error=type(error).__name__)
        return False
    except Exception as error:  # redis-py's own errors, when they come through unwrapped
        if type(error).__module__.partition(".")[0] not in {"redis", "amqp"}:
            raise
        log.warning("broker_away", task=task, error=type(error).__name__)
        return False
    return True
