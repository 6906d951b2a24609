"""Judge products, campaigns and terms set by set: one statement over the scopes that moved, only changes written.

A KPI of an account is held against the same limit entity by entity. Millions of rows are compared in whole numbers:
limits have six decimals, so in millionths they are exact, and `numerator > limit * denominator` divides nothing.
What keeps its limit has no row: rows are those that warn or breach, and those that did and of which too little is
known now, so that silence never reads as recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count

from opsboard.accounts.models import Marketplace

from .decomposition import Factor
from .judge import ENOUGH_DAYS
from .limits import LimitInForce, in_force
from .models import EntityVerdict, SnapshotWindow, ThresholdOverride, Verdict
from .registry import Unit, kpis
from .snapshots import JUDGED, Snapshot, snapshots, sql_type

if TYPE_CHECKING:
    from .registry import Label

_MILLION = 1_000_000
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """A sum of the snapshot that people see beside the figure it is part of."""

    column: str
    label: Label
    unit: Unit


@dataclass(frozen=True, slots=True)
class Starter:
    """The alert rule about it that every organisation starts with: its name and what it tells of."""

    name: str
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EntityKpi:
    """A KPI of each entity of a snapshot; SQL over the snapshot's columns, whole numbers.

    A ratio is held against its limit in force. A sum (`denominator` "1") is not: the limit on the sales of an account
    is about all its products together. Rules hold both against values of their own and against the period before.
    """

    kpi: str
    snapshot: Snapshot
    numerator: str  # "spend_minor"
    denominator: str  # "sales_minor"
    #: Fewer says nothing: "clicks >= 20". A sum always says something; less than this it changes all the time.
    enough: str
    shows: tuple[Shown, ...] = ()
    starter: Starter | None = None
    #: The figure as a product; its factors are of the snapshot's columns.
    factors: tuple[Factor, ...] = ()

    @property
    def told(self) -> str:
        """SQL for whether a row says anything."""
        return f"{self.numerator} IS NOT NULL" if self.is_sum else f"({self.enough}) AND {self.denominator} > 0"

    @property
    def is_sum(self) -> bool:
        return self.denominator == "1"


@dataclass(frozen=True, slots=True)
class EntityChange:
    """An entity whose status is not what it was; before "" it kept its limit or nothing was known of it."""

    account_id: int
    marketplace_id: int
    kpi: str
    entity: str
    before: str
    status: str  # "breach", "warn", "unknown" or "ok"
    value: Decimal | None


_kpis: list[EntityKpi] = []


def register_entity_kpis(*items: EntityKpi) -> None:
    for item in items:
        if item not in _kpis:
            _kpis.append(item)


def entity_kpis() -> Sequence[EntityKpi]:
    return _kpis


def limited() -> list[EntityKpi]:
    """Those that are held against the limit in force."""
    return [item for item in _kpis if not item.is_sum]


def entity_kpi(snapshot: str, kpi: str) -> EntityKpi | None:
    """How a KPI is held against its limit by the entities of a snapshot; None where it is not."""
    return next((item for item in _kpis if item.snapshot.key == snapshot and item.kpi == kpi and kpi in kpis()), None)


def judge(pairs: Iterable[Pair]) -> list[EntityChange]:
    """Judge every entity of these scopes over its judged window, as the snapshots stand. Needs a transaction."""
    scopes = sorted(set(pairs))
    changes: list[EntityChange] = []
    for snapshot in snapshots().values():
        items = [item for item in limited() if item.snapshot is snapshot and item.kpi in kpis()]
        if items and scopes:
            changes += judge_snapshot(snapshot, items, limits(snapshot, items, scopes))
    return changes


# Scope by scope, in one statement: the rows of a scope are read once, by a range of the snapshot's primary key
# (account, marketplace, period, entity), with all the limits as constants of that range; only what breaks or warns is
# taken apart by KPI. OFFSET 0 keeps it so: joined instead, each of millions of rows would carry the limits along.
_FIND = """
    CREATE TEMPORARY TABLE kpis_entityfound ON COMMIT DROP AS
    SELECT s.account_id, s.marketplace_id, v.kpi, s.{entity}::text AS entity, v.status, v.value, v.low, v.high,
           held.last
      FROM unnest({arrays}) AS held(account_id, marketplace_id, last, whole, {names})
     CROSS JOIN LATERAL (
           SELECT * FROM {table} s WHERE s.account_id = held.account_id AND s.marketplace_id = held.marketplace_id
              AND s.period = '{period}' AND ({any}) OFFSET 0) s
     CROSS JOIN LATERAL (VALUES {verdicts}) AS v(kpi, status, value, low, high)
     WHERE held.whole AND v.status IS NOT NULL
"""
_JUDGE = """
    WITH held AS MATERIALIZED (
        SELECT * FROM unnest(%(account)s::int[], %(marketplace)s::int[], %(whole)s::bool[])
            AS held(account_id, marketplace_id, whole)
    ), over AS MATERIALIZED (
        SELECT e.account_id, e.marketplace_id, e.kpi, e.entity, held.whole
          FROM kpis_entityverdict e JOIN held USING (account_id, marketplace_id)
         WHERE e.snapshot = %(snapshot)s
           AND NOT EXISTS (SELECT 1 FROM kpis_entityfound f WHERE f.account_id = e.account_id
                   AND f.marketplace_id = e.marketplace_id AND f.kpi = e.kpi AND f.entity = e.entity)
    ), unsure AS (
        SELECT e.account_id, e.marketplace_id, e.kpi, e.entity
          FROM over e
          LEFT JOIN {table} s ON s.account_id = e.account_id AND s.marketplace_id = e.marketplace_id
               AND s.period = '{period}' AND s.{entity} = e.entity::{type}
         WHERE NOT coalesce(e.whole AND CASE e.kpi {enough} END, false)
    ), gone AS (
        DELETE FROM kpis_entityverdict e USING over o
         WHERE e.account_id = o.account_id AND e.marketplace_id = o.marketplace_id
           AND e.snapshot = %(snapshot)s AND e.kpi = o.kpi AND e.entity = o.entity
           AND NOT EXISTS (SELECT 1 FROM unsure u WHERE u.account_id = e.account_id
                   AND u.marketplace_id = e.marketplace_id AND u.kpi = e.kpi AND u.entity = e.entity)
        RETURNING e.account_id, e.marketplace_id, e.kpi, e.entity, 'ok' AS status, NULL::numeric AS value
    ), doubted AS (
        UPDATE kpis_entityverdict e SET status = 'unknown', value = NULL, since = NULL FROM unsure u
         WHERE e.account_id = u.account_id AND e.marketplace_id = u.marketplace_id AND e.snapshot = %(snapshot)s
           AND e.kpi = u.kpi AND e.entity = u.entity AND e.status <> 'unknown'
        RETURNING e.account_id, e.marketplace_id, e.kpi, e.entity, e.status, e.value
    ), written AS (
        INSERT INTO kpis_entityverdict AS e
               (account_id, marketplace_id, snapshot, kpi, entity, status, value, low, high, since, last)
        SELECT f.account_id, f.marketplace_id, %(snapshot)s, f.kpi, f.entity, f.status, f.value, f.low, f.high,
               f.last, f.last
          FROM kpis_entityfound f LEFT JOIN kpis_entityverdict old
            ON old.account_id = f.account_id AND old.marketplace_id = f.marketplace_id
           AND old.snapshot = %(snapshot)s AND old.kpi = f.kpi AND old.entity = f.entity
         WHERE (old.status, old.value, old.low, old.high) IS DISTINCT FROM (f.status, f.value, f.low, f.high)
            ON CONFLICT (account_id, marketplace_id, snapshot, kpi, entity) DO UPDATE
           SET status = EXCLUDED.status, value = EXCLUDED.value, low = EXCLUDED.low, high = EXCLUDED.high,
               since = CASE WHEN e.status = EXCLUDED.status THEN e.since ELSE EXCLUDED.since END,
               last = EXCLUDED.last
         WHERE (e.status, e.value, e.low, e.high) IS DISTINCT FROM
               (EXCLUDED.status, EXCLUDED.value, EXCLUDED.low, EXCLUDED.high)
        RETURNING e.account_id, e.marketplace_id, e.kpi, e.entity, e.status, e.value
    ), changed AS (
        SELECT * FROM written UNION ALL SELECT * FROM gone UNION ALL SELECT * FROM doubted
    )
    SELECT c.account_id, c.marketplace_id, c.kpi, c.entity, coalesce(old.status, ''), c.status, c.value
      FROM changed c LEFT JOIN kpis_entityverdict old
        ON old.account_id = c.account_id AND old.marketplace_id = c.marketplace_id
       AND old.snapshot = %(snapshot)s AND old.kpi = c.kpi AND old.entity = c.entity
     WHERE old.status IS DISTINCT FROM c.status
     ORDER BY c.account_id, c.marketplace_id, c.kpi, c.entity
"""
#: Of each KPI: the limits, the warnings, and the nearer of both on each side.
_ENDS = ("low", "high", "warn_low", "warn_high", "near_low", "near_high")


def judge_snapshot(snapshot: Snapshot, items: Sequence[EntityKpi], held: Mapping[str, Any]) -> list[EntityChange]:
    """Judge the entities of one snapshot in the scopes of `held`, as `limits` makes it."""
    find, judge_ = statements(snapshot, items, held)
    parameters = {**held, "snapshot": snapshot.key}
    with connection.cursor() as cursor:
        cursor.execute(find, parameters)
        cursor.execute(judge_, parameters)
        changes = [EntityChange(*row) for row in cursor.fetchall()]
        cursor.execute("DROP TABLE kpis_entityfound")
    return changes


def statements(snapshot: Snapshot, items: Sequence[EntityKpi], held: Mapping[str, Any]) -> tuple[str, str]:
    """SQL that finds what breaks or warns, and SQL that writes what changed. A side nobody limits costs nothing."""
    sides = [
        [side for side in ("high", "low") if any(end is not None for end in held[f"near_{side}_{at}"])]
        for at in range(len(items))
    ]
    names = [f"{end}_{at}" for at in range(len(items)) for end in _ENDS]
    arrays = ["%(account)s::int[]", "%(marketplace)s::int[]", "%(last)s::date[]", "%(whole)s::bool[]"]
    arrays += [f"%({name})s::bigint[]" for name in names]
    words = {"entity": snapshot.entity, "table": snapshot.model._meta.db_table, "period": JUDGED}
    find = _FIND.format(
        **words,
        arrays=", ".join(arrays),
        names=", ".join(names),
        verdicts=", ".join(_verdict(at, item) for at, item in enumerate(items)),
        any=" OR ".join(_near(at, item, sides[at]) for at, item in enumerate(items) if sides[at]) or "false",
    )
    enough = " ".join(f"WHEN '{item.kpi}' THEN {item.told}" for item in items)
    return find, _JUDGE.format(**words, type=sql_type(snapshot.model, snapshot.entity), enough=enough)


def _near(at: int, item: EntityKpi, sides: Sequence[str]) -> str:
    """SQL for "at its limit or warning, or beyond": what has to be looked at more closely.

    What hardly any row passes is asked first: of the others nothing else is.
    """
    beyond = {"high": ">=", "low": "<="}
    tests = (f"{item.numerator} * {_MILLION} {beyond[side]} near_{side}_{at} * {item.denominator}" for side in sides)
    return f"(({' OR '.join(tests)}) AND {item.told})"


def _verdict(at: int, item: EntityKpi) -> str:
    """SQL for (kpi, status, value, low, high) of a row; no status where the limit is kept."""
    top, bottom = f"{item.numerator} * {_MILLION}", item.denominator
    over, under = (">=", "<=") if kpis()[item.kpi].strict else (">", "<")
    broken = f"{top} {over} high_{at} * {bottom} OR {top} {under} low_{at} * {bottom}"
    near = f"{top} > warn_high_{at} * {bottom} OR {top} < warn_low_{at} * {bottom}"
    status = f"CASE WHEN {item.told} THEN CASE WHEN {broken} THEN 'breach' WHEN {near} THEN 'warn' END END"
    value = f"round({item.numerator}::numeric / nullif({bottom}, 0), 6)"
    ends = f"low_{at} / {_MILLION}::numeric, high_{at} / {_MILLION}::numeric"
    return f"('{item.kpi}', {status}, {value}, {ends})"


def limits(snapshot: Snapshot, items: Sequence[EntityKpi], scopes: Sequence[Pair]) -> dict[str, Any]:
    """The limits in force in each scope in millionths, column by column; a limit that only warns breaks nothing."""
    marketplaces = Marketplace.objects.in_bulk({marketplace for _account, marketplace in scopes})
    overrides: dict[int, list[ThresholdOverride]] = {}
    for override in ThresholdOverride.objects.filter(
        account_id__in={account for account, _m in scopes}, kpi__in=[item.kpi for item in items]
    ):
        overrides.setdefault(override.account_id, []).append(override)
    windows = {
        (window.account_id, window.marketplace_id): window
        for window in SnapshotWindow.objects.filter(
            account_id__in={account for account, _m in scopes}, snapshot=snapshot.key, period=JUDGED, stale=False
        )
    }
    covered = _covered(snapshot, scopes)
    columns: dict[str, list[Any]] = {"account": [], "marketplace": [], "last": [], "whole": []}
    columns |= {f"{end}_{at}": [] for at in range(len(items)) for end in _ENDS}
    for pair in scopes:
        window = windows.get(pair)
        columns["account"].append(pair[0])
        columns["marketplace"].append(pair[1])
        columns["last"].append(window.last if window else None)
        columns["whole"].append(window is not None and covered.get(pair, 0) >= ENOUGH_DAYS * snapshot.judged_days)
        market = marketplaces[pair[1]]
        for at, item in enumerate(items):
            limit = in_force(kpis()[item.kpi], market, market.today(), overrides.get(pair[0], ()))
            for end, value in _in_millionths(limit).items():
                columns[f"{end}_{at}"].append(value)
    return columns


def _in_millionths(limit: LimitInForce | None) -> dict[str, int | None]:
    """The ends of a limit; one that only warns breaks nothing."""
    if limit is None:
        return dict.fromkeys(_ENDS)
    low, high, warn_low, warn_high = (
        None if value is None else int(value * _MILLION)
        for value in (limit.low, limit.high, limit.warn_low, limit.warn_high)
    )
    near_low = max((value for value in (low, warn_low) if value is not None), default=None)
    near_high = min((value for value in (high, warn_high) if value is not None), default=None)
    if not limit.mails:
        low, high, warn_low, warn_high = None, None, near_low, near_high
    return dict(zip(_ENDS, (low, high, warn_low, warn_high, near_low, near_high), strict=True))


# Leans on coverage_once (account, marketplace, dataset, date).
_COVERED = """
    SELECT w.account_id, w.marketplace_id, count(c.date)
      FROM unnest(%s::int[], %s::int[]) AS pair(account_id, marketplace_id)
      JOIN kpis_snapshotwindow w USING (account_id, marketplace_id)
      JOIN feeds_coverage c ON c.account_id = w.account_id AND c.marketplace_id = w.marketplace_id
           AND c.dataset = %s AND c.date BETWEEN w.first AND w.last
     WHERE w.snapshot = %s AND w.period = %s
     GROUP BY w.account_id, w.marketplace_id
"""


def _covered(snapshot: Snapshot, scopes: Sequence[Pair]) -> dict[Pair, int]:
    """How many days of the judged window a document covers, by scope."""
    with connection.cursor() as cursor:
        accounts, markets = map(list, zip(*scopes, strict=True))
        cursor.execute(_COVERED, [accounts, markets, snapshot.dataset, snapshot.key, JUDGED])
        return {(account, marketplace): days for account, marketplace, days in cursor.fetchall()}


def standing(account_id: int, marketplace_id: int, snapshot: str) -> dict[tuple[str, str], Verdict.Status]:
    """Status by (KPI, entity) of those that do not simply keep their limit."""
    found = EntityVerdict.objects.filter(account_id=account_id, marketplace_id=marketplace_id, snapshot=snapshot)
    return {(item.kpi, item.entity): Verdict.Status(item.status) for item in found}


def counted(account_id: int, marketplace_id: int) -> dict[tuple[str, str], dict[str, int]]:
    """How many entities warn, breach or are unknown, by (KPI, snapshot)."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    kept = EntityVerdict.objects.filter(account_id=account_id, marketplace_id=marketplace_id)
    # Leans on the primary key (account, marketplace, ...): a scope's rows are few, most entities have none.
    for row in kept.values("kpi", "snapshot", "status").annotate(n=Count("*")):
        found.setdefault((row["kpi"], row["snapshot"]), {})[row["status"]] = row["n"]
    return found
