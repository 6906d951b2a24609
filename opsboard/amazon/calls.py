"""Making one call to Amazon properly: signed in, within the rate limit, again with another token after a 401."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import requests

from . import throttle, tokens
from .answers import LIMIT_HEADER, problem, token_is_old
from .credentials import Credentials
from .errors import Throttled, Unreachable
from .throttle import Meter

T = TypeVar("T")


@dataclass
class Answer:
    """What came back, before anybody judged it. `body` is None when it is not JSON.

    Open to new attributes: a library hangs its own on what it believes to be its response.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


def call(meter: Meter, operation: str, credentials: Credentials, send: Callable[[str], Answer]) -> Any:
    """The body of a successful answer. `send` makes the request with the access token it is given.

    Raises opsboard.amazon.errors only; Throttled when our bucket or Amazon says not now.
    """
    token = tokens.access_token(credentials)
    _take(meter, operation)
    answer = _send(send, token)
    is_new = False
    while token_is_old(answer.status, answer.body) and not is_new:
        # What another process signed in with since may have been taken back as well.
        is_new = tokens.forget(credentials, token)
        token = tokens.access_token(credentials)
        _take(meter, operation)  # a further try counts at Amazon as the first did
        answer = _send(send, token)
    limit = answer.headers.get(LIMIT_HEADER)
    error = problem(answer.status, answer.headers, answer.body)
    if isinstance(error, Throttled):
        said = error.retry_after if error.retry_after >= 0 else None
        raise Throttled(throttle.empty(meter, operation, said, limit), operation, asked=True)
    throttle.learn(meter, operation, limit)
    if error is not None:
        raise error
    return answer.body


def _take(meter: Meter, operation: str) -> None:
    """No call is made that our own bucket says Amazon would refuse."""
    wait = throttle.take(meter, operation)
    if wait > 0:
        raise Throttled(wait, operation)


def _send(send: Callable[[str], Answer], token: str) -> Answer:
    try:
        return send(token)
    except (httpx.HTTPError, requests.RequestException) as error:
        raise Unreachable(type(error).__name__) from None
