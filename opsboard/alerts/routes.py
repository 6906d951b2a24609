"""When a person may be mailed: quiet hours and the digest, in their own zone. Pure, so DST can be tried by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from opsboard.accounts.models import Membership

from .models import Route


def of(member: Membership) -> Route:
    """The person's route, or the one that everybody has at first (not kept)."""
    return Route.objects.filter(member=member).first() or Route(member=member)


def due(route: Route, now: datetime, *, urgent: bool) -> datetime:
    """When a letter that comes up now may be sent: urgent ones at once, others when the person wants mails."""
    if urgent:
        return now
    zone = ZoneInfo(route.time_zone)
    if route.mode == Route.Mode.DIGEST:
        return _next(route.digest_at, zone, now)
    return _after_quiet(route, zone, now)


def _after_quiet(route: Route, zone: ZoneInfo, now: datetime) -> datetime:
    if route.quiet_from is None or route.quiet_to is None or route.quiet_from == route.quiet_to:
        return now
    today = now.astimezone(zone).date()
    over_midnight = route.quiet_to < route.quiet_from
    for day in (today - timedelta(days=1), today):
        begins = _at(day, route.quiet_from, zone)
        ends = _at(day + timedelta(days=1) if over_midnight else day, route.quiet_to, zone)
        if begins <= now < ends:
            return ends
    return now


def _next(at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """The next instant at which the clock in the zone shows this time."""
    today = now.astimezone(zone).date()
    first = _at(today, at, zone)
    return first if first >= now else _at(today + timedelta(days=1), at, zone)


def _at(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time as an instant: of an hour that comes twice the first, of one left out as much later."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
