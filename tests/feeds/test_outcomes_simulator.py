"""Amazon's own bad days against the simulator: three kinds of CANCELLED, six hours in the queue, a revoked access."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Credential
from opsboard.amazon import tokens
from opsboard.amazon.models import AccessToken
from opsboard.feeds import fetching, schedule
from opsboard.feeds.models import Coverage, Fetch
from opsboard.simulator.server import Running

from .test_fetching_simulator import northwind, simulator

__all__ = ["northwind", "simulator"]
pytestmark = pytest.mark.django_db
SALES = "GET_SALES_AND_TRAFFIC_REPORT"


def make(scope: AccountMarketplace, spec: str = "sales_and_traffic", **fields: Any) -> Fetch:
    day = scope.marketplace.today() - timedelta(days=5)
    values = {"window_start": day, "window_end": day, "slot": timezone.now(), **fields}
    return Fetch.objects.create(account=scope.account, marketplace=scope.marketplace, spec=spec, **values)


def go_on(fetch: Fetch) -> Fetch:
    Fetch.objects.filter(pk=fetch.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    fetching.advance(fetch.pk)
    fetch.refresh_from_db()
    return fetch


def test_three_kinds_of_cancelled_are_three_outcomes_and_none_is_zero(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    day = northwind.marketplace.today() - timedelta(days=8)
    for kind in ("cancelled", "cancelled_in_queue", "cancelled_too_soon"):
        simulator.state.faults.plan(kind, operation="createReport", report_type=SALES)
    none, stopped, soon = (
        make(northwind, window_start=day - timedelta(days=n), window_end=day - timedelta(days=n)) for n in range(3)
    )

    for fetch in (none, stopped, soon):
        go_on(fetch)

    assert (none.outcome, none.state, none.guessed) == ("no_data", "empty", True)
    assert (stopped.outcome, stopped.state, stopped.guessed) == ("cancelled_by_someone", "waiting", True)
    assert (soon.outcome, soon.state, soon.guessed) == ("too_soon", "waiting", False)
    assert soon.said.startswith("The report was requested again too soon")
    assert not Coverage.objects.exists()
    assert go_on(stopped).outcome == go_on(soon).outcome == "done"


def test_six_hours_in_the_queue_and_then_done_is_one_request(simulator: Running, northwind: AccountMarketplace) -> None:
    simulator.state.faults.plan("stalled", operation="createReport", report_type=SALES)
    fetch = go_on(make(northwind))
    assert fetch.outcome == "in_queue"
    for hours in (1, 3, 5):
        Fetch.objects.filter(pk=fetch.pk).update(requested_at=timezone.now() - timedelta(hours=hours, minutes=5))
        simulator.state.clock = lambda hours=hours: datetime.now(UTC) + timedelta(hours=hours)  # type: ignore[misc]
        tokens._held.clear()  # another worker; and the access token has run out at Amazon's
        assert go_on(fetch).outcome == "in_queue_long"
    simulator.state.clock = lambda: datetime.now(UTC) + timedelta(hours=6, minutes=5)

    assert go_on(fetch).outcome == "done" and simulator.state.calls["createReport"] == 1


def test_a_revoked_access_stops_asking_until_it_is_given_again(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    simulator.state.faults.plan("revoked", operation="token", times=100)
    fetch, sibling = make(northwind), make(northwind, "stock")
    assert go_on(fetch).outcome == "access_revoked"
    sibling.refresh_from_db()
    assert sibling.outcome == "access_revoked" and sibling.not_before > timezone.now() + timedelta(minutes=50)
    assert simulator.state.calls["token"] == 1

    simulator.state.faults.planned.clear()
    AccessToken.objects.update(refused_until=None)  # half a minute later
    Credential.objects.update(updated_at=timezone.now())
    schedule.plan_due()
    assert go_on(fetch).outcome == "done" and go_on(sibling).outcome == "done"


@pytest.mark.parametrize("fault", ["fatal", "fatal_with_document"])
def test_a_report_that_amazon_never_makes_costs_three_requests_with_growing_pauses(
    simulator: Running, northwind: AccountMarketplace, fault: str
) -> None:
    simulator.state.faults.plan(fault, report_type=SALES, times=10)
    fetch = make(northwind)
    pauses = []
    while not fetch.finished_at:
        go_on(fetch)
        pauses.append((fetch.not_before - timezone.now()).total_seconds())
    assert fetch.state == "failed" and simulator.state.calls["createReport"] == 3 and pauses[0] < pauses[1]
    assert fetch.outcome == ("fatal_unexplained" if fault == "fatal" else "fatal_explained")


def test_a_missing_role_is_told_of_that_report_and_the_others_go_on(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    simulator.state.faults.plan("role_missing", report_type=SALES, times=10)
    fetch, other = make(northwind), make(northwind, "stock")
    assert (go_on(fetch).outcome, fetch.guessed) == ("role_missing", False)
    assert go_on(other).outcome == "done"
