"""Moments as people's files write them: "Jul 1, 2026 12:00:05 AM PDT", "01.07.2026 00:05:01 UTC".

A moment without its zone, or in a zone whose name means several, is not read: a guess would put an
order into the wrong day.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, timezone
from functools import lru_cache

from . import cells

_MOMENT = re.compile(
    r"^(?P<day>.+?)[,T\s]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})[:.](?P<second>\d{2})(?:\.\d+)?"
    r"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?\s*(?P<zone>\S.*)?$"
)
_OFFSET = re.compile(r"^(?:UTC|GMT)?\s*([+\-−])(\d{1,2})(?::?(\d{2}))?$")
#: Hours from UTC. CST, AST and the like mean several zones, and are left out.
_ZONES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "PST": -8,
    "PDT": -7,
    "EST": -5,
    "EDT": -4,
    "BRT": -3,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "MEZ": 1,
    "CET": 1,
    "MESZ": 2,
    "CEST": 2,
    "JST": 9,
    "AEST": 10,
    "AEDT": 11,
    "SGT": 8,
}


#: Names that mean several zones, and one only where people pay in a currency: (name, currency) -> minutes from UTC.
_ZONES_OF = {("IST", "INR"): 330}


def canonical(cell: str, order: str, currency: str = "") -> str:
    """The moment as "2026-07-01T00:05:01+00:00"; the cell itself where it is none or its zone is not known."""
    found = moment(cell, order, currency)
    return cell if found is None else found.isoformat()


def moment(cell: str, order: str, currency: str = "") -> datetime | None:
    """The moment a cell means, days and months in `order`; None when it is none."""
    return _moment(cell, order, currency) if len(cell) <= cells.LONGEST_MOMENT else None


@lru_cache(maxsize=10_000)
def _moment(cell: str, order: str, currency: str) -> datetime | None:
    match = _MOMENT.match(cell)
    day = cells.day(match["day"]) if match else None
    read = day.read(order) if day else None
    if match is None or read is None or (zone := _zone(match["zone"] or "", currency)) is None:
        return None
    hour = int(match["hour"])
    if half := (match["half"] or "")[:1].lower():
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        clock = time(hour, int(match["minute"]), int(match["second"]))
    except ValueError:
        return None
    return datetime.combine(read, clock, zone)


def _zone(name: str, currency: str) -> timezone | None:
    if match := _OFFSET.match(name.strip()):
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours > 14 or minutes > 59:
            return None
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(offset if match[1] == "+" else -offset)
    name = name.strip().upper()
    if (name, currency) in _ZONES_OF:
        return timezone(timedelta(minutes=_ZONES_OF[name, currency]))
    known = _ZONES.get(name)
    return None if known is None else timezone(timedelta(hours=known))
