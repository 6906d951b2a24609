"""Messages to workers: few at a time, and true whatever the clocks say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kombu import Connection
from pytest_django.fixtures import Settings

from opsboard.celery import app
from opsboard.feeds import hints


@pytest.fixture
def waiting(settings: Settings) -> Iterator[Connection]:
    """The broker, with nothing waiting in it before or after."""
    with Connection(app.conf.broker_url) as connection:
        client = connection.default_channel.client
        client.delete(app.conf.task_default_queue)
        yield client
        client.delete(app.conf.task_default_queue)


def test_no_more_is_said_while_enough_waits_to_be_read(waiting: Connection) -> None:
    sent = [hints.hint("opsboard.feeds.work") for _ in range(hints.LONGEST_QUEUE + 10)]
    assert sent == [True] * hints.LONGEST_QUEUE + [False] * 10
    assert waiting.llen(app.conf.task_default_queue) == hints.LONGEST_QUEUE


def test_a_message_does_not_expire_by_a_clock_that_may_be_wrong(waiting: Connection) -> None:
    hints.hint("opsboard.feeds.work")
    assert b'"expires": null' in waiting.lindex(app.conf.task_default_queue, 0)
