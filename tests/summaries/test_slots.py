"""Every week has one hour, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opsboard.summaries.models import Schedule
from opsboard.summaries.slots import Week, due_day, due_weeks, weekly_slot

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
#: A zone a kind of clock change: spring and autumn, half an hour, at midnight, the other way round, none.
ZONES = (
    "America/Los_Angeles",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Tokyo",
    "Pacific/Kiritimati",
)


def schedule(zone: str, weekday: int = 1, hour: int = 9, since: datetime = LONG_AGO) -> Schedule:
    return Schedule(zone_name=zone, weekday=weekday, hour=hour, daily_hour=hour, since=since)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("weekday", "hour"), [(0, 0), (1, 9), (6, 2), (6, 23)])
def test_a_clock_that_ticks_every_hour_finds_each_week_due_once(zone: str, weekday: int, hour: int) -> None:
    when = schedule(zone, weekday, hour)
    seen: dict[Week, datetime] = {}
    now = datetime(2026, 1, 5, tzinfo=UTC)
    while now < datetime(2028, 1, 10, tzinfo=UTC):
        for week, slot in due_weeks(when, now):
            assert seen.setdefault(week, slot) == slot
            assert slot <= now
        now += timedelta(hours=1)

    weeks = sorted(seen)
    assert weeks == [weeks[0].step(n) for n in range(len(weeks))] and len(weeks) >= 104
    for week, slot in seen.items():
        local = slot.astimezone(ZoneInfo(zone))
        assert Week.of(local.date()) == week.step(1)
        assert (local.weekday(), local.hour) in {(weekday, hour), (weekday, hour + 1)}  # an hour the clock skips


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_has_one_brief_at_its_hour(zone: str) -> None:
    when = schedule(zone, hour=8)
    seen: dict[date, datetime] = {}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        if found := due_day(when, now):
            assert seen.setdefault(found[0], found[1]) == found[1]
        now += timedelta(minutes=30)

    days = sorted(seen)
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))] and len(days) >= 364


def test_what_was_due_before_the_schedule_is_not_made() -> None:
    tuesday = datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert due_weeks(schedule("UTC", since=tuesday), tuesday + timedelta(hours=1)) == []
    assert [str(week) for week, _slot in due_weeks(schedule("UTC", since=tuesday), tuesday + timedelta(days=7))] == [
        "2026-W48"
    ]


def test_a_week_knows_its_year() -> None:
    assert str(Week.of(date(2027, 1, 3))) == "2026-W53"
    assert Week.parse("2026-W53") == Week(date(2026, 12, 28))
    for nonsense in ("", "2026-W54", "2026-47", "9999-W01", "W47", "2026-W47 "):
        assert Week.parse(nonsense) is None


def test_the_slot_is_an_instant_of_the_organisations_clock() -> None:
    winter, summer = Week.parse("2026-W47"), Week.parse("2026-W25")
    assert winter and summer
    assert weekly_slot(schedule("Europe/Berlin"), winter) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert weekly_slot(schedule("Europe/Berlin"), summer) == datetime(2026, 6, 23, 7, tzinfo=UTC)
