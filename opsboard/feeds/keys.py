"""64-bit keys for text: stable across machines and runs, so loading needs no look-up.

A search term or a campaign name becomes the first eight bytes of its BLAKE2b digest. With
ten million different terms in one account the chance of one collision is about 3 in a
million; the text stays in a dimension, so a collision would be seen, not hidden.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

#: Names of Amazon's are shorter; what is longer is not remembered, for a hundred thousand of them would be gigabytes.
LONG = 500


def key64(text: str) -> int:
    """A signed 64-bit key of the text exactly as given."""
    return _remembered(text) if len(text) < LONG else _key(text)


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


_remembered = lru_cache(maxsize=100_000)(_key)


def name_id(text: str) -> int:
    """A negative id for an entity known by name only: Amazon's own ids are positive."""
    return key64(text) | -(2**63)
