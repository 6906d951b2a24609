"""Many SKUs or campaigns, one alert: who is in it after another day, and what it then says.

Nothing here reads the clock or the database: the judge and a replay of the past ask the same question.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from opsboard.kpis.held import Seen
from opsboard.kpis.limits import LimitInForce

from .evaluation import Finding, inside_by_enough
from .models import Rule

#: What nothing is known of for so long (a campaign without clicks, a SKU that is gone) is in no alert any more.
GONE_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What each one is held against, and where that comes from; of a change shares of what it was (-0.4)."""

    low: Decimal | None = None
    high: Decimal | None = None
    source: str = ""


def bounds(rule: Rule, limit: LimitInForce | None) -> Bounds:
    """What a rule holds each one against: its own values, or the limit in force, of which none may be told."""
    if rule.kind == Rule.Kind.CHANGE:
        return Bounds(None if rule.change_down is None else -rule.change_down, rule.change_up)
    if rule.kind != Rule.Kind.LIMIT:
        return Bounds(rule.low, rule.high)
    return Bounds(limit.low, limit.high, limit.source) if limit and limit.mails else Bounds()


@dataclass(frozen=True, slots=True)
class Member:
    """One that is beyond the bounds, or was and is not back inside by enough; in the alert once it has `joined`."""

    entity: str
    value: Decimal
    worst: Decimal
    since: date
    last: date
    joined: bool


def after(
    rule: Rule, bounds: Bounds, members: Mapping[str, Member], seen: Mapping[str, Seen], end: date
) -> dict[str, Member]:
    """Who is beyond the bounds after the window that ends at `end`; `seen`: all that are known to be, and members.

    What nothing is known of now neither joins nor leaves.
    """
    found = {}
    for entity in members.keys() | seen.keys():
        member, now = members.get(entity), seen.get(entity)
        if now is None:
            if member is not None and member.joined and end - member.last <= GONE_AFTER:
                found[entity] = member
        elif now.beyond:
            member = member or Member(entity, now.value, now.value, now.since or end, end, False)
            days = (end - member.since).days + 1
            found[entity] = replace(
                member,
                value=now.value,
                worst=worse(bounds, member.worst, now.value),
                last=end,
                joined=member.joined or days >= rule.for_days,
            )
        elif member is not None and member.joined:
            if not inside_by_enough(rule, now.value, bounds.low, bounds.high):
                found[entity] = replace(member, value=now.value, last=end)
    return found


def beyond_by(bounds: Bounds, value: Decimal) -> Decimal:
    """How far beyond the nearer bound, negative inside."""
    sides = []
    if bounds.high is not None:
        sides.append(value - bounds.high)
    if bounds.low is not None:
        sides.append(bounds.low - value)
    return max(sides, default=Decimal(0))


def worse(bounds: Bounds, one: Decimal, other: Decimal) -> Decimal:
    return max(one, other, key=lambda value: beyond_by(bounds, value))


def finding(bounds: Bounds, members: Collection[Member], first: date, end: date) -> Finding:
    """What the rule says of all of them together: it fires while one is in the alert, by the worst of them."""
    if not members:
        return Finding(False, None, bounds.low, bounds.high, bounds.source, first, end)
    worst = max(members, key=lambda member: (beyond_by(bounds, member.value), member.entity))
    since = min(member.since for member in members)
    return Finding(True, worst.value, bounds.low, bounds.high, bounds.source, first, end, since, count=len(members))
