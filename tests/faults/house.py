"""A whole opsboard for the fault suite: everything real, quick to kill, small to fill.

PostgreSQL (durable, as an installation has it), Redis, a simulated Amazon with a small seller, an SMTP server, and a
fault proxy before each; Celery workers and beats on demand. Leases and waits are seconds. The tests' own Django
connection speaks to the house's database directly, past the proxy.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
from aiosmtpd.controller import Controller
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from opsboard import processes
from opsboard.accounts import sealing
from opsboard.accounts.models import AccountMarketplace, Credential, Organisation, SellerAccount, User
from opsboard.embedded import DataDirectory, Services
from opsboard.feeds import registry
from opsboard.feeds.models import Feed, Fetch, Ingest
from opsboard.simulator import ACCOUNTS, DEMO_CREDENTIALS, Running, business, start_in_thread
from opsboard.supervisor import dies_with_parent, end, free_port
from tests.alerts.postbox import Postbox
from tests.factories import make_org, make_scope, make_user

from .proxy import Proxy
from .record import LEASE

ROOT = Path(__file__).resolve().parents[2]
POLL = 0.1
#: How much longer than on an idle machine something may take before it counts as never.
BUSY = 3.0
SALES = "sales_and_traffic"
#: Days younger than this are still counted by Amazon; facts of older ones are final.
OLDEST_MOVING = 4
_SMALL = {"skus": 6, "campaigns": 2, "sessions": 500.0}


class Durable(Services):
    """The one-machine servers, which a test may strike down as often as it likes."""

    RESTARTS = 10_000
    #: PostgreSQL's own settings, beside the usual ones.
    extra: dict[str, str] = {}

    def _options(self) -> list[str]:
        chosen = {"autovacuum_naptime": "1s", **self.extra}  # it drops what a crash left of temporary tables
        return [*super()._options(), *(part for n, v in chosen.items() for part in ("-c", f"{n}={v}"))]

    @property
    def postgres(self) -> subprocess.Popen[bytes]:
        assert self._postgres is not None
        return self._postgres

    @property
    def redis(self) -> subprocess.Popen[bytes]:
        assert self._redis is not None
        return self._redis


@dataclass
class Process:
    """A process group of the house."""

    pid: int
    log: Path
    popen: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        if self.popen is not None:
            return self.popen.poll() is None
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"

    def children(self) -> list[int]:
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except OSError:
            return []

    def signal(self, sign: signal.Signals) -> None:
        """To the main process only."""
        os.kill(self.pid, sign)

    def signal_all(self, sign: signal.Signals) -> None:
        try:
            os.killpg(self.pid, sign)
        except ProcessLookupError:
            pass

    def kill(self) -> None:
        """kill -9 of the whole group; returns when it is gone."""
        self.signal_all(signal.SIGKILL)
        wait_for(lambda: not self.alive, 10, "a killed process to be gone")

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Tenant:
    """A seller with one account and marketplace, its owner, and which of its days have been asked for."""

    organisation: Organisation
    owner: User
    scope: AccountMarketplace
    key: str
    asked: set[date] = field(default_factory=set)

    @property
    def account(self) -> SellerAccount:
        return self.scope.account

    @property
    def simulated(self) -> business.Account:
        return ACCOUNTS[self.key]

    def day(self, back: int) -> date:
        return self.scope.marketplace.today() - timedelta(days=back)

    def signed_in(self) -> Client:
        """Its owner, at a browser without a server in between."""
        client = Client()
        client.force_login(self.owner)
        return client

    def read(self, path: str, data: dict[str, object] | None = None) -> str:
        """A page as its owner sees it."""
        return self.signed_in().get(path, data).content.decode()

    def cookie(self) -> str:
        """Its owner's session, for the real web server."""
        return str(self.signed_in().cookies[settings.SESSION_COOKIE_NAME].value)


def wait_for(met: Callable[[], object], seconds: float, what: str, pause: float = 0.05) -> float:
    """Wait until `met` and say how long it took; AssertionError names what did not happen.

    `seconds` is what a machine of one's own takes at most: nothing fails before BUSY times as long, as the two
    houses of `make faults` and whatever else runs take turns on the processors.
    """
    started, longest = time.monotonic(), seconds * BUSY
    while not met():
        assert time.monotonic() - started < longest, f"waited {longest:.0f} s for {what}"
        time.sleep(pause)
    return time.monotonic() - started


class House:
    def __init__(self) -> None:
        # Not pytest's own directory: as root, the database runs as another user, who may not enter that.
        self.folder = Path(tempfile.mkdtemp(prefix="opsboard-faults-"))
        self.folder.chmod(0o711)
        self.data = DataDirectory(self.folder / "data")
        self.services = Durable(self.data)
        self.logs = self.data.path / "logs"
        self.temporary = self.data.path / "tmp"
        self.processes: list[Process] = []
        self.kept: list[Process] = []
        self.postbox = Postbox()
        self.simulator: Running
        self._numbers = 0
        self._undo: list[Callable[[], object]] = []

    # --- coming and going ---------------------------------------------------------------------------

    def open(self) -> None:
        self.data.open()
        self._undo.append(self.data.close)
        self.services.start()
        self._undo.append(self.services.stop)
        assert self.services.sockets is not None
        self.sockets = self.services.sockets
        for folder in (self.logs, self.temporary):
            folder.mkdir()
        self._shrink_the_seller()
        self.simulator = start_in_thread(seed=7, rate_factor=2000, delay_factor=0)
        self._undo.append(self.simulator.stop)
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        mail = Controller(self.postbox, hostname="127.0.0.1", port=free_port())
        mail.start()
        self._undo.append(mail.stop)
        self.way_to_database = Proxy(str(self.sockets / ".s.PGSQL.5432"))
        self.way_to_redis = Proxy(str(self.sockets / "redis.sock"))
        self.way_to_amazon = Proxy(("127.0.0.1", int(self.simulator.url.rpartition(":")[2])))
        self.way_to_mail = Proxy(("127.0.0.1", mail.port))
        self.ways = (self.way_to_database, self.way_to_redis, self.way_to_amazon, self.way_to_mail)
        self._undo += [way.close for way in self.ways]
        self.simulator.server.url = f"http://127.0.0.1:{self.way_to_amazon.port}"  # also of its documents
        self.web_port = free_port()
        self.env = self._environment()
        self._move_in()
        self._start_nursery()

    def close(self) -> None:
        for process in self.processes:
            process.signal_all(signal.SIGKILL)
        for undo in reversed(self._undo):
            undo()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _shrink_the_seller(self) -> None:
        before = dict(ACCOUNTS)
        for key, account in before.items():
            ACCOUNTS[key] = replace(account, **_SMALL)  # type: ignore[arg-type]

        def put_back() -> None:
            ACCOUNTS.update(before)
            for cached in (business.catalogue, business.campaigns):
                cached.cache_clear()

        for cached in (business.catalogue, business.campaigns):
            cached.cache_clear()
        self._undo.append(put_back)

    def _environment(self) -> dict[str, str]:
        amazon = f"http://127.0.0.1:{self.way_to_amazon.port}"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.way_to_database.port}/opsboard",
            "REDIS_URL": f"redis://127.0.0.1:{self.way_to_redis.port}/0",
            "OPSBOARD_DATA_DIR": str(self.data.path),
            "OPSBOARD_BASE_URL": f"http://127.0.0.1:{self.web_port}",
            "SP_API_ENDPOINT": amazon,
            "ADS_API_ENDPOINT": amazon,
            "LWA_TOKEN_URL": f"{amazon}/auth/o2/token",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.way_to_mail.port),
            "EMAIL_TIMEOUT": "2",
            "DEFAULT_FROM_EMAIL": "opsboard <alerts@example.com>",
            "OPSBOARD_TICK_SECONDS": "0.5",
            "OPSBOARD_ALERT_GROUP_SECONDS": "0",
            "OPSBOARD_POLL_SECONDS": str(POLL),
            "OPSBOARD_LEASE_SECONDS": str(LEASE),
            "OPSBOARD_PLAIN_STATIC": "1",
            "OPSBOARD_SILENCE_SECONDS": "15",
            "LOG_LEVEL": "INFO",
            "PORT": str(self.web_port),
            "HOST": "127.0.0.1",
        }

    def _move_in(self) -> None:
        """Let the tests' own Django live in this house, past the proxies, until it closes."""
        database = connections.settings["default"]
        kept = {name: database[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
        amazon = self.env["SP_API_ENDPOINT"]
        ours = {
            "DOCUMENT_DIR": self.data.path / "documents",
            "SP_API_ENDPOINT": amazon,
            "ADS_API_ENDPOINT": amazon,
            "LWA_TOKEN_URL": self.env["LWA_TOKEN_URL"],
            "BASE_URL": self.env["OPSBOARD_BASE_URL"],
            "DEFAULT_FROM_EMAIL": self.env["DEFAULT_FROM_EMAIL"],
        }
        before = {name: getattr(settings, name) for name in ours}

        def move(place: dict[str, Any], values: dict[str, Any]) -> None:
            connections.close_all()
            database.update(place)
            for name, value in values.items():
                setattr(settings, name, value)

        here = {"NAME": "opsboard", "USER": "postgres", "PASSWORD": "", "HOST": str(self.sockets), "PORT": ""}
        move(here, ours)
        self._undo.append(lambda: move(kept, before))
        call_command("migrate", verbosity=0, interactive=False)

    def _start_nursery(self) -> None:
        log = open(self.logs / "nursery.log", "ab")
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )
        self._undo.append(lambda: end(self.nursery))
        assert self.nursery.stdout is not None
        assert self.nursery.stdout.readline() == b"ready\n", (self.logs / "nursery.log").read_text()

    # --- processes -----------------------------------------------------------------------------------

    def _fork(self, name: str, argv: list[str], sabotage: dict[str, object] | None = None) -> Process:
        self._numbers += 1
        log = self.logs / f"{name}-{self._numbers}.log"
        assert self.nursery.stdin is not None and self.nursery.stdout is not None
        wanted = {"argv": argv, "log": str(log), "sabotage": {n: str(v) for n, v in (sabotage or {}).items()}}
        self.nursery.stdin.write(json.dumps(wanted).encode() + b"\n")
        self.nursery.stdin.flush()
        process = Process(int(self.nursery.stdout.readline()), log)
        self.processes.append(process)
        return process

    def worker(self, *, slots: int = 2, ready: bool = True, tasks: int = 500, **sabotage: object) -> Process:
        """A Celery worker, as `python -m opsboard.processes worker` runs it."""
        argv = processes.worker()[5:]
        argv[argv.index("--concurrency") + 1] = str(slots)
        argv[argv.index("--max-tasks-per-child") + 1] = str(tasks)
        made = self._fork("worker", [*argv, "--hostname", f"w{self._numbers}@house"], sabotage)
        if ready:
            wait_for(lambda: "ready." in made.said(), 30, f"a worker to be ready: {made.said()[-800:]}")
        return made

    def beat(self, **sabotage: object) -> Process:
        """A dispatcher, as `python -m opsboard.processes beat` runs it."""
        own = self.data.path / f"beat-{self._numbers}"
        return self._fork("beat", [*processes.beat()[5:], "--schedule", str(own)], sabotage)

    def web(self, port: int | None = None) -> Process:
        """gunicorn; returns when it answers."""
        self._numbers += 1
        log = self.logs / f"web-{self._numbers}.log"
        port = port or self.web_port
        with open(log, "ab") as out:
            popen = subprocess.Popen(
                processes.web(port, "127.0.0.1"),
                cwd=ROOT,
                env={**self.env, "WEB_CONCURRENCY": "2"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        process = Process(popen.pid, log, popen)
        self.processes.append(process)
        wait_for(lambda: self.get("/livez", port=port)[0] == 200, 60, "the web server")
        return process

    @contextmanager
    def at_work(self, workers: int = 1, *, kept: bool = False, **sabotage: object) -> Iterator[list[Process]]:
        """A dispatcher and workers, killed at the end.

        `kept`: while the house is waited for, workers that ended by themselves are started again, as an
        installation's supervisor does.
        """
        hired = [self.beat(), *(self.worker(ready=False, **sabotage) for _ in range(workers))]
        self.kept = hired[1:] if kept else []
        for process in hired[1:]:
            wait_for(lambda p=process: "ready." in p.said(), 30, "a worker to be ready")  # type: ignore[misc]
        try:
            yield hired[1:]
        finally:
            for process in [*hired, *self.kept]:
                process.kill()
            self.kept = []

    def _start_again(self) -> bool:
        """Start those of the kept that have ended; true, to be said on the way."""
        self.kept = [one if one.alive else self.worker(ready=False) for one in self.kept]
        return True

    def dismiss_all(self) -> None:
        """Kill whatever still works."""
        for process in self.processes:
            if process.alive:
                process.kill()

    def get(self, path: str, *, port: int | None = None, cookie: str = "", timeout: float = 30) -> tuple[int, str]:
        """(status, text) of a page from the web server; status 0 when there is no answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.web_port}{path}")
        if cookie:
            request.add_header("Cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)

    # --- services ------------------------------------------------------------------------------------

    def restart_postgres(self, down: float = 0.0, **options: str) -> None:
        """Strike PostgreSQL down as `pg_ctl stop -m immediate` does, and start it again with these settings."""
        connections.close_all()
        server = self.services.postgres
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        time.sleep(down)
        self.services.extra = options
        self.services.look_after()

    def kill_redis(self) -> None:
        self.services.redis.kill()
        self.services.redis.wait(10)

    def start_redis(self) -> None:
        self.services.look_after()

    def redis(self, *command: str) -> Any:
        """A command to Redis, past the proxy."""
        import redis

        with redis.Redis(unix_socket_path=str(self.sockets / "redis.sock")) as client:
            return client.execute_command(*command)

    def sql(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows of a query over a connection of its own."""
        with psycopg2.connect(dbname="opsboard", host=str(self.sockets), user="postgres") as own:
            with own.cursor() as cursor:
                cursor.execute(query, params)
                return list(cursor.fetchall()) if cursor.description else []

    # --- sellers -------------------------------------------------------------------------------------

    def tenant(self, key: str = "NA", *specs: str) -> Tenant:
        """A new seller; of the schedule only `specs` are switched on, and not due yet."""
        organisation = make_org()
        simulated = ACCOUNTS[key]
        scope = make_scope(
            SellerAccount.objects.create(
                organisation=organisation,
                name=f"ZQXSHOP{organisation.pk:05d}",
                region=key,
                selling_partner_id=f"A{organisation.pk:013d}",
            ),
            simulated.marketplace,
            ads_profile_id=str(simulated.profile_id),
        )
        known = DEMO_CREDENTIALS[key]
        for kind in (Credential.Kind.SP_API, Credential.Kind.ADS):
            secrets = {name: str(known[name]) for name in ("client_id", "client_secret", "refresh_token")}
            sealing.store(scope.account, kind, secrets)
        later = timezone.now() + timedelta(days=2)
        Feed.objects.bulk_create(
            Feed(account=scope.account, marketplace=scope.marketplace, spec=spec.key,
                 enabled=spec.key in specs, next_due=later)
            for spec in registry.specs() if spec.api
        )  # fmt: skip
        return Tenant(organisation, make_user(organisation), scope, key)

    def ask(self, tenant: Tenant, days: Iterable[int], spec: str = SALES, **fields: Any) -> list[int]:
        """Plan one back-fill fetch a day, `days` back from the marketplace's today; the rows' ids."""
        slot = datetime.combine(timezone.now().date(), datetime.min.time(), UTC)
        made = Fetch.objects.bulk_create(
            Fetch(
                account=tenant.account,
                marketplace=tenant.scope.marketplace,
                spec=spec,
                window_start=tenant.day(back),
                window_end=tenant.day(back),
                slot=slot,
                **{"kind": Fetch.Kind.BACKFILL, **fields},
            )
            for back in days
        )
        if spec == SALES:
            tenant.asked |= {fetch.window_start for fetch in made}
        return [fetch.pk for fetch in made]

    # --- waiting -------------------------------------------------------------------------------------

    def unfinished(self) -> dict[str, int]:
        """How many rows of each kind still wait for somebody."""
        rows = self.sql(
            "SELECT 'fetch', count(*) FROM feeds_fetch WHERE finished_at IS NULL"
            " UNION ALL SELECT 'ingest', count(*) FROM feeds_ingest WHERE finished_at IS NULL"
            " UNION ALL SELECT 'mail', count(*) FROM alerts_outboxmessage WHERE finished_at IS NULL"
            " UNION ALL SELECT 'day', count(*) FROM feeds_dirtyday"
        )
        return {name: count for name, count in rows if count}

    def settle(self, seconds: float = 120) -> float:
        """Wait until every row is finished, judged and mailed; how long that took."""
        try:
            return wait_for(
                lambda: self._start_again() and not self.unfinished(), seconds, "the house to come to rest", 0.1
            )
        except AssertionError as error:
            stuck = self.sql(
                "SELECT 'fetch', id, spec, state, attempts, fence, not_before - now(), lease_until - now(), reason"
                " FROM feeds_fetch WHERE finished_at IS NULL"
                " UNION ALL SELECT 'ingest', id, '', state, attempts, fence, not_before - now(), lease_until - now(),"
                " reason FROM feeds_ingest WHERE finished_at IS NULL"
                " UNION ALL SELECT 'mail', id, '', state, attempts, fence, not_before - now(), lease_until - now(),"
                " answer FROM alerts_outboxmessage WHERE finished_at IS NULL LIMIT 20"
            )
            raise AssertionError(f"{error}: {self.unfinished()}\n" + "\n".join(map(str, stuck))) from None

    def reset(self) -> None:
        """An empty table again: nobody works, nothing is due, no fault is planned, and old sellers are gone."""
        self.dismiss_all()
        self.processes.clear()
        for way in self.ways:
            way.well()
            way.reset()
        state = self.simulator.state
        state.faults.planned.clear()
        state.calls.clear()
        state.delay_factor = 0.0
        state.limits.factor = 2000.0
        state.limits._buckets.clear()
        state.clock = lambda: datetime.now(UTC)
        self.postbox.mails.clear()
        self.postbox.slow, self.postbox.kill = 0.0, 0
        if self.services.extra or self.services.postgres.poll() is not None:
            self.restart_postgres()
        self.services.look_after()
        connection.close()
        self.redis("FLUSHALL")
        SellerAccount.objects.update(active=False)
        Feed.objects.update(enabled=False)
        for model in (Fetch, Ingest):
            model.objects.filter(finished_at=None).update(finished_at=timezone.now(), lease_until=None)
        self.sql("UPDATE alerts_outboxmessage SET finished_at = now() WHERE finished_at IS NULL")
        self.sql("DELETE FROM feeds_dirtyday")
        self.sql("DELETE FROM watch_heartbeat")
        for log in self.logs.glob("*.log"):
            if log.name != "nursery.log":
                log.unlink()

    # --- messages ------------------------------------------------------------------------------------

    def send(self, task: str, *args: object, times: int = 1) -> None:
        """A Celery message, `times` over, past the proxy."""
        from opsboard.celery import app

        with app.connection_for_write(f"redis+socket://{self.sockets}/redis.sock") as way:
            for _ in range(times):
                app.send_task(task, args=args, connection=way, ignore_result=True)

    def queued(self) -> int:
        """How many messages wait or are being worked on."""
        return int(self.redis("LLEN", "celery")) + int(self.redis("HLEN", "unacked"))

    def facts(self, *tenants: Tenant) -> list[tuple[Any, ...]]:
        """What is stored of these sellers' sales, whole rows in order, and how often each was written."""
        accounts = [tenant.account.pk for tenant in tenants]
        return self.sql("SELECT f.ctid::text, f.* FROM listings_salesday f WHERE account_id = ANY(%s) ORDER BY 2, 3, 4",
                        accounts)  # fmt: skip

    def claimed(self, table: str = "feeds_fetch") -> int:
        """How many rows somebody works on now."""
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE finished_at IS NULL AND lease_until > now()")[0][0])

    def memory_of(self, pid: int) -> float:
        """Resident megabytes of a process."""
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return 0.0
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS"))
