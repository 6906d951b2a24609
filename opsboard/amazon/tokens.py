"""Login with Amazon: short-lived access tokens for a refresh token.

Ours rather than the libraries': theirs cache by refresh token alone (another application or host
gets a stale token), have no time limit, and stumble over an answer that is not JSON. Here is one
token per credentials and host in each process; threads that need the same one wait for a single
request; a token that Amazon refuses is dropped and asked for once more by the caller.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import httpx
from django.utils.translation import gettext as _

from . import hosts
from .credentials import Credentials
from .errors import AuthRefused, TemporarilyDown, Throttled

#: A token is renewed this long before Amazon would refuse it.
EARLY_SECONDS = 60.0


@dataclass(slots=True)
class _Held:
    token: str = field(default="", repr=False)
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_held: dict[tuple[str, str], _Held] = {}
_guard = threading.Lock()


def access_token(credentials: Credentials) -> str:
    """A token that is good for at least a minute; AuthRefused, Throttled or TemporarilyDown otherwise."""
    held = _slot(credentials)
    with held.lock:
        if time.monotonic() >= held.until:
            held.token, lifetime = _ask(credentials)
            held.until = time.monotonic() + max(0.0, lifetime - EARLY_SECONDS)
        return held.token


def forget(credentials: Credentials, token: str) -> None:
    """Amazon refused `token`: the next access_token() asks anew, unless somebody already did."""
    held = _slot(credentials)
    with held.lock:
        if held.token == token:
            held.until = 0.0


def _slot(credentials: Credentials) -> _Held:
    with _guard:
        return _held.setdefault((hosts.token(), credentials.fingerprint), _Held())


def _ask(credentials: Credentials) -> tuple[str, float]:
    form = {
        "grant_type": "refresh_token",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "refresh_token": credentials.refresh_token,
    }
    try:
        answer = httpx.post(
            hosts.token(), data=form, timeout=httpx.Timeout(hosts.READ_SECONDS, connect=hosts.CONNECT_SECONDS)
        )
    except httpx.HTTPError as error:
        raise TemporarilyDown(type(error).__name__) from None
    if answer.status_code == 429:
        raise Throttled(30.0, "token", asked=True)
    if answer.status_code >= 500:
        raise TemporarilyDown(f"HTTP {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if answer.status_code == 200 and isinstance(body, dict) and body.get("access_token"):
        return str(body["access_token"]), float(body.get("expires_in") or 3600)
    if answer.status_code == 200:
        raise TemporarilyDown(_("the sign-in page answered something else"))
    raise AuthRefused(_todo(str(body.get("error", ""))), str(body.get("error_description", "")), answer.status_code)


def _todo(error: str) -> str:
    if error == "invalid_client":
        return _(
            "Amazon does not accept the client id and secret. Enter the application's current ones under Settings."
        )
    if error == "invalid_grant":
        return _(
            "Amazon does not accept the refresh token any more. Authorise the application again, then enter it anew."
        )
    return _("Amazon refused to sign in. Check the credentials under Settings, Accounts.")
