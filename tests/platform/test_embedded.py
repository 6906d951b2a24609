"""The one-machine default: it starts, keeps its data, says what is in the way, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from opsboard.data_directory import CannotStart, DataDirectory
from opsboard.embedded import Services
from opsboard.supervisor import Supervisor, free_port, port_is_free


@pytest.fixture
def data() -> Iterator[DataDirectory]:
    # Not pytest's own directory: as root, the database runs as another user, who may not enter that.
    with tempfile.TemporaryDirectory(prefix="opsboard-test-") as folder:
        directory = DataDirectory(Path(folder) / "data")
        directory.open()
        yield directory
        directory.close()


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def test_data_survives_a_stop_and_a_start(data: DataDirectory) -> None:
    services = Services(data, throwaway=True)
    query(services.start()["DATABASE_URL"], "CREATE TABLE kept AS SELECT 42 AS answer")
    services.stop()

    again = Services(data, throwaway=True)
    try:
        assert query(again.start()["DATABASE_URL"], "SELECT answer FROM kept") == [(42,)]
    finally:
        again.stop()


def test_redis_answers_and_evicts_nothing(data: DataDirectory) -> None:
    services = Services(data, throwaway=True)
    try:
        path = services.start()["REDIS_URL"].removeprefix("redis+socket://")
        client = redis.Redis(unix_socket_path=path)
        assert client.ping()
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        services.stop()


def test_stopping_leaves_no_process_and_no_socket(data: DataDirectory) -> None:
    services = Services(data, throwaway=True)
    services.start()
    sockets = services.sockets
    assert sockets is not None and (sockets / "redis.sock").exists()
    services.stop()
    assert not sockets.exists()
    assert not (data.path / "postgres" / "postmaster.pid").exists()


def test_a_second_run_in_the_same_directory_is_told_who_is_there(data: DataDirectory) -> None:
    with pytest.raises(CannotStart, match=rf"already runs in {data.path} \(process {os.getpid()}\)"):
        DataDirectory(data.path).open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(CannotStart, match="cannot be written"):
        DataDirectory(locked / "data").open()


def test_secrets_are_made_once_and_are_for_the_owner_only(data: DataDirectory) -> None:
    first = data.secrets()
    assert data.secrets() == first
    assert len(first["SECRET_KEY"]) >= 50
    assert (data.path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_port_in_use_is_seen() -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not port_is_free(port)
    assert port_is_free(port)


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    children = Supervisor(tmp_path)
    try:
        first = children.spawn("sleeper", ["sleep", "60"], dict(os.environ))
        first.kill()
        first.wait()
        assert children.look_after() == ""
        second = children.children["sleeper"][2]
        assert second.pid != first.pid and second.poll() is None
    finally:
        children.stop()
    assert second.poll() is not None


def test_a_child_that_never_stays_up_is_named_at_last(tmp_path: Path) -> None:
    children = Supervisor(tmp_path)
    children.spawn("broken", ["sh", "-c", "echo it broke; exit 3"], dict(os.environ))
    broken = ""
    for _try in range(Supervisor.RESTARTS + 1):
        children.children["broken"][2].wait()
        broken = children.look_after()
    assert broken == "broken"
    assert "it broke" in children.tail("broken")


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys, time; from pathlib import Path; from opsboard.supervisor import Supervisor;"
        f"s = Supervisor(Path({str(tmp_path)!r}));"
        "print(s.spawn('sleeper', ['sleep', '300'], dict(os.environ)).pid, flush=True); time.sleep(300)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 10
    while time.monotonic() < until and Path(f"/proc/{child}").exists():
        time.sleep(0.05)
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_a_database_and_a_broker_that_are_killed_come_back_with_the_data_at_the_same_address(
    data: DataDirectory,
) -> None:
    services = Services(data)  # durable: what was committed must survive
    try:
        env = services.start()
        query(env["DATABASE_URL"], "CREATE TABLE kept AS SELECT 42 AS answer")
        for server in (services._postgres, services._redis):
            assert server is not None
            server.kill()
            server.wait()
        services.look_after()
        assert query(env["DATABASE_URL"], "SELECT answer FROM kept") == [(42,)]
        broker = redis.Redis(unix_socket_path=env["REDIS_URL"].removeprefix("redis+socket://"))
        assert broker.ping()
    finally:
        services.stop()


def test_a_database_that_never_stays_up_is_not_started_for_ever(data: DataDirectory) -> None:
    services = Services(data, throwaway=True)
    try:
        services.start()
        with pytest.raises(CannotStart, match="does not stay up"):
            for _ in range(Services.RESTARTS + 1):
                assert services._redis is not None
                services._redis.kill()
                services._redis.wait()
                services.look_after()
    finally:
        services.stop()


def test_a_first_start_that_was_killed_half_way_is_begun_again(data: DataDirectory) -> None:
    (data.path / "postgres.part").mkdir()
    (data.path / "postgres.part" / "PG_VERSION").write_text("18\n")
    (data.path / "secrets.part").write_text('{"SECRET')
    assert data.secrets()["SECRET_KEY"]
    services = Services(data, throwaway=True)
    try:
        assert query(services.start()["DATABASE_URL"], "SELECT 1") == [(1,)]
    finally:
        services.stop()


def test_sockets_of_a_killed_run_are_swept_up_and_nothing_else_is(data: DataDirectory, tmp_path: Path) -> None:
    left = data.make_sockets()  # and never dropped
    again = data.make_sockets()
    assert not left.exists() and again.exists()
    data.drop_sockets(again)
    assert not data.left_behind

    precious = tmp_path / "opsboard-production"
    precious.mkdir()
    (data.path / "sockets").write_text(str(precious))
    data.drop_sockets(data.make_sockets())
    assert precious.exists()


def test_sockets_stay_short_under_a_deep_temporary_directory(
    data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    sockets = data.make_sockets()
    try:
        assert len(str(sockets / ".s.PGSQL.5432.lock")) <= 107
        assert sockets.stat().st_mode & 0o777 == 0o700
    finally:
        data.drop_sockets(sockets)
    assert not sockets.exists()


def test_a_data_directory_that_cannot_be_made_is_named_for_root_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CannotStart, match=r"file/data cannot be written \(Not a directory\).*OPSBOARD_DATA_DIR="):
        DataDirectory(tmp_path / "file" / "data").open()
