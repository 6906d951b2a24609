"""What every page says when its figures are old or nobody makes new ones: one query, and Redis is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats

from . import heartbeats, staleness
from .looks.work import broker_away
from .models import Heartbeat

Kind = Heartbeat.Kind


@dataclass(frozen=True, slots=True)
class Notice:
    """A line of the banner."""

    level: str  # "warn" or "breach", as chips have it
    word: str
    sentence: str
    #: It is about the machine, not about one seller's reports.
    machine: bool


# The processes, and beside them the feeds of the shown scopes: a row a report and rhythm, with its oldest and its
# newest success.
# Leans on feed_once (account, marketplace, spec); the heartbeats are a row a process.
_ALL = (
    heartbeats.STANDING
    + """
    UNION ALL
    SELECT 'feed', f.spec, EXTRACT(EPOCH FROM clock_timestamp() - min(f.last_success_at))::float8,
           EXTRACT(EPOCH FROM clock_timestamp() - max(f.last_success_at))::float8, 0, 0, FALSE, FALSE,
           jsonb_build_object('hours', f.hours, 'weekdays', f.weekdays)::text
      FROM feeds_feed f
      JOIN unnest(%s::int[], %s::int[]) AS pair(account_id, marketplace_id)
        ON pair.account_id = f.account_id AND pair.marketplace_id = f.marketplace_id
     WHERE f.enabled AND f.last_success_at IS NOT NULL
     GROUP BY f.spec, f.hours, f.weekdays"""
)


def notices(scopes: Sequence[AccountMarketplace]) -> list[Notice]:
    """What is to be said above the figures of these (visible) scopes; nothing when all is well."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL, [[s.account_id for s in scopes], [s.marketplace_id for s in scopes]])
        rows = [heartbeats.process(row) for row in cursor.fetchall()]
    feeds = [row for row in rows if row.kind == "feed"]
    processes = sorted((row for row in rows if row.kind != "feed"), key=lambda row: row.seen)
    found = [_machine(processes, feeds, scopes), _stale(feeds)]
    return [notice for notice in found if notice]


def _machine(
    processes: list[heartbeats.Process], feeds: list[heartbeats.Process], scopes: Sequence[AccountMarketplace]
) -> Notice | None:
    clocks = [one for one in processes if one.kind == Kind.CLOCK]
    workers = [one for one in processes if one.kind == Kind.WORKER]
    if broker_away(processes):
        said = _("Redis does not answer: nothing new is fetched or mailed until it does.")
    elif clocks and not clocks[0].alive:
        said = _("The dispatcher has not run since %(time)s: nothing new is fetched.")
        said %= {"time": _time(clocks[0].seen, scopes)}
    elif workers and not workers[0].alive:
        said = _("No worker has run since %(time)s: nothing new is fetched, read or mailed.")
        said %= {"time": _time(workers[0].seen, scopes)}
    elif any(one.deaf and one.alive for one in workers) and not any(one.alive and not one.deaf for one in workers):
        said = _("The worker hears nothing: nothing new is fetched until it is started again.")
    else:
        return None
    newest = min((one.worked for one in feeds if one.worked is not None), default=None)
    if newest is not None:
        said += " " + _("The newest report below arrived at %(time)s.") % {"time": _time(newest, scopes)}
    return Notice("breach", _("Standing still"), said, machine=True)


def _rhythm(feed: heartbeats.Process) -> dict[str, list[int]]:
    return {name: list(feed.saw[name]) for name in ("hours", "weekdays")}


def _stale(feeds: list[heartbeats.Process]) -> Notice | None:
    late = [found for feed in feeds if (found := staleness.judge(feed.name, feed.seen, **_rhythm(feed)))]
    if not late:
        return None
    worst = max(late, key=lambda one: (one.stale, one.age / one.every_hours))
    words = {
        "report": worst.label,
        "ago": formats.ago(timezone.now() - timedelta(seconds=worst.age)),
        "hours": worst.every_hours,
    }
    said = ngettext(
        "%(report)s last arrived %(ago)s and is expected every hour.",
        "%(report)s last arrived %(ago)s and is expected every %(hours)d hours.",
        worst.every_hours,
    )
    said %= words
    if len(late) > 1:
        more = ngettext("%(n)d more report is late.", "%(n)d more reports are late.", len(late) - 1)
        said += " " + more % {"n": len(late) - 1}
    if worst.stale:
        return Notice("breach", _("Stale figures"), said, machine=False)
    return Notice("warn", _("Late figures"), said, machine=False)


def _time(seconds_ago: float, scopes: Sequence[AccountMarketplace]) -> str:
    """The instant, on the marketplace's clock when one is shown, else in UTC and saying so."""
    instant: datetime = timezone.now() - timedelta(seconds=seconds_ago)
    if len(scopes) == 1:
        return formats.instant(instant, scopes[0].marketplace)
    return f"{formats.instant(instant)} UTC"
