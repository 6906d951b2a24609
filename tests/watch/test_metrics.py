"""/metrics: who may read it, that Prometheus can, and that it says what happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from pytest_django.fixtures import Settings

from opsboard.accounts.models import AccountMarketplace
from opsboard.amazon import throttle
from opsboard.feeds import leases
from opsboard.feeds.models import Feed, Fetch
from opsboard.watch import counters

from .conftest import all_alive, due_fetch, feed, lived
from .test_faults import letter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted_yet() -> None:
    counters._waiting.clear()  # by the tests before


def scrape(client: Client, **headers: str) -> dict[tuple[str, ...], float]:
    """{(name, label values by label name...): value}"""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, *(value for _label, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(answer.content.decode())
        for sample in family.samples
    }


def test_prometheus_reads_both_formats(client: Client) -> None:
    plain = client.get("/metrics")
    assert plain["Content-Type"].startswith("text/plain; version=")
    assert {family.name for family in read_text(plain.content.decode())} >= {"opsboard_dispatch_lag_seconds"}
    open_ = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert open_["Content-Type"].startswith("application/openmetrics-text")
    assert len(list(read_openmetrics(open_.content.decode()))) > 20


def test_only_this_machine_or_who_knows_the_token_reads_them(client: Client, settings: Settings) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 403
    settings.METRICS_TOKEN = "a-long-one"
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    right = {"Authorization": "Bearer a-long-one", "X-Forwarded-For": "10.0.0.7"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers=right).status_code == 200


def test_a_dead_dispatcher_and_what_waits_for_it_show(client: Client, scope: AccountMarketplace) -> None:
    all_alive()
    lived("clock", seen=6 * 3600)
    feed(scope, next_due=timezone.now() - timedelta(hours=6))
    due_fetch(scope, 900)
    due_fetch(scope, 300, spec="planning", lease_until=timezone.now() - timedelta(seconds=60), attempts=1)
    found = scrape(client)
    assert found[("opsboard_dispatch_lag_seconds",)] == pytest.approx(6 * 3600, abs=60)
    assert found[("opsboard_processes_alive", "clock")] == 0
    assert found[("opsboard_processes_alive", "worker")] == 1
    assert found[("opsboard_heartbeat_age_seconds", "clock")] == pytest.approx(6 * 3600, abs=60)
    assert found[("opsboard_due_rows", "fetch")] == 2
    assert found[("opsboard_due_age_seconds", "fetch")] == pytest.approx(900, abs=60)
    assert found[("opsboard_expired_leases", "fetch")] == 1
    assert found[("opsboard_retried_rows", "fetch")] == 1


def test_work_is_counted_as_it_ends_and_refused_writes_too(
    client: Client, scope: AccountMarketplace, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row = due_fetch(scope, 10)
        fence = leases.claim(Fetch, row.pk)
        assert fence is not None and not leases.write(Fetch, row.pk, fence - 1, reason="of a zombie")
        assert leases.finish(Fetch, row.pk, fence, state=Fetch.State.DONE)
    for _ in range(2):
        due_fetch(scope, 10, slot=timezone.now(), attempts=3)
    assert leases.claim_first(Fetch, "TRUE", [], "id") is None
    counters.flush()
    counters.flush()  # counted once
    found = scrape(client)
    assert found[("opsboard_claims_total", "fetch")] == 1
    assert found[("opsboard_stale_fences_total", "fetch")] == 1
    assert found[("opsboard_outcomes_total", "done", "fetch")] == 1
    assert found[("opsboard_work_seconds_total", "fetch")] < 60
    assert found[("opsboard_set_aside_total", "fetch")] == 2


def test_waiting_for_amazon_shows_by_operation(client: Client) -> None:
    meter = throttle.Meter("SELLERXYZ", "app", urgent=True)
    for _ in range(17):
        throttle.take(meter, "createReport")
    throttle.empty(meter, "createReport", 60.0, None)
    found = scrape(client)
    assert found[("opsboard_throttle_waits_total", "createReport")] == 2
    assert found[("opsboard_throttle_refusals_total", "createReport")] == 1
    assert found[("opsboard_throttle_tokens", "createReport")] < 1
    assert 50 < found[("opsboard_throttle_wait_seconds", "createReport")] < 120


def test_mails_their_age_and_their_copies_show(client: Client, scope: AccountMarketplace) -> None:
    letter(scope, 30)
    letter(scope, 90, state="sent", finished_at=timezone.now(), tries=2)
    found = scrape(client)
    assert found[("opsboard_mails", "waiting")] == 1 and found[("opsboard_mails", "sent")] == 1
    assert found[("opsboard_mail_copies_total",)] == 1
    assert found[("opsboard_outbox_age_seconds",)] == pytest.approx(30 * 60, abs=60)


def test_freshness_shows_and_no_label_names_a_seller(client: Client, scope: AccountMarketplace) -> None:
    scope.account.name = "Northwind"
    scope.account.save()
    throttle.take(throttle.Meter("SELLERXYZ", "app"), "getReport")
    feed(scope, "listings", hours=2)
    feed(scope, "performance", hours=24 * 30)
    assert Feed.objects.count() == 2
    found = scrape(client)
    assert found[("opsboard_feed_age_seconds", "listings")] == pytest.approx(7200, abs=60)
    assert (found[("opsboard_feeds_late", "late")], found[("opsboard_feeds_late", "stale")]) == (0, 1)
    text = client.get("/metrics").content.decode()
    assert "Northwind" not in text and "SELLERXYZ" not in text


def test_a_scrape_costs_a_handful_of_queries_however_many_rows_there_are(
    client: Client, scope: AccountMarketplace
) -> None:
    with CaptureQueriesContext(connection) as few:
        client.get("/metrics")
    for _ in range(20):
        due_fetch(scope, 10, slot=timezone.now())
    with CaptureQueriesContext(connection) as many:
        client.get("/metrics")
    assert len(few) == len(many) < 16
