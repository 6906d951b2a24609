"""Connections to addresses that people typed in: only to the public internet, decided at the moment of connecting.

The name is resolved here and the connection made to the very address that was looked at, so a name that answers
with another address the second time gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore
from django.conf import settings


class ForbiddenAddress(httpcore.ConnectError):
    """The name leads into a private network."""


def allowed_networks() -> list[IPv4Network | IPv6Network]:
    """Private networks that the server's keeper opened for webhooks."""
    return [ip_network(text) for text in settings.WEBHOOK_NETWORKS]


def is_allowed(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if any(found in network for network in allowed_networks() if network.version == found.version):
        return True
    return found.is_global and not found.is_multicast


class Guarded(httpcore.NetworkBackend):
    """Connects to public addresses only."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
        public = [address for address in addresses if is_allowed(address)]
        if not public:
            raise ForbiddenAddress(f"{host} is inside a private network")
        return self._plain.connect_tcp(public[0], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, path: str, *args: Any, **more: Any) -> httpcore.NetworkStream:
        raise ForbiddenAddress("not a network address")
