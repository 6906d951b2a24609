"""How a feed stands: the outcomes of its fetches in words, the worst first.

Open fetches count, and those that ended after the last report that came; what ended before it is history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace

from . import outcomes
from .models import Fetch


class Group(NamedTuple):
    """The fetches of a feed that have one outcome."""

    outcome: str
    total: int
    open: int
    since: datetime | None
    next_try: datetime | None
    ended: datetime | None
    guessed: bool
    said: str
    reason: str


# Leans on fetch_by_scope (account, marketplace, spec).
_GROUPS = """
    SELECT f.account_id, f.marketplace_id, f.spec, f.outcome, count(*),
           count(*) FILTER (WHERE f.finished_at IS NULL),
           min(f.outcome_since) FILTER (WHERE f.finished_at IS NULL),
           min(f.not_before) FILTER (WHERE f.finished_at IS NULL),
           max(f.finished_at),
           (array_agg(f.guessed ORDER BY coalesce(f.finished_at, f.outcome_since) DESC NULLS LAST))[1],
           (array_agg(f.said ORDER BY coalesce(f.finished_at, f.outcome_since) DESC NULLS LAST))[1],
           (array_agg(f.reason ORDER BY coalesce(f.finished_at, f.outcome_since) DESC NULLS LAST))[1]
      FROM feeds_fetch f
      JOIN unnest(%s::int[], %s::int[]) AS pair(account_id, marketplace_id)
        ON pair.account_id = f.account_id AND pair.marketplace_id = f.marketplace_id
     WHERE f.outcome NOT IN ('', 'done')
     GROUP BY 1, 2, 3, 4"""

Key = tuple[int, int, str]


def of(scopes: Sequence[AccountMarketplace]) -> dict[Key, list[Group]]:
    """(account, marketplace, spec) -> what holds up or ended its fetches, by outcome."""
    arrays = [[scope.account_id for scope in scopes], [scope.marketplace_id for scope in scopes]]
    found: dict[Key, list[Group]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, arrays)
        for row in cursor.fetchall():
            found.setdefault(row[:3], []).append(Group(*row[3:]))
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """An outcome as a person reads it."""

    outcome: str
    severity: str
    word: str
    sentence: str
    todo: str
    link: str
    guessed: bool
    said: str
    since: datetime | None
    #: None when nobody tries again by himself.
    next_try: datetime | None
    #: How many fetches it is true of.
    count: int

    @property
    def is_due(self) -> bool:
        return self.next_try is not None and self.next_try <= timezone.now()


_RANK = {"breach": 0, "warn": 1, "provisional": 2, "no_limit": 3, "ok": 4}


def worst(groups: Sequence[Group], last: datetime | None) -> Standing | None:
    """The worst that is true now of a feed whose last report came at `last`; None when nothing is."""
    known = [(meaning, group) for group in groups if (meaning := outcomes.meaning(group.outcome))]
    told = [one for one in known if _is_now(*one, last)]
    if not told:
        return None
    meaning, group = min(told, key=lambda one: (_RANK[one[0].severity], -_newest(one[1]).timestamp()))
    return Standing(
        outcome=group.outcome,
        severity=meaning.severity,
        word=str(meaning.word),
        sentence=str(meaning.sentence),
        todo=str(meaning.todo),
        link=meaning.link,
        guessed=group.guessed,
        said=group.said,
        since=group.since or group.ended,
        next_try=group.next_try if group.open else None,
        count=group.open or group.total,
    )


def _is_now(meaning: outcomes.Meaning, group: Group, last: datetime | None) -> bool:
    if group.open or last is None:
        return True
    # An answer without a report is the last success itself, noted a moment before that is.
    slack = timedelta(minutes=1) if meaning.fresh else timedelta(0)
    return group.ended is not None and group.ended >= last - slack


def _newest(group: Group) -> datetime:
    return group.ended or group.since or datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A line of a fetch's journal."""

    at: datetime
    word: str
    note: str
    report: str


def way(fetch: Fetch | None) -> list[Waypoint]:
    """What happened to a fetch on the way, oldest first."""
    found = []
    for entry in fetch.journal if fetch else []:
        meaning = outcomes.meaning(entry["outcome"])
        word = str(meaning.word) if meaning else entry["outcome"]
        found.append(Waypoint(datetime.fromisoformat(entry["at"]), word, entry["note"], entry["report"]))
    return found
