"""What a week was, as plain data: KPIs held against limits and the week before, movers, alerts, gaps, restatements.

Nothing here writes, and nothing here is language: keys, codes, ISO dates, exact figures as text. What was built once is
kept as it is (opsboard.summaries.models.Summary); `changes` tells later how the same week reads now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from opsboard.accounts.models import AccountMarketplace, Organisation
from opsboard.feeds import coverage, freshness, registry
from opsboard.kpis import cards, movers, vintages, worth
from opsboard.kpis.daily import measures_by_day
from opsboard.kpis.judge import last_final_day
from opsboard.kpis.models import Verdict
from opsboard.kpis.registry import Kpi, Window, kpis, measures
from opsboard.ui.filters import Days

from . import journal
from .slots import Week

Row = Mapping[str, Any]
WEEK = timedelta(days=7)


def scopes_of(organisation: Organisation | int) -> list[AccountMarketplace]:
    """What an organisation sells in, in the order in which it is told."""
    found = AccountMarketplace.objects.filter(active=True, account__active=True, account__organisation=organisation)
    return list(
        found.select_related("account__organisation", "marketplace").order_by(
            "account__name", "account_id", "marketplace__code"
        )
    )


def weekly(
    scopes: Sequence[AccountMarketplace],
    week: Week,
    since: datetime,
    at: datetime,
    last: Mapping[str, Any] | None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """The week as known now (`at`), and what happened after `since`; `last` is what was told the time before.

    `until` is given for a week long gone: alerts end there, and today's verdicts are not held against it.
    """
    told = {section["scope"]: section for section in (last or {}).get("sections", ())}
    told_week = Week.parse((last or {}).get("period", "")) or week.step(-1)
    return {
        "kind": "weekly",
        "period": str(week),
        "first": week.days.first.isoformat(),
        "last": week.days.last.isoformat(),
        "since": since.isoformat(),
        "made_at": at.isoformat(),
        "restated_week": str(told_week),
        "restated_since": (last or {}).get("made_at", since.isoformat()),
        "sections": [_section(scope, week, since, at, told_week, told.get(scope.pk), until) for scope in scopes],
    }


def _section(
    scope: AccountMarketplace,
    week: Week,
    since: datetime,
    at: datetime,
    told_week: Week,
    told: Mapping[str, Any] | None,
    until: datetime | None,
) -> dict[str, Any]:
    today = scope.marketplace.day_of(at)
    table = known_now(scope, min(week, told_week).step(-1).days.first, max(week, told_week).days.last)
    before = told["kpis"] if told else _as_told(scope, told_week, since)
    return {
        "scope": scope.pk,
        "account_id": scope.account_id,
        "marketplace_id": scope.marketplace_id,
        "account": scope.account.name,
        "marketplace": scope.marketplace.code,
        "not_over": [day.isoformat() for day in week.days if day >= today],
        "kpis": kpi_rows(scope, week, table, today, judged=until is None),
        "movers": moved(scope, week),
        "alerts": journal.alerts(scope, since, until or at),
        "gaps": gaps(scope, week),
        "restated": differences(before, told_week, table),
    }


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of measures by day: the figures of a scope, as known now or then."""

    rows: Sequence[Row]

    def days(self, kpi: Kpi, span: Days) -> list[date]:
        """The days of the span on which all of the KPI's measures are there."""
        inside = (row for row in self.rows if span.first <= row["date"] <= span.last)
        return [row["date"] for row in inside if all(row.get(name) is not None for name in kpi.parts)]

    def on(self, days: Collection[date]) -> Held:
        """The same on these days only."""
        return Held([row for row in self.rows if row["date"] in days])

    def over(self, kpi: Kpi, span: Days) -> Decimal | None:
        """The figure as the pages show it."""
        return worth.value_over(kpi.key, self.rows, span)


def known_now(scope: AccountMarketplace, first: date, last: date) -> Held:
    """The figures of these days as known now, with the days before them that averages look back to."""
    return Held(measures_by_day(scope, _measures(), (_reach(first), last)))


def known_at(scope: AccountMarketplace, first: date, last: date, at: datetime) -> Held:
    """The same as it was known at an instant."""
    names = _measures()
    known = vintages.as_known_at(scope.account_id, scope.marketplace, names, _reach(first), last, at)
    days = sorted({day for by_day in known.values() for day in by_day})
    return Held([{"date": day, **{name: known.get(name, {}).get(day) for name in names}} for day in days])


def _measures() -> list[str]:
    return sorted({name for kpi in kpis().values() for name in kpi.parts})


def _reach(first: date) -> date:
    averaged = [kpi.days for kpi in kpis().values() if kpi.window is Window.AVERAGE_DENOMINATOR]
    return first - timedelta(days=max(averaged, default=0))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


# --- KPIs -------------------------------------------------------------------------------------


def kpi_rows(
    scope: AccountMarketplace, week: Week, table: Held, today: date, *, judged: bool = True
) -> list[dict[str, Any]]:
    """Every KPI that has a figure in the week, or a limit that is broken: its week, the week before, its verdict."""
    verdicts = cards.verdicts([scope]) if judged else {}
    rows = []
    for kpi in kpis().values():
        verdict = verdicts.get((scope.account_id, scope.marketplace_id, kpi.key))
        row = _kpi_row(kpi, scope, week.days, table, today)
        broken = verdict is not None and verdict.status in {Verdict.Status.BREACH, Verdict.Status.WARN}
        if row["now"] is not None or row["before"] is not None or broken:
            rows.append({**row, **(_verdict(verdict) if verdict else {"status": "unknown"})})
    return rows


def _kpi_row(kpi: Kpi, scope: AccountMarketplace, days: Days, table: Held, today: date) -> dict[str, Any]:
    """The KPI over the days there are, and over those weekdays that both weeks have."""
    there, earlier = table.days(kpi, days), set(table.days(kpi, days.back(7)))
    like, before = worth.compared_over(kpi.key, table.rows, days, days.back(7))
    sums = kpi.window is Window.SUM
    final = last_final_day(kpi, (scope.account_id, scope.marketplace_id), today)
    missing = [day.isoformat() for day in days if day not in there] if sums else []
    moving = [day for day in there if day > final] if sums else []
    matched = sum(day - WEEK in earlier for day in there)
    return {
        "key": kpi.key,
        "now": _text(table.over(kpi, days)),
        "before": _text(before),
        #: The week's figure over the matched days alone: what `before` is compared with.
        "like": _text(like),
        "matched": matched,
        "days": len(there),
        "missing": missing,
        "provisional": moving[0].isoformat() if moving else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "status": verdict.status,
        "judged": _text(verdict.value),
        "low": _text(verdict.low),
        "high": _text(verdict.high),
        "warn_low": _text(verdict.warn_low),
        "warn_high": _text(verdict.warn_high),
        "limit_source": verdict.limit_source,
        "reason": verdict.reason,
        "judged_first": verdict.first.isoformat() if verdict.first else None,
        "judged_last": verdict.last.isoformat() if verdict.last else None,
        "breached_since": verdict.breached_since.isoformat() if verdict.breached_since else None,
    }


# --- restatements -----------------------------------------------------------------------------


def _as_told(scope: AccountMarketplace, week: Week, at: datetime) -> list[dict[str, Any]]:
    """The week as a summary of that instant would have had it, where none was made."""
    table = known_at(scope, week.step(-1).days.first, week.days.last, at)
    return [_kpi_row(kpi, scope, week.days, table, scope.marketplace.day_of(at)) for kpi in kpis().values()]


def differences(told: Sequence[Mapping[str, Any]], week: Week, table: Held) -> list[dict[str, Any]]:
    """The figures of a week that are another than they were told: was, now, over how many days each."""
    found = []
    for row in told:
        kpi = kpis().get(row["key"])
        if kpi is None or row["now"] is None:
            continue
        now = _text(table.over(kpi, week.days))
        if now is None or Decimal(now) != Decimal(row["now"]):
            days = len(table.days(kpi, week.days))
            found.append({"key": kpi.key, "was": row["now"], "was_days": row["days"], "now": now, "now_days": days})
    return found


def changes(content: Mapping[str, Any], scopes: Sequence[AccountMarketplace]) -> dict[int, list[dict[str, Any]]]:
    """How a frozen week reads now where it reads otherwise, by scope: the addendum."""
    week, by_pk = Week.parse(content.get("period", "")), {scope.pk: scope for scope in scopes}
    found = {}
    for section in content.get("sections", ()) if week else ():
        scope = by_pk.get(section["scope"])
        if scope is not None and week is not None:
            table = known_now(scope, week.step(-1).days.first, week.days.last)
            found[scope.pk] = differences(section["kpis"], week, table)
    return found


# --- movers and gaps --------------------------------------------------------------------------


def moved(scope: AccountMarketplace, week: Week) -> list[dict[str, Any]]:
    """What moved each declared figure, over the weekdays that both weeks have."""
    found = []
    for declared in movers.movers().values():
        there = freshness.covered_days(scope, declared.dataset, week.step(-1).days.first, week.days.last)
        days = [day for day in week.days if day in there and day - WEEK in there]
        if not days:
            continue
        whole = declared.find(scope.account_id, scope.marketplace_id, days, [day - WEEK for day in days], movers.MOST)
        if whole.movers:
            found.append(_moved(scope, declared, whole, days))
    return found


def _moved(
    scope: AccountMarketplace, declared: movers.Movers, whole: movers.Moved, days: Sequence[date]
) -> dict[str, Any]:
    keys = [one.key for one in whole.movers]
    seen = [
        (witness.key, witness.find(scope.account_id, scope.marketplace_id, days, keys))
        for witness in movers.witnesses().values()
        if witness.about == declared.about
    ]
    return {
        "key": declared.key,
        "now": _text(whole.now),
        "before": _text(whole.before),
        "change": _text(whole.change),
        "others": whole.others,
        "others_change": _text(whole.others_change),
        "days": len(days),
        "items": [
            {
                "key": one.key,
                "label": one.label,
                "now": _text(one.now),
                "before": _text(one.before),
                "change": _text(one.change),
                "parts": [[code, _text(value)] for code, value in one.parts],
                "clues": [
                    *(_clue("", clue) for clue in one.clues),
                    *(_clue(key, by_key[one.key]) for key, by_key in seen if one.key in by_key),
                ],
            }
            for one in whole.movers
        ],
    }


def _clue(witness: str, clue: movers.Clue) -> dict[str, Any]:
    values = [[name, unit.value, _text(value)] for name, unit, value in clue.values]
    return {"witness": witness, "code": clue.code, "values": values}


def gaps(scope: AccountMarketplace, week: Week, newest_only: bool = False) -> list[dict[str, Any]]:
    """Days of the week whose figures should be there and are not, by dataset, with why; or only the newest day's."""
    used = {measure.dataset for measure in measures().values()} | {one.dataset for one in movers.movers().values()}
    declared = {
        key: dataset
        for key, dataset in coverage.declared().items()
        if key in used and dataset.period is registry.Period.DAY
    }
    found = []
    for key, cells in coverage.cells(scope, week.days.first, week.days.last, declared).items():
        expected = [cell for cell in cells if cell.state is not coverage.State.NONE]
        for cell in expected[-1:] if newest_only else expected:
            if cell.state in coverage.TROUBLE:
                found.append({"dataset": key, "day": cell.day.isoformat(), "state": cell.state.value, "why": cell.why})
    return found
