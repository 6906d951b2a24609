"""Which days are still asked for: those that are missing, or were told before they were final.

A day (or the week or month that begins on it) is final once every dataset of the report holds it from
a document that Amazon made more than `mature_days` after it, or once Amazon answered that late that
there is nothing. Nothing final is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from opsboard.accounts.models import AccountMarketplace

from .models import BackfillPlan, Coverage, Fetch
from .registry import Period, ReportSpec

Window = tuple[date, date]


def windows(spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> list[Window]:
    """The windows to ask for so that everything becomes final, as few as hold all of it, the newest first."""
    days = days_to_ask(spec, scope, now)
    if spec.period is not Period.DAY:
        return [(day, spec.period.end(day)) for day in reversed(days)]
    found: list[Window] = []
    for day in reversed(days):
        if found and (found[-1][1] - day).days < spec.max_days:
            found[-1] = day, found[-1][1]
        else:
            found.append((day, day))
    return found


def days_to_ask(spec: ReportSpec, scope: AccountMarketplace, now: datetime) -> list[date]:
    """The first days of what is missing or not final, in order.

    The newest `reask_days` always count; older ones, as far as `until_final_days`, only from the oldest
    held one on (further back lies the back-fill), and not those that wait to be fetched already.
    """
    last = scope.marketplace.day_of(now) - timedelta(days=1)
    reach = min(max(spec.until_final_days, spec.reask_days), max(1, spec.lookback_days - 1))
    told = [day for day in spec.period.first_days(last - timedelta(days=reach - 1), last) if _is_out(spec, day, last)]
    if not told:
        return []
    held = _held(spec, scope, told)
    since = min((day for days in held.values() for day in days), default=last + timedelta(days=1))
    newest = last - timedelta(days=spec.reask_days - 1)
    final = set.intersection(*(_final(scope, held[one.key], one.mature_days) for one in spec.datasets))
    over = final | _answered_empty(spec, scope, told) | _waiting(spec, scope, told, newest)
    return [day for day in told if day not in over and day >= min(since, newest)]


def _is_out(spec: ReportSpec, day: date, last: date) -> bool:
    """Whether Amazon can have it: a day is there at once and restated, a week or month comes when it is done."""
    if spec.period is Period.DAY:
        return True
    return spec.period.end(day) <= last and day + timedelta(days=min(d.lag_days for d in spec.datasets)) <= last


def _held(spec: ReportSpec, scope: AccountMarketplace, told: list[date]) -> dict[str, dict[date, datetime]]:
    """Each dataset's held days with the instant their document was made."""
    found: dict[str, dict[date, datetime]] = {dataset.key: {} for dataset in spec.datasets}
    # Leans on coverage_once: one range of the index a dataset.
    rows = Coverage.objects.filter(
        account=scope.account_id,
        marketplace=scope.marketplace_id,
        dataset__in=found,
        date__range=(told[0], told[-1]),
    )
    for dataset, day, made in rows.values_list("dataset", "date", "source_created_at"):
        found[dataset][day] = made
    return found


def _final(scope: AccountMarketplace, held: dict[date, datetime], mature_days: int) -> set[date]:
    return {day for day, made in held.items() if _is_mature(scope, day, made, mature_days)}


def _is_mature(scope: AccountMarketplace, day: date, made: datetime, mature_days: int) -> bool:
    return scope.marketplace.day_of(made) > day + timedelta(days=mature_days)


def _answered_empty(spec: ReportSpec, scope: AccountMarketplace, told: list[date]) -> set[date]:
    """What Amazon said there is nothing of, when it could have known."""
    rows = _fetches(spec, scope, told).filter(state=Fetch.State.EMPTY, requested_at__isnull=False)
    mature = max(dataset.mature_days for dataset in spec.datasets)
    return {
        day
        for first, end, asked in rows.exclude(report_id="").values_list("window_start", "window_end", "requested_at")
        for day in _between(told, first, end)
        if asked and _is_mature(scope, day, asked, mature)
    }


def _waiting(spec: ReportSpec, scope: AccountMarketplace, told: list[date], newest: date) -> set[date]:
    """What is to be asked for anyway, and no earlier than now; of a paused back-fill what is no routine's."""
    rows = _fetches(spec, scope, told).filter(state=Fetch.State.WAITING, finished_at=None)
    return {
        day
        for first, end, plan in rows.values_list("window_start", "window_end", "plan__state")
        for day in _between(told, first, end)
        if plan not in BackfillPlan.RESTING or day < newest
    }


def _fetches(spec: ReportSpec, scope: AccountMarketplace, told: list[date]) -> QuerySet[Fetch]:
    # Leans on fetch_by_scope.
    mine = Fetch.objects.filter(account=scope.account_id, marketplace=scope.marketplace_id, spec=spec.key)
    return mine.filter(window_end__gte=told[0], window_start__lte=told[-1]).exclude(kind=Fetch.Kind.FOUND)


def _between(told: Iterable[date], first: date, last: date) -> list[date]:
    return [day for day in told if first <= day <= last]


def answered_windows(spec: ReportSpec, scope: AccountMarketplace, asked: list[Window]) -> set[Window]:
    """Those of some windows that Amazon said, late enough to know, that there is nothing of."""
    if not asked:
        return set()
    first, last = min(w[0] for w in asked), max(w[1] for w in asked)
    told = spec.period.first_days(first, last)
    empty = _answered_empty(spec, scope, told) if told else set()
    return {w for w in asked if (days := spec.period.first_days(*w)) and empty.issuperset(days)}
