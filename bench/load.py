"""Pages while twenty accounts sync at once on this machine: their p95 against the same pages in quiet.

Everything is real: gunicorn, a Celery worker and a beat as they run in earnest, PostgreSQL and Redis, and the
simulator for Amazon, which makes reports at once and limits nobody, so that workers never rest. The machine
may have other things to do: workers are stopped (SIGSTOP) and let go on in turns, and each page is fetched as
often in quiet as in the storm.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACCOUNTS = int(os.environ.get("BENCH_SYNCING", "20"))
BLOCKS = int(os.environ.get("BENCH_BLOCKS", "8"))
ROUNDS = 4
#: So many documents are in before the first page is timed.
DOCUMENTS = int(os.environ.get("BENCH_DOCUMENTS", "200"))
DAYS = 60
PAGES = ("/", "/listings/", "/ads/", "/inventory/", "/alerts/", "/data/")
WAIT_SECONDS = 1800


def run(folder: Path) -> Iterator[dict[str, Any]]:
    from opsboard import processes
    from opsboard.feeds.models import Fetch, Ingest
    from opsboard.supervisor import Supervisor, free_port

    simulator, web = free_port(), free_port()
    environment = {
        **os.environ,
        "SP_API_ENDPOINT": f"http://127.0.0.1:{simulator}",
        "ADS_API_ENDPOINT": f"http://127.0.0.1:{simulator}",
        "LWA_TOKEN_URL": f"http://127.0.0.1:{simulator}/auth/o2/token",
        "OPSBOARD_DATA_DIR": str(folder),
        "OPSBOARD_TICK_SECONDS": "2",
        "OPSBOARD_PLAIN_STATIC": "1",
        "LOG_LEVEL": "ERROR",
    }
    cookie = _sellers()
    children = Supervisor(folder / "logs")
    try:
        children.spawn("simulator", processes.simulator(simulator, datetime.now(UTC).date().isoformat()), environment)
        worker = children.spawn("worker", processes.worker(), environment)
        children.spawn("beat", processes.beat(), environment)
        children.spawn("web", processes.web(web, "127.0.0.1"), environment)
        applied = Ingest.objects.filter(state="applied")
        until = time.monotonic() + WAIT_SECONDS
        while applied.count() < DOCUMENTS:
            assert not children.look_after() and time.monotonic() < until, children.tail("worker")
            time.sleep(0.5)
        quiet: list[float] = []
        storm: list[float] = []
        before = applied.count()
        for block in range(2 * BLOCKS):
            busy = block % 2 == 1
            os.killpg(worker.pid, signal.SIGCONT if busy else signal.SIGSTOP)
            time.sleep(1)  # statements under way end
            (storm if busy else quiet).extend(_seconds(f"http://127.0.0.1:{web}", cookie))
        os.killpg(worker.pid, signal.SIGCONT)
        ingested = applied.count() - before
        assert Fetch.objects.filter(finished_at=None).exists(), "the sync was over before the pages were timed"
    finally:
        children.stop()
    yield {
        "name": f"p95 of {len(PAGES)} pages while {ACCOUNTS} accounts sync ({ingested} documents), against quiet",
        "ratio": round(_p95(storm) / _p95(quiet), 2),
        "goal": "under 2",
        "quiet_p50_p95_ms": [round(statistics.median(quiet) * 1000), round(_p95(quiet) * 1000)],
        "sync_p50_p95_ms": [round(statistics.median(storm) * 1000), round(_p95(storm) * 1000)],
    }


def _sellers() -> str:
    """Accounts with the simulator's three sellers' credentials, planned; the cookie of somebody who sees them all."""
    from django.conf import settings
    from django.test import Client

    from opsboard.accounts import sealing
    from opsboard.accounts.models import AccountMarketplace, Marketplace, Membership, Organisation, SellerAccount, User
    from opsboard.feeds import backfill
    from opsboard.simulator import ACCOUNTS as SIMULATED
    from opsboard.simulator import DEMO_CREDENTIALS

    organisation = Organisation.objects.create(name="Load", slug="load")
    user = User.objects.create_user("load@example.com", "correct horse battery staple")
    Membership.objects.create(user=user, organisation=organisation, role="owner")
    for number in range(ACCOUNTS):
        key = list(SIMULATED)[number % len(SIMULATED)]
        known = DEMO_CREDENTIALS[key]
        account = SellerAccount.objects.create(
            organisation=organisation, name=f"Seller {number}", region=key, selling_partner_id=f"LOAD{number}"
        )
        for kind in ("sp_api", "ads"):
            names = ("client_id", "client_secret", "refresh_token")
            sealing.store(account, kind, {name: str(known[name]) for name in names})
        marketplace = Marketplace.objects.get(code=SIMULATED[key].marketplace)
        scope = AccountMarketplace.objects.create(
            account=account, marketplace=marketplace, ads_profile_id=str(SIMULATED[key].profile_id)
        )
        backfill.ensure(scope, DAYS)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _seconds(base: str, cookie: str) -> Iterator[float]:
    for _ in range(ROUNDS):
        for page in PAGES:
            request = urllib.request.Request(base + page, headers={"Cookie": cookie})
            started = time.perf_counter()
            with urllib.request.urlopen(request, timeout=60) as answer:
                body = answer.read()
                assert answer.geturl() == base + page and b"</html>" in body, answer.geturl()
            yield time.perf_counter() - started


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
