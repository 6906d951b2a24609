"""The clock on the wall: every slot of every local day once, whatever the clocks and the dispatchers do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opsboard.accounts.marketplaces import MARKETPLACES
from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.feeds import registry, slots
from opsboard.feeds.slots import EVERY_DAY, Rhythm

ZONES = sorted({fact.time_zone for fact in MARKETPLACES})


def transitions(zone: str) -> list[date]:
    """The local days of 2024-2030 that are not 24 hours long."""
    found, day = [], date(2024, 1, 1)
    while day.year < 2031:
        edges = [datetime.combine(one, time(), ZoneInfo(zone)) for one in (day, day + timedelta(days=1))]
        if edges[1].astimezone(UTC) - edges[0].astimezone(UTC) != timedelta(hours=24):
            found.append(day)
        day += timedelta(days=1)
    return found


#: Days a run is tried on: every change of the clocks of every marketplace, and a plain week for zones without.
TURNS = [(zone, day) for zone in ZONES for day in transitions(zone) or [date(2026, 6, 15)]]


def shop(zone: str, account: int = 7) -> AccountMarketplace:
    return AccountMarketplace(account_id=account, marketplace=Marketplace(id=3, time_zone=zone))


rhythms = st.builds(
    Rhythm,
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=24).map(lambda found: tuple(sorted(found))),
    weekdays=st.sets(st.integers(1, 7), min_size=1).map(lambda found: tuple(sorted(found))),
    late=st.integers(0, 3599).map(lambda seconds: timedelta(seconds=seconds)),
)


def planned(
    rhythm: Rhythm, scope: AccountMarketplace, first: datetime, last: datetime, gaps: list[int]
) -> list[datetime]:
    """The slots a dispatcher plans that looks every few seconds of `gaps` in turn, by its host's clock."""
    due, found, turn = slots.after(rhythm, scope, first), [], 0
    now = first
    while now < last:
        now += timedelta(seconds=gaps[turn % len(gaps)])
        turn += 1
        with time_machine.travel(now, tick=False):
            if timezone.now() >= due:
                found.append(slots.before(rhythm, scope, timezone.now()))
                due = slots.after(rhythm, scope, timezone.now())
    return found


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(TURNS), rhythms, st.lists(st.integers(60, 1500), min_size=1, max_size=4))
@example(("Africa/Cairo", transitions("Africa/Cairo")[0]), Rhythm((0, 1), EVERY_DAY, timedelta(minutes=5)), [300])
@example(("Europe/Berlin", date(2026, 3, 29)), Rhythm((2,), EVERY_DAY, timedelta(minutes=5)), [300])
@example(("America/Los_Angeles", date(2026, 11, 1)), Rhythm((1,), EVERY_DAY, timedelta(minutes=5)), [300])
def test_one_run_for_every_slot_and_local_day_none_skipped_none_doubled(
    turn: tuple[str, date], rhythm: Rhythm, gaps: list[int]
) -> None:
    zone, day = turn
    scope = shop(zone)
    first = datetime.combine(day - timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC) - timedelta(seconds=1)
    last = datetime.combine(day + timedelta(days=2), time(), ZoneInfo(zone)).astimezone(UTC)

    runs = planned(rhythm, scope, first, last, gaps)

    assert len(runs) == len(set(runs))
    for local in (day - timedelta(days=1), day, day + timedelta(days=1)):
        here = [run for run in runs if run.astimezone(ZoneInfo(zone)).date() == local]
        wanted = len(rhythm.hours) if local.isoweekday() in rhythm.weekdays else 0
        # Where the clocks skip an hour that is a slot, it falls together with the next one if that is a slot too.
        skipped = wanted - len(slots.of_day(rhythm, scope, local))
        assert skipped in ({0, 1} if local == day else {0})
        # A dispatcher may come by after the last slot of the last day only.
        late = 1 if local == day + timedelta(days=1) and rhythm.hours[-1] == 23 else 0
        assert wanted - skipped - late <= len(here) <= wanted - skipped


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_report_runs_once_on_every_local_day_of_seven_years(zone: str) -> None:
    scope, spec = shop(zone), registry.spec("sp_campaigns")
    rhythm = slots.declared(spec, scope)
    slot = slots.after(rhythm, scope, datetime.combine(date(2023, 12, 31), time(12), ZoneInfo(zone)))
    days = []
    while (local := slot.astimezone(ZoneInfo(zone)).date()) < date(2031, 1, 1):
        days.append(local)
        slot = slots.after(rhythm, scope, slot)
    assert days == [date(2024, 1, 1) + timedelta(days=n) for n in range(len(days))] and days[-1] == date(2030, 12, 31)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ZONES), rhythms, st.dates(date(2024, 1, 1), date(2030, 12, 1)))
def test_a_weekly_deep_pull_comes_once_in_every_week_whichever_days_and_hours_were_chosen(
    zone: str, rhythm: Rhythm, day: date
) -> None:
    scope, spec = shop(zone), registry.spec("sp_campaigns")
    noon = datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
    found = {slots.deep_before(spec, rhythm, scope, noon + timedelta(hours=n)) for n in range(0, 7 * 24 * 3, 4)}
    local = sorted(slot.astimezone(ZoneInfo(zone)).date() for slot in found if slot)
    weeks = [one.toordinal() // 7 for one in local]
    assert weeks == list(range(weeks[0], weeks[0] + len(weeks))) and len(weeks) in {3, 4}
    assert {one.isoweekday() for one in local} == {slots.deep_weekday(rhythm)}
    assert all(slot in slots.of_day(rhythm, scope, one) for slot, one in zip(sorted(found), local, strict=True))  # type: ignore[type-var]


def test_what_comes_once_a_week_comes_on_one_day_of_it_and_not_for_all_shops_on_the_same() -> None:
    spec = registry.spec("storage_fees")
    found = {slots.declared(spec, shop("UTC", account)).weekdays for account in range(60)}
    assert found == {(day,) for day in EVERY_DAY}
    rhythm = slots.declared(spec, shop("UTC"))
    assert rhythm.runs_a_day == pytest.approx(1 / 7) and rhythm.longest_hours == rhythm.shortest_hours == 168


@pytest.mark.parametrize(
    ("hours", "weekdays", "shortest", "longest"),
    [
        ((5,), EVERY_DAY, 24, 24),
        ((5, 11, 17, 23), EVERY_DAY, 6, 6),
        ((1, 22), EVERY_DAY, 3, 21),
        ((9,), (1, 2, 3, 4, 5), 24, 72),
    ],
)
def test_how_far_apart_slots_are(
    hours: tuple[int, ...], weekdays: tuple[int, ...], shortest: int, longest: int
) -> None:
    rhythm = Rhythm(hours, weekdays, timedelta())
    assert (rhythm.shortest_hours, rhythm.longest_hours) == (shortest, longest)


def test_a_report_that_never_asks_deep_has_no_deep_slot() -> None:
    spec = replace(registry.spec("sp_campaigns"), deep_reask_days=0)
    scope = shop("UTC")
    assert slots.deep_before(spec, slots.declared(spec, scope), scope, datetime(2026, 1, 1, tzinfo=UTC)) is None
