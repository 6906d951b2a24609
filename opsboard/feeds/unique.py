"""JSON in which a key stands twice is refused: parsers take either of its two values, and say nothing.

Looking each key up would cost as much as reading the document, so keys are counted: as many as the
parsed objects have must stand in the bytes. Only bytes that count otherwise (a text with `":` in it) are
looked at more closely.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.utils.translation import gettext as _

from .errors import BadDocument

_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"([ \t\r\n]*:)?', re.DOTALL)
_FAR_COLON = re.compile(rb'"[ \t\r\n]+:')


def stands_twice(key: str) -> BadDocument:
    return BadDocument(
        _("The part “%(key)s” stands twice in one place, with nothing to say which one counts") % {"key": key[:40]},
        todo=_("Download the file again, and send it as it is."),
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _value in pairs]
        raise stands_twice(next(key for key in keys if keys.count(key) > 1))
    return found


#: Reads one value and raises BadDocument for a key that stands twice in it.
DECODER = json.JSONDecoder(object_pairs_hook=_object)


def check(text: bytes, parsed: Any) -> None:
    """`parsed` is what a parser made of `text`. Raises BadDocument when a key stands twice in an object."""
    check_count(text, _keys(parsed))


def check_count(text: bytes, keys: int) -> None:
    """The objects of `text`, which is valid JSON, have so many different keys.

    Raises BadDocument when more stand there.
    """
    import numpy as np  # comes with pandas; six times faster here than looking for two bytes

    # Outside of texts a colon stands behind a key only, nearly always right behind its quotation mark.
    letters = np.frombuffer(text, np.uint8)
    before = letters[np.flatnonzero(letters == ord(":")) - 1]
    if np.count_nonzero(before == ord('"')) == keys:
        if not np.count_nonzero(before <= ord(" ")) or not _FAR_COLON.search(text):
            return
    if sum(map(bool, _TEXT.findall(text))) != keys:
        check_each(text)


def check_each(text: bytes) -> None:
    """The same the slow way, object by object."""
    try:
        DECODER.decode(text.decode())
    except (ValueError, RecursionError):
        raise BadDocument(_("The JSON is broken or cut off"), todo=_("Download the file again.")) from None


def _keys(parsed: Any) -> int:
    """Keys of all objects in it; what is nested is taken level by level, however deep it goes."""
    count = 0
    level: list[dict[str, Any] | list[Any]] = [parsed] if isinstance(parsed, dict | list) else []
    while level:
        below: list[Any] = []
        for one in level:
            count += len(one) if isinstance(one, dict) else 0
            inner = one.values() if isinstance(one, dict) else one
            below += [value for value in inner if isinstance(value, dict | list)]
        level = below
    return count
