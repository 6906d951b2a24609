"""What opsboard stands on: the database, the seal keys, Redis, disks, clocks."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.accounts import sealing
from opsboard.ui import formats

from ..registry import Check, Finding, Sight, Status, register

#: Two clocks may differ by so many seconds: a warning, a fault.
CLOCK_WARN, CLOCK_FAIL = 5.0, 60.0
_REDIS_SECONDS = 3.0
#: A half-written file older than this belongs to nobody.
LEFTOVER_SECONDS = 86400


def _database(sight: Sight) -> Finding:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Finding(
            Status.FAIL,
            _("The database does not answer: no page can be shown and nothing is lost."),
            {"host": str(settings.DATABASES["default"]["HOST"] or "local"), "error": type(error).__name__},
        )
    return Finding(Status.OK, _("The database answers."))


def _migrations(sight: Sight) -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in plan[:5])
        return Finding(
            Status.FAIL,
            ngettext("%(n)d migration is pending.", "%(n)d migrations are pending.", len(plan)) % {"n": len(plan)},
            {"pending": names},
        )
    return Finding(Status.OK, _("The database has the shape this version expects."))


def _seals(sight: Sight) -> Finding:
    troubles = sealing.problems()
    if troubles:
        text = ngettext(
            "%(n)d stored credential does not open.", "%(n)d stored credentials do not open.", len(troubles)
        )
        # Which account it is belongs to the operator of the machine only.
        evidence = {"first": troubles[0]} if sight.accounts is None else {}
        return Finding(Status.FAIL, text % {"n": len(troubles)}, evidence)
    return Finding(Status.OK, _("All stored credentials open."))


def _client() -> redis.Redis:
    """A client of the broker's address as kombu spells it (redis+socket:// is redis-py's unix://)."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS)


def memory_of_redis() -> dict[str, Any]:
    """INFO memory of the broker; redis.RedisError or OSError when it does not answer."""
    with _client() as client:
        found: dict[str, Any] = client.info("memory")
        return found


def _redis(sight: Sight) -> Finding:
    try:
        with _client() as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return Finding(
            Status.FAIL,
            _("Redis does not answer: nothing new is fetched or mailed. Pages work and no work is lost."),
            {"error": type(error).__name__},
        )
    return Finding(Status.OK, _("Redis answers."))


def evicting(memory: dict[str, Any]) -> str:
    """The policy by which this Redis throws keys away when its memory is full; "" when it does not."""
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    return "" if policy == "noeviction" else policy


def _eviction(sight: Sight) -> Finding:
    try:
        memory = memory_of_redis()
    except (redis.RedisError, OSError):
        return Finding(Status.UNKNOWN, _("Redis does not answer, so nobody can tell."))
    if policy := evicting(memory):
        return Finding(
            Status.WARN if settings.ALLOW_EVICTING_REDIS else Status.FAIL,
            _("Redis throws keys away when its memory is full (%(policy)s): Celery's messages would go with them.")
            % {"policy": policy},
            {"maxmemory_policy": policy, "maxmemory": int(memory.get("maxmemory", 0))},
        )
    return Finding(Status.OK, _("Redis keeps what it was given."))


def _space(path: Path, what: str) -> Finding:
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    free = usage.free // 2**20
    share = usage.free / usage.total if usage.total else 0.0
    evidence: dict[str, str | int | float] = {"path": str(path), "free_mb": free, "free_share": round(share, 3)}
    words = {"what": what, "free": formats.decimals(free), "share": formats.percent(share, 0)}
    if free < settings.DISK_FAIL_MB:
        said = _("The disk of %(what)s is full: %(free)s MB are left (%(share)s).")
        return Finding(Status.FAIL, said % words, evidence)
    if free < settings.DISK_WARN_MB:
        said = _("The disk of %(what)s is nearly full: %(free)s MB are left (%(share)s).")
        return Finding(Status.WARN, said % words, evidence)
    return Finding(Status.OK, _("%(free)s MB are free on the disk of %(what)s (%(share)s).") % words, evidence)


def _document_disk(sight: Sight) -> Finding:
    return _space(Path(settings.DOCUMENT_DIR), _("the documents"))


def _database_disk(sight: Sight) -> Finding:
    """Only where the database lives on this machine and says where; elsewhere its own host watches its disk."""
    host = str(settings.DATABASES["default"]["HOST"] or "")
    if host and not host.startswith("/") and host not in {"localhost", "127.0.0.1", "::1"}:
        return Finding(Status.OK, _("The database is on another machine, which watches its own disk."))
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
        row = cursor.fetchone()  # no row: its user may not know
    if row is None or not os.path.isdir(row[0]):
        return Finding(
            Status.OK, _("The database does not say where it keeps its data; its own host watches its disk.")
        )
    return _space(Path(row[0]), _("the database"))


def _documents_writable(sight: Sight) -> Finding:
    folder = Path(settings.DOCUMENT_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        return Finding(
            Status.FAIL,
            _("Documents cannot be written: %(why)s. Nothing that is fetched can be kept.")
            % {"why": error.strerror or type(error).__name__},
            {"path": str(folder)},
        )
    return Finding(Status.OK, _("Documents can be written."))


def _leftovers(sight: Sight) -> Finding:
    """Half-written documents and tables of facts that hang on nothing."""
    old = time.time() - LEFTOVER_SECONDS
    parts = [part for part in Path(settings.DOCUMENT_DIR).glob("*/.part-*") if part.stat().st_mtime < old]
    with connection.cursor() as cursor:
        # The catalogue: a month of a fact table that is a table of its own.
        cursor.execute(
            r"SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition"
            r" AND relname ~ '_y\d{4}m\d{2}$' AND pg_table_is_visible(oid) ORDER BY 1"
        )
        loose = [row[0] for row in cursor.fetchall()]
    if parts or loose:
        return Finding(
            Status.WARN,
            _("%(files)d half-written documents and %(tables)d loose tables were left behind. They only cost space.")
            % {"files": len(parts), "tables": len(loose)},
            {"files": ", ".join(str(part) for part in parts[:3]), "tables": ", ".join(loose[:3])},
        )
    return Finding(Status.OK, _("Nothing was left behind."))


def _clocks(sight: Sight) -> Finding:
    """This process's clock and those of everybody alive, against the database's."""
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        database = float(cursor.fetchone()[0])
    ahead = {"here": (before + time.time()) / 2 - database}
    ahead |= {f"{one.kind} {one.name}": one.ahead for one in sight.processes if one.alive}
    who, worst = max(ahead.items(), key=lambda item: abs(item[1]))
    evidence: dict[str, str | int | float] = {"who": who, "seconds": round(worst, 1)}
    if abs(worst) <= CLOCK_WARN:
        return Finding(Status.OK, _("All clocks agree with the database's."), evidence)
    said = _("A clock is %(seconds)s seconds away from the database's. Leases are safe; schedules and times are off.")
    return Finding(
        Status.FAIL if abs(worst) > CLOCK_FAIL else Status.WARN,
        said % {"seconds": formats.decimals(round(abs(worst)))},
        evidence,
    )


register(
    Check(
        "database",
        gettext_lazy("Database"),
        gettext_lazy("a connection to PostgreSQL"),
        gettext_lazy("Start PostgreSQL and check DATABASE_URL."),
        _database,
        stops="serving",
    ),
    Check(
        "migrations",
        gettext_lazy("Migrations"),
        gettext_lazy("the migrations of this version and those of the database"),
        gettext_lazy("Run: manage.py migrate_once"),
        _migrations,
        stops="serving",
    ),
    Check(
        "seal_keys",
        gettext_lazy("Seal keys"),
        gettext_lazy("every stored credential, opened"),
        gettext_lazy("Put the keys that sealed them back into OPSBOARD_SEAL_KEYS, or enter the credentials anew."),
        _seals,
        stops="serving",
    ),
    Check(
        "redis",
        gettext_lazy("Redis"),
        gettext_lazy("a PING to REDIS_URL"),
        gettext_lazy("Start Redis and check REDIS_URL. Work goes on by itself."),
        _redis,
        live=True,
        seen_by_workers=True,
    ),
    Check(
        "redis_eviction",
        gettext_lazy("Memory of Redis"),
        gettext_lazy("maxmemory-policy of Redis"),
        gettext_lazy("Set maxmemory-policy to noeviction, in redis.conf or where your provider lets you."),
        _eviction,
        live=True,
        seen_by_workers=True,
    ),
    Check(
        "document_disk",
        gettext_lazy("Disk of the documents"),
        gettext_lazy("free space where documents are kept"),
        gettext_lazy("Free some space or enlarge the disk; what waits goes on by itself."),
        _document_disk,
        live=True,
        seen_by_workers=True,
    ),
    Check(
        "documents_writable",
        gettext_lazy("Document folder"),
        gettext_lazy("a file written into the document directory and removed"),
        gettext_lazy("Make OPSBOARD_DOCUMENT_DIR a directory that the user of web and workers may write to."),
        _documents_writable,
        live=True,
        seen_by_workers=True,
    ),
    Check(
        "database_disk",
        gettext_lazy("Disk of the database"),
        gettext_lazy("free space where the database keeps its data, if that is on this machine"),
        gettext_lazy("Free some space or enlarge the disk before PostgreSQL stops."),
        _database_disk,
        live=True,
        seen_by_workers=True,
    ),
    Check(
        "leftovers",
        gettext_lazy("Leftovers"),
        gettext_lazy("half-written documents older than a day, loose months of fact tables"),
        gettext_lazy("Delete the files and tables that are named."),
        _leftovers,
        live=True,
    ),
    Check(
        "clocks",
        gettext_lazy("Clocks"),
        gettext_lazy("each process's clock against the database's"),
        gettext_lazy("Switch on time synchronisation (NTP) on every host."),
        _clocks,
    ),
)
