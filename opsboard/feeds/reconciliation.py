"""What two reports of Amazon's say of the same thing, held against each other: one declaration a check.

Domains declare `Check`s in their `reconciliation.py`; `autodiscover()` imports those. A check yields rows
(a day, or a group such as a settlement) with what either side says. A row of which one side is missing or
may still move is not compared: nothing is ever taken for zero that no document covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = _StrPromise | str


class Excuse(StrEnum):
    """The way in which the first side may differ from the second for the known reason."""

    NONE = ""
    LESS = "less"  # the first side may say less


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing both sides say: SQL aggregates over either side's fact table, money in minor units.

    `rounded`: either report rounds every row, so half a minor unit a row is no difference.
    """

    label: Label
    left: str
    right: str
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what people call it, the dataset whose coverage says whether a day is there, its facts."""

    label: Label
    dataset: str
    model: type[models.Model]


@dataclass(frozen=True, slots=True)
class Check:
    """Two sides that should say the same, in money, in a count, or in both.

    `rows_sql` yields key (text), date, state ("compared", "missing", "provisional"), money_left, money_right,
    money_slack, count_left, count_right, count_slack. It is about %(account)s and %(marketplace)s, for
    %(first)s..%(last)s (both included) where %(final_KEY)s is the last day both sides no longer restate.
    """

    key: str
    label: Label
    left: Side
    right: Side
    money: Figure | None = None
    count: Figure | None = None
    excuse: Excuse = Excuse.NONE
    #: Why a difference on the excused side is none, in words for people.
    reason: Label = ""
    #: What a row is, where it is not a day: how its column is headed.
    unit: Label = ""
    #: Rows that are not days bring their own SQL.
    sql: str = ""

    @property
    def rows_sql(self) -> str:
        return self.sql or _by_day(self)

    @property
    def datasets(self) -> tuple[str, str]:
        return (self.left.dataset, self.right.dataset)


# Leans on coverage_once (account, marketplace, dataset, date) and on the primary keys of the fact tables
# (account, marketplace, date, ...): one range of each.
_DAYS = """
    SELECT d.date::text AS key, d.date,
           CASE WHEN cl.date IS NULL OR cr.date IS NULL THEN 'missing'
                WHEN d.date > %(final_{key})s THEN 'provisional' ELSE 'compared' END AS state,
           {columns}
      FROM (SELECT generate_series(%(first)s::date, %(last)s::date, interval '1 day')::date AS date) d
      LEFT JOIN feeds_coverage cl ON cl.account_id = %(account)s AND cl.marketplace_id = %(marketplace)s
            AND cl.dataset = '{left.dataset}' AND cl.date = d.date
      LEFT JOIN feeds_coverage cr ON cr.account_id = %(account)s AND cr.marketplace_id = %(marketplace)s
            AND cr.dataset = '{right.dataset}' AND cr.date = d.date
      LEFT JOIN (SELECT date, {left_sums} FROM {left_table}
                  WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
                    AND date BETWEEN %(first)s AND %(last)s GROUP BY date) l ON l.date = d.date
      LEFT JOIN (SELECT date, {right_sums} FROM {right_table}
                  WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
                    AND date BETWEEN %(first)s AND %(last)s GROUP BY date) r ON r.date = d.date
"""


def _by_day(check: Check) -> str:
    columns, sums = [], {"left": ["count(*) AS rows"], "right": ["count(*) AS rows"]}
    for name, figure in (("money", check.money), ("count", check.count)):
        if figure is None:
            columns += [f"NULL::numeric AS {name}_left", f"NULL::numeric AS {name}_right", f"0 AS {name}_slack"]
            continue
        sums["left"].append(f"{figure.left} AS {name}")
        sums["right"].append(f"{figure.right} AS {name}")
        # A covered day without rows says zero; one that nobody covers says nothing.
        columns += [
            f"CASE WHEN cl.date IS NOT NULL THEN coalesce(l.{name}, 0)::numeric END AS {name}_left",
            f"CASE WHEN cr.date IS NOT NULL THEN coalesce(r.{name}, 0)::numeric END AS {name}_right",
            (f"(coalesce(l.rows, 0) + coalesce(r.rows, 0)) / 2.0 AS {name}_slack")
            if figure.rounded
            else f"0 AS {name}_slack",
        ]
    return _DAYS.format(
        key=check.key,
        columns=", ".join(columns),
        left=check.left,
        right=check.right,
        left_sums=", ".join(sums["left"]),
        right_sums=", ".join(sums["right"]),
        left_table=check.left.model._meta.db_table,
        right_table=check.right.model._meta.db_table,
    )


def judged_sql(check: Check) -> str:
    """The check's rows with, for money and count each, `*_diff` (first less second; None where not compared) and
    `*_fault` (the part that neither rounding nor the known reason explains); `worst`, the larger fault as a
    fraction of the second side (-1 where not compared); and `verdict`: missing, provisional, agrees, explained, off.
    """
    parts, shares = [], []
    for name in ("money", "count"):
        diff = f"({name}_left - {name}_right)"
        excused = f"OR {diff} < 0" if check.excuse is Excuse.LESS else ""
        fault = f"CASE WHEN abs{diff} <= {name}_slack {excused} THEN 0 ELSE {diff} END"
        parts += [
            f"CASE WHEN state = 'compared' THEN {diff} END AS {name}_diff",
            f"CASE WHEN state = 'compared' THEN {fault} END AS {name}_fault",
        ]
        # Where the second side says zero, whatever the first says is wholly off.
        shares.append(
            f"CASE WHEN {name}_fault <> 0 THEN coalesce(abs({name}_fault) / nullif(abs({name}_right), 0), 1) ELSE 0 END"
        )
    return f"""
        SELECT j.*, CASE WHEN state <> 'compared' THEN -1 ELSE greatest({", ".join(shares)}) END AS worst,
               CASE WHEN state <> 'compared' THEN state
                    WHEN coalesce(money_fault, 0) <> 0 OR coalesce(count_fault, 0) <> 0 THEN 'off'
                    WHEN abs(coalesce(money_diff, 0)) > money_slack OR coalesce(count_diff, 0) <> 0 THEN 'explained'
                    ELSE 'agrees' END AS verdict
          FROM (SELECT r.*, {", ".join(parts)} FROM ({check.rows_sql}) r) j
    """


_checks: dict[str, Check] = {}


def register(*checks: Check) -> None:
    for check in checks:
        if check.key in _checks and _checks[check.key] is not check:
            raise ValueError(f"two reconciliations are called {check.key}")
        _checks[check.key] = check


def checks() -> Mapping[str, Check]:
    return _checks


def autodiscover() -> None:
    autodiscover_modules("reconciliation")
