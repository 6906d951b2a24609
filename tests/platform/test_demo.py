"""The whole house at once: `manage.py demo --once` on an empty directory, and what arrived by mail."""

from __future__ import annotations

import email
import email.policy
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsboard.simulator import STORIES
from opsboard.supervisor import free_port

ROOT = Path(__file__).resolve().parents[2]
SERVICE_VARIABLES = {"DATABASE_URL", "REDIS_URL", "OPSBOARD_DATA_DIR", "SECRET_KEY", "OPSBOARD_SEAL_KEYS"}


def demo(data: Path, *arguments: str, timeout: int = 400) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=ROOT,
        env={**env, "OPSBOARD_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def cycle() -> Iterator[tuple[Path, dict[str, Any]]]:
    """One full first cycle of 60 days: fetched by workers through the protocols, judged, mailed."""
    # Not pytest's own directory: as root, the database runs as another user, who may not enter that.
    with tempfile.TemporaryDirectory(prefix="opsboard-test-") as folder:
        data = Path(folder) / "data"
        done = demo(data, "--once")
        assert done.returncode == 0, done.stderr + done.stdout
        account: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        yield data, account


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_every_fact_table_is_filled_and_nothing_failed(cycle: tuple[Path, dict[str, Any]]) -> None:
    _data, account = cycle
    assert account["failed_fetches"] == 0
    assert account["accounts"] == 3
    assert all(account["rows"].values()), account["rows"]
    assert account["rows"]["listings_salesday"] >= 3 * 58


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_each_planted_breach_is_an_episode_and_nothing_else_is(cycle: tuple[Path, dict[str, Any]]) -> None:
    _data, account = cycle
    markets = {"NA": "US", "EU": "DE", "FE": "JP"}
    planted = Counter((markets[story.account], story.kpi) for story in STORIES.values() if story.kpi)
    found = Counter((episode["marketplace"], episode["kpi"]) for episode in account["episodes"])
    assert found == planted


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_the_acos_and_the_odr_breach_each_arrived_exactly_once(cycle: tuple[Path, dict[str, Any]]) -> None:
    data, account = cycle
    letters = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in sorted((data / "mail").glob("*.eml"))
    ]
    subjects = [str(letter["Subject"]) for letter in letters]
    assert account["mails"] == len(letters) == len(account["episodes"])
    assert sum(subject.startswith("ACoS ") for subject in subjects) == 1, subjects
    assert sum(subject.startswith("ODR") for subject in subjects) == 1, subjects
    assert len({letter["Message-ID"] for letter in letters}) == len(letters)
    for letter in letters:
        assert letter.get_body(("plain",)) is not None and letter.get_body(("html",)) is not None


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_second_run_resumes_with_the_same_data_and_mails_nobody_again(cycle: tuple[Path, dict[str, Any]]) -> None:
    data, before = cycle
    done = demo(data, "--once")
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout.splitlines()[-1])
    assert after["rows"] == before["rows"]
    assert after["episodes"] == before["episodes"]
    assert len(list((data / "mail").glob("*.eml"))) == before["mails"]


def test_a_port_in_use_gets_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = demo(tmp_path / "data", "--port", str(port), timeout=60)
    assert done.returncode == 2
    assert f"Port {port} is in use. Choose another" in done.stderr
    assert "Traceback" not in done.stderr


def about(pid: int, what: str) -> str:
    """A file of /proc about a process; "" when it is gone, or a zombie's command line."""
    try:
        return Path(f"/proc/{pid}/{what}").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def family(pid: int) -> dict[int, str]:
    """The living descendants of a process: pid -> command line."""
    found: dict[int, str] = {}
    for child in about(pid, f"task/{pid}/children").split():
        found |= {int(child): about(int(child), "cmdline"), **family(int(child))}
    return found


def started(data: Path, port: int) -> subprocess.Popen[str]:
    """A demo that stays, over a pipe; returns once it says where it is."""
    env = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    running = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--days", "1", "--port", str(port)],
        cwd=ROOT,
        env={**env, "OPSBOARD_DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if line.startswith("Sign in as demo@example.com with the password "):
            return running
    raise AssertionError(f"the demo ended: {said}")


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_everything_it_started_ends_and_it_can_start_again_at_once(sign: signal.Signals) -> None:
    with tempfile.TemporaryDirectory(prefix="opsboard-test-") as folder:
        data, port = Path(folder) / "data", free_port()
        first = started(data, port)
        children = family(first.pid)
        first.send_signal(sign)
        for part in ("postgres", "redis-server", "simulator", "mail_sink", "worker", "beat", "gunicorn"):
            assert any(part in line for line in children.values()), part
        assert first.wait(60) == (-signal.SIGKILL if sign == signal.SIGKILL else 0)

        second = started(data, port)  # at once: what a killed one left may still be going down
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
                assert answer.status == 200
        finally:
            second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0
        until = time.monotonic() + 30
        while (left := [pid for pid in children if about(pid, "cmdline")]) and time.monotonic() < until:
            time.sleep(0.2)
        assert left == []
