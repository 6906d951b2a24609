"""Figures over any days and several scopes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis.periods import period_value, series
from tests.factories import make_scope

from .planted import ACOS, CTR, ODR, SALES, days_before, plant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("declared")]


def test_money_of_two_currencies_is_never_added(scope: AccountMarketplace) -> None:
    japan, canada = make_scope(scope.account, "JP"), make_scope(scope.account, "CA")
    span = days_before(scope.marketplace.today(), 3)
    for one, value in ((scope, 1000), (japan, 70000), (canada, 500)):
        plant(one, "t.sales", span, value)
        plant(one, "t.spend", span, value // 10)

    sums = period_value(SALES, [scope, japan, canada], span[0], span[-1])
    ratios = period_value(ACOS, [scope, japan, canada], span[0], span[-1])

    assert {currency: found.value for currency, found in sums.items()} == {"USD": 3000, "JPY": 210000, "CAD": 1500}
    assert set(ratios) == {"USD", "JPY", "CAD"}


def test_scopes_of_one_currency_are_sums_over_sums(scope: AccountMarketplace) -> None:
    other = make_scope(marketplace="US")
    span = days_before(scope.marketplace.today(), 2)
    plant(scope, "t.spend", span, 10)
    plant(scope, "t.sales", span, 1000)
    plant(other, "t.spend", span, 50)
    plant(other, "t.sales", span, 100)

    found = period_value(ACOS, [scope, other], span[0], span[-1])

    assert found["USD"].value == Decimal(120) / Decimal(2200)


def test_what_is_not_money_may_be_added_anywhere(scope: AccountMarketplace) -> None:
    japan = make_scope(scope.account, "JP")
    day = scope.marketplace.today()
    for one, clicks in ((scope, 5), (japan, 1)):
        plant(one, "t.clicks", [day], clicks)
        plant(one, "t.views", [day], 100)

    assert period_value(CTR, [scope, japan], day, day)[""].value == Decimal("0.03")


def test_missing_days_are_counted_and_nothing_is_made_up(scope: AccountMarketplace) -> None:
    span = days_before(scope.marketplace.today(), 3)
    plant(scope, "t.sales", span[:2], 10)
    plant(scope, "t.spend", span[1:], 5)

    found = period_value(ACOS, [scope], span[0], span[-1])["USD"]
    empty = period_value(ODR, [scope], span[0], span[-1])[""]

    assert (found.value, found.missing_days) == (Decimal("0.5"), 2)
    assert (empty.value, empty.reason) == (None, "no_data")


def test_a_series_has_gaps_and_says_what_is_provisional(scope: AccountMarketplace) -> None:
    today = scope.marketplace.today()
    span = days_before(today - timedelta(days=1), 10)
    plant(scope, "t.spend", span, 5)
    plant(scope, "t.sales", [day for day in span if day != span[1]], 20)

    found = series(ACOS, scope.account_id, scope.marketplace, span[0], span[-1])

    assert [item.value for item in found[:3]] == [Decimal("0.25"), None, Decimal("0.25")]
    assert [item.provisional for item in found] == [False] * 3 + [True] * 7
