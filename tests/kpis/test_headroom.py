"""How many more late orders a limit bears, and on which day a broken one is kept again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest

from opsboard.kpis import figures
from opsboard.kpis.headroom import EXACT, LATEST, UNSTATED, headroom, most_borne
from opsboard.kpis.limits import LimitInForce, status_of
from opsboard.kpis.models import Verdict
from opsboard.kpis.registry import Kpi, Window, kpis

from .shop import TODAY, Shop, back, quiet, shop

__all__ = ["quiet", "shop"]

DAYS = 30  # Amazon counts thirty days of shipments


def limit(kpi: Kpi, bound: str) -> LimitInForce:
    low, high = (Decimal(bound), None) if kpi.target_side == "low" else (None, Decimal(bound))
    return LimitInForce(low, high, None, None, "test", strict=kpi.strict)


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("key", "bound"), [("late_shipment", "0.04"), ("valid_tracking", "0.95"), ("odr_mfn", "0.01")])
@pytest.mark.parametrize("whole", [1, 7, 25, 99, 100, 101, 400, 2399])
def test_one_more_than_it_bears_breaks_the_limit_and_one_less_does_not(key: str, bound: str, whole: int) -> None:
    kpi, held = kpis()[key], limit(kpis()[key], bound)
    borne = most_borne(held, Decimal(whole))

    def status(events: int) -> Verdict.Status:
        top = whole - events if kpi.target_side == "low" else events
        return status_of(Decimal(top) / whole, held)

    assert status(borne + 1) is Verdict.Status.BREACH
    if borne >= 0:
        assert status(borne) is not Verdict.Status.BREACH


def state(shop: Shop, key: str, count: Mapping[date, int], whole: int = 400, days: int = DAYS) -> None:
    """Amazon's own counts as it stated them day by day."""
    spans = dict.fromkeys(count, days)
    shop.plant(f"health.{key}", count)
    shop.plant(f"health.{key}_of", dict.fromkeys(count, whole))
    shop.plant(f"health.{key}_days", spans)
    shop.plant(f"health.{key}_lag", dict.fromkeys(count, 1))


@pytest.mark.django_db
def test_it_is_told_in_orders(shop: Shop) -> None:
    state(shop, "late_shipment", {TODAY: 14})
    state(shop, "valid_tracking", {TODAY: 383})
    us = shop.scope.marketplace

    late, tracked = shop.verdict("late_shipment"), shop.verdict("valid_tracking")

    # 16 of 400 are 4 %, which is not under 4 %; 380 of 400 are 95 %, which is not over 95 %.
    assert (late.status, late.more) == ("warn", 2)
    assert plain(figures.headroom(late, kpis()["late_shipment"], us)) == "2 more late orders until 4.0 %"
    assert (tracked.status, tracked.more) == ("warn", 3)
    assert plain(figures.headroom(tracked, kpis()["valid_tracking"], us)) == (
        "3 more packages without valid tracking until 95.0 %"
    )


@pytest.mark.django_db
def test_own_days_drop_out_to_the_day(shop: Shop) -> None:
    given = dict.fromkeys(back(30, 1), 0) | {TODAY - timedelta(days=29): 2, TODAY - timedelta(days=11): 3}
    shop.plant("health.negative_feedback", given)

    verdict = shop.verdict("negative_feedback")

    # Five in thirty days; the two given on the first but one day drop out when the window begins a day after it.
    assert (verdict.status, verdict.value, verdict.more) == ("warn", Decimal(5), -2)
    assert (verdict.clear_on, verdict.clear_how) == (TODAY + timedelta(days=2), EXACT)
    words = plain(figures.headroom(verdict, kpis()["negative_feedback"], shop.scope.marketplace))
    assert words == "2 too many for 3 · kept again on 22 Nov if nothing new comes"


@pytest.mark.django_db
def test_amazons_totals_tell_the_day_where_the_month_before_was_clean(shop: Shop) -> None:
    # Nothing until 21 days ago; then eighteen late orders, all of one day, that Amazon still counts.
    count = {day: 18 if day > TODAY - timedelta(days=21) else 0 for day in back(40, 0)}
    state(shop, "late_shipment", count)

    verdict = shop.verdict("late_shipment")

    # Stated first twenty days ago, they are counted for thirty days: the eleventh day from now is without them.
    assert (verdict.status, verdict.more) == ("breach", -3)
    assert (verdict.clear_on, verdict.clear_how) == (TODAY + timedelta(days=10), EXACT)


@pytest.mark.django_db
def test_without_a_history_the_whole_window_must_pass(shop: Shop) -> None:
    state(shop, "late_shipment", {TODAY: 18})

    verdict = shop.verdict("late_shipment")

    assert (verdict.clear_on, verdict.clear_how) == (TODAY + timedelta(days=DAYS), LATEST)
    words = plain(figures.headroom(verdict, kpis()["late_shipment"], shop.scope.marketplace))
    assert words == "3 too many for 4.0 % · kept again by 20 Dec at the latest if nothing new comes"


@pytest.mark.django_db
def test_when_amazon_does_not_say_what_it_counts_nothing_is_made_up(shop: Shop) -> None:
    shop.plant("health.late_shipment", {TODAY: 18})
    shop.plant("health.late_shipment_of", {TODAY: 400})

    verdict = shop.verdict("late_shipment")

    assert (verdict.more, verdict.clear_on, verdict.clear_how) == (-3, None, UNSTATED)
    words = figures.headroom(verdict, kpis()["late_shipment"], shop.scope.marketplace)
    assert words.endswith("Amazon does not state the days it counts: when they drop out cannot be known")


def test_totals_of_a_window_that_was_counted_otherwise_are_no_bound() -> None:
    kpi = kpis()["late_shipment"]
    assert kpi.orders is not None
    last = TODAY
    count = {day: Decimal(18 if day > TODAY - timedelta(days=21) else 0) for day in back(40, 0)}
    figures: dict[str, dict[date, Decimal]] = {
        kpi.numerator: count,
        kpi.denominator: dict.fromkeys(count, Decimal(400)),
        kpi.orders.days: dict.fromkeys(count, Decimal(10)) | {last: Decimal(DAYS)},
        kpi.orders.lag: dict.fromkeys(count, Decimal(1)),
    }
    found = headroom(kpi, figures, limit(kpi, "0.04"), last, last, TODAY)

    assert found is not None and (found.clear_on, found.how) == (last + timedelta(days=DAYS), LATEST)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happened_the_day_is_never_too_early_and_exact_when_it_says_so(seed: int) -> None:
    chance = random.Random(seed)
    kpi = kpis()["late_shipment"]
    assert kpi.orders is not None and kpi.window is Window.LATEST
    events = {
        day: chance.choice([0, 0, 0, 0, chance.randint(0, 9)]) if chance.random() < 0.5 or seed % 3 else 0
        for day in back(120, 1)
    }

    def counted(on: date) -> int:
        """What Amazon states on a day: its thirty days end the day before."""
        return sum(number for day, number in events.items() if on - timedelta(days=DAYS) <= day < on)

    days = [day for day in back(60, 0) if chance.random() < 0.9] + [TODAY]
    figures: dict[str, dict[date, Decimal]] = {
        kpi.numerator: {day: Decimal(counted(day)) for day in days},
        kpi.denominator: dict.fromkeys(days, Decimal(400)),
        kpi.orders.days: dict.fromkeys(days, Decimal(DAYS)),
        kpi.orders.lag: dict.fromkeys(days, Decimal(1)),
    }
    held = limit(kpi, "0.04")
    found = headroom(kpi, figures, held, TODAY, TODAY, TODAY)
    assert found is not None
    if found.more > 0:
        assert counted(TODAY) + found.more == 16
        return
    truth = next(n for n in range(1, DAYS + 1) if counted(TODAY + timedelta(days=n)) < 16)
    assert found.clear_on is not None
    said = (found.clear_on - TODAY).days
    assert said == truth if found.how == EXACT else said >= truth


def test_nothing_is_said_of_figures_that_count_no_orders() -> None:
    acos = kpis()["acos"]
    figures = {acos.numerator: {TODAY: Decimal(30)}, acos.denominator: {TODAY: Decimal(100)}}

    assert headroom(acos, figures, limit(acos, "0.25"), TODAY, TODAY, TODAY) is None
