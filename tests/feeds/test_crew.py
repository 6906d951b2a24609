"""Several workers and dispatchers in processes of their own share the work, and nothing is done twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from listings.models import AsinDay
from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import backfill, reach, registry, schedule
from opsboard.feeds.models import Document, Feed, Fetch, Ingest
from opsboard.simulator.server import Running
from opsboard.simulator.state import Report
from opsboard.supervisor import dies_with_parent
from tests.children import database_url

from .test_fetching_simulator import connect, simulator

__all__ = ["simulator"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
WORKERS, DISPATCHERS, DAYS = 4, 2, 16


@contextmanager
def crew(folder: Path, url: str) -> Iterator[dict[str, list[subprocess.Popen[str]]]]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "SP_API_ENDPOINT": url,
        "ADS_API_ENDPOINT": url,
        "LWA_TOKEN_URL": f"{url}/auth/o2/token",
        "OPSBOARD_DOCUMENT_DIR": str(folder),
        "OPSBOARD_SEAL_KEYS": settings.SEAL_KEYS,
        "OPSBOARD_POLL_SECONDS": "0.2",
        "LOG_LEVEL": "ERROR",
    }
    started = {
        act: [
            subprocess.Popen(
                [sys.executable, "-m", "tests.feeds.crew", act, str(folder)],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=dies_with_parent(),
            )
            for _ in range(count)
        ]
        for act, count in (("work", WORKERS), ("tick", DISPATCHERS))
    }
    try:
        yield started
    finally:
        (folder / "stop").touch()
        for one in (*started["work"], *started["tick"]):
            if one.poll() is None:
                try:
                    one.wait(20)
                except subprocess.TimeoutExpired:
                    one.kill()


def asked(reports: list[Report]) -> Counter[tuple[str, str, str]]:
    """How often each report was asked for: of whom, what, with which days and options."""
    found: Counter[tuple[str, str, str]] = Counter()
    for one in reports:
        body = one.body
        if "configuration" in body:
            what = f"{body['startDate']}..{body['endDate']}"
        else:
            first = body.get("dataStartTime") if body.get("dataEndTime") else ""  # "since" is a moment of now
            what = f"{first}..{body.get('dataEndTime')} {sorted((body.get('reportOptions') or {}).items())}"
        found[one.account.key, one.kind, what] += 1
    return found


def prepare(scope: AccountMarketplace) -> None:
    """The state of now is due at once, planned by whichever dispatcher comes first; the days are a back-fill."""
    schedule.ensure_feeds(scope)
    dated = [spec for spec in schedule.usable_specs(scope) if reach.has_past(spec)]
    Feed.objects.filter(account=scope.account_id, spec__in=[spec.key for spec in dated]).update(
        next_due=timezone.now() + timedelta(days=2)
    )
    backfill.start(scope, scope.marketplace.today() - timedelta(days=DAYS), dated)


def test_four_workers_and_two_dispatchers_ask_for_each_report_once_and_end_with_the_sellers_numbers(
    simulator: Running, tmp_path: Path
) -> None:
    simulator.state.delay_factor = 0.005  # half a second: fetches change hands while Amazon works
    scopes = {key: connect(key) for key in ("EU", "FE")}
    for scope in scopes.values():
        prepare(scope)
    snapshots = [spec.key for spec in registry.specs() if spec.api and not reach.has_past(spec)]

    with crew(tmp_path, simulator.url) as started:
        until = time.monotonic() + 600  # only so that it ends
        while (
            Fetch.objects.filter(finished_at=None).exists()
            or Ingest.objects.filter(state=Ingest.State.WAITING).exists()
            or not Fetch.objects.filter(spec__in=snapshots).exists()
        ):
            assert time.monotonic() < until, Counter(Fetch.objects.values_list("state", "outcome"))
            dead = [one for group in started.values() for one in group if one.poll() is not None]
            assert not dead, dead[0].communicate()[1][-2000:]
            time.sleep(0.2)
        (tmp_path / "stop").touch()
        worked = [int(one.communicate(timeout=30)[0]) for one in started["work"]]

    states = Counter(Fetch.objects.values_list("state", flat=True))
    assert states.keys() <= {"done", "empty"} and states["done"] > 150, states
    reports = [
        one for one in simulator.state.reports.values() if one.body.get("reportType") or "configuration" in one.body
    ]
    twice = {what: times for what, times in asked(reports).items() if times > 1}
    assert not twice, twice
    # Every report that was asked for has its fetch: none was asked for and lost.
    known = set(Fetch.objects.exclude(kind="found").exclude(report_id="").values_list("report_id", flat=True))
    assert {one.id for one in reports} == known
    assert len(known) == Fetch.objects.exclude(kind="found").exclude(report_id="").count()
    # One document a report, each ingested once.
    assert Document.objects.count() == Fetch.objects.filter(state="done").exclude(report_id="").count()
    assert set(Ingest.objects.values_list("state", flat=True)) == {"applied"}
    for key, scope in scopes.items():
        for age in range(8, DAYS + 1):
            day = scope.marketplace.today() - timedelta(days=age)
            mine = AsinDay.objects.filter(account_id=scope.account_id, date=day)
            truth = round(simulator.state.truth.sales(key, day) * 10**scope.marketplace.minor_digits)
            assert mine.aggregate(minor=Sum("ordered_sales_minor"))["minor"] == truth, (key, day)
    # Nobody did it all, and nobody stood by.
    assert min(worked) > sum(worked) / WORKERS / 4, worked
