"""Weeks, and the instants at which they are due: wall-clock of the organisation's zone, as UTC.

A week is an ISO week. Its slot lies in the week after: a summary speaks of days that are over. An hour that a clock
skips is an hour later, one that it repeats counts the first time, so every week has exactly one slot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from opsboard.ui.filters import Days

from .models import Schedule

#: A weekly slot older than this is not caught up with any more: it is about another week than people think of.
LATE_WEEK = timedelta(days=7)
#: A brief about this morning is of no use at night.
LATE_DAY = timedelta(hours=12)
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week by its Monday."""

    monday: date

    @classmethod
    def of(cls, day: date) -> Week:
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, text: str) -> Week | None:
        """ "2026-W47", or None for what is no week."""
        match = _WEEK.fullmatch(text)
        if match is None:
            return None
        try:
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        except ValueError:
            return None
        return cls(monday) if 2000 <= monday.year <= 2100 else None

    def __str__(self) -> str:
        year, week, _day = self.monday.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def days(self) -> Days:
        return Days(self.monday, self.monday + timedelta(days=6))

    def step(self, weeks: int) -> Week:
        return Week(self.monday + timedelta(weeks=weeks))


def at(schedule: Schedule, day: date, hour: int) -> datetime:
    """An hour of the organisation's clock as an instant."""
    return datetime.combine(day, time(hour), schedule.zone).astimezone(UTC)


def weekly_slot(schedule: Schedule, week: Week) -> datetime:
    """When the summary of a week is due: on the chosen weekday of the week after."""
    return at(schedule, week.step(1).monday + timedelta(days=schedule.weekday), schedule.hour)


def due_weeks(schedule: Schedule, now: datetime) -> list[tuple[Week, datetime]]:
    """The weeks whose slot has come and is not too long ago, the older first."""
    this = Week.of(now.astimezone(schedule.zone).date())
    slots = [(week, weekly_slot(schedule, week)) for week in (this.step(-2), this.step(-1))]
    return [(week, slot) for week, slot in slots if max(schedule.since, now - LATE_WEEK) < slot <= now]


def due_day(schedule: Schedule, now: datetime) -> tuple[date, datetime] | None:
    """Today, when its brief is due."""
    day = now.astimezone(schedule.zone).date()
    slot = at(schedule, day, schedule.daily_hour)
    return (day, slot) if max(schedule.since, now - LATE_DAY) < slot <= now else None
