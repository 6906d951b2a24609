"""Which limit counts, on which day, for whom."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.kpis import figures
from opsboard.kpis.limits import in_force, status_of
from opsboard.kpis.models import Verdict
from opsboard.kpis.registry import kpis

from .planted import CTR, ODR

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)


def low_on(day: date, marketplace: str = "US") -> Decimal | None:
    limit = in_force(CTR, Marketplace.objects.get(code=marketplace), day)
    assert limit is not None
    return limit.low


def test_the_newest_dated_default_wins() -> None:
    assert low_on(date(2025, 12, 31)) == Decimal("0.004")
    assert low_on(date(2026, 1, 1)) == Decimal("0.005")


def test_a_marketplaces_own_default_wins_over_a_newer_general_one() -> None:
    assert low_on(DAY, "JP") == Decimal("0.003")


def test_no_limit_before_the_first_one_was_valid() -> None:
    limit = in_force(CTR, Marketplace.objects.get(code="US"), date(2001, 1, 1))

    assert limit is None
    assert status_of(Decimal(1), limit) is Verdict.Status.NO_LIMIT


def test_a_default_warning_stays_ahead_of_amazons_target(scope: AccountMarketplace) -> None:
    near = in_force(ODR, scope.marketplace, DAY, target=Decimal("0.01"))
    nearer = in_force(ODR, scope.marketplace, DAY, target=Decimal("0.005"))

    assert near is not None and near.warn_high == Decimal("0.008")
    assert nearer is not None and nearer.warn_high is None


def plain(text: str) -> str:
    """Spaces that do not break are still spaces."""
    return " ".join(text.split())


def test_a_wish_without_a_limit_is_told_by_the_wish() -> None:
    tacos, us = kpis()["tacos"], Marketplace.objects.get(code="US")
    assert plain(figures.limit_words(tacos.limits[0], tacos, us)) == "at most 18.0 %, better over 12.0 %"

    def told(value: str) -> str:
        limits = {"low": None, "high": Decimal("0.18"), "warn_low": Decimal("0.12"), "warn_high": Decimal("0.17")}
        return plain(figures.headroom(Verdict(value=Decimal(value), **limits), tacos, us))

    assert told("0.102") == "1.8 pts under 12.0 %"
    assert told("0.175") == "0.5 pts to the limit"
    assert told("0.2") == "2.0 pts over 18.0 %"


def test_one_per_cent_is_not_under_one_per_cent(scope: AccountMarketplace) -> None:
    asked = in_force(kpis()["odr_mfn"], scope.marketplace, DAY, target=Decimal("0.01"))
    on_time = in_force(kpis()["on_time_delivery"], scope.marketplace, DAY)
    ours = in_force(kpis()["acos"], scope.marketplace, DAY)

    assert status_of(Decimal("0.01"), asked) is Verdict.Status.BREACH
    assert status_of(Decimal("0.009999"), asked) is Verdict.Status.WARN
    assert status_of(Decimal("0.90"), on_time) is Verdict.Status.BREACH
    assert status_of(Decimal("0.25"), ours) is Verdict.Status.WARN  # the handbook's 25 % may be reached


def test_a_limit_that_changed_counts_by_its_day(scope: AccountMarketplace) -> None:
    rate = kpis()["on_time_delivery"]
    before, since = (in_force(rate, scope.marketplace, day) for day in (date(2024, 9, 24), date(2024, 9, 25)))

    assert before is not None and (before.low, before.mails) == (Decimal("0.97"), False)
    assert since is not None and (since.low, since.mails) == (Decimal("0.90"), True)


@pytest.mark.parametrize(
    ("day", "us", "germany"),
    [(date(2020, 8, 1), 500, None), (date(2021, 6, 1), 450, None), (date(2026, 1, 1), 400, 400)],
)
def test_the_ipi_asked_for_was_another_one_in_other_years_and_marketplaces(
    day: date, us: int, germany: int | None
) -> None:
    def low(code: str) -> Decimal | None:
        limit = in_force(kpis()["ipi"], Marketplace.objects.get(code=code), day)
        return limit.low if limit else None

    assert (low("US"), low("DE")) == (us, germany)
