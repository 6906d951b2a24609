"""The state of a page is its address: read politely, in each marketplace's own days, inside one tenant."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.http import Http404, QueryDict
from django.test import RequestFactory

from opsboard.accounts.models import Marketplace, User
from opsboard.ui.filters import PageState, Period, newest_complete_day
from tests.factories import make_seller

pytestmark = pytest.mark.django_db


def state(user: User, query: str = "") -> PageState:
    request = RequestFactory().get("/ads/?" + query)
    request.user = user
    return PageState.from_request(request)


def shop(code: str) -> Marketplace:
    return Marketplace.objects.get(code=code)


@time_machine.travel(datetime(2026, 11, 23, 3, 0, tzinfo=UTC), tick=False)
def test_yesterday_is_each_marketplaces_own() -> None:
    days = {code: newest_complete_day(shop(code)) for code in ("US", "DE", "JP")}

    assert days == {"US": date(2026, 11, 21), "DE": date(2026, 11, 22), "JP": date(2026, 11, 22)}


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), date(2026, 10, 30)),  # 23:30 on 31 Oct in Los Angeles
        (datetime(2026, 11, 2, 7, 30, tzinfo=UTC), date(2026, 10, 31)),  # 23:30 on 1 Nov, the 25-hour day
        (datetime(2026, 11, 2, 8, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 3, 9, 6, 59, tzinfo=UTC), date(2026, 3, 7)),  # the 23-hour day is not over
        (datetime(2026, 3, 9, 7, 0, tzinfo=UTC), date(2026, 3, 8)),
    ],
)
def test_days_turn_at_the_marketplaces_midnight_when_clocks_change(instant: datetime, day: date) -> None:
    with time_machine.travel(instant, tick=False):
        assert newest_complete_day(shop("US")) == day


@time_machine.travel(datetime(2026, 11, 23, 20, 0, tzinfo=UTC), tick=False)
def test_a_period_ends_yesterday_and_has_as_many_days_as_it_says() -> None:
    days = Period("7d").days(shop("US"))

    assert (days.first, days.last, len(days)) == (date(2026, 11, 16), date(2026, 11, 22), 7)


@time_machine.travel(datetime(2026, 11, 23, 20, 0, tzinfo=UTC), tick=False)
@pytest.mark.parametrize("key", ["7d", "14d", "30d", "90d", "mtd"])
@pytest.mark.parametrize("compare", ["previous", "year"])
def test_a_period_is_compared_with_the_same_weekdays_and_never_with_itself(key: str, compare: str) -> None:
    period = Period(key)
    days, before = period.days(shop("DE")), period.compared(shop("DE"), compare)

    assert before is not None
    assert len(before) == len(days)
    assert before.first.weekday() == days.first.weekday()
    assert before.last < days.first


@time_machine.travel(datetime(2026, 12, 1, 20, 0, tzinfo=UTC), tick=False)
def test_on_the_first_of_a_month_this_month_is_the_one_just_ended() -> None:
    days = Period("mtd").days(shop("DE"))

    assert (days.first, days.last) == (date(2026, 11, 1), date(2026, 11, 30))


def test_everything_is_in_the_address_and_comes_back_from_it() -> None:
    user, (us, _de) = make_seller(("US", "DE"))

    first = state(user, f"scope={us.pk}&period=custom&from=2026-10-01&to=2026-10-07&compare=year&sort=-spend&q=mug")
    again = state(user, first.query()[1:])

    assert again.scope == us
    assert again.period == first.period == Period("custom", date(2026, 10, 1), date(2026, 10, 7))
    assert (again.compare, again.search, again.query()) == ("year", "mug", first.query())


@pytest.mark.parametrize(
    "query",
    [
        "period=never&compare=moon",
        "period=custom&from=yesterday&to=2026-10-07",
        "period=custom&from=1000-01-01&to=2026-10-07",
        "scope=abc",
        "scope=",
        "scope=%00",
        "scope=9999999999999999999999",
        "scope=²",
    ],
)
def test_unknown_values_fall_back_politely(query: str) -> None:
    user, _scopes = make_seller()

    found = state(user, query)

    assert (found.scope, found.period, found.compare) == (None, Period("30d"), "previous")


def test_ends_in_the_wrong_order_are_put_right() -> None:
    user, _scopes = make_seller()

    assert state(user, "period=custom&from=2026-10-07&to=2026-10-01").period.first == date(2026, 10, 1)


def test_another_tenants_scope_does_not_exist() -> None:
    user, _mine = make_seller()
    _other, (theirs,) = make_seller()

    with pytest.raises(Http404):
        state(user, f"scope={theirs.pk}")


def test_without_a_scope_a_page_is_about_all_of_mine_and_only_mine() -> None:
    user, mine = make_seller(("US", "DE"))
    make_seller()

    assert {scope.pk for scope in state(user).scopes} == {scope.pk for scope in mine}


def test_changing_the_sort_goes_back_to_the_first_page() -> None:
    user, _scopes = make_seller()

    assert "after" not in QueryDict(state(user, "sort=spend&after=1~2").query(sort="-acos")[1:])


@time_machine.travel(datetime(2026, 11, 23, 20, 0, tzinfo=UTC), tick=False)
def test_a_period_steps_back_by_its_own_length_and_never_into_the_future() -> None:
    user, _scopes = make_seller()
    now = state(user, "period=7d")

    earlier = state(user, (now.earlier or "?")[1:])

    assert now.later is None
    assert (earlier.period.first, earlier.period.last) == (date(2026, 11, 9), date(2026, 11, 15))
    assert earlier.later is not None
