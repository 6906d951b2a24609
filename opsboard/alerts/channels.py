"""Channels: keeping their sealed address, and posting to them.

Webhooks are signed as Standard Webhooks asks: id, timestamp and body under HMAC-SHA256, the id the same however
often the post is tried. Chats are told through apprise.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from opsboard.accounts import audit, sealing
from opsboard.accounts.models import User

from . import guard
from .models import Channel, OutboxMessage

if TYPE_CHECKING:
    import apprise

Kind = Channel.Kind
#: Seconds for connecting, and again for each read and write.
TIMEOUT = 10.0
#: apprise's name of each chat, as it answers which service an address belongs to.
_SERVICES = {
    Kind.SLACK: "NotifySlack",
    Kind.FEISHU: "NotifyFeishu",
    Kind.DINGTALK: "NotifyDingTalk",
    Kind.WECOM: "NotifyWeComBot",
}
#: Where the services' own pages let people copy the address from, and how apprise writes the same.
_COPIED = {
    Kind.FEISHU: ("https://open.feishu.cn/open-apis/bot/v2/hook/", "feishu://"),
    Kind.DINGTALK: ("https://oapi.dingtalk.com/robot/send?access_token=", "dingtalk://"),
}
GONE = gettext_noop("The channel was removed or switched off before it was posted")
NOT_TAKEN = gettext_noop("The service did not take it")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a post: taken, refused for good, or to be tried again."""

    taken: bool
    for_good: bool
    said: str


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@sensitive_variables()
def fault(kind: str, address: str, secret: str = "") -> str:
    """Why an address cannot be used, as a code for the form; empty when it can."""
    if kind == Kind.WEBHOOK:
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.hostname or parts.username:
            return "no_https"
        return ""
    service = _service(kind, address, secret)
    return "" if service is not None else "not_theirs"


@sensitive_variables()
def _service(kind: str, address: str, secret: str = "") -> apprise.NotifyBase | None:
    copied = _COPIED.get(Kind(kind))
    if copied and address.startswith(copied[0]):
        token = address.removeprefix(copied[0]).strip("/")
        address = f"{copied[1]}{secret + '@' if secret else ''}{token}/"
    import apprise  # slow to load, and only who posts to a chat needs it

    found = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    return found if type(found).__name__ == _SERVICES.get(Kind(kind)) else None


@sensitive_variables()
def save(channel: Channel, user: User, values: dict[str, str] | None) -> Channel:
    """Keep a channel, with new secrets where some were typed; audited without them."""
    with transaction.atomic():
        is_new = channel.pk is None
        if is_new:
            channel.sealed, channel.key_id = b"", ""
        channel.save()
        if values is not None:
            channel.sealed, channel.key_id = sealing.seal(values, *channel.bound)
            channel.save(update_fields=["sealed", "key_id"])
        told = {"kind": channel.kind, "enabled": channel.enabled, "address": "changed" if values else "kept"}
        action = "channel.created" if is_new else "channel.changed"
        audit.record(channel.organisation, user, action, channel.name, after=told)
    return channel


@transaction.atomic
def delete(channel: Channel, user: User) -> None:
    """Take a channel away with its secret; what was posted stays in the log."""
    sealed, key_id = sealing.seal({}, *channel.bound)
    Channel.objects.filter(pk=channel.pk).update(deleted_at=timezone.now(), enabled=False, sealed=sealed, key_id=key_id)
    audit.record(channel.organisation, user, "channel.deleted", channel.name, before={"kind": channel.kind})


@sensitive_variables()
def post(channel: Channel, message: OutboxMessage) -> Answer:
    """Post a message once; says what came of it and never raises for what the other side does."""
    if not channel.enabled or channel.deleted_at is not None:
        return Answer(False, True, GONE)
    try:
        values = sealing.unseal(channel.sealed, channel.key_id, *channel.bound)
    except sealing.SealError as error:  # the key may be put back; the error holds no secret
        return Answer(False, False, str(error)[:300])
    if channel.kind == Kind.WEBHOOK:
        return _webhook(values["url"], values["secret"], message)
    return _chat(channel, values, message)


@sensitive_variables()
def _webhook(url: str, secret: str, message: OutboxMessage) -> Answer:
    body, at = message.text.encode(), str(int(timezone.now().timestamp()))
    headers: dict[str | bytes, str | bytes] = {
        "Content-Type": "application/json",
        "User-Agent": "opsboard",
        "webhook-id": message.message_id,
        "webhook-timestamp": at,
        "webhook-signature": signature(secret, message.message_id, at, body),
    }
    limits = {"timeout": {"connect": TIMEOUT, "read": TIMEOUT, "write": TIMEOUT, "pool": TIMEOUT}}
    try:
        with httpcore.ConnectionPool(network_backend=guard.Guarded(), ssl_context=ssl.create_default_context()) as pool:
            with pool.stream("POST", url, headers=headers, content=body, extensions=limits) as answer:
                status = answer.status
    except guard.ForbiddenAddress as error:
        return Answer(False, True, str(error))
    except (OSError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        return Answer(False, False, f"{type(error).__name__}: {error}"[:300])
    except (httpcore.UnsupportedProtocol, ValueError) as error:
        return Answer(False, True, f"{type(error).__name__}"[:300])
    return Answer(200 <= status < 300, status == 410, f"HTTP {status}")


def signature(secret: str, message_id: str, at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


@sensitive_variables()
def _chat(channel: Channel, values: dict[str, str], message: OutboxMessage) -> Answer:
    service = _service(channel.kind, values["url"], values.get("secret", ""))
    if service is None:
        return Answer(False, True, NOT_TAKEN)
    taken = bool(service.notify(body=message.text, title=message.subject))
    return Answer(taken, False, "200" if taken else NOT_TAKEN)
