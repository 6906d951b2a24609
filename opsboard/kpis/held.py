"""Entities of one scope held against bounds that somebody else gives or against the period before, and the sums behind.

The rules of alerts ask here; what is held against the limits in force is kept as verdicts (opsboard.kpis.entities).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from opsboard.feeds.models import Coverage

from .decomposition import Factor, split
from .entities import EntityKpi, Pair
from .judge import ENOUGH_DAYS
from .models import EntityVerdict, SnapshotWindow, Verdict
from .snapshots import JUDGED, Snapshot, sql_type

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """An entity of which enough is known: its value, and whether that is beyond the bounds."""

    value: Decimal
    beyond: bool
    since: date | None = None


def judged_window(snapshot: Snapshot, pair: Pair) -> tuple[date, date] | None:
    """The days the entities of a scope are judged over; None while they are being summed or too many are missing."""
    account, marketplace = pair
    window = SnapshotWindow.objects.filter(
        account_id=account, marketplace_id=marketplace, snapshot=snapshot.key, period=JUDGED, stale=False
    ).first()
    if window is None or window.first is None or window.last is None:
        return None
    covered = Coverage.objects.filter(
        account=account, marketplace=marketplace, dataset=snapshot.dataset, date__range=(window.first, window.last)
    ).count()
    return (window.first, window.last) if covered >= ENOUGH_DAYS * snapshot.judged_days else None


# Leans on the primary key of the snapshot's table (account, marketplace, period, entity): the rows of one scope.
_SEEN = """
    SELECT {entity}::text, round({top}::numeric / {bottom}, 6), coalesce({beyond}, false) FROM {table}
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND period = %(period)s
       AND {told} AND ({beyond} OR {entity}::text = ANY(%(also)s))
       AND (%(only)s IS NULL OR {entity}::text = ANY(%(only)s))
"""


def beyond(
    item: EntityKpi,
    pair: Pair,
    low: Decimal | None,
    high: Decimal | None,
    *,
    only: Collection[str] | None = None,
    also: Collection[str] = (),
) -> dict[str, Seen]:
    """Those under `low` or over `high`, of `only` these, and those of `also` whatever their value."""
    sql = _SEEN.format(
        entity=item.snapshot.entity,
        top=item.numerator,
        bottom=item.denominator,
        table=item.snapshot.model._meta.db_table,
        told=item.told,
        beyond=test(item),
    )
    parameters: dict[str, Any] = {**millionths(low, high), "account": pair[0], "marketplace": pair[1], "period": JUDGED}
    parameters |= {"also": list(also), "only": None if only is None else list(only)}
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {entity: Seen(value, is_beyond) for entity, value, is_beyond in cursor.fetchall()}


def test(item: EntityKpi, *, or_on: bool = False) -> str:
    """SQL for "beyond the bounds" (with `or_on`: or on one), which are parameters (`millionths`), either missing."""
    top, bottom, on = f"{item.numerator} * {_MILLION}", item.denominator, "=" if or_on else ""
    return f"({top} >{on} %(high)s::bigint * {bottom} OR {top} <{on} %(low)s::bigint * {bottom})"


def millionths(low: Decimal | None, high: Decimal | None) -> dict[str, int | None]:
    """The bounds as parameters of `test`."""
    return {name: None if value is None else int(value * _MILLION) for name, value in (("low", low), ("high", high))}


def broken(item: EntityKpi, pair: Pair, *, only: Collection[str] | None, also: Collection[str]) -> dict[str, Seen]:
    """Those that break the limit in force, as they were judged, and those of `also` that are known to keep it."""
    # Leans on the primary key (account, marketplace, snapshot, kpi, entity).
    rows = EntityVerdict.objects.filter(
        account_id=pair[0], marketplace_id=pair[1], snapshot=item.snapshot.key, kpi=item.kpi
    )
    if only is not None:
        rows = rows.filter(entity__in=list(only))
    found: dict[str, Seen] = {}
    unknown = set()
    for row in rows:
        if row.status == Verdict.Status.BREACH and row.value is not None:
            found[row.entity] = Seen(row.value, True, row.since)
        elif row.status == Verdict.Status.UNKNOWN:
            unknown.add(row.entity)
    if rest := set(also) - found.keys() - unknown:
        found |= beyond(item, pair, None, None, only=only, also=rest)
    return found


def figures(item: EntityKpi, pair: Pair, wanted: Sequence[str]) -> Mapping[str, tuple[Any, ...]]:
    """The sums behind the figure, as the judged window has them, in the order of `item.shows`."""
    if not item.shows:
        return {}
    columns = ", ".join(shown.column for shown in item.shows)
    sql = (
        f"SELECT {item.snapshot.entity}::text, {columns} FROM {item.snapshot.model._meta.db_table} "
        "WHERE account_id = %s AND marketplace_id = %s AND period = %s "
        f"AND {item.snapshot.entity} = ANY(%s::{sql_type(item.snapshot.model, item.snapshot.entity)}[])"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*pair, JUDGED, list(wanted)])
        return {entity: tuple(values) for entity, *values in cursor.fetchall()}


# --- against the period before ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changed:
    """What a figure is, what it was, and by what share of that it changed (-1: nothing is left of it)."""

    now: Decimal
    before: Decimal
    change: Decimal
    beyond: bool
    #: What each of its factors (`EntityKpi.factors`) was and is.
    factors: Sequence[tuple[Decimal | None, Decimal | None]] = ()


def can_change(item: EntityKpi) -> bool:
    """Whether a figure has a period before; a state, such as stock, is of one day."""
    return not item.snapshot.newest_day


def compared_window(snapshot: Snapshot, pair: Pair) -> tuple[date, date] | None:
    """The days whose figures are compared with those of as many days before; None where too many days are missing."""
    window = judged_window(snapshot, pair)
    if window is None:
        return None
    first, last = window
    back = timedelta(days=snapshot.judged_days)
    covered = set(
        Coverage.objects.filter(
            account=pair[0], marketplace=pair[1], dataset=snapshot.dataset, date__range=(first - back, last)
        ).values_list("date", flat=True)
    )
    alike = sum(day - back in covered for day in covered if day >= first)
    return window if alike >= ENOUGH_DAYS * snapshot.judged_days else None


# What counts in both periods are days that are covered in both: a missing day is no change. The facts are read and not
# the window's sums, which has none of what is gone. Leans on the fact table's primary key (account, marketplace, date)
# and on coverage_once (account, marketplace, dataset, date).
_CHANGED = """
    WITH covered AS MATERIALIZED (
        SELECT date FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
           AND dataset = %(dataset)s AND date BETWEEN %(first)s::date - %(back)s AND %(last)s
    ), alike AS MATERIALIZED (
        SELECT date AS day FROM covered WHERE date >= %(first)s AND date - %(back)s IN (SELECT date FROM covered)
    ), now AS (
        SELECT {entity} AS entity, {value} AS value, {told} AS told{factors} FROM (
            SELECT {entity}, {sums} FROM {fact}
             WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
               AND date BETWEEN %(first)s AND %(last)s AND date IN (SELECT day FROM alike) AND {wanted}
             GROUP BY {entity}) s
    ), before AS (
        SELECT {entity} AS entity, {value} AS value, {told} AS told{factors} FROM (
            SELECT {entity}, {sums} FROM {fact}
             WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
               AND date BETWEEN %(first)s::date - %(back)s AND %(last)s::date - %(back)s
               AND date IN (SELECT day - %(back)s FROM alike) AND {wanted}
             GROUP BY {entity}) s
    ), changed AS (
        SELECT entity, {now} AS now, b.value AS before, {now} / b.value - 1 AS change{both_factors}
          FROM before b {join} JOIN now n USING (entity)
         WHERE b.value > 0 AND {both_told}
    ), tested AS (
        SELECT *, coalesce(change > %(high)s OR change < %(low)s, false) AS beyond FROM changed
    )
    SELECT entity::text, round(now, 6), round(before, 6), round(change, 6), beyond{told_factors} FROM tested
     WHERE beyond OR entity::text = ANY(%(also)s)
"""


def changed(
    item: EntityKpi,
    pair: Pair,
    window: tuple[date, date],
    low: Decimal | None,
    high: Decimal | None,
    *,
    only: Collection[str] | None = None,
    also: Collection[str] = (),
) -> dict[str, Changed]:
    """Those that changed over `window` by a share under `low` (-0.4: fell by 40 %) or over `high`, and those of `also`.

    Of `only` these. What nothing is left of is among them; what was nothing before is not: it has no share to grow by.
    """
    numbered = list(enumerate(item.factors))
    sql = _CHANGED.format(
        entity=item.snapshot.entity,
        fact=item.snapshot.fact._meta.db_table,
        sums=", ".join(f"{how} AS {name}" for name, how in item.snapshot.sums.items()),
        wanted=f"(%(only)s IS NULL OR {item.snapshot.entity}::text = ANY(%(only)s))",
        factors="".join(f", {_factor(one)} AS f{at}" for at, one in numbered),
        both_factors="".join(f", b.f{at} AS before{at}, n.f{at} AS now{at}" for at, _one in numbered),
        told_factors="".join(f", before{at}, now{at}" for at, _one in numbered),
        **change_in_sql(item),
    )
    parameters: dict[str, Any] = {
        "account": pair[0],
        "marketplace": pair[1],
        "dataset": item.snapshot.dataset,
        "first": window[0],
        "last": window[1],
        "back": item.snapshot.judged_days,
        "low": low,
        "high": high,
        "only": None if only is None else list(only),
        "also": list(also),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {
            entity: Changed(now, before, change, is_beyond, tuple(zip(rest[::2], rest[1::2], strict=True)))
            for entity, now, before, change, is_beyond, *rest in cursor.fetchall()
        }


def _factor(one: Factor) -> str:
    return f"({one.numerator})::numeric / nullif({one.denominator or 1}, 0)"


def driver(item: EntityKpi, one: Changed) -> tuple[Factor, Decimal] | None:
    """The factor most of a change came from, and by what share it changed itself; None where that cannot be known."""
    was = [before for before, _now in one.factors if before]
    if not was or len(was) < len(item.factors) or not one.change:
        return None
    now = [now for _before, now in one.factors if now]
    if len(now) < len(item.factors):  # the first of them that is gone took the rest with it
        gone = next(factor for factor, (_before, left) in zip(item.factors, one.factors, strict=True) if not left)
        return gone, Decimal(-1)
    moved = split(was, now, [factor.sign for factor in item.factors])
    at = max(range(len(moved)), key=lambda n: moved[n] if one.change > 0 else -moved[n])
    return item.factors[at], now[at] / was[at] - 1


def change_in_sql(item: EntityKpi) -> dict[str, str]:
    """Pieces of SQL for a change: of sums the `value` and whether it is `told`, and what two of them (n, b) say.

    A ratio needs enough in both periods. A sum needs it in one: what is gone has nothing now.
    """
    value = f"({item.numerator})::numeric / nullif({item.denominator}, 0)"
    told = f"coalesce({item.enough if item.is_sum else item.told}, false)"
    if item.is_sum:
        both_told = "(b.told OR coalesce(n.told, false))"
        return {"value": value, "told": told, "now": "coalesce(n.value, 0)", "join": "LEFT", "both_told": both_told}
    return {"value": value, "told": told, "now": "n.value", "join": "", "both_told": "n.told AND b.told"}
