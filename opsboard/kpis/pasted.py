"""Lists of SKUs, ASINs, campaigns or terms as people paste them: read against what is known, and written back."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import named
from .entities import Pair
from .snapshots import Snapshot

#: A list holds so many at most; so many lines that nobody knows are named one by one.
MOST, MOST_COMPLAINTS = 2000, 5
_BETWEEN = re.compile(r"[\t,;]")


@dataclass(slots=True)
class Read:
    """What a list means, each once and in its order, and a sentence for each line that means nothing."""

    entities: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def read(text: str, snapshot: Snapshot, pairs: Collection[Pair]) -> Read:
    """A line is one of them, by id or name; a line that is none may be several, with commas or tabs between."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    parts = {number: [part.strip() for part in _BETWEEN.split(line) if part.strip()] for number, line in lines}
    asked = {line for _number, line in lines} | {part for some in parts.values() for part in some}
    if len(asked) > 2 * MOST or len(lines) > MOST:
        return Read(complaints=[_("These are too many: a list holds at most %(n)s.") % {"n": MOST}])
    meant = named.resolve(snapshot, pairs, asked)
    found, unknown = Read(), list[tuple[int, str]]()
    for number, line in lines:
        for part in [line] if line in meant else parts[number]:
            if part in meant:
                found.entities += sorted(meant[part] - set(found.entities))
            else:
                unknown.append((number, part))
    for number, part in unknown[:MOST_COMPLAINTS]:
        words = {"number": number, "what": part[:80], "which": snapshot.label}
        found.complaints.append(_("Line %(number)s: “%(what)s” is none of the %(which)s known here.") % words)
    if more := len(unknown) - MOST_COMPLAINTS:
        if more > 0:
            text = ngettext("And %(n)s more is not known.", "And %(n)s more are not known.", more)
            found.complaints.append(text % {"n": more})
    return found


def typed(entities: Sequence[str], snapshot: Snapshot, pairs: Collection[Pair]) -> str:
    """The same list as it would be typed, a line each: by name where that says exactly these, else by id."""
    if not snapshot.naming.by_name:
        return "\n".join(entities)
    called: dict[str, str] = {}
    for pair in pairs:
        called |= named.names(snapshot, pair, entities)
    meant = named.resolve(snapshot, pairs, set(called.values()))
    lines: list[str] = []
    for entity in entities:
        name = called.get(entity, "")
        line = name if name and meant.get(name, set()) <= set(entities) else entity
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)
