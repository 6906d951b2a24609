"""A rule replayed over the past before anybody is told by it: each day judged by what was known when it ended.

The vintages of a scope are read once and played forward; each day the same pure function is asked that the judge
asks. So an immature day never fires, a restatement counts from the day it came, and what nobody knew is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import connection

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis import judge
from opsboard.kpis.models import ThresholdOverride
from opsboard.kpis.registry import Kpi, kpis

from . import backtest_sets, evaluation, groups, rules
from .episodes import QUIET
from .groups import Bounds
from .models import Rule

DAYS = 90
#: More places than this are not tried at once: somebody waits for the answer.
MOST_SCOPES = 12


@dataclass(frozen=True, slots=True)
class Fired:
    """A day on which a new alert would have been opened."""

    day: date
    scope: AccountMarketplace
    kpi: Kpi
    value: Decimal
    #: Of a rule that looks at SKUs or campaigns one by one: how many are in it, and against what.
    count: int = 0
    bounds: Bounds = Bounds()


@dataclass(slots=True)
class Replay:
    """What a rule would have done over `days` days."""

    days: int = DAYS
    fired: list[Fired] = field(default_factory=list)
    #: How often an alert that was over would have gone on within three days: no further mail, but a restless rule.
    flaps: int = 0
    #: On how many of the days anything could be judged at all.
    known_days: int = 0
    scopes: int = 0
    more_scopes: int = 0
    #: The first of the days on which anything could be judged.
    known_from: date | None = None


def replay(rule: Rule, scopes: Sequence[AccountMarketplace], days: int = DAYS) -> Replay:
    """Play the last `days` finished days of each scope; the newest alerts first."""
    found = Replay(days, scopes=min(len(scopes), MOST_SCOPES), more_scopes=max(len(scopes) - MOST_SCOPES, 0))
    if rule.snapshot:
        for scope in scopes[:MOST_SCOPES]:
            _replay_set(rule, scope, found)
        found.fired.sort(key=lambda item: item.day, reverse=True)
        return found
    about = [kpi for kpi in kpis().values() if rule.kpi in {"", kpi.key} and rules.suits(rule.kind, kpi)]
    for scope in scopes[:MOST_SCOPES]:
        stories = {kpi.key: _Story() for kpi in about}
        judged = 0
        for day, known in _past(scope, about, days):
            could = False
            for kpi in about:
                story = stories[kpi.key]
                finding = evaluation.evaluate(rule, kpi, known, story.running, since_days=1)
                could = could or finding.fires is not None
                if story.next(day, finding.fires) and finding.value is not None:
                    found.fired.append(Fired(day, scope, kpi, finding.value))
            judged += could
            if could and (found.known_from is None or day < found.known_from):
                found.known_from = day
        found.known_days = max(found.known_days, judged)
        found.flaps += sum(story.flaps for story in stories.values())
    found.fired.sort(key=lambda item: item.day, reverse=True)
    return found


def _replay_set(rule: Rule, scope: AccountMarketplace, found: Replay) -> None:
    """The same for a rule that looks at SKUs or campaigns one by one: any of them opens the alert."""
    story, judged = _Story(), 0
    for wanted in rules.sets_in_scope([rule], scope.account_id, scope.marketplace_id):
        for past in backtest_sets.past(wanted, scope, found.days):
            if past.members is None:
                continue
            judged += 1
            found.known_from = min(found.known_from or past.day, past.day)
            inside = [member for member in past.members.values() if member.joined]
            told = groups.finding(past.bounds, inside, past.day, past.day)
            if story.next(past.day, bool(inside)) and told.value is not None:
                kpi = kpis()[wanted.item.kpi]
                found.fired.append(Fired(past.day, scope, kpi, told.value, len(inside), past.bounds))
    found.known_days = max(found.known_days, judged)
    found.flaps += story.flaps


@dataclass(slots=True)
class _Story:
    """One alert's life, as opsboard.alerts.episodes tells it."""

    running: bool = False
    over: date | None = None
    flaps: int = 0

    def next(self, day: date, fires: bool | None) -> bool:
        """Whether this day opens a new alert."""
        if fires is None or fires is self.running:
            return False
        self.running = fires
        if not fires:
            self.over = day
            return False
        if self.over is not None and day - self.over < QUIET:
            self.flaps += 1
            return False
        return True


# Leans on vintage_by_day (account, marketplace, measure, date, known_at): one range a measure.
_VINTAGES = """
    SELECT measure, date, value, known_at FROM kpis_accountdayvintage
     WHERE account_id = %s AND marketplace_id = %s AND measure = ANY(%s) AND date BETWEEN %s AND %s
     ORDER BY known_at, id
"""


def _past(scope: AccountMarketplace, about: Sequence[Kpi], days: int) -> Iterator[tuple[date, evaluation.Known]]:
    """Each finished day with what was known at its end."""
    marketplace = scope.marketplace
    today, reach = marketplace.today(), judge.reach_days()
    names = sorted({name for kpi in about for name in (*kpi.parts, kpi.target) if name})
    first = today - timedelta(days=days)
    with connection.cursor() as cursor:
        oldest = first - timedelta(days=reach)
        cursor.execute(_VINTAGES, [scope.account_id, scope.marketplace_id, names, oldest, today])
        rows: list[tuple[str, date, Decimal | None, datetime]] = cursor.fetchall()
    overrides = list(ThresholdOverride.objects.filter(account=scope.account_id))
    by_measure: dict[str, dict[date, Decimal]] = {name: {} for name in names}
    at = 0
    for day in (first + timedelta(days=n) for n in range(days)):
        oldest, end = day - timedelta(days=reach), datetime.combine(day + timedelta(days=1), time(), marketplace.zone)
        while at < len(rows) and rows[at][3] < end:
            measure, when, value, _known_at = rows[at]
            if value is None:
                by_measure[measure].pop(when, None)
            elif when >= oldest:
                by_measure[measure][when] = value
            at += 1
        for values in by_measure.values():
            values.pop(oldest - timedelta(days=1), None)
        limits = [item for item in overrides if item.set_at < end]
        figures = judge.Figures.of((scope.account_id, scope.marketplace_id), by_measure)
        yield day, evaluation.Known(figures, marketplace, day, limits)
