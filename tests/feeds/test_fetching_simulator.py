"""The whole way in, against the simulator: a calm Amazon and one having every kind of bad day."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Sum
from django.utils import timezone
from pytest_django.fixtures import Settings

from listings.models import AsinDay
from opsboard.accounts import connections, sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon import throttle, tokens
from opsboard.feeds import backfill, dispatch, schedule
from opsboard.feeds.models import BackfillPlan, Document, Feed, Fetch, Ingest
from opsboard.simulator import DEMO_CREDENTIALS
from opsboard.simulator.server import Running, start_in_thread
from tests.factories import make_account, make_scope

pytestmark = pytest.mark.django_db
DAYS = 12


@pytest.fixture
def simulator(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with start_in_thread(rate_factor=1000.0, delay_factor=0.0) as running:
        settings.SP_API_ENDPOINT = settings.ADS_API_ENDPOINT = running.url
        settings.LWA_TOKEN_URL = f"{running.url}/auth/o2/token"
        settings.DOCUMENT_DIR = tmp_path
        settings.SEAL_KEYS = sealing.new_key()
        settings.OPSBOARD_HINTS = False
        settings.POLL_SECONDS = 0.02
        monkeypatch.setattr(throttle, "PENALTY_SECONDS", 0.05)
        tokens._held.clear()
        yield running


@pytest.fixture
def northwind(simulator: Running) -> AccountMarketplace:
    return connect("NA")


def connect(key: str) -> AccountMarketplace:
    demo = {name: str(value) for name, value in DEMO_CREDENTIALS[key].items()}
    account = make_account(region=key)
    account.selling_partner_id = demo["selling_partner_id"]
    account.save()
    markets = DEMO_CREDENTIALS[key]["marketplaces"]
    assert isinstance(markets, list)
    scope = make_scope(account, markets[0], ads_profile_id=demo["ads_profile_id"])
    for kind in ("sp_api", "ads"):
        sealing.store(account, kind, {name: demo[name] for name in ("client_id", "client_secret", "refresh_token")})
    return scope


def run_dry(seconds: float = 60) -> None:
    """Work until nothing is left to do; what is parked is due at once, what rests after a refusal when it may."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        dispatch.work(seconds=seconds)
        waiting = Fetch.objects.filter(finished_at=None).update(not_before=timezone.now() - timedelta(seconds=1))
        if not waiting and not Ingest.objects.filter(state=Ingest.State.WAITING).exists():
            return
        time.sleep(0.1)
    raise AssertionError(list(Fetch.objects.filter(finished_at=None).values("spec", "state", "reason")))


def assert_sales_are_the_truth(simulator: Running, scope: AccountMarketplace, key: str = "NA") -> None:
    """Days old enough to be final hold to the cent what happened."""
    today = scope.marketplace.today()
    for age in range(8, DAYS + 1):
        day = today - timedelta(days=age)
        held = AsinDay.objects.filter(account_id=scope.account_id, date=day).aggregate(
            minor=Sum("ordered_sales_minor")
        )["minor"]
        digits = scope.marketplace.minor_digits
        assert held == round(simulator.state.truth.sales(key, day) * 10**digits), day


@pytest.mark.parametrize("key", ["NA", "EU", "FE"])
def test_a_back_fill_ends_with_the_sellers_own_numbers(simulator: Running, key: str) -> None:
    scope = connect(key)
    for kind in ("sp_api", "ads"):
        assert connections.check(scope.account, kind).ok
    planned = backfill.ensure(scope, DAYS)

    run_dry()

    assert set(Fetch.objects.values_list("state", flat=True)) == {"done"}
    found = Fetch.objects.filter(kind="found").count()
    assert Fetch.objects.count() == planned + found
    # A listing of what Amazon made by itself has no document of its own.
    assert Document.objects.count() == planned + found - 1
    assert set(Ingest.objects.values_list("state", flat=True)) == {"applied"}
    assert_sales_are_the_truth(simulator, scope, key)
    backfill.sweep()
    plan = BackfillPlan.objects.get()
    told = backfill.progress(plan, scope)
    assert plan.state == "done" and told.done == told.total == plan.requests > 0


def test_every_kind_of_bad_day_ends_with_the_same_numbers(simulator: Running, northwind: AccountMarketplace) -> None:
    faults = simulator.state.faults
    trouble = ("throttle", "html", "server_error", "throttle", "unauthorized")
    for kind, operation in itertools.product(
        trouble, ("createReport", "getReport", "getReportDocument", "adsReporting")
    ):
        faults.plan(kind, operation=operation)
    for kind in ("truncated_gzip", "mislabelled_gzip", "html", "server_error"):
        faults.plan(kind, operation="download")
    faults.plan("expired_url", operation="download", times=3)
    for kind in ("fatal", "fatal_with_document"):
        faults.plan(kind, report_type="GET_SALES_AND_TRAFFIC_REPORT")
    faults.plan("fatal", report_type="spCampaigns")
    planned = backfill.ensure(northwind, DAYS)

    run_dry()

    left = {(fault.kind, fault.operation) for fault in faults.planned if fault.times > 0}
    assert not left, left
    # Brand Analytics whose turn came before the listings were there has no ASINs to ask about until its next slot.
    early = Fetch.objects.filter(spec__in=("search_query_performance", "top_search_terms"), state="empty")
    unfinished = Fetch.objects.exclude(state="done").difference(early).values_list("spec", "state", "reason")
    assert not unfinished, list(unfinished)
    found = Fetch.objects.filter(kind="found").count()
    assert Document.objects.count() == planned + found - 1 - early.count()
    assert_sales_are_the_truth(simulator, northwind)


def test_reasons_of_amazons_reach_the_feed(simulator: Running, northwind: AccountMarketplace) -> None:
    simulator.state.faults.plan("fatal_with_document", report_type="GET_FBA_INVENTORY_PLANNING_DATA", times=3)
    simulator.state.faults.plan("cancelled", report_type="GET_MERCHANT_LISTINGS_ALL_DATA")
    schedule.plan_due()

    run_dry()

    planning, listings = Fetch.objects.get(spec="planning"), Fetch.objects.get(spec="listings")
    assert planning.state == "failed" and listings.state == "empty"
    assert "Amazon says: Report data is not available for the requested dates." in planning.reason
    assert Feed.objects.get(spec="planning").last_error == planning.reason
    assert Feed.objects.get(spec="stock").last_success_at


def test_a_storm_of_429_costs_amazon_few_calls_and_nobody_a_failure(
    simulator: Running, northwind: AccountMarketplace, settings: Settings
) -> None:
    simulator.state.limits.factor = 1.0
    simulator.state.faults.plan("throttle", operation="createReport", times=10_000)
    backfill.ensure(northwind, 60)
    of_ads = Fetch.objects.filter(spec__startswith="sp_")
    for _ in range(40):
        dispatch.work(seconds=3)
        if not of_ads.exclude(state="done").exists():
            break

    assert simulator.state.calls["createReport"] <= 2
    sales = Fetch.objects.filter(spec__startswith="sales")
    assert set(sales.values_list("state", "attempts", "lease_until")) == {("waiting", 0, None)}
    assert not of_ads.exclude(state="done").exists()  # Ads goes on
