"""The tick and the workers: everything due is worked on, in the right order, whoever is away."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import dispatch, fetching, pipeline, schedule
from opsboard.feeds.models import Document, Feed, Fetch, Ingest
from opsboard.feeds.tasks import advance, tick, work
from tests.amazon.scripted import Says, ScriptedAmazon
from tests.factories import make_scope

pytestmark = pytest.mark.django_db
LISTINGS = b"item-name\tseller-sku\tasin1\tprice\tquantity\tstatus\nMug\tMUG-1\tB000000001\t9.99\t5\tActive\n"


def make_fetch(scope: AccountMarketplace, spec: str = "listings", age: int = 1, **fields: Any) -> Fetch:
    day = timezone.now().date() - timedelta(days=age)
    values = {"window_start": day, "window_end": day, "slot": timezone.now(), **fields}
    return Fetch.objects.create(account=scope.account, marketplace=scope.marketplace, spec=spec, **values)


def connected() -> AccountMarketplace:
    scope = make_scope()
    sealing.store(scope.account, "sp_api", {"client_id": "c", "client_secret": "s", "refresh_token": "r"})
    return scope


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The fetches in the order the worker took them; each is done at once."""
    taken: list[int] = []

    def carry_on(pk: int, fence: int) -> fetching.Advanced:
        taken.append(pk)
        Fetch.objects.filter(pk=pk).update(state=Fetch.State.DONE, finished_at=timezone.now())
        return fetching.Advanced("done")

    monkeypatch.setattr(fetching, "carry_on", carry_on)
    return taken


def test_a_worker_fetches_and_ingests_until_nothing_is_due(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    for age in range(3):
        make_fetch(scope, age=age)

    assert dispatch.work(seconds=20) == 3

    assert set(Fetch.objects.values_list("state", flat=True)) == {"done"}
    assert Document.objects.count() == 3 and not Ingest.objects.filter(state="waiting").exists()


def test_a_document_left_behind_by_a_dead_worker_is_ingested(amazon: ScriptedAmazon, scope: AccountMarketplace) -> None:
    amazon.sp_report(LISTINGS)
    fetch = make_fetch(scope)
    fetching.advance(fetch.pk)
    assert Ingest.objects.get().state == "waiting"

    dispatch.work(seconds=5)

    assert Ingest.objects.get().state == "applied"


def test_what_a_person_waits_for_comes_first_then_the_newest_days(order: list[int]) -> None:
    scope = make_scope()
    old = make_fetch(scope, age=90, priority=20)
    routine_2 = make_fetch(scope, age=2, priority=10)
    routine_1 = make_fetch(scope, age=1, priority=10)
    screen = make_fetch(scope, age=59, priority=5)
    asked = make_fetch(scope, age=3, priority=0)

    dispatch.work(seconds=5)

    assert order == [one.pk for one in (asked, screen, routine_1, routine_2, old)]


def test_a_seller_with_a_long_history_does_not_hold_up_the_others(order: list[int]) -> None:
    noisy = make_scope()
    for age in range(30):
        make_fetch(noisy, age=age)
    quiet = [make_fetch(make_scope()).pk for _ in range(3)]

    dispatch.work(seconds=5)

    assert set(quiet) < set(order[:4])


def test_rows_of_an_account_out_of_tokens_are_left_alone_and_others_go_on(
    amazon: ScriptedAmazon, scope: AccountMarketplace
) -> None:
    amazon.sp_report(LISTINGS)
    for age in range(40):
        make_fetch(scope, age=age)
    other = make_fetch(connected())

    started = time.monotonic()
    dispatch.work(seconds=20)

    assert time.monotonic() - started < 15
    other.refresh_from_db()
    assert other.state == "done"
    assert (
        Fetch.objects.filter(state="done", account=scope.account).count() == 10
    )  # the burst but the reserve, and not one more
    touched = Fetch.objects.filter(account=scope.account, state="waiting").exclude(reason="")
    assert touched.count() == 1  # one was refused a token; the others were not even asked


def test_a_worker_stops_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    scope = make_scope()
    for age in range(5):
        make_fetch(scope, age=age)

    def slow(pk: int, fence: int) -> fetching.Advanced:
        time.sleep(0.3)
        Fetch.objects.filter(pk=pk).update(finished_at=timezone.now())
        return fetching.Advanced("done")

    monkeypatch.setattr(fetching, "carry_on", slow)
    assert dispatch.work(seconds=0.5) == 2


def test_a_report_ready_in_a_moment_is_waited_for_and_a_later_one_is_not(
    amazon: ScriptedAmazon, scope: AccountMarketplace, settings: Settings
) -> None:
    settings.POLL_SECONDS = 0.2
    pending = Says({"reportId": "R1", "processingStatus": "IN_PROGRESS"})
    done = {"reportId": "R1", "processingStatus": "DONE", "reportDocumentId": "D1"}
    amazon.sp_report(LISTINGS)
    amazon.on("GET", "/reports/2021-06-30/reports/", pending, Says(done))
    make_fetch(scope)
    assert dispatch.work(seconds=10) == 2 and Fetch.objects.get().state == "done"

    settings.POLL_SECONDS = 20
    amazon.on("GET", "/reports/2021-06-30/reports/", pending)
    make_fetch(scope)
    started = time.monotonic()
    dispatch.work(seconds=10)
    assert time.monotonic() - started < 2


def test_an_ingest_that_breaks_stops_neither_the_worker_nor_itself_for_ever(
    amazon: ScriptedAmazon, scope: AccountMarketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    amazon.sp_report(LISTINGS)
    make_fetch(scope)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(pipeline, "apply", broken)
    for _ in range(4):
        dispatch.work(seconds=5)
        Ingest.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert Fetch.objects.get().state == "done"
    assert Ingest.objects.get().state == "quarantined"


def test_a_fetch_that_kills_its_workers_is_set_aside_and_its_feed_says_why(
    scope: AccountMarketplace, order: list[int]
) -> None:
    poison = make_fetch(scope, age=1, attempts=3, lease_until=timezone.now() - timedelta(seconds=1))
    healthy = make_fetch(scope, age=2)
    Feed.objects.create(account=scope.account, marketplace=scope.marketplace, spec="listings")

    dispatch.work(seconds=5)

    poison.refresh_from_db()
    assert poison.state == "quarantined" and order == [healthy.pk]
    assert "Set aside" in Feed.objects.get().last_error


# --- the tick -------------------------------------------------------------------------------------


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []

    def remember(task: str, *_: object, **__: object) -> bool:
        sent.append(task)
        return True

    monkeypatch.setattr(dispatch, "hint", remember)
    return sent


def test_the_tick_plans_and_wakes_no_more_workers_than_there_are(
    amazon: ScriptedAmazon, scope: AccountMarketplace, settings: Settings, hints: list[str]
) -> None:
    settings.CELERY_WORKER_CONCURRENCY = 3
    assert dispatch.tick() == 3
    assert hints == ["opsboard.feeds.work"] * 3 and Feed.objects.exists() and Fetch.objects.count() > 3


def test_with_nothing_due_nobody_is_woken(db: None, hints: list[str]) -> None:
    assert dispatch.tick() == 0 and hints == []


def test_a_broker_that_is_away_fails_nothing(
    amazon: ScriptedAmazon, scope: AccountMarketplace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsboard.celery import app

    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:9/0")
    called: list[int] = []
    monkeypatch.setattr(dispatch, "_on_tick", [lambda: called.append(1)])

    started = time.monotonic()
    assert dispatch.tick() == 0

    assert time.monotonic() - started < 2 and called == [1] and Fetch.objects.exists()


def test_one_that_registered_and_breaks_does_not_stop_the_others(
    db: None, hints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[int] = []

    def broken() -> None:
        raise RuntimeError("boom")

    def fine() -> None:
        called.append(1)

    monkeypatch.setattr(dispatch, "_on_tick", [])
    dispatch.on_tick(broken)
    dispatch.on_tick(fine)
    dispatch.on_tick(fine)
    dispatch.tick()
    assert called == [1]


def test_a_silent_dispatcher_shows(db: None) -> None:
    scope = make_scope()
    assert dispatch.lag() == timedelta(0)
    Feed.objects.create(
        account=scope.account,
        marketplace=scope.marketplace,
        spec="listings",
        next_due=timezone.now() - timedelta(hours=6),
    )
    assert timedelta(hours=5, minutes=59) < dispatch.lag() < timedelta(hours=6, minutes=1)


def test_the_tasks_have_the_names_others_call_them_by() -> None:
    assert [task.name for task in (tick, work, advance)] == [
        "opsboard.feeds.tick",
        "opsboard.feeds.work",
        "opsboard.feeds.advance",
    ]


def test_a_new_account_is_filled_by_one_tick_and_one_worker(
    amazon: ScriptedAmazon, scope: AccountMarketplace, hints: list[str]
) -> None:
    amazon.sp_report(LISTINGS)
    amazon.ads_report(b"[]")
    schedule.ensure_feeds(scope)
    tick()
    make_fetch(scope, "listings", age=5)
    work()
    assert Fetch.objects.filter(state="done").count() >= 5
