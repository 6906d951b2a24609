"""Figures are judged by what is known, and never by what is missing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from opsboard.kpis.models import ManualValue, ThresholdOverride, Verdict
from opsboard.kpis.registry import kpis
from tests.factories import make_account, make_scope

from .shop import TODAY, Shop, back, quiet, shop

__all__ = ["quiet", "shop"]

Status = Verdict.Status
#: ACoS is judged to eight days ago: Amazon goes on attributing sales for a week.
NEWEST = 8
MONTH = back(NEWEST + 29, NEWEST)


def month_of_ads(shop: Shop, spend: int, sales: int) -> None:
    shop.plant("ads.spend", dict.fromkeys(MONTH, spend))
    shop.plant("ads.sales", dict.fromkeys(MONTH, sales))


def override(shop: Shop, kpi: str = "acos", **fields: Any) -> ThresholdOverride:
    defaults: dict[str, Any] = {"account": shop.scope.account, "kpi": kpi, "valid_from": TODAY - timedelta(days=90)}
    return ThresholdOverride.objects.create(**{**defaults, **fields})


# --- what a figure is ---------------------------------------------------------------------------


def test_a_ratio_is_the_sum_over_the_sum_not_the_mean_of_daily_ratios(shop: Shop) -> None:
    month_of_ads(shop, 10_00, 100_00)
    shop.plant("ads.spend", {MONTH[0]: 500_00})
    shop.plant("ads.sales", {MONTH[0]: 1_00})
    verdict = shop.verdict("acos")
    assert verdict.value == (Decimal(50000 + 29 * 1000) / (100 + 29 * 10000)).quantize(Decimal("0.000001"))
    assert (verdict.first, verdict.last, verdict.status) == (MONTH[0], MONTH[-1], Status.BREACH)


def test_a_figure_on_the_limit_keeps_it_and_a_cent_more_does_not(shop: Shop) -> None:
    month_of_ads(shop, 25_00, 100_00)
    assert shop.verdict("acos").status == Status.WARN
    shop.plant("ads.spend", {MONTH[3]: 25_01})
    assert shop.verdict("acos").status == Status.BREACH
    month_of_ads(shop, 10_00, 100_00)
    assert shop.verdict("acos").status == Status.OK


def test_a_few_missing_days_are_left_out_and_too_many_are_unknown(shop: Shop) -> None:
    month_of_ads(shop, 50_00, 100_00)
    for day in MONTH[5:11]:
        shop.forget("ads.spend", day)
    verdict = shop.verdict("acos")
    assert (verdict.status, verdict.value) == (Status.BREACH, Decimal("0.5"))
    shop.forget("ads.sales", MONTH[11])
    verdict = shop.verdict("acos")
    assert (verdict.status, verdict.value) == (Status.UNKNOWN, None)
    assert verdict.reason


def test_a_day_without_sales_counts_and_a_day_without_data_does_not(shop: Shop) -> None:
    month_of_ads(shop, 10_00, 100_00)
    shop.plant("ads.sales", dict.fromkeys(MONTH[:15], 0))
    assert shop.verdict("acos").value == Decimal("0.2")
    for day in MONTH[:6]:
        shop.forget("ads.sales", day)
    assert shop.verdict("acos").value == (Decimal(24 * 10) / (15 * 100)).quantize(Decimal("0.000001"))


def test_a_shop_that_sells_nothing_has_no_ratio(shop: Shop) -> None:
    month_of_ads(shop, 10_00, 0)
    verdict = shop.verdict("acos")
    assert (verdict.status, verdict.value) == (Status.UNKNOWN, None)


def test_a_shop_nobody_knows_anything_of_is_unknown_everywhere(shop: Shop) -> None:
    shop.judge()
    assert set(Verdict.objects.values_list("status", flat=True)) == {Status.UNKNOWN}
    assert Verdict.objects.count() == len(kpis())


def test_the_newest_days_are_not_judged_by(shop: Shop) -> None:
    month_of_ads(shop, 10_00, 100_00)
    young = back(NEWEST - 1, 1)
    shop.plant("ads.spend", dict.fromkeys(young, 10_000_00))
    shop.plant("ads.sales", dict.fromkeys(young, 1))
    verdict = shop.verdict("acos")
    assert (verdict.status, verdict.last) == (Status.OK, MONTH[-1])


def test_young_days_alone_are_shown_and_never_a_breach(shop: Shop) -> None:
    young = back(30, 1)
    shop.plant("ads.spend", dict.fromkeys(young[-7:], 100))
    shop.plant("ads.sales", dict.fromkeys(young[-7:], 1))
    assert shop.verdict("acos").status in {Status.UNKNOWN, Status.PROVISIONAL}


def test_a_figure_of_weeks_ago_says_nothing_about_today(shop: Shop) -> None:
    month_of_ads(shop, 90_00, 100_00)
    assert shop.verdict("acos", TODAY + timedelta(days=30)).status == Status.UNKNOWN


def test_a_total_with_a_day_missing_is_no_total(shop: Shop) -> None:
    days = back(60, 1)
    shop.plant("listings.ordered_sales", dict.fromkeys(days, 100))
    assert shop.verdict("ordered_sales").value == 3000
    shop.forget("listings.ordered_sales", back(10, 10)[0])
    assert shop.verdict("ordered_sales").value is None


# --- snapshots --------------------------------------------------------------------------------------


def stock(shop: Shop, ago: int, available: int, shipped: int) -> None:
    (day,) = back(ago, ago)
    shop.plant("inventory.available", {day: available})
    shop.plant("inventory.shipped_30", {day: shipped})


def test_stock_is_judged_by_the_newest_snapshot_alone(shop: Shop) -> None:
    stock(shop, 1, 1000, 100)
    stock(shop, 0, 90, 100)
    verdict = shop.verdict("days_of_supply")
    assert (verdict.value, verdict.status) == (Decimal(27), Status.BREACH)
    assert (verdict.first, verdict.last) == (TODAY, TODAY)


def test_yesterdays_snapshot_stands_until_todays_is_there(shop: Shop) -> None:
    stock(shop, 1, 90, 100)
    verdict = shop.verdict("days_of_supply")
    assert (verdict.value, verdict.last) == (Decimal(27), TODAY - timedelta(days=1))


def test_turnover_is_the_newest_quarters_shipments_over_the_average_stock(shop: Shop) -> None:
    days = back(89, 0)
    shop.plant("inventory.available", {day: 100 if n % 2 else 300 for n, day in enumerate(days)})
    shop.plant("inventory.shipped_90", dict.fromkeys(days[:-1], 7) | {days[-1]: 200})
    verdict = shop.verdict("turnover")
    assert verdict.value == (Decimal(365) / 90 * 200 / 200).quantize(Decimal("0.000001"))
    assert verdict.status == Status.OK


def test_a_typed_in_score_counts_for_three_weeks(shop: Shop) -> None:
    day = TODAY - timedelta(days=20)
    ManualValue.objects.create(
        account=shop.scope.account, marketplace=shop.scope.marketplace, measure="inventory.ipi", date=day, value=399
    )
    assert shop.verdict("ipi").status == Status.BREACH
    assert shop.verdict("ipi", TODAY + timedelta(days=1)).status == Status.UNKNOWN


# --- what it is held against ------------------------------------------------------------------------


def odr(shop: Shop, defects: int, orders: int, target: str | None) -> None:
    shop.plant("health.odr_mfn", {TODAY: defects})
    shop.plant("health.odr_mfn_of", {TODAY: orders})
    if target is not None:
        shop.plant("health.odr_mfn_target", {TODAY: target})


def test_amazons_own_target_in_the_report_wins_over_the_declared_limit(shop: Shop) -> None:
    odr(shop, 15, 1000, None)
    assert (shop.verdict("odr_mfn").status, shop.verdict("odr_mfn").high) == (Status.BREACH, Decimal("0.01"))
    odr(shop, 15, 1000, "0.02")
    verdict = shop.verdict("odr_mfn")
    assert (verdict.status, verdict.high) == (Status.WARN, Decimal("0.02"))


def test_a_persons_limit_wins_over_amazons(shop: Shop) -> None:
    odr(shop, 15, 1000, "0.02")
    override(shop, "odr_mfn", high=Decimal("0.012"))
    assert (shop.verdict("odr_mfn").status, shop.verdict("odr_mfn").high) == (Status.BREACH, Decimal("0.012"))


def test_a_target_from_below_is_a_floor(shop: Shop) -> None:
    shop.plant("health.valid_tracking", {TODAY: 96})
    shop.plant("health.valid_tracking_of", {TODAY: 100})
    shop.plant("health.valid_tracking_target", {TODAY: "0.97"})
    verdict = shop.verdict("valid_tracking")
    assert (verdict.status, verdict.low, verdict.high) == (Status.BREACH, Decimal("0.97"), None)


def test_a_limit_counts_from_its_day_on_and_the_newest_counts(shop: Shop) -> None:
    month_of_ads(shop, 28_00, 100_00)
    override(shop, high=Decimal("0.30"), valid_from=TODAY + timedelta(days=1))
    assert shop.verdict("acos").status == Status.BREACH
    assert shop.verdict("acos", TODAY + timedelta(days=1)).status == Status.OK
    override(shop, high=Decimal("0.27"), valid_from=TODAY + timedelta(days=2))
    assert shop.verdict("acos", TODAY + timedelta(days=2)).status == Status.BREACH


def test_of_two_limits_from_one_day_the_later_word_counts(shop: Shop) -> None:
    month_of_ads(shop, 28_00, 100_00)
    override(shop, high=Decimal("0.20"))
    override(shop, high=Decimal("0.30"))
    assert shop.verdict("acos").status == Status.OK


def test_the_marketplaces_own_limit_beats_a_newer_one_for_all(shop: Shop) -> None:
    month_of_ads(shop, 28_00, 100_00)
    override(shop, high=Decimal("0.30"), marketplace=shop.scope.marketplace)
    override(shop, high=Decimal("0.20"), valid_from=TODAY - timedelta(days=1))
    assert shop.verdict("acos").status == Status.OK
    elsewhere = make_scope(shop.scope.account, "CA")
    ThresholdOverride.objects.filter(marketplace=shop.scope.marketplace).update(marketplace=elsewhere.marketplace)
    assert shop.verdict("acos").status == Status.BREACH


def test_another_accounts_limit_is_nothing_to_us(shop: Shop) -> None:
    month_of_ads(shop, 28_00, 100_00)
    override(shop, high=Decimal("0.90"), account=make_account())
    assert shop.verdict("acos").status == Status.BREACH


def test_a_breach_is_dated_by_its_first_unbroken_day(shop: Shop) -> None:
    for ago in range(10):
        stock(shop, ago, 80 if ago < 4 else 500, 100)
    assert shop.verdict("days_of_supply").breached_since == TODAY - timedelta(days=3)


# --- what is written ---------------------------------------------------------------------------------


def test_a_verdict_is_written_only_when_it_changes(shop: Shop) -> None:
    month_of_ads(shop, 50_00, 100_00)
    first = {change.verdict.kpi: change for change in shop.judge()}
    assert len(first) == len(kpis())
    assert (first["acos"].before, first["acos"].verdict.status) == (None, Status.BREACH)
    before = {v.pk: v.changed_at for v in Verdict.objects.all()}
    assert shop.judge() == []
    assert {v.pk: v.changed_at for v in Verdict.objects.all()} == before
    month_of_ads(shop, 1_00, 100_00)
    (change,) = [change for change in shop.judge() if change.verdict.kpi == "acos"]
    assert (change.before, change.verdict.status) == (Status.BREACH, Status.OK)


def test_marketplaces_are_judged_apart_and_currencies_never_added(shop: Shop) -> None:
    month_of_ads(shop, 50_00, 100_00)
    yen = Shop(make_scope(shop.scope.account, "JP"))
    yen.plant("ads.spend", dict.fromkeys(MONTH, 10))
    yen.plant("ads.sales", dict.fromkeys(MONTH, 1000))
    assert yen.verdict("acos").value == Decimal("0.01")
    assert shop.verdict("acos").value == Decimal("0.5")
    assert Verdict.objects.filter(account=shop.scope.account, kpi="acos").count() == 2


@pytest.mark.parametrize("minor", [10**15, 10**17])
def test_the_largest_shop_in_the_world_is_judged_exactly(shop: Shop, minor: int) -> None:
    month_of_ads(shop, minor + 1, minor * 4)
    assert shop.verdict("acos").value == Decimal("0.25")
