"""Rules about SKUs or campaigns one by one, replayed over the past.

Of entities no earlier figures are kept: a day counts from when a report first told of it, by what it is known to be
now. Only final days are judged, so what is not seen is what Amazon restated after they were final. The sums of all
windows come from one statement a scope: a day's figures are added when it comes and taken off when it leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis.held import Seen, change_in_sql, millionths, test
from opsboard.kpis.judge import ENOUGH_DAYS, STALE_STATE_DAYS
from opsboard.kpis.limits import in_force
from opsboard.kpis.models import ThresholdOverride
from opsboard.kpis.registry import kpis
from opsboard.kpis.snapshots import Snapshot

from . import groups
from .groups import Bounds, Member
from .models import Rule
from .rules import Set


@dataclass(frozen=True, slots=True)
class Day:
    """A finished day of the past: who would have been in the alert; None where nobody could have known."""

    day: date
    members: dict[str, Member] | None
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class _Span:
    """What the sums of windows are that end on `first` or later, until the next; no value where they say nothing."""

    first: date
    value: Decimal | None


def past(wanted: Set, scope: AccountMarketplace, days: int) -> Iterator[Day]:
    """The last `days` finished days of a scope, the oldest first."""
    rule, snapshot, kpi = wanted.rule, wanted.item.snapshot, kpis()[wanted.item.kpi]
    today, marketplace = scope.marketplace.today(), scope.marketplace
    overrides = list(ThresholdOverride.objects.filter(account=scope.account_id, kpi=kpi.key))
    asked = [today - timedelta(days=n) for n in range(days, 0, -1)]
    bounds: dict[date, Bounds] = {}
    for day in asked:
        end = _end(day, scope)
        limit = in_force(kpi, marketplace, day, [item for item in overrides if item.set_at < end])
        bounds[day] = groups.bounds(rule, limit)
    back = snapshot.judged_days if rule.kind == Rule.Kind.CHANGE else 0
    first = asked[0] - timedelta(days=_reach(snapshot) + back)
    known = _known(snapshot, scope, first, today)
    spans = _spans(wanted, scope, list(bounds.values()), first, today)
    strict = kpi.strict and rule.kind == Rule.Kind.LIMIT
    members: dict[str, Member] = {}
    at = dict.fromkeys(spans, 0)  # windows only move on, and so do the spans they end in
    for day in asked:
        last = _judged_until(snapshot, known, day, _end(day, scope), back)
        if last is None:
            yield Day(day, None, bounds[day])
            continue
        seen = {}
        for entity, story in spans.items():
            while at[entity] + 1 < len(story) and story[at[entity] + 1].first <= last:
                at[entity] += 1
            span = story[at[entity]]
            if span.first <= last and span.value is not None:
                seen[entity] = Seen(span.value, _is_beyond(bounds[day], span.value, strict))
        members = groups.after(rule, bounds[day], members, seen, last)
        yield Day(day, members, bounds[day])


def _end(day: date, scope: AccountMarketplace) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), scope.marketplace.zone)


def _reach(snapshot: Snapshot) -> int:
    """How many days before a day figures are needed to judge it."""
    return snapshot.judged_days + snapshot.mature_days + STALE_STATE_DAYS + 1


def _is_beyond(bounds: Bounds, value: Decimal, strict: bool) -> bool:
    by = groups.beyond_by(bounds, value)
    return by > 0 or (strict and by == 0 and (bounds.low is not None or bounds.high is not None))


def _judged_until(
    snapshot: Snapshot, known: Mapping[date, datetime], day: date, end: datetime, back: int
) -> date | None:
    """The last day of the window that was judged when `day` ended; None where too little of it was known by then.

    `back`: how many days before each day is the one it is compared with, which counts only where that is known too.
    """
    there = {when for when, at in known.items() if at < end}
    if snapshot.newest_day:
        oldest = day - timedelta(days=STALE_STATE_DAYS)
        return max((when for when in there if oldest <= when <= day), default=None)
    last = day - timedelta(days=1 + snapshot.mature_days)
    window = [last - timedelta(days=n) for n in range(snapshot.judged_days)]
    counting = sum(when in there and when - timedelta(days=back) in there for when in window)
    return last if counting >= ENOUGH_DAYS * snapshot.judged_days else None


# Leans on documentday_by_day (account, marketplace, dataset, date).
_KNOWN = """
    SELECT said.date, min(d.received_at) FROM feeds_documentday said JOIN feeds_document d ON d.id = said.document_id
     WHERE said.account_id = %s AND said.marketplace_id = %s AND said.dataset = %s AND said.date BETWEEN %s AND %s
     GROUP BY said.date
"""


def _known(snapshot: Snapshot, scope: AccountMarketplace, first: date, last: date) -> dict[date, datetime]:
    """Since when each day was known."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [scope.account_id, scope.marketplace_id, snapshot.dataset, first, last])
        return dict(cursor.fetchall())


# Leans on the primary key of the fact table (account, marketplace, date).
_SPANS = """
    WITH daily AS (
        SELECT {entity} AS entity, date AS day, {sums} FROM {fact}
         WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
           AND (%(only)s IS NULL OR {entity}::text = ANY(%(only)s))
         GROUP BY {entity}, date
    ), moved AS (
        SELECT entity, day, {added} FROM (
            SELECT entity, day, {names} FROM daily
             UNION ALL
            SELECT entity, day + %(length)s, {negated} FROM daily) both_ways
         GROUP BY entity, day
    ), summed AS (
        SELECT entity, day, {running} FROM moved
        WINDOW one AS (PARTITION BY entity ORDER BY day)
    ), judged AS (
        SELECT entity, day, CASE WHEN {told} THEN round({top}::numeric / {bottom}, 6) END AS value,
               coalesce({told} AND {beyond}, false) AS beyond
          FROM summed
    )
    SELECT entity::text, day, value FROM judged
     WHERE entity IN (SELECT entity FROM judged WHERE beyond) ORDER BY entity, day
"""


def _spans(
    wanted: Set, scope: AccountMarketplace, bounds: Sequence[Bounds], first: date, last: date
) -> dict[str, list[_Span]]:
    """The figures of all windows, or by what share they changed, of those that were ever beyond one of the bounds."""
    if wanted.rule.kind == Rule.Kind.CHANGE:
        return _changes(wanted, scope, bounds[0], first, last)
    item, snapshot = wanted.item, wanted.item.snapshot
    low = max((one.low for one in bounds if one.low is not None), default=None)
    high = min((one.high for one in bounds if one.high is not None), default=None)
    names = list(snapshot.sums)
    sql = _SPANS.format(
        entity=snapshot.entity,
        fact=snapshot.fact._meta.db_table,
        sums=", ".join(f"coalesce({how}, 0) AS {name}" for name, how in snapshot.sums.items()),
        names=", ".join(names),
        negated=", ".join(f"-{name}" for name in names),
        added=", ".join(f"sum({name}) AS {name}" for name in names),
        running=", ".join(f"sum({name}) OVER one AS {name}" for name in names),
        told=item.told,
        top=item.numerator,
        bottom=f"nullif({item.denominator}, 0)",
        beyond=test(item, or_on=True),  # where that breaks it is seen later
    )
    return _stories(sql, {**_places(wanted, scope, first, last), **millionths(low, high)})


# The same for two windows at once: a day's figures come into the later one when it comes and into the one before when
# they leave that; each only where the day it is compared with is covered too, so that a missing day is no change.
_CHANGES = """
    WITH covered AS MATERIALIZED (
        SELECT date FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
           AND dataset = %(dataset)s AND date BETWEEN %(first)s AND %(last)s
    ), daily AS MATERIALIZED (
        SELECT {entity} AS entity, date AS day, {sums}, date - %(length)s IN (SELECT date FROM covered) AS has_before,
               date + %(length)s IN (SELECT date FROM covered) AS has_after FROM {fact}
         WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
           AND date IN (SELECT date FROM covered) AND (%(only)s IS NULL OR {entity}::text = ANY(%(only)s))
         GROUP BY {entity}, date
    ), moved AS (
        SELECT entity, day, {added} FROM (
            SELECT entity, day, {names}, {nothing} FROM daily WHERE has_before
             UNION ALL
            SELECT entity, day + %(length)s, {negated}, {nothing} FROM daily WHERE has_before
             UNION ALL
            SELECT entity, day + %(length)s, {nothing}, {names} FROM daily WHERE has_after
             UNION ALL
            SELECT entity, day + 2 * %(length)s, {nothing}, {negated} FROM daily WHERE has_after
        ) AS all_ways(entity, day, {names}, {before})
         GROUP BY entity, day
    ), summed AS (
        SELECT entity, day, {running} FROM moved
        WINDOW one AS (PARTITION BY entity ORDER BY day)
    ), judged AS (
        SELECT entity, day, CASE WHEN b.value > 0 AND {both_told} THEN round({now} / b.value - 1, 6) END AS value
          FROM summed s
         CROSS JOIN LATERAL (SELECT {value} AS value, {told} AS told FROM (SELECT {later}) one) n
         CROSS JOIN LATERAL (SELECT {value} AS value, {told} AS told FROM (SELECT {earlier}) one) b
    )
    SELECT entity::text, day, value FROM judged
     WHERE entity IN (SELECT entity FROM judged WHERE value > %(high)s OR value < %(low)s) ORDER BY entity, day
"""


def _changes(wanted: Set, scope: AccountMarketplace, held: Bounds, first: date, last: date) -> dict[str, list[_Span]]:
    item, snapshot = wanted.item, wanted.item.snapshot
    names = list(snapshot.sums)
    both = [*names, *(f"before_{name}" for name in names)]
    sql = _CHANGES.format(
        entity=snapshot.entity,
        fact=snapshot.fact._meta.db_table,
        sums=", ".join(f"coalesce({how}, 0) AS {name}" for name, how in snapshot.sums.items()),
        names=", ".join(names),
        before=", ".join(f"before_{name}" for name in names),
        nothing=", ".join("0" for _name in names),
        negated=", ".join(f"-{name}" for name in names),
        added=", ".join(f"sum({name}) AS {name}" for name in both),
        running=", ".join(f"sum({name}) OVER one AS {name}" for name in both),
        later=", ".join(f"s.{name}" for name in names),
        earlier=", ".join(f"s.before_{name} AS {name}" for name in names),
        **change_in_sql(item),
    )
    parameters = {**_places(wanted, scope, first, last), "low": held.low, "high": held.high}
    return _stories(sql, {**parameters, "dataset": snapshot.dataset})


def _places(wanted: Set, scope: AccountMarketplace, first: date, last: date) -> dict[str, Any]:
    """Parameters: whose facts of which days, and of which entities."""
    return {
        "account": scope.account_id,
        "marketplace": scope.marketplace_id,
        "first": first,
        "last": last,
        "length": wanted.item.snapshot.judged_days,
        "only": None if wanted.only is None else list(wanted.only),
    }


def _stories(sql: str, parameters: Mapping[str, Any]) -> dict[str, list[_Span]]:
    found: dict[str, list[_Span]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        for entity, day, value in cursor.fetchall():
            found.setdefault(entity, []).append(_Span(day, value))
    return found
