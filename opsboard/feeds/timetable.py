"""A feed's schedule in plain words, and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import get_timezone_location
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.accounts import audit
from opsboard.accounts.models import AccountMarketplace, User
from opsboard.ui import formats, joins

from . import schedule, slots
from .models import Feed
from .registry import Period, ReportSpec
from .slots import EVERY_DAY, Rhythm

WEEKDAYS = {
    1: gettext_lazy("Mondays"),
    2: gettext_lazy("Tuesdays"),
    3: gettext_lazy("Wednesdays"),
    4: gettext_lazy("Thursdays"),
    5: gettext_lazy("Fridays"),
    6: gettext_lazy("Saturdays"),
    7: gettext_lazy("Sundays"),
}
#: More times of a day than this are told as "every so many hours".
TIMES_TOLD = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One report's schedule as a person reads it."""

    spec: ReportSpec
    feed: Feed
    rhythm: Rhythm
    words: str
    next_run: datetime | None
    own: bool


def lines(scope: AccountMarketplace) -> list[Line]:
    """The schedules of the reports this scope can fetch, in the order they are declared."""
    rows = Feed.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id)
    feeds = {feed.spec: feed for feed in rows}
    return [line(spec, feeds.get(spec.key) or unsaved(spec, scope), scope) for spec in schedule.usable_specs(scope)]


def unsaved(spec: ReportSpec, scope: AccountMarketplace) -> Feed:
    """The feed the next tick will create."""
    return Feed(account_id=scope.account_id, marketplace_id=scope.marketplace_id, spec=spec.key)


def line(spec: ReportSpec, feed: Feed, scope: AccountMarketplace) -> Line:
    rhythm = slots.rhythm_of(feed, spec, scope)
    own = bool(feed.hours or feed.weekdays or not feed.enabled)
    return Line(spec, feed, rhythm, words(spec, rhythm, scope), feed.next_due if feed.enabled else None, own)


# --- in words -------------------------------------------------------------------------------------


def words(spec: ReportSpec, rhythm: Rhythm, scope: AccountMarketplace) -> str:
    """ "daily at 05:23 Berlin time: the last 30 days; Sundays the last 42"."""
    return _("%(when)s %(city)s time: %(what)s") % {
        "when": when(rhythm),
        "city": city(scope),
        "what": what(spec, rhythm),
    }


def city(scope: AccountMarketplace) -> str:
    """The city whose clock the marketplace goes by."""
    return get_timezone_location(scope.marketplace.zone, locale=formats.locale(), return_city=True)


def when(rhythm: Rhythm) -> str:
    minute = int(rhythm.late.total_seconds() // 60)
    at = [f"{hour:02d}:{minute:02d}" for hour in rhythm.hours]
    if len(at) == 24:
        clock = _("every hour at minute %(minute)s") % {"minute": f"{minute:02d}"}
    elif len(at) > TIMES_TOLD and rhythm.hours == slots.hours_every(24 // len(at)):
        clock = _("every %(n)d hours from %(time)s") % {"n": 24 // len(at), "time": at[0]}
    else:
        clock = _("at %(times)s") % {"times": _listed(at)}
    if rhythm.weekdays == EVERY_DAY:
        return _("daily %(clock)s") % {"clock": clock}
    days = _listed([str(WEEKDAYS[day]) for day in rhythm.weekdays])
    return _("%(days)s %(clock)s") % {"days": days, "clock": clock}


def what(spec: ReportSpec, rhythm: Rhythm) -> str:
    if spec.discovered:
        return _("what Amazon has made since")
    if not spec.history:
        return _("the state of that moment")
    if spec.until_final_days:
        if spec.period is Period.WEEK:
            return _("each week, when Amazon has it")
        if spec.period is Period.MONTH:
            return _("each month until it is final")
        days = max(dataset.mature_days for dataset in spec.datasets)
        return ngettext(
            "each day until it is final, %(n)d day after it", "each day until it is final, %(n)d days after it", days
        ) % {"n": days}
    usual = ngettext("the last day", "the last %(n)d days", spec.reask_days) % {"n": spec.reask_days}
    if not spec.deep_reask_days:
        return usual
    day = str(WEEKDAYS[slots.deep_weekday(rhythm)]) if spec.deep_every_days == 7 else ""
    deep = {"usual": usual, "day": day, "n": spec.deep_reask_days, "every": spec.deep_every_days}
    if day:
        return _("%(usual)s; %(day)s the last %(n)d") % deep
    return _("%(usual)s; every %(every)d days the last %(n)d") % deep


def _listed(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return _("%(most)s and %(last)s") % {"most": joins.listed(parts[:-1]), "last": parts[-1]}


# --- changing -------------------------------------------------------------------------------------


@transaction.atomic
def change(
    spec: ReportSpec,
    scope: AccountMarketplace,
    user: User,
    *,
    enabled: bool = True,
    hours: Sequence[int] = (),
    weekdays: Sequence[int] = (),
) -> bool:
    """Give a report's feed a schedule (none: the declared one) and plan its next run; False if it had that already.

    What is switched on again is asked for at once.
    """
    now = timezone.now()
    kept = unsaved(spec, scope)
    Feed.objects.bulk_create([kept], ignore_conflicts=True)
    mine = Feed.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec=spec.key)
    feed = mine.select_for_update().get()
    before = _told(feed)
    was_on = feed.enabled
    usual = slots.declared(spec, scope)
    feed.enabled = enabled
    feed.hours = [] if tuple(sorted(hours)) == usual.hours else sorted(hours)
    feed.weekdays = [] if tuple(sorted(weekdays)) == usual.weekdays else sorted(weekdays)
    if _told(feed) == before:
        return False
    back = enabled and not was_on
    feed.next_due = now if back else slots.after(slots.rhythm_of(feed, spec, scope), scope, now)
    feed.save(update_fields=["enabled", "hours", "weekdays", "next_due"])
    target = f"{scope}: {spec.key}"
    audit.record(scope.account.organisation, user, "schedule.changed", target, before=before, after=_told(feed))
    return True


def _told(feed: Feed) -> dict[str, Any]:
    return {"enabled": feed.enabled, "hours": list(feed.hours), "weekdays": list(feed.weekdays)}
