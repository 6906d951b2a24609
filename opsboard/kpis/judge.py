"""Judge every KPI of a scope against its limits, from the roll-up alone.

One query reads the measures of the scope, the arithmetic is exact (Decimal, sums over sums),
and only verdicts that changed are written. Days that are not mature yet are not judged by, and
a window with too many missing days is unknown: never ok, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace

from .limits import LimitInForce, in_force, status_of
from .models import ManualValue, ThresholdOverride, Verdict
from .registry import Kpi, Window, kpis, measures

#: A window with fewer of its days than this is not judged.
ENOUGH_DAYS = Decimal("0.8")
#: How far back "breached since" is looked for.
SINCE_DAYS = 60
_PRECISION = Decimal("0.000001")

Days = Mapping[date, Decimal]


@dataclass(frozen=True, slots=True)
class Judgement:
    status: Verdict.Status
    value: Decimal | None = None
    limit: LimitInForce | None = None
    first: date | None = None
    last: date | None = None
    since: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that is not what it was; `before` is None for the first one."""

    verdict: Verdict
    before: str | None
    mails: bool


class Figures:
    """The measures of one scope by day, read once."""

    def __init__(self, account_id: int, marketplace: Marketplace, first: date, last: date) -> None:
        self.by_measure: dict[str, dict[date, Decimal]] = {}
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

    def days(self, measure: str) -> Days:
        return self.by_measure.get(measure, {})


def last_mature_day(kpi: Kpi, today: date) -> date:
    """The newest day a KPI is judged by: the marketplace's yesterday less its measures' maturity."""
    names = [name for name in (kpi.numerator, kpi.denominator) if name]
    wait = max(measures()[name].mature_days for name in names)
    newest = today if kpi.window is not Window.SUM else today - timedelta(days=1)
    return newest - timedelta(days=wait)


def value_at(kpi: Kpi, figures: Figures, last: date) -> tuple[Decimal | None, date | None, date | None, str]:
    """(value, first, last, reason) of the window that ends at `last`; value None says why in reason."""
    first = last - timedelta(days=kpi.days - 1)
    top = {day: value for day, value in figures.days(kpi.numerator).items() if first <= day <= last}
    bottom = {day: value for day, value in figures.days(kpi.denominator).items() if first <= day <= last}
    both = sorted(top.keys() & bottom.keys()) if kpi.denominator else sorted(top)
    if not both:
        return None, first, last, _("no data for these days")
    if kpi.window is Window.SUM:
        if len(both) < kpi.days * ENOUGH_DAYS:
            reason = _("%(have)d of %(want)d days are there") % {"have": len(both), "want": kpi.days}
            return None, first, last, reason
        numerator = sum((top[day] for day in both), Decimal(0))
        denominator = sum((bottom[day] for day in both), Decimal(0)) if kpi.denominator else Decimal(1)
    else:
        newest = both[-1]
        numerator = top[newest]
        if not kpi.denominator:
            denominator = Decimal(1)
        elif kpi.window is Window.LATEST:
            denominator = bottom[newest]
        else:
            denominator = sum(bottom.values(), Decimal(0)) / len(bottom)
        first = newest if kpi.window is Window.LATEST else both[0]
        last = newest
    if not denominator:
        return None, first, last, _("nothing to divide by in these days")
    return (kpi.scale * numerator / denominator).quantize(_PRECISION), first, last, ""


def judge_kpi(kpi: Kpi, figures: Figures, marketplace: Marketplace, today: date, overrides: list[ThresholdOverride]) -> Judgement:
    last = last_mature_day(kpi, today)
    value, first, end, reason = value_at(kpi, figures, last)
    if value is None or end is None:
        return Judgement(Verdict.Status.UNKNOWN, first=first, last=end, reason=reason)
    limit = in_force(kpi, marketplace, end, overrides, _target(kpi, figures, end))
    status = status_of(value, limit)
    since = _since(kpi, figures, marketplace, end, overrides) if status is Verdict.Status.BREACH else None
    return Judgement(status, value, limit, first, end, since)


def _target(kpi: Kpi, figures: Figures, day: date) -> Decimal | None:
    """Amazon's own target as of a day: the newest one stated in the week before."""
    if not kpi.target:
        return None
    stated = {when: value for when, value in figures.days(kpi.target).items() if day - timedelta(days=7) <= when <= day}
    return stated[max(stated)] if stated else None


def _since(kpi: Kpi, figures: Figures, marketplace: Marketplace, end: date, overrides: list[ThresholdOverride]) -> date:
    """The first day of the unbroken run of breaches that ends at `end`."""
    since = end
    for back in range(1, SINCE_DAYS):
        day = end - timedelta(days=back)
        if kpi.window is Window.SUM:
            value = value_at(kpi, figures, day)[0]
        elif day in figures.days(kpi.numerator):
            value = value_at(kpi, figures, day)[0]
        else:
            continue
        if value is None:
            break
        limit = in_force(kpi, marketplace, day, overrides, _target(kpi, figures, day))
        if status_of(value, limit) is not Verdict.Status.BREACH:
            break
        since = day
    return since


def judge(account_id: int, marketplace_id: int, today: date | None = None) -> list[Change]:
    """Judge all KPIs of a scope and write the verdicts that changed; must run in a transaction."""
    marketplace = Marketplace.objects.get(pk=marketplace_id)
    today = today or marketplace.today()
    reach = max(kpi.days for kpi in kpis().values()) + SINCE_DAYS + 60
    figures = Figures(account_id, marketplace, today - timedelta(days=reach), today)
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


def _record(
    verdict: Verdict | None, account_id: int, marketplace_id: int, kpi: Kpi, found: Judgement
) -> Change | None:
    fields = {
        "status": found.status,
        "value": found.value,
        "low": found.limit.low if found.limit else None,
        "high": found.limit.high if found.limit else None,
        "limit_source": found.limit.source[:200] if found.limit else "",
        "first": found.first,
        "last": found.last,
        "breached_since": found.since,
        "reason": found.reason[:200],
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
