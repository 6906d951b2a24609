"""Who wants to know, in the very transaction, that facts of days changed: rooms above this one say so at start-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Moved:
    """Days of a dataset whose facts may have changed, and the document that was applied or taken back."""

    account_id: int
    marketplace_id: int
    dataset: str
    days: Sequence[date]
    document_id: int


Follower = Callable[[Any, Moved], None]
_followers: list[Follower] = []


def follow(follower: Follower) -> None:
    """Have `follower(cursor, moved)` called after facts and coverage are written and before the commit.

    What it raises undoes the whole replacement.
    """
    if follower not in _followers:
        _followers.append(follower)


def tell(cursor: Any, moved: Moved) -> None:
    for follower in _followers:
        follower(cursor, moved)
