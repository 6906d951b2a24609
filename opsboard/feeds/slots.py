"""Slots: the wall-clock times at which a report is asked for, as the UTC instants they fall on.

A local day has the same slots whether it lasts 23, 24 or 25 hours. Pure functions of a rhythm, a
marketplace's zone and an instant; nothing here reads or writes a row but the feed it is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from opsboard.accounts.models import AccountMarketplace

from .models import Feed
from .registry import Period, ReportSpec

#: The first slot of a marketplace's day, hours after its midnight: by then Amazon has closed the day before.
FIRST_HOUR = 5
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WEEK_HOURS = 24 * 7


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The local hours and ISO weekdays (Monday is 1) of a report's slots, and how late in the hour they are."""

    hours: tuple[int, ...]
    weekdays: tuple[int, ...]
    late: timedelta

    @property
    def runs_a_day(self) -> float:
        return len(self.hours) * len(self.weekdays) / 7

    @property
    def shortest_hours(self) -> int:
        """The shortest time between two slots by the clock on the wall."""
        return min(self._gaps())

    @property
    def longest_hours(self) -> int:
        return max(self._gaps())

    def quiet_hours(self, spec: ReportSpec) -> int:
        """The longest time without a new document while all is well; weeks and months are fetched once they are out."""
        own = {Period.DAY: 0, Period.WEEK: WEEK_HOURS, Period.MONTH: 31 * 24}[spec.period]
        return self.longest_hours + (own if spec.until_final_days else 0)

    def _gaps(self) -> list[int]:
        marks = sorted((day - 1) * 24 + hour for day in self.weekdays for hour in self.hours)
        return [later - earlier for earlier, later in pairwise([*marks, marks[0] + WEEK_HOURS])]


def hours_every(hours: int) -> tuple[int, ...]:
    """The local hours of "every so many hours", counted from the first slot of the day."""
    return tuple(sorted((FIRST_HOUR + n) % 24 for n in range(0, 24, max(1, min(24, hours)))))


def declared(spec: ReportSpec, scope: AccountMarketplace) -> Rhythm:
    """The rhythm a report has by its declaration; what comes once a week is spread over its days."""
    late = spread(spec, scope)
    weekdays = (1 + late // 60 % 7,) if spec.every_hours >= WEEK_HOURS else EVERY_DAY
    return Rhythm(hours_every(spec.every_hours), weekdays, timedelta(seconds=late))


def rhythm_of(feed: Feed, spec: ReportSpec, scope: AccountMarketplace) -> Rhythm:
    """The rhythm a feed has: what a person chose, else the declared one."""
    usual = declared(spec, scope)
    if not feed.hours and not feed.weekdays:
        return usual
    return Rhythm(tuple(sorted(feed.hours)) or usual.hours, tuple(sorted(feed.weekdays)) or usual.weekdays, usual.late)


def quiet_hours(spec: ReportSpec, hours: Sequence[int] = (), weekdays: Sequence[int] = ()) -> int:
    """`Rhythm.quiet_hours` of a feed by what a person chose for it, whatever marketplace it is of."""
    usual = (1,) if spec.every_hours >= WEEK_HOURS else EVERY_DAY
    rhythm = Rhythm(tuple(hours) or hours_every(spec.every_hours), tuple(weekdays) or usual, timedelta())
    return rhythm.quiet_hours(spec)


def late_after(spec: ReportSpec, hours: Sequence[int] = (), weekdays: Sequence[int] = ()) -> timedelta:
    """The age of its last success from which a feed is late."""
    return timedelta(hours=spec.late_hours or quiet_hours(spec, hours, weekdays) * 1.5 + 1)


def stale_after(spec: ReportSpec, hours: Sequence[int] = (), weekdays: Sequence[int] = ()) -> timedelta:
    """The age of its last success from which pages call a feed's figures stale."""
    stale = timedelta(hours=spec.stale_hours or quiet_hours(spec, hours, weekdays) * 3 + 3)
    return max(late_after(spec, hours, weekdays), stale)


def spread(spec: ReportSpec, scope: AccountMarketplace) -> int:
    """Seconds after the full hour: a stable hash, so that a thousand shops do not ask in the same second."""
    name = f"{scope.account_id}:{scope.marketplace_id}:{spec.key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 3600


def of_day(rhythm: Rhythm, scope: AccountMarketplace, day: date) -> list[datetime]:
    """The slots of one local day as UTC instants, in order; none when it is no day of the rhythm's.

    A wall-clock time that the clocks skip falls an hour later (where that is a slot too, the two are
    one), one that comes twice is its first coming.
    """
    if day.isoweekday() not in rhythm.weekdays:
        return []
    walls = (datetime.combine(day, time(hour)) + rhythm.late for hour in rhythm.hours)
    return sorted({wall.replace(tzinfo=scope.marketplace.zone).astimezone(UTC) for wall in walls})


def before(rhythm: Rhythm, scope: AccountMarketplace, now: datetime) -> datetime:
    """The newest slot at or before an instant."""
    day = scope.marketplace.day_of(now) + timedelta(days=1)
    while True:
        found = [slot for slot in of_day(rhythm, scope, day) if slot <= now]
        if found:
            return found[-1]
        day -= timedelta(days=1)


def after(rhythm: Rhythm, scope: AccountMarketplace, now: datetime) -> datetime:
    """The first slot after an instant."""
    return next(slot for slot in _from(rhythm, scope, scope.marketplace.day_of(now)) if slot > now)


def deep_before(spec: ReportSpec, rhythm: Rhythm, scope: AccountMarketplace, now: datetime) -> datetime | None:
    """The newest slot at or before an instant that asks deep; None for a report that never does.

    That is the first slot on or after each deep day (of a week: Sunday), so there is one in every week
    whichever days and hours somebody chose.
    """
    if not spec.deep_reask_days:
        return None
    today = scope.marketplace.day_of(now)
    day = today - timedelta(days=today.toordinal() % spec.deep_every_days)
    slot = next(_from(rhythm, scope, day))
    if slot > now:
        slot = next(_from(rhythm, scope, day - timedelta(days=spec.deep_every_days)))
    return slot


def deep_weekday(rhythm: Rhythm) -> int:
    """The ISO weekday of the weekly deep slot: Sunday, or the first chosen day after it."""
    return next(day for day in (7, 1, 2, 3, 4, 5, 6) if day in rhythm.weekdays)


def _from(rhythm: Rhythm, scope: AccountMarketplace, day: date) -> Iterator[datetime]:
    """Slots from a local day on, without end."""
    while True:
        yield from of_day(rhythm, scope, day)
        day += timedelta(days=1)
