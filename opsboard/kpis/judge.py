"""Judge every KPI of a scope against its limits, from the roll-up alone.

One query reads the measures of the scope, the arithmetic is exact (Decimal, sums over sums),
and only verdicts that changed are written. Days that are not mature yet are not judged by, and
a window with too many missing days is unknown: never ok, never zero. Where only immature days
are there, the verdict is provisional: shown, and nothing is opened or closed by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from opsboard.accounts.models import Marketplace
from opsboard.feeds import attribution

from . import vintages
from .headroom import Headroom, headroom
from .limits import LimitInForce, in_force, status_of
from .models import ManualValue, ThresholdOverride, Verdict
from .registry import Kpi, Window, kpis, measures

#: A window with fewer of its days than this is not judged.
ENOUGH_DAYS = Decimal("0.8")
#: How far back "breached since" is looked for.
SINCE_DAYS = 60
#: How old the newest figure may be: of sums after their days are mature, of states (stock, Amazon's rates).
STALE_SUM_DAYS, STALE_STATE_DAYS = 7, 3
_PRECISION = Decimal("0.000001")

Days = Mapping[date, Decimal]


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure over a window, both ends included. Without a value, `reason` says why; with one, what is missing."""

    value: Decimal | None
    first: date
    last: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    status: Verdict.Status
    value: Decimal | None = None
    limit: LimitInForce | None = None
    first: date | None = None
    last: date | None = None
    since: date | None = None
    reason: str = ""
    room: Headroom | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that is not what it was; `before` is None for the first one."""

    verdict: Verdict
    before: str | None
    mails: bool


class Figures:
    """The measures of one scope by day, read once; `as_of` a marketplace day, as they were known at its end."""

    def __init__(
        self, account_id: int, marketplace: Marketplace, first: date, last: date, *, as_of: date | None = None
    ) -> None:
        self.scope = (account_id, marketplace.pk)
        self.by_measure: dict[str, dict[date, Decimal]] = {}
        if as_of is not None:
            self.by_measure = vintages.as_known_on(account_id, marketplace, None, first, last, as_of)
            return
        with connection.cursor() as cursor:
            # Leans on the primary key prefix (account, marketplace, date range).
            cursor.execute(
                "SELECT measure, date, value FROM kpis_accountday "
                "WHERE account_id = %s AND marketplace_id = %s AND date BETWEEN %s AND %s",
                [account_id, marketplace.pk, first, last],
            )
            for measure, day, value in cursor.fetchall():
                self.by_measure.setdefault(measure, {})[day] = value
        typed = ManualValue.objects.filter(account_id=account_id, marketplace=marketplace, date__range=(first, last))
        for item in typed:
            self.by_measure.setdefault(item.measure, {})[item.date] = item.value

    @classmethod
    def of(cls, scope: tuple[int, int], by_measure: dict[str, dict[date, Decimal]]) -> Figures:
        """Figures of an account and marketplace (ids) that were read already."""
        made = cls.__new__(cls)
        made.scope, made.by_measure = scope, by_measure
        return made

    def days(self, measure: str) -> Days:
        return self.by_measure.get(measure, {})


def last_mature_day(kpi: Kpi, today: date) -> date:
    """The newest day a KPI is judged by: the marketplace's yesterday less its measures' maturity."""
    newest = today if kpi.window is not Window.SUM else today - timedelta(days=1)
    return newest - timedelta(days=kpi.mature_days)


def last_final_day(kpi: Kpi, scope: tuple[int, int], today: date) -> date:
    """The same in an account and marketplace (ids): some sales are counted for longer than is usual."""
    end = last_mature_day(kpi, today)
    for name in filter(None, (kpi.numerator, kpi.denominator)):
        measure = measures()[name]
        if measure.attributed and (still := attribution.still_counting(*scope, measure.dataset, today)) is not None:
            end = min(end, still - timedelta(days=1))
    return end


def window(kpi: Kpi, figures: Figures, last: date) -> Reading:
    """The figure of the window that ends at `last`, exactly."""
    first = last - timedelta(days=_reach(kpi) - 1)
    top = {day: value for day, value in figures.days(kpi.numerator).items() if first <= day <= last}
    bottom = {day: value for day, value in figures.days(kpi.denominator).items() if first <= day <= last}
    both = sorted(top.keys() & bottom.keys()) if kpi.denominator else sorted(top)
    if not both:
        return Reading(None, first, last, "no_data")
    gap = ""
    denominator = Decimal(1)
    if kpi.window is Window.SUM:
        # A sum of fewer days is a smaller sum; a ratio of fewer days is still that ratio.
        enough = kpi.days * ENOUGH_DAYS if kpi.denominator else kpi.days
        if len(both) < enough:
            return Reading(None, first, last, f"few_days:{len(both)}:{kpi.days}")
        if len(both) < kpi.days:
            gap = f"gap:{len(both)}:{kpi.days}"
        numerator = sum((top[day] for day in both), Decimal(0))
        if kpi.denominator:
            denominator = sum((bottom[day] for day in both), Decimal(0))
    else:
        newest = both[-1]
        numerator = top[newest]
        if kpi.denominator:
            averaged = kpi.window is Window.AVERAGE_DENOMINATOR
            denominator = sum(bottom.values(), Decimal(0)) / len(bottom) if averaged else bottom[newest]
        first, last = (newest if kpi.window is Window.LATEST else both[0]), newest
    if not denominator:
        return Reading(None, first, last, "no_denominator")
    return Reading((kpi.scale * numerator / denominator).quantize(_PRECISION), first, last, gap)


def reading(kpi: Kpi, figures: Figures, last: date) -> Reading:
    """The figure of the newest window that ends at `last` or, where the data end sooner, a little before."""
    days = set(figures.days(kpi.numerator))
    if kpi.denominator:
        days &= set(figures.days(kpi.denominator))
    newest = max((day for day in days if day <= last), default=None)
    if newest is None:
        return Reading(None, last - timedelta(days=kpi.days - 1), last, "no_data")
    if newest < last - timedelta(days=_patience(kpi)):
        return Reading(None, newest, newest, f"stale:{newest.isoformat()}")
    return window(kpi, figures, newest)


def as_known_on(kpi: Kpi, account_id: int, marketplace: Marketplace, on: date, last: date | None = None) -> Reading:
    """The figure a person would have been shown at the end of the marketplace's day `on`.

    That of the newest window known then, or of the one that ends by `last`. What nobody knew by then is missing.
    """
    end = last if last is not None else last_mature_day(kpi, on)
    first = end - timedelta(days=_reach(kpi) + _patience(kpi))
    return reading(kpi, Figures(account_id, marketplace, first, end, as_of=on), end)


def _patience(kpi: Kpi) -> int:
    """How many days old the newest figure may be before judging by it would be about the past."""
    if kpi.window is Window.SUM:
        return STALE_SUM_DAYS
    return max(kpi.days - 1 if kpi.window is Window.LATEST else 0, STALE_STATE_DAYS)


def _reach(kpi: Kpi) -> int:
    return max(kpi.days, STALE_STATE_DAYS + 1) if kpi.window is Window.LATEST else kpi.days


def judge_kpi(
    kpi: Kpi,
    figures: Figures,
    marketplace: Marketplace,
    today: date,
    overrides: list[ThresholdOverride],
    since_days: int = SINCE_DAYS,
) -> Judgement:
    """What one KPI of one scope comes to on the marketplace's day `today`; "since" is looked for so far back."""
    found = reading(kpi, figures, last_final_day(kpi, figures.scope, today))
    limit = in_force(kpi, marketplace, today, overrides, target_on(kpi, figures, found.last))
    if found.value is not None:
        status = status_of(found.value, limit)
        breach = status is Verdict.Status.BREACH
        since = _since(kpi, figures, marketplace, found.last, today, overrides, since_days) if breach else None
        room = headroom(kpi, figures.by_measure, limit, found.first, found.last, today)
        return Judgement(status, found.value, limit, found.first, found.last, since, found.reason, room)
    if kpi.window is Window.SUM:
        early = reading(kpi, figures, today - timedelta(days=1))
        if early.value is not None:
            return Judgement(Verdict.Status.PROVISIONAL, early.value, limit, early.first, early.last, reason="immature")
    return Judgement(Verdict.Status.UNKNOWN, None, limit, found.first, found.last, reason=found.reason)


def target_on(kpi: Kpi, figures: Figures, day: date) -> Decimal | None:
    """Amazon's own target as of a day: the newest one stated in the week before."""
    if not kpi.target:
        return None
    stated = {when: value for when, value in figures.days(kpi.target).items() if day - timedelta(days=7) <= when <= day}
    return stated[max(stated)] if stated else None


def _since(
    kpi: Kpi,
    figures: Figures,
    marketplace: Marketplace,
    end: date,
    today: date,
    overrides: list[ThresholdOverride],
    since_days: int,
) -> date:
    """The first day of the unbroken run of breaches that ends at `end`, each by the limit it was judged by then."""
    since = end
    for back in range(1, since_days):
        day = end - timedelta(days=back)
        if kpi.window is not Window.SUM and day not in figures.days(kpi.numerator):
            continue  # a state holds until the next one is known
        value = window(kpi, figures, day).value
        if value is None:
            break
        limit = in_force(kpi, marketplace, today - timedelta(days=back), overrides, target_on(kpi, figures, day))
        if status_of(value, limit) is not Verdict.Status.BREACH:
            break
        since = day
    return since


def reach_days() -> int:
    """How many days back figures have to be known to judge every KPI and to say since when."""
    return max(kpi.days for kpi in kpis().values()) + SINCE_DAYS + STALE_SUM_DAYS + 30


def judge(account_id: int, marketplace_id: int, today: date | None = None) -> list[Change]:
    """Judge all KPIs of a scope and write the verdicts that changed; must run in a transaction."""
    marketplace = Marketplace.objects.get(pk=marketplace_id)
    today = today or marketplace.today()
    figures = Figures(account_id, marketplace, today - timedelta(days=reach_days()), today)
    overrides = list(ThresholdOverride.objects.filter(account_id=account_id))
    known = {
        verdict.kpi: verdict
        for verdict in Verdict.objects.select_for_update().filter(account_id=account_id, marketplace_id=marketplace_id)
    }
    changes = []
    for kpi in kpis().values():
        found = judge_kpi(kpi, figures, marketplace, today, overrides)
        change = _record(known.get(kpi.key), account_id, marketplace_id, kpi, found)
        if change is not None:
            changes.append(change)
    Verdict.objects.filter(account_id=account_id, marketplace_id=marketplace_id).exclude(judged_on=today).update(
        judged_on=today
    )
    return changes


def _record(verdict: Verdict | None, account_id: int, marketplace_id: int, kpi: Kpi, found: Judgement) -> Change | None:
    fields = {
        "status": found.status,
        "value": found.value,
        "low": found.limit.low if found.limit else None,
        "high": found.limit.high if found.limit else None,
        "warn_low": found.limit.warn_low if found.limit else None,
        "warn_high": found.limit.warn_high if found.limit else None,
        "limit_source": found.limit.source[:200] if found.limit else "",
        "first": found.first,
        "last": found.last,
        "breached_since": found.since,
        "reason": found.reason[:200],
        "more": found.room.more if found.room else None,
        "clear_on": found.room.clear_on if found.room else None,
        "clear_how": found.room.how if found.room else "",
    }
    mails = found.limit.mails if found.limit else False
    if verdict is None:
        created, is_new = Verdict.objects.get_or_create(
            account_id=account_id, marketplace_id=marketplace_id, kpi=kpi.key, defaults=fields
        )
        if is_new:
            return Change(created, None, mails)
        verdict = created
    if all(getattr(verdict, name) == value for name, value in fields.items()):
        return None
    before = verdict.status
    for name, value in fields.items():
        setattr(verdict, name, value)
    verdict.changed_at = timezone.now()
    verdict.save(update_fields=[*fields, "changed_at"])
    return Change(verdict, before, mails)
