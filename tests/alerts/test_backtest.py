"""A rule tried on the past tells what it would have done, by what was known on each day."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts import backtest, evaluation
from opsboard.alerts.episodes import QUIET
from opsboard.alerts.models import Episode, Rule
from opsboard.kpis import judge
from opsboard.kpis.models import AccountDayVintage, ThresholdOverride
from opsboard.kpis.registry import kpis
from tests.factories import make_seller

pytestmark = pytest.mark.django_db
Kind = Rule.Kind

RULES: dict[str, dict[str, Any]] = {
    "limit": {"kind": Kind.LIMIT, "kpi": "t_acos"},
    "every limit": {"kind": Kind.LIMIT},
    "patient limit": {"kind": Kind.LIMIT, "kpi": "t_acos", "for_days": 3, "clear_by": Decimal("0.1")},
    "threshold": {"kind": Kind.THRESHOLD, "kpi": "t_acos", "high": Decimal("0.27"), "for_days": 2},
    "change": {"kind": Kind.CHANGE, "kpi": "t_total", "change_up": Decimal("0.1"), "change_down": Decimal("0.1")},
    "weekday": {"kind": Kind.WEEKDAY, "kpi": "t_total", "change_down": Decimal("0.4")},
    "forecast": {"kind": Kind.FORECAST, "kpi": "t_acos", "days": 14},
    "no data": {"kind": Kind.NO_DATA, "days": 2},
}


RANGES = (("t.spend", 15, 36), ("t.sales", 60, 140), ("t.defects", 0, 4), ("t.orders", 80, 120))


def known(scope: AccountMarketplace, measure: str, day: date, value: object, on: date, hour: int = 9) -> None:
    """The measure of `day` is `value` from the marketplace's day `on` on."""
    AccountDayVintage.objects.create(
        account_id=scope.account_id,
        marketplace_id=scope.marketplace_id,
        measure=measure,
        date=day,
        value=None if value is None else Decimal(str(value)),
        known_at=datetime.combine(on, time(hour), scope.marketplace.zone),
    )


def wild(scope: AccountMarketplace, seed: int) -> None:
    """Half a year of a restless shop: figures late, restated, missing and missing again."""
    chance = random.Random(seed)
    today = scope.marketplace.today()
    for back in range(200, 0, -1):
        day = today - timedelta(days=back)
        for measure, low, high in (
            ("t.spend", 15, 36),
            ("t.sales", 60, 140),
            ("t.defects", 0, 4),
            ("t.orders", 80, 120),
        ):
            if chance.random() < 0.01:
                continue
            for late in sorted(chance.sample(range(1, 12), chance.choice((1, 1, 2, 3)))):
                value = None if chance.random() < 0.01 else chance.randint(low, high)
                known(scope, measure, day, value, day + timedelta(days=late), chance.choice((0, 9, 23)))
    ThresholdOverride.objects.create(
        account=scope.account,
        kpi="t_acos",
        high=Decimal("0.23"),
        valid_from=today - timedelta(days=40),
        set_at=datetime.combine(today - timedelta(days=35), time(12), scope.marketplace.zone),
    )


def by_brute_force(rule: Rule, scope: AccountMarketplace) -> tuple[list[tuple[date, str, Decimal]], int, int]:
    """Day by day, everything asked anew of the database: alerts opened, flaps, days on which anything was known."""
    today, fired, flaps, known_days = scope.marketplace.today(), [], 0, 0
    running: dict[str, bool] = {}
    over: dict[str, date] = {}
    for back in range(backtest.DAYS, 0, -1):
        day = today - timedelta(days=back)
        figures = judge.Figures(
            scope.account_id, scope.marketplace, day - timedelta(days=judge.reach_days()), day, as_of=day
        )
        midnight = datetime.combine(day + timedelta(days=1), time(), scope.marketplace.zone)
        overrides = list(ThresholdOverride.objects.filter(account=scope.account_id, set_at__lt=midnight))
        could = False
        for kpi in kpis().values():
            if rule.kpi not in {"", kpi.key}:
                continue
            then = evaluation.Known(figures, scope.marketplace, day, overrides)
            found = evaluation.evaluate(rule, kpi, then, running.get(kpi.key, False))
            could = could or found.fires is not None
            if found.fires and not running.get(kpi.key):
                if kpi.key in over and day - over[kpi.key] < QUIET:
                    flaps += 1
                else:
                    assert found.value is not None
                    fired.append((day, kpi.key, found.value))
                running[kpi.key] = True
            elif found.fires is False and running.get(kpi.key):
                running[kpi.key], over[kpi.key] = False, day
        known_days += could
    return sorted(fired, reverse=True), flaps, known_days


@pytest.mark.parametrize("name", RULES)
def test_a_replay_is_what_asking_day_by_day_would_have_said(name: str, declared: None, hints: object) -> None:
    _user, (scope,) = make_seller(("US",))
    wild(scope, seed=len(name))
    rule = Rule(organisation=scope.account.organisation, name=name, **RULES[name])

    found = backtest.replay(rule, [scope])

    told = sorted(((item.day, item.kpi.key, item.value) for item in found.fired), reverse=True)
    assert (told, found.flaps, found.known_days) == by_brute_force(rule, scope)
    assert found.known_days > 30
    assert not Episode.objects.exists()


def test_the_wild_shop_makes_rules_fire_and_flap(declared: None, hints: object) -> None:
    """Else the comparison above could be one of nothing with nothing."""
    _user, (scope,) = make_seller(("US",))
    wild(scope, seed=5)
    found = [backtest.replay(Rule(name=name, **fields), [scope]) for name, fields in RULES.items()]
    assert sum(bool(item.fired) for item in found) >= 6
    assert sum(item.flaps for item in found) > 3


def test_young_days_never_fire_and_a_restatement_counts_from_the_day_it_came(declared: None, hints: object) -> None:
    _user, (scope,) = make_seller(("US",))
    today = scope.marketplace.today()
    for back in range(120, 0, -1):
        day = today - timedelta(days=back)
        spend = 95 if back in range(30, 37) else 20
        known(scope, "t.spend", day, spend, day + timedelta(days=1))
        known(scope, "t.sales", day, 100, day + timedelta(days=1))
        if spend == 95:  # the wild week turns out to be a mistake while it is still young
            known(scope, "t.spend", day, 20, today - timedelta(days=29))
    rule = Rule(name="x", kind=Kind.THRESHOLD, kpi="t_acos", high=Decimal("0.25"))
    assert backtest.replay(rule, [scope]).fired == []

    for back in range(50, 57):  # and one that comes long after its days were final
        known(scope, "t.spend", today - timedelta(days=back), 60, today - timedelta(days=20))
    assert backtest.replay(rule, [scope]).fired == []  # by then the judged week is another one
    for back in range(18, 60):
        known(scope, "t.spend", today - timedelta(days=back), 60, today - timedelta(days=10))
    assert [item.day for item in backtest.replay(rule, [scope]).fired] == [today - timedelta(days=10)]


def test_the_form_tells_before_anything_is_kept(declared: None, hints: object) -> None:
    user, (scope,) = make_seller(("US",))
    today = scope.marketplace.today()
    for back in range(140, 0, -1):
        day = today - timedelta(days=back)
        known(scope, "t.sales", day, 300 if back in {40, 41, 70, 71} else 100, day + timedelta(days=1))
    client = Client()
    client.force_login(user)
    address = f"/settings/rules/new/{scope.account.organisation_id}/threshold/"
    fields = {
        "name": "Sales high", "kpi": "t_total", "where": f"s{scope.pk}", "high": "10", "for_days": "1",
        "clear_by": "0", "severity": "normal",
    }  # fmt: skip

    page = client.post(address, fields | {"try": "1"}).content.decode()

    assert "Would have fired 2 times in 90 days" in page
    assert not Rule.objects.filter(kind="threshold").exists()
    assert client.post(address, fields).status_code == 302
    kept = Rule.objects.get(kind="threshold")
    assert kept.high == 1000
    assert (kept.account, kept.marketplace) == (scope.account, scope.marketplace)
