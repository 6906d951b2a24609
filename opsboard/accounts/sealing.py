"""Seals the secrets of accounts with AES-256-GCM.

Keys come from OPSBOARD_SEAL_KEYS ("id:base64,older:base64"): the first seals, all open. The
account and the kind are part of what is authenticated, so a blob copied to another row does
not open. Nothing here is ever silent: a missing or wrong key raises SealError, and the system
checks (opsboard.accounts.checks) refuse a start that could not read what is stored.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from .models import Credential, SellerAccount

_NONCE_BYTES = 12
_KEY_BYTES = 32


#: Tables that hold secrets: `sealed`, `key_id`, and `bound`, what each is sealed for.
_sealed_models: list[Any] = [Credential]


def also_in(model: type[models.Model]) -> None:
    """Have the secrets of a further table rotated and checked with the others (from AppConfig.ready)."""
    if model not in _sealed_models:
        _sealed_models.append(model)


class SealError(ImproperlyConfigured):
    """A secret cannot be sealed or opened; the message says why and what to do, and holds no secret."""


@dataclass(frozen=True)
class SealKey:
    id: str
    material: bytes = field(repr=False)


class Secret(dict[str, str]):
    """Opened credentials. A dict in every way, except that printing or logging it shows no value."""

    def __repr__(self) -> str:
        return f"<sealed: {', '.join(sorted(self))}>"

    __str__ = __repr__


def new_key() -> str:
    """A fresh key in the form OPSBOARD_SEAL_KEYS takes, with an id that tells its day."""
    key_id = f"k{timezone.now():%Y%m%d}{secrets.token_hex(1)}"
    return f"{key_id}:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"


@sensitive_variables()
def keys() -> list[SealKey]:
    """The configured keys, first the one that seals; SealError when the setting is malformed."""
    found: list[SealKey] = []
    for position, part in enumerate(filter(None, (p.strip() for p in settings.SEAL_KEYS.split(","))), start=1):
        key_id, colon, encoded = part.partition(":")
        try:
            material = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            material = b""
        if not colon or not 0 < len(key_id) <= 20 or len(material) != _KEY_BYTES:
            raise SealError(
                f"OPSBOARD_SEAL_KEYS: entry {position} is not 'id:base64 of 32 bytes'. "
                "`manage.py rotate_keys --new` prints a good one."
            )
        if any(key.id == key_id for key in found):
            raise SealError(f"OPSBOARD_SEAL_KEYS: the id of entry {position} is used twice; ids must differ.")
        found.append(SealKey(key_id, material))
    return found


def _first_key() -> SealKey:
    found = keys()
    if not found:
        raise SealError(
            "OPSBOARD_SEAL_KEYS is not set, so Amazon credentials cannot be stored. "
            "Run `manage.py rotate_keys --new`, put the line it prints in the environment and restart."
        )
    return found[0]


def _bound_to(account_id: int, kind: str) -> bytes:
    return f"opsboard:credential:{account_id}:{kind}".encode()


@sensitive_variables()
def seal(values: Mapping[str, str], account_id: int, kind: str) -> tuple[bytes, str]:
    """Seal under the first key; returns (blob, key id). The blob opens for this account and kind only."""
    return _seal(json.dumps(dict(values), sort_keys=True).encode(), _bound_to(account_id, kind))


@sensitive_variables()
def seal_text(text: str, purpose: str) -> tuple[bytes, str]:
    """Seal something short-lived under the first key; returns (blob, key id). It opens for this purpose only."""
    return _seal(text.encode(), f"opsboard:text:{purpose}".encode())


@sensitive_variables()
def unseal_text(blob: bytes | memoryview, key_id: str, purpose: str) -> str | None:
    """What was sealed for the purpose; None when it does not open, which means: get it anew."""
    key = next((key for key in keys() if key.id == key_id), None)
    try:
        plain = _open(bytes(blob), key, f"opsboard:text:{purpose}".encode()) if key else None
    except (InvalidTag, ValueError):
        return None
    return plain.decode() if plain is not None else None


@sensitive_variables()
def _seal(plain: bytes, bound: bytes) -> tuple[bytes, str]:
    key = _first_key()
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key.material).encrypt(nonce, plain, bound), key.id


@sensitive_variables()
def _open(blob: bytes, key: SealKey, bound: bytes) -> bytes:
    return AESGCM(key.material).decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], bound)


@sensitive_variables()
def unseal(blob: bytes | memoryview, key_id: str, account_id: int, kind: str) -> Secret:
    """Open a blob; SealError when its key is not configured, is another one, or the blob was moved or changed."""
    key = next((key for key in keys() if key.id == key_id), None)
    if key is None:
        raise SealError(
            f"The {kind} credentials of account {account_id} are sealed with key '{key_id}', "
            "which is not in OPSBOARD_SEAL_KEYS. Add that key again, or enter the credentials anew."
        )
    try:
        plain = _open(bytes(blob), key, _bound_to(account_id, kind))
    except (InvalidTag, ValueError):
        raise SealError(
            f"The {kind} credentials of account {account_id} do not open with key '{key_id}': the key is "
            "another one under the same id, or the row was changed. Restore the key, or enter the credentials anew."
        ) from None
    return Secret(json.loads(plain))


@sensitive_variables()
def credentials_of(account: SellerAccount, kind: str) -> Secret | None:
    """The opened credentials of an account (client_id, client_secret, refresh_token), or None when none are set."""
    row = Credential.objects.filter(account=account, kind=kind).first()
    return None if row is None else unseal(row.sealed, row.key_id, row.account_id, row.kind)


@sensitive_variables()
def store(account: SellerAccount, kind: str, values: Mapping[str, str]) -> Credential:
    """Seal and keep credentials, replacing what was there."""
    sealed, key_id = seal(values, account.pk, kind)
    row, _created = Credential.objects.update_or_create(
        account=account, kind=kind, defaults={"sealed": sealed, "key_id": key_id, "updated_at": timezone.now()}
    )
    return row


@sensitive_variables()
def rotate() -> int:
    """Re-seal everything that is not under the first key, all or nothing; returns how many changed.

    Readers go on meanwhile: each row opens before and after. `updated_at` stays, as the secret did.
    """
    first = _first_key()
    changed = 0
    with transaction.atomic():
        for model in _sealed_models:
            for row in model._default_manager.select_for_update().exclude(key_id=first.id).order_by("id"):
                values = unseal(row.sealed, row.key_id, *row.bound)
                row.sealed, row.key_id = seal(values, *row.bound)
                row.save(update_fields=["sealed", "key_id"])
                changed += 1
    return changed


def problems() -> list[str]:
    """Why stored credentials could not be opened now, one sentence each; empty when all is well."""
    found: list[str] = []
    for model in _sealed_models:
        for row in model._default_manager.order_by("id"):
            try:
                unseal(row.sealed, row.key_id, *row.bound)
            except SealError as error:
                found.append(str(error))
    return found
