"""Trying out stored credentials. The room that talks to Amazon registers how; pages here only ask.

accounts is the lowest layer and knows no client, so opsboard.amazon hands its testers in from
AppConfig.ready. Without a tester for a kind there is no button.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .models import SellerAccount


@dataclass(frozen=True)
class ConnectionResult:
    """What Amazon answered: whether it works, and a sentence for the person who pressed the button."""

    ok: bool
    message: str


Tester = Callable[[SellerAccount], ConnectionResult]
_testers: dict[str, Tester] = {}


def register_tester(kind: str, tester: Tester) -> None:
    """Say how credentials of a Credential.Kind are tried; the tester does not raise for Amazon's refusals."""
    _testers[kind] = tester


def tester_for(kind: str) -> Tester | None:
    return _testers.get(kind)
