"""A report Amazon has made already is taken instead of asking for another one, and never a wrong one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Role
from opsboard.feeds import fetching, registry, schedule
from opsboard.feeds.models import Document, Fetch, ReportList
from opsboard.simulator.business import ACCOUNTS
from opsboard.simulator.server import Running
from opsboard.simulator.state import Report
from tests.factories import make_user

from .test_fetching_simulator import northwind, simulator

__all__ = ["northwind", "simulator"]
pytestmark = pytest.mark.django_db
STOCK, LISTINGS = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA", "GET_MERCHANT_LISTINGS_ALL_DATA"
RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"


def by_another_program(running: Running, kind: str = STOCK, minutes: float = 10, **body: Any) -> Report:
    """A report that somebody else had Amazon make."""
    state, account = running.state, ACCOUNTS["NA"]
    whole = {"reportType": kind, "marketplaceIds": [account.marketplace_id], **body}
    report = state.add_report(account, kind, whole, ads=False)
    report.created = report.done_at = datetime.now(timezone.get_current_timezone()) - timedelta(minutes=minutes)
    return report


def fetched(scope: AccountMarketplace, spec: str = "stock", **fields: Any) -> Fetch:
    day = scope.marketplace.today()
    values = {"window_start": day, "window_end": day, "slot": timezone.now(), **fields}
    fetch = Fetch.objects.create(account=scope.account, marketplace=scope.marketplace, spec=spec, **values)
    fetching.advance(fetch.pk)
    fetch.refresh_from_db()
    return fetch


def test_a_report_made_ten_minutes_ago_is_taken_and_none_is_asked_for(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    theirs = by_another_program(simulator)

    fetch = fetched(northwind)

    assert (fetch.state, fetch.report_id) == ("done", theirs.id) and simulator.state.calls["createReport"] == 0
    assert Document.objects.get(fetch=fetch).report_id == theirs.id
    taken = fetch.journal[0]
    assert taken["outcome"] == "taken_over" and taken["report"] == theirs.id
    assert f"made by Amazon at {theirs.created:%Y-%m-%d %H:%M} UTC and taken over" == taken["note"]


def test_the_page_of_its_document_says_that_it_was_taken_over(
    simulator: Running, northwind: AccountMarketplace, client: Client
) -> None:
    by_another_program(simulator)
    document = Document.objects.get(fetch=fetched(northwind))
    client.force_login(make_user(northwind.account.organisation, Role.VIEWER))
    page = client.get(f"/data/document/{document.pk}/").content.decode()
    assert "How it came" in page and "taken over" in page and "made by Amazon at " in page


def test_the_newest_of_several_is_taken(simulator: Running, northwind: AccountMarketplace) -> None:
    by_another_program(simulator, minutes=25)
    newest = by_another_program(simulator, minutes=5)
    by_another_program(simulator, minutes=15)
    assert fetched(northwind).report_id == newest.id


def test_one_that_is_being_made_is_waited_for_as_after_a_crash_between_asking_and_writing(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    theirs = by_another_program(simulator)
    theirs.done_at = datetime.now(timezone.get_current_timezone()) + timedelta(minutes=5)
    fetch = fetched(northwind)
    assert (fetch.state, fetch.report_id, fetch.outcome) == ("requested", theirs.id, "in_queue")
    assert simulator.state.calls["createReport"] == 0


@pytest.mark.parametrize(
    ("kind", "minutes", "body"),
    [
        (STOCK, 31, {}),  # too old
        (LISTINGS, 5, {}),  # another report
        (STOCK, 5, {"marketplaceIds": ["A2EUQ1WTGCTBG2"]}),  # of another marketplace
        (STOCK, 5, {"marketplaceIds": ["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"]}),  # of several
    ],
)
def test_another_report_is_not_taken_for_it(
    simulator: Running, northwind: AccountMarketplace, kind: str, minutes: float, body: dict[str, Any]
) -> None:
    theirs = by_another_program(simulator, kind, minutes, **body)
    fetch = fetched(northwind)
    assert fetch.state == "done" and fetch.report_id != theirs.id and simulator.state.calls["createReport"] == 1


def test_a_report_with_options_is_never_taken_because_amazons_list_does_not_name_them(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    by_another_program(simulator, LISTINGS, 1)
    fetched(northwind, "listings")
    assert simulator.state.calls["createReport"] == 1 and simulator.state.calls["getReports"] == 0
    for spec in registry.specs():
        assert not (spec.reusable_minutes and (spec.options or spec.ask)), spec.key


@pytest.mark.parametrize("outcome", ["CANCELLED", "FATAL"])
def test_one_that_came_to_nothing_is_not_taken(simulator: Running, northwind: AccountMarketplace, outcome: str) -> None:
    by_another_program(simulator).outcome = outcome
    fetch = fetched(northwind)
    assert fetch.state == "done" and simulator.state.calls["createReport"] == 1


@pytest.mark.parametrize("shift", [0, 1])
def test_of_a_report_of_days_only_the_same_days_are_taken(
    simulator: Running, northwind: AccountMarketplace, shift: int
) -> None:
    spec = registry.spec("customer_returns")
    day = northwind.marketplace.today() - timedelta(days=3)
    asked = day + timedelta(days=shift)
    zone = northwind.marketplace.zone if spec.moments else None
    from opsboard.amazon.reports import Request

    moments = Request(spec.report_type, "", asked, asked, zone=zone).moments()
    assert moments
    theirs = by_another_program(
        simulator, RETURNS, 10, dataStartTime=moments[0].isoformat(), dataEndTime=moments[1].isoformat()
    )
    theirs.first = theirs.last = asked
    fetch = fetched(northwind, "customer_returns", window_start=day, window_end=day)
    assert (fetch.report_id == theirs.id) is (shift == 0)
    assert simulator.state.calls["createReport"] == shift


def test_fetches_of_a_moment_share_one_look_at_amazons_list(simulator: Running, northwind: AccountMarketplace) -> None:
    day = northwind.marketplace.today()
    for age in range(3):
        fetched(northwind, window_start=day - timedelta(days=age))
    assert simulator.state.calls["getReports"] == 1
    ReportList.objects.update(asked_at=timezone.now() - timedelta(minutes=3))
    fetched(northwind, window_start=day - timedelta(days=9))
    assert simulator.state.calls["getReports"] == 2


@pytest.mark.parametrize("fault", ["throttle", "server_error", "html", "role_missing"])
def test_when_the_list_cannot_be_had_the_report_is_asked_for(
    simulator: Running, northwind: AccountMarketplace, fault: str
) -> None:
    simulator.state.faults.plan(fault, operation="getReports")
    assert fetched(northwind).state == "done" and simulator.state.calls["createReport"] == 1


def test_a_report_taken_over_that_amazon_forgot_is_asked_for_itself(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    theirs = by_another_program(simulator)
    theirs.done_at = datetime.now(timezone.get_current_timezone()) + timedelta(minutes=5)
    fetch = fetched(northwind)
    del simulator.state.reports[theirs.id]
    for _ in range(2):
        Fetch.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        fetching.advance(fetch.pk)
    fetch.refresh_from_db()
    assert fetch.state == "done" and simulator.state.calls["createReport"] == 1
    assert [entry["outcome"] for entry in fetch.journal] == ["taken_over", "in_queue", "forgotten", "in_queue", "done"]


def test_a_morning_of_routine_costs_amazon_fewer_requests_where_another_program_asked_already(
    simulator: Running, northwind: AccountMarketplace
) -> None:
    reusable = [spec for spec in registry.specs() if spec.reusable_minutes and not spec.history]
    for spec in reusable:
        by_another_program(simulator, spec.report_type, 5)
    for spec in reusable:
        schedule.ask_now(northwind, spec.key)
    for fetch in Fetch.objects.all():
        fetching.advance(fetch.pk)
    assert set(Fetch.objects.values_list("state", flat=True)) == {"done"} and len(reusable) >= 6
    assert simulator.state.calls["createReport"] == 0 and simulator.state.calls["getReports"] == len(reusable)
