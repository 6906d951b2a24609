"""A verdict says what is missing under it, since when it breaches, and what it was held against."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import translation

from opsboard.accounts.models import AccountMarketplace
from opsboard.alerts.tasks import wake_judges
from opsboard.kpis import judge
from opsboard.kpis.models import AccountDay, ManualValue, ThresholdOverride, Verdict
from opsboard.kpis.words import reason_words

from .planted import days_before, plant, plant_acos

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("declared")]
TODAY = date(2026, 11, 20)
#: Sales are mature after seven days, counted from the last whole day.
LAST_MATURE = date(2026, 11, 12)


def judged(scope: AccountMarketplace, kpi: str = "t_acos", today: date = TODAY) -> Verdict:
    with transaction.atomic():
        judge.judge(scope.account_id, scope.marketplace_id, today)
    return Verdict.objects.get(account=scope.account, marketplace=scope.marketplace, kpi=kpi)


def test_only_immature_days_make_a_provisional_verdict(scope: AccountMarketplace) -> None:
    plant_acos(scope, 90, 100, today=TODAY, count=7)

    verdict = judged(scope)

    assert (verdict.status, verdict.value, verdict.breached_since) == ("provisional", Decimal("0.9"), None)
    assert reason_words(verdict.reason) == "judged by days that may still move"


def test_a_missing_day_is_not_a_day_of_zero(scope: AccountMarketplace) -> None:
    plant_acos(scope, 20, 100, today=TODAY)
    gone = LAST_MATURE - timedelta(days=2)
    AccountDay.objects.filter(account_id=scope.account_id, date=gone, measure="t.sales").delete()

    verdict = judged(scope)

    assert (verdict.value, verdict.status) == (Decimal("0.2"), "ok")  # 120/600, not 140/600
    assert reason_words(verdict.reason) == "6 of 7 days are there"


def test_zero_is_a_figure(scope: AccountMarketplace) -> None:
    plant_acos(scope, 0, 100, today=TODAY)

    assert (judged(scope).value, judged(scope).status) == (Decimal(0), "ok")


def test_spend_without_sales_is_unknown_not_infinite(scope: AccountMarketplace) -> None:
    plant_acos(scope, 50, 0, today=TODAY)

    assert (judged(scope).status, judged(scope).reason) == ("unknown", "no_denominator")


def test_a_window_ends_where_the_data_end_but_not_a_month_ago(scope: AccountMarketplace) -> None:
    plant_acos(scope, 20, 100, today=LAST_MATURE - timedelta(days=3))

    late = judged(scope)
    stale = judged(scope, today=TODAY + timedelta(days=30))

    assert (late.status, late.last) == ("ok", LAST_MATURE - timedelta(days=4))
    assert stale.status == "unknown"
    assert reason_words(stale.reason) == "the newest figure is of 8 Nov"


def test_reasons_are_read_in_the_readers_language(scope: AccountMarketplace) -> None:
    with translation.override("zh-hans"):
        written_by_a_chinese_worker = judged(scope).reason

    with translation.override("en"):
        assert reason_words(written_by_a_chinese_worker) == "no data for these days"


def test_it_says_since_when(scope: AccountMarketplace) -> None:
    plant_acos(scope, 10, 100, today=TODAY, count=60)
    plant(scope, "t.spend", days_before(LAST_MATURE, 4), 60)

    verdict = judged(scope)

    # Seven-day sums: 10 a day, then 60: 310/700, 260/700, 210/700 are over 25 %, 110/700 of the day before is not.
    assert (verdict.status, verdict.value) == ("breach", (Decimal(270) / 700).quantize(Decimal("0.000001")))
    assert verdict.breached_since == LAST_MATURE - timedelta(days=1)


def test_a_state_of_last_week_is_not_the_state(scope: AccountMarketplace) -> None:
    plant(scope, "t.defects", [TODAY - timedelta(days=8)], 9)
    plant(scope, "t.orders", [TODAY - timedelta(days=8)], 300)

    assert judged(scope, "t_odr").status == "unknown"


def test_a_limit_that_only_warns_never_breaches(scope: AccountMarketplace) -> None:
    plant(scope, "t.stock", [TODAY], 100)
    plant(scope, "t.shipped", [TODAY], 1)

    assert judged(scope, "t_turnover").status == "warn"


def test_a_limit_counts_from_its_day_on(scope: AccountMarketplace) -> None:
    plant_acos(scope, 20, 100, today=TODAY, count=40)
    ThresholdOverride.objects.create(
        account=scope.account, marketplace=scope.marketplace, kpi="t_acos", high=Decimal("0.15"), valid_from=TODAY
    )

    assert judged(scope, today=TODAY - timedelta(days=1)).status == "ok"
    verdict = judged(scope)
    assert (verdict.status, verdict.high, verdict.breached_since) == ("breach", Decimal("0.15"), LAST_MATURE)


def test_a_scope_with_nothing_but_a_typed_figure_is_found_when_the_hint_is_lost(
    scope: AccountMarketplace, hints: list[tuple[str, tuple[object, ...]]]
) -> None:
    wake_judges()
    assert hints == []
    ManualValue.objects.create(
        account=scope.account, marketplace=scope.marketplace, measure="t.stock", date=TODAY, value=Decimal(3)
    )
    wake_judges()
    assert hints == [("opsboard.kpis.judge", (scope.account_id, scope.marketplace_id))]
