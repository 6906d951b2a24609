"""Sums per product, campaign or term over the windows pages ask for, kept ready and rebuilt where facts moved.

A domain declares a `Snapshot`: a fact table, what it is about, and what is added up. Each window holds the period
and the one before it. Documents mark the windows they touch in the transaction that changes the facts; the judge
rebuilds those, and those whose days have moved on, before it judges. A window that is marked, or of other days than
asked for, is not used: the page sums the facts itself, so what is shown is never what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, models

from opsboard.accounts.models import Marketplace
from opsboard.feeds.followers import Moved
from opsboard.feeds.models import Coverage
from opsboard.ui.filters import PERIODS, Days, Period

from .judge import STALE_STATE_DAYS
from .models import SnapshotWindow
from .registry import Grain

if TYPE_CHECKING:
    from .registry import Label

#: The window verdicts are judged over: so many days, the newest of them mature.
JUDGED, JUDGED_DAYS = "judged", 30


@dataclass(frozen=True, slots=True)
class Naming:
    """What the entities of a snapshot are called, and where they are shown."""

    model: type[models.Model]  # rows of an account and marketplace with the entity and its name
    key: str  # "sku"
    name: str  # "name"
    page: str  # address of an entity's page: "inventory:sku"
    counted: Callable[[int], str]  # 3 -> "3 SKUs"
    by_name: bool = False  # people know it by its name; Amazon's id says nothing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Sums of a fact table per entity and window."""

    key: str  # "campaigns"
    label: Label
    grain: Grain
    dataset: str  # whose days make it stale
    fact: type[models.Model]
    model: type[models.Model]  # a WindowSums with the entity's column, and a column and a p_column for each sum
    entity: str  # the column both tables have
    sums: Mapping[str, str]  # {"spend_minor": "sum(spend_minor)"}
    #: Days until a figure of it is final: the judged window ends so many days before yesterday.
    mature_days: int
    naming: Naming
    #: A state, such as stock: its judged window is the newest day that is covered and not too old.
    newest_day: bool = False
    #: Sums that the period also has over the days that can be compared alone, in a c_column each. The p_columns are
    #: always over those: days that are covered in both periods, so that a missing day is no change.
    compared: tuple[str, ...] = ()
    #: What is told of the period alone: {"parent_asin": "max(parent_asin)"}.
    told: Mapping[str, str] = field(default_factory=dict)
    periods: tuple[str, ...] = (*PERIODS, JUDGED)

    @property
    def judged_days(self) -> int:
        return 1 if self.newest_day else JUDGED_DAYS

    def days(self, period: str, marketplace: Marketplace, newest: date | None = None) -> tuple[Days, Days]:
        """The days a window is about, and those before it; `newest`: the newest day that a state is known of."""
        if period == JUDGED and self.newest_day:
            day = newest or marketplace.today()
            return Days(day, day), Days(day, day).back(1)
        if period == JUDGED:
            last = marketplace.today() - timedelta(days=1 + self.mature_days)
            days = Days(last - timedelta(days=JUDGED_DAYS - 1), last)
            return days, days.back(JUDGED_DAYS)
        asked = Period(period)
        before = asked.compared(marketplace, "previous")
        assert before is not None
        return asked.days(marketplace), before


_snapshots: dict[str, Snapshot] = {}


def register_snapshots(*items: Snapshot) -> None:
    for item in items:
        if item.key in _snapshots and _snapshots[item.key] is not item:
            raise ValueError(f"two snapshots are called {item.key}")
        _snapshots[item.key] = item


def snapshots() -> Mapping[str, Snapshot]:
    return _snapshots


# A window that is not there yet is made here, so that two transactions meet at its row.
_MARK = """
    INSERT INTO kpis_snapshotwindow AS w (account_id, marketplace_id, snapshot, period, stale)
    SELECT %s, %s, wanted.snapshot, wanted.period, true FROM unnest(%s::text[], %s::text[]) AS wanted(snapshot, period)
        ON CONFLICT (account_id, marketplace_id, snapshot, period) DO UPDATE SET stale = true
     WHERE NOT w.stale AND %s <= w.last AND %s >= least(w.before_first, w.first)
"""


def follow(cursor: Any, moved: Moved) -> None:
    """Mark the windows that moved facts lie in; part of the transaction that moves them."""
    names = [
        (item.key, period) for item in snapshots().values() if item.dataset == moved.dataset for period in item.periods
    ]
    if names and moved.days:
        pair = [moved.account_id, moved.marketplace_id]
        cursor.execute(_MARK, [*pair, *map(list, zip(*names, strict=True)), min(moved.days), max(moved.days)])


def refresh(account_id: int, marketplace_id: int) -> list[str]:
    """Rebuild what is stale or of other days than today's; the names of what was rebuilt. Needs a transaction.

    A window's row is locked before facts are read: a document that comes meanwhile marks it again.
    """
    marketplace = Marketplace.objects.get(pk=marketplace_id)
    kept = SnapshotWindow.objects.select_for_update().filter(account_id=account_id, marketplace_id=marketplace_id)
    rebuilt = []
    for window in kept.order_by("snapshot", "period"):
        item = snapshots().get(window.snapshot)
        if item is None or window.period not in item.periods:
            continue
        newest = _newest(item, account_id, marketplace) if item.newest_day else None
        days, before = item.days(window.period, marketplace, newest)
        held = (window.first, window.last, window.before_first, window.before_last)
        if window.stale or held != (days.first, days.last, before.first, before.last):
            _build(item, account_id, marketplace_id, window.period, days, before)
            rebuilt.append(f"{item.key}:{window.period}")
    return rebuilt


def sql_type(model: type[models.Model], name: str) -> str:
    """The type of a column as a cast takes it: without how the column is filled or sorted."""
    return (model._meta.get_field(name).db_type(connection) or "text").split(" ")[0]


def _newest(item: Snapshot, account_id: int, marketplace: Marketplace) -> date | None:
    """The newest covered day of a state that is not too old to judge by."""
    today = marketplace.today()
    # Leans on coverage_once (account, marketplace, dataset, date), read backwards.
    days = Coverage.objects.filter(
        account=account_id,
        marketplace=marketplace,
        dataset=item.dataset,
        date__range=(today - timedelta(days=STALE_STATE_DAYS), today),
    )
    return days.order_by("-date").values_list("date", flat=True).first()


def mark_all(account_id: int, marketplace_id: int) -> None:
    """Have every window of a scope built anew (after a snapshot was declared)."""
    for item in snapshots().values():
        for period in item.periods:
            SnapshotWindow.objects.update_or_create(
                account_id=account_id,
                marketplace_id=marketplace_id,
                snapshot=item.key,
                period=period,
                defaults={"stale": True},
            )


# Each span is summed by itself, in one hash over a range of the fact table's primary key (account, marketplace, date).
# Leans on coverage_once (account, marketplace, dataset, date) for the days that can be compared.
_BUILD = """
    WITH covered AS (
        SELECT date FROM feeds_coverage
         WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND dataset = %(dataset)s
           AND date BETWEEN least(%(pfirst)s, %(first)s) AND %(last)s
    ), alike AS (
        SELECT c.date AS day, b.date AS day_before FROM covered c JOIN covered b ON b.date = c.date - %(shift)s
         WHERE c.date BETWEEN %(first)s AND %(last)s AND b.date BETWEEN %(pfirst)s AND %(plast)s
    ), now AS (
        SELECT {entity}, {sums} FROM {fact}
         WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
         GROUP BY {entity}
    ), before AS (
        SELECT {entity}, {sums_before} FROM {fact}
         WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(pfirst)s AND %(plast)s
           AND date IN (SELECT day_before FROM alike)
         GROUP BY {entity}
    ), gone AS (
        DELETE FROM {table} t WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
           AND period = %(period)s AND NOT EXISTS (SELECT 1 FROM now n WHERE n.{entity} = t.{entity})
    )
    INSERT INTO {table} AS t (account_id, marketplace_id, period, {entity}, {columns})
    SELECT %(account)s, %(marketplace)s, %(period)s, n.{entity}, {values}
      FROM now n LEFT JOIN before b ON b.{entity} = n.{entity}
        ON CONFLICT (account_id, marketplace_id, period, {entity}) DO UPDATE SET {assigned}
     WHERE ({stored}) IS DISTINCT FROM ({told})
"""


def _build(item: Snapshot, account_id: int, marketplace_id: int, period: str, days: Days, before: Days) -> None:
    compared = {
        f"c_{name}": f"{item.sums[name]} FILTER (WHERE date IN (SELECT day FROM alike))" for name in item.compared
    }
    now = {**item.told, **item.sums, **compared}
    names = [*now, *(f"p_{name}" for name in item.sums)]
    sql = _BUILD.format(
        entity=item.entity,
        fact=item.fact._meta.db_table,
        table=item.model._meta.db_table,
        sums=", ".join(f"{how} AS {name}" for name, how in now.items()),
        sums_before=", ".join(f"{how} AS {name}" for name, how in item.sums.items()),
        columns=", ".join(names),
        values=", ".join([*(f"n.{name}" for name in now), *(f"b.{name}" for name in item.sums)]),
        assigned=", ".join(f"{name} = EXCLUDED.{name}" for name in names),
        stored=", ".join(f"t.{name}" for name in names),
        told=", ".join(f"EXCLUDED.{name}" for name in names),
    )
    parameters: dict[str, Any] = {"account": account_id, "marketplace": marketplace_id, "period": period}
    parameters |= {"first": days.first, "last": days.last, "pfirst": before.first, "plast": before.last}
    parameters |= {"dataset": item.dataset, "shift": (days.first - before.first).days}
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    SnapshotWindow.objects.filter(
        account_id=account_id, marketplace_id=marketplace_id, snapshot=item.key, period=period
    ).update(first=days.first, last=days.last, before_first=before.first, before_last=before.last, stale=False)


def holds(key: str, period: str, params: Mapping[str, Any]) -> bool:
    """Whether a window holds exactly the days of ui.pages.span_params, as the facts stand."""
    spans: dict[str, date] = {
        "first": params["first"],
        "last": params["last"],
        "before_first": params["pfirst"],
        "before_last": params["plast"],
    }
    return SnapshotWindow.objects.filter(
        account_id=params["account"],
        marketplace_id=params["marketplace"],
        snapshot=key,
        period=period,
        stale=False,
        **spans,
    ).exists()
