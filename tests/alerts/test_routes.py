"""When a person may be mailed, by the clock of their own zone."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from opsboard.alerts import routes
from opsboard.alerts.models import Route


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(now: str, *, urgent: bool = False, **fields: Any) -> str:
    fields = {"digest_at": time(8), **fields}
    return routes.due(Route(**fields), at(now), urgent=urgent).strftime("%Y-%m-%d %H:%M")


NIGHT: dict[str, Any] = {"quiet_from": time(22), "quiet_to": time(7)}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-20 13:00", "2026-11-20 13:00"),  # 21:00 in Shanghai
        ("2026-11-20 14:00", "2026-11-20 23:00"),  # 22:00: until 07:00
        ("2026-11-20 18:30", "2026-11-20 23:00"),  # 02:30 of the next day
        ("2026-11-20 22:59", "2026-11-20 23:00"),
        ("2026-11-20 23:00", "2026-11-20 23:00"),
    ],
)
def test_quiet_hours_over_midnight_end_in_the_persons_own_morning(now: str, expected: str) -> None:
    assert due(now, time_zone="Asia/Shanghai", **NIGHT) == expected
    assert due(now, time_zone="Asia/Shanghai", urgent=True, **NIGHT) == now


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        # Los Angeles, spring: the night of 8 March has no 02:00 to 03:00; 07:00 is an hour nearer.
        ("America/Los_Angeles", "2026-03-08 08:30", "2026-03-08 14:00"),
        ("America/Los_Angeles", "2026-03-07 08:30", "2026-03-07 15:00"),
        # autumn: 1 November has its 01:00 twice; 07:00 is an hour later.
        ("America/Los_Angeles", "2026-11-01 08:30", "2026-11-01 15:00"),
        ("America/Los_Angeles", "2026-10-31 08:30", "2026-10-31 14:00"),
        ("Europe/Berlin", "2026-03-28 23:30", "2026-03-29 05:00"),
        ("Europe/Berlin", "2026-10-24 23:30", "2026-10-25 06:00"),
    ],
)
def test_quiet_nights_of_23_and_25_hours_end_at_seven_all_the_same(zone: str, now: str, expected: str) -> None:
    assert due(now, time_zone=zone, **NIGHT) == expected


def test_quiet_hours_that_end_in_an_hour_the_clock_skips_end_when_it_is_over() -> None:
    fields: dict[str, Any] = {"quiet_from": time(0), "quiet_to": time(2, 30), "time_zone": "America/Los_Angeles"}
    assert due("2026-03-08 08:30", **fields) == "2026-03-08 10:30"  # 03:30: the clock went from 2 to 3
    assert due("2026-03-08 10:30", **fields) == "2026-03-08 10:30"


def test_quiet_hours_at_noon_and_none_at_all() -> None:
    fields: dict[str, Any] = {"quiet_from": time(12), "quiet_to": time(13), "time_zone": "UTC"}
    assert due("2026-11-20 12:30", **fields) == "2026-11-20 13:00"
    assert due("2026-11-20 13:30", **fields) == "2026-11-20 13:30"
    assert due("2026-11-20 03:00") == "2026-11-20 03:00"


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Asia/Shanghai", "2026-11-20 01:00", "2026-11-21 00:00"),
        ("Asia/Shanghai", "2026-11-20 00:00", "2026-11-20 00:00"),
        ("America/Los_Angeles", "2026-03-07 20:00", "2026-03-08 15:00"),
        ("America/Los_Angeles", "2026-10-31 20:00", "2026-11-01 16:00"),
    ],
)
def test_a_digest_leaves_at_its_hour_of_the_persons_day(zone: str, now: str, expected: str) -> None:
    assert due(now, mode="digest", time_zone=zone) == expected
    assert due(now, mode="digest", time_zone=zone, urgent=True) == now
