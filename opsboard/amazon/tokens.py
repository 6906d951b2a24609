"""Login with Amazon: short-lived access tokens for a refresh token.

Ours rather than the libraries': theirs cache by refresh token alone (another application or host
gets a stale token), have no time limit, and stumble over an answer that is not JSON. Here is one
token per credentials and host for all processes, sealed in the database. Whoever finds it expired
first asks Amazon, under a lease on the database's clock; the others wait a moment for the answer, and
park their job when it does not come. A token that Amazon refuses is dropped and asked for once more
by the caller; credentials that Amazon refuses are not tried again by everybody at once.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from django.db import connection
from django.db.models import DurationField, Value
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from opsboard.accounts import sealing

from . import hosts
from .credentials import Credentials
from .errors import AuthRefused, NotAmazon, TemporarilyDown, Throttled, Unreachable
from .models import AccessToken

#: A token is renewed this long before Amazon would refuse it.
EARLY_SECONDS = 60.0
#: Longer than any request to Amazon's sign-in takes.
ASKING_SECONDS = hosts.CONNECT_SECONDS + hosts.READ_SECONDS + 5
#: How long another's request is waited for, and how often it is looked for.
PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.05
#: For so long a refusal of Amazon's holds for all who come after.
REFUSED_SECONDS = 30.0


@dataclass(slots=True)
class _Held:
    token: str = field(default="", repr=False)
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_held: dict[str, _Held] = {}
_guard = threading.Lock()


@sensitive_variables()
def access_token(credentials: Credentials) -> str:
    """A token that is good for at least a minute; AuthRefused, Throttled or TemporarilyDown otherwise."""
    name = _name(credentials)
    held = _slot(name)
    with held.lock:
        if time.monotonic() >= held.until:
            held.token, seconds = _shared(name, credentials)
            held.until = time.monotonic() + seconds
        return held.token


@sensitive_variables()
def prove(credentials: Credentials) -> None:
    """Ask Amazon for a token now, whatever is held: whether it accepts these credentials at this moment."""
    name = _name(credentials)
    AccessToken.objects.get_or_create(name=name)
    _ask_and_keep(name, credentials)
    with _slot(name).lock:
        _slot(name).until = 0.0  # the next one takes the new token from the shared row


@sensitive_variables()
def forget(credentials: Credentials, token: str) -> bool:
    """Amazon refused `token`: the next access_token() asks anew (True), unless somebody already did (False)."""
    name = _name(credentials)
    held = _slot(name)
    with held.lock:
        if held.token == token:
            held.until = 0.0
        return AccessToken.objects.filter(name=name, digest=_digest(token)).update(expires_at=None) > 0


def _slot(name: str) -> _Held:
    with _guard:
        return _held.setdefault(name, _Held())


def _name(credentials: Credentials) -> str:
    return _digest(f"{hosts.token()}\0{credentials.fingerprint}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- the shared row -------------------------------------------------------------------------------

_LOOK = """
    SELECT sealed, key_id, EXTRACT(EPOCH FROM expires_at - clock_timestamp()),
           CASE WHEN refused_until > clock_timestamp() THEN refusal ELSE '' END
      FROM amazon_accesstoken WHERE name = %s"""

_ASK = """
    UPDATE amazon_accesstoken SET asking_until = clock_timestamp() + make_interval(secs => %s)
     WHERE name = %s AND (asking_until IS NULL OR asking_until < clock_timestamp())
       AND (expires_at IS NULL OR expires_at < clock_timestamp() + make_interval(secs => %s) OR %s)"""


@sensitive_variables()
def _shared(name: str, credentials: Credentials) -> tuple[str, float]:
    """(token, seconds it may be used) from the shared row, asking Amazon if that is ours to do."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_LOOK, [name])
            row = cursor.fetchone()
        if row is None:
            AccessToken.objects.bulk_create([AccessToken(name=name)], ignore_conflicts=True)
            continue
        sealed, key_id, seconds, refusal = row
        if refusal:
            raise _refused(refusal)
        good = seconds is not None and float(seconds) > EARLY_SECONDS
        token = sealing.unseal_text(sealed, key_id, name) if good else None
        if token:
            return token, float(seconds) - EARLY_SECONDS
        with connection.cursor() as cursor:
            cursor.execute(_ASK, [ASKING_SECONDS, name, EARLY_SECONDS, good])
            ours = cursor.rowcount == 1
        if ours:
            return _ask_and_keep(name, credentials)
        if time.monotonic() > patience:
            raise Throttled(2.0, "token")
        time.sleep(LOOK_SECONDS)


@sensitive_variables()
def _ask_and_keep(name: str, credentials: Credentials) -> tuple[str, float]:
    row = AccessToken.objects.filter(name=name)
    try:
        token, lifetime = _ask(credentials)
    except AuthRefused as error:
        row.update(asking_until=None, expires_at=None, refusal=error.code, refused_until=_in(REFUSED_SECONDS))
        raise
    except BaseException:
        row.update(asking_until=None)
        raise
    sealed, key_id = sealing.seal_text(token, name)
    row.update(
        sealed=sealed,
        key_id=key_id,
        digest=_digest(token),
        expires_at=_in(lifetime),
        asking_until=None,
        refusal="",
        refused_until=None,
    )
    return token, max(0.0, lifetime - EARLY_SECONDS)


def _in(seconds: float) -> object:
    return Now() + Value(timedelta(seconds=seconds), output_field=DurationField())


# --- Login with Amazon ----------------------------------------------------------------------------


@sensitive_variables()
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
        raise Unreachable(type(error).__name__) from None
    if answer.status_code == 429:
        raise Throttled(30.0, "token", asked=True)
    if answer.status_code >= 500:
        raise TemporarilyDown(f"HTTP {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotAmazon(_("the sign-in page answered something else"))
    if answer.status_code == 200 and body.get("access_token"):
        return str(body["access_token"]), float(body.get("expires_in") or 3600)
    if answer.status_code == 200:
        raise TemporarilyDown(_("the sign-in page answered something else"))
    raise _refused(str(body.get("error", ""))[:60] or "refused", str(body.get("error_description", "")))


def _refused(code: str, detail: str = "") -> AuthRefused:
    if code in {"invalid_client", "unauthorized_client"}:
        todo = _(
            "Amazon does not accept the client id and secret. Enter the application's current ones under Settings."
        )
    elif code == "invalid_grant":
        todo = _(
            "Amazon does not accept the refresh token any more. Authorise the application again, then enter it anew."
        )
    else:
        todo = _("Amazon refused to sign in. Check the credentials under Settings, Accounts.")
    return AuthRefused(todo, detail, 400, code=code)
