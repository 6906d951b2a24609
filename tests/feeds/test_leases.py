"""Who may work on a row, and whose writes still count."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsboard.feeds import leases
from opsboard.feeds.models import Document, Fetch, Ingest, Work
from tests.factories import make_scope

pytestmark = pytest.mark.django_db


def make_fetch(**fields: Any) -> Fetch:
    scope = fields.pop("scope", None) or make_scope()
    day = timezone.now().date()
    values = {"spec": "listings", "window_start": day, "window_end": day, "slot": timezone.now(), **fields}
    return Fetch.objects.create(account=scope.account, marketplace=scope.marketplace, **values)


def make_ingest() -> Ingest:
    scope = make_scope()
    document = Document.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec="listings",
        source="upload",
        report_type="x",
        source_created_at=timezone.now(),
        sha256="0" * 64,
        size=0,
    )
    return Ingest.objects.create(document=document)


def claimed(model: type[Work], pk: int) -> int:
    fence = leases.claim(model, pk)
    assert fence is not None
    return fence


def lease_runs_out(row: Work) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_wins() -> None:
    fetch = make_fetch()
    barrier = threading.Barrier(8)

    def claim(_: int) -> int | None:
        try:
            barrier.wait()
            return leases.claim(Fetch, fetch.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        fences = list(workers.map(claim, range(8)))

    assert sorted(fence for fence in fences if fence is not None) == [1]


@pytest.mark.django_db(transaction=True)
def test_workers_that_take_the_first_row_take_different_ones() -> None:
    scope = make_scope()
    day = timezone.now().date()
    rows = {make_fetch(scope=scope, window_start=day - timedelta(days=age)).pk for age in range(6)}
    barrier = threading.Barrier(6)

    def take(_: int) -> int:
        try:
            barrier.wait()
            found = leases.claim_first(Fetch, "state = %s", ["waiting"], "id")
            return found[0] if found else 0
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as workers:
        assert set(workers.map(take, range(6))) == rows


def test_a_row_is_nobodys_until_it_is_due_and_after_it_is_finished() -> None:
    assert leases.claim(Fetch, make_fetch(not_before=timezone.now() + timedelta(minutes=1)).pk) is None

    fetch = make_fetch()
    assert leases.finish(Fetch, fetch.pk, claimed(Fetch, fetch.pk), state=Fetch.State.DONE)
    assert leases.claim(Fetch, fetch.pk) is None


@pytest.mark.parametrize("hours", [1, -1, 24])
def test_what_a_host_with_a_wrong_clock_plans_is_due_at_once_all_the_same(hours: int) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        fetch = make_fetch()
    assert leases.claim(Fetch, fetch.pk) is not None


def test_an_expired_lease_is_claimed_again_and_the_zombie_writes_nothing() -> None:
    fetch = make_fetch()
    zombie = claimed(Fetch, fetch.pk)
    lease_runs_out(fetch)

    heir = claimed(Fetch, fetch.pk)

    assert heir > zombie
    assert not leases.write(Fetch, fetch.pk, zombie, reason="from the grave")
    assert not leases.finish(Fetch, fetch.pk, zombie, state=Fetch.State.FAILED)
    assert not leases.park(Fetch, fetch.pk, zombie)
    assert leases.write(Fetch, fetch.pk, heir, reason="alive")
    fetch.refresh_from_db()
    assert (fetch.reason, fetch.state) == ("alive", Fetch.State.WAITING)


def test_three_deaths_set_a_row_aside_with_its_last_reason() -> None:
    fetch = make_fetch(reason="Amazon said no.")
    for _ in range(3):
        claimed(Fetch, fetch.pk)
        lease_runs_out(fetch)

    assert leases.claim(Fetch, fetch.pk) is None

    fetch.refresh_from_db()
    assert fetch.state == Fetch.State.QUARANTINED and fetch.finished_at and not fetch.lease_until
    assert fetch.reason == "Set aside: it failed or stopped its worker 3 times. Amazon said no."
    assert leases.claim(Fetch, fetch.pk) is None


def test_ingests_are_set_aside_too_and_others_go_on() -> None:
    poison, healthy = make_ingest(), make_ingest()
    for _ in range(3):
        claimed(Ingest, poison.pk)
        lease_runs_out(poison)

    assert leases.claim_first(Ingest, "state = %s", ["waiting"], "id") == (healthy.pk, 1)

    poison.refresh_from_db()
    assert poison.state == Ingest.State.QUARANTINED and "3 times" in poison.reason


def test_waiting_for_amazon_a_hundred_times_is_no_failure() -> None:
    fetch = make_fetch()
    for _ in range(100):
        assert leases.park(Fetch, fetch.pk, claimed(Fetch, fetch.pk))
    fetch.refresh_from_db()
    assert fetch.attempts == 0 and fetch.state == Fetch.State.WAITING


def test_deaths_and_failures_count_together() -> None:
    fetch = make_fetch()
    claimed(Fetch, fetch.pk)
    lease_runs_out(fetch)
    leases.strike(Fetch, fetch.pk, claimed(Fetch, fetch.pk), reason="broke off")
    leases.park(Fetch, fetch.pk, claimed(Fetch, fetch.pk))
    fetch.refresh_from_db()
    assert fetch.attempts == 2
    leases.strike(Fetch, fetch.pk, claimed(Fetch, fetch.pk))

    assert leases.claim(Fetch, fetch.pk) is None
    fetch.refresh_from_db()
    assert fetch.state == Fetch.State.QUARANTINED


def test_a_parked_row_comes_back_when_its_time_has_come_by_the_databases_clock() -> None:
    fetch = make_fetch()
    leases.park(Fetch, fetch.pk, claimed(Fetch, fetch.pk), seconds=60)
    assert leases.claim(Fetch, fetch.pk) is None
    fetch.refresh_from_db()
    assert timedelta(seconds=55) < fetch.not_before - timezone.now() <= timedelta(seconds=61)


@pytest.mark.django_db(transaction=True)
def test_long_work_keeps_its_lease_and_learns_when_it_was_taken_away(settings: Settings) -> None:
    settings.LEASE_SECONDS = 0.6
    fetch = make_fetch()
    fence = claimed(Fetch, fetch.pk)
    with leases.held(Fetch, fetch.pk, fence):
        threading.Event().wait(1.2)
        assert leases.claim(Fetch, fetch.pk) is None
    threading.Event().wait(0.7)
    assert claimed(Fetch, fetch.pk) > fence
    assert not leases.renew(Fetch, fetch.pk, fence)
