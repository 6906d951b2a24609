"""What signs us in at Amazon, opened for the length of a call and never shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from opsboard.accounts.models import Credential, SellerAccount
from opsboard.accounts.sealing import SealError, credentials_of

from .errors import NoCredentials

SP_API = Credential.Kind.SP_API.value
ADS = Credential.Kind.ADS.value


@dataclass(frozen=True, slots=True)
class Credentials:
    """An application and the seller's consent to it."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def application(self) -> str:
        """A short name of the application, for rate limits; tells nothing about the secrets."""
        return hashlib.sha256(self.client_id.encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Changes whenever any part does."""
        parts = f"{self.client_id}\0{self.client_secret}\0{self.refresh_token}"
        return hashlib.sha256(parts.encode()).hexdigest()


def open_credentials(account: SellerAccount, kind: str) -> Credentials:
    """The account's credentials of a kind ("sp_api", "ads"); NoCredentials when they are missing or partial."""
    try:
        opened = credentials_of(account, kind)
    except SealError as error:
        raise NoCredentials(str(error)) from None
    if not opened or not all(opened.get(name) for name in ("client_id", "client_secret", "refresh_token")):
        raise NoCredentials()
    return Credentials(opened["client_id"], opened["client_secret"], opened["refresh_token"])
