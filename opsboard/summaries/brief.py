"""What a morning is about, as plain data: what changed since the day before. Nothing changed is nothing to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis.judge import last_final_day
from opsboard.kpis.registry import Window, kpis
from opsboard.ui.filters import Days

from . import content, journal
from .slots import Week

#: Told every morning that there is something to say, by their newest day.
FIGURES = ("ordered_sales", "acos")
#: How far back a figure that was final is compared with what it was the day before.
RESTATED_DAYS = 30


def daily(scopes: Sequence[AccountMarketplace], day: date, since: datetime, at: datetime) -> dict[str, Any]:
    """What changed after `since`, scope by scope, as known now (`at`)."""
    return {
        "kind": "daily",
        "period": day.isoformat(),
        "since": since.isoformat(),
        "made_at": at.isoformat(),
        "sections": [_section(scope, since, at) for scope in scopes],
    }


def _section(scope: AccountMarketplace, since: datetime, at: datetime) -> dict[str, Any]:
    today = scope.marketplace.day_of(at)
    first = today - timedelta(days=RESTATED_DAYS + 14)
    table = content.known_now(scope, first, today)
    return {
        "scope": scope.pk,
        "account_id": scope.account_id,
        "marketplace_id": scope.marketplace_id,
        "account": scope.account.name,
        "marketplace": scope.marketplace.code,
        "alerts": journal.alerts(scope, since, at),
        "figures": [row for key in FIGURES if (row := _newest(key, scope, table, today))],
        "gaps": [
            gap
            for week in (Week.of(today).step(-1), Week.of(today))
            for gap in content.gaps(scope, week, newest_only=True)
        ],
        "restated": _restated(scope, table, content.known_at(scope, first, today, since), today),
    }


def _newest(key: str, scope: AccountMarketplace, table: content.Held, today: date) -> dict[str, Any] | None:
    """A figure's newest day against the same weekday a week before."""
    kpi = kpis().get(key)
    days = table.days(kpi, Days(today - timedelta(days=7), today - timedelta(days=1))) if kpi else []
    if kpi is None or not days:
        return None
    newest = Days(days[-1], days[-1])
    now, before = table.over(kpi, newest), table.over(kpi, newest.back(7))
    return {
        "key": key,
        "day": newest.last.isoformat(),
        "now": None if now is None else format(now, "f"),
        "before": None if before is None else format(before, "f"),
        "provisional": newest.last > last_final_day(kpi, (scope.account_id, scope.marketplace_id), today),
    }


def _restated(scope: AccountMarketplace, table: content.Held, then: content.Held, today: date) -> list[dict[str, Any]]:
    """Figures over thirty final days that are another than the evening before: days that were final, not new ones."""
    found = []
    for kpi in kpis().values():
        if kpi.window is not Window.SUM:
            continue
        last = last_final_day(kpi, (scope.account_id, scope.marketplace_id), today) - timedelta(days=1)
        days = Days(last - timedelta(days=RESTATED_DAYS - 1), last)
        known = set(then.days(kpi, days))  # a day that came late is new, not restated
        was, now = then.over(kpi, days), table.on(known).over(kpi, days)
        if was is not None and now is not None and was != now:
            found.append(
                {
                    "key": kpi.key,
                    "was": format(was, "f"),
                    "was_days": len(known),
                    "now": format(now, "f"),
                    "now_days": len(known),
                }
            )
    return found


def says_something(told: Mapping[str, Any]) -> bool:
    """Whether anything changed: a limit broken or kept again, a day missing, a final figure restated."""
    return any(
        section["gaps"]
        or section["restated"]
        or any(alert["new"] or alert["state"] == "resolved" for alert in section["alerts"])
        for section in told["sections"]
    )
