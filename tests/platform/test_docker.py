"""The container files, checked without an engine: schema, roles, the entrypoint run for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from opsboard import processes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ENTRYPOINT = ROOT / "docker" / "entrypoint.sh"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_the_compose_file_is_valid_by_the_compose_specification(compose: dict[str, Any]) -> None:
    vendored = files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((vendored / "compose-spec.json").read_text())
    jsonschema.validate(compose, schema)


def test_every_service_has_a_health_check_and_restarts(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service or (name == "web" and "HEALTHCHECK" in dockerfile), name


def test_the_processes_of_compose_are_those_of_the_demo(compose: dict[str, Any]) -> None:
    roles = {name for name in compose["services"] if name in processes.COMMANDS}
    assert roles == set(processes.COMMANDS) == {"web", "worker", "beat"}
    for role in roles:
        assert compose["services"][role]["command"] == [role]
    assert "python -m opsboard.processes" in ENTRYPOINT.read_text()


def test_the_image_runs_as_nobody_special_and_copies_only_what_runs() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users == ["opsboard"]
    for line in lines:
        if line.startswith("COPY"):
            assert (ROOT / line.split()[1]).exists(), line


def run(role: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The entrypoint with a bare environment, as a container would start it."""
    bare = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "opsboard.settings",
        **environment,
    }
    return subprocess.run(
        [str(ENTRYPOINT), *role.split()], env=bare, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_an_unknown_role_is_refused_with_the_choices() -> None:
    done = run("wibble")
    assert done.returncode == 2
    assert "web|worker|beat|migrate" in done.stderr


def test_a_missing_secret_key_stops_the_start() -> None:
    done = run("migrate", DATABASE_URL=os.environ["DATABASE_URL"])
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr


def test_three_containers_that_start_at_once_migrate_once(django_db_blocker: Any) -> None:
    import psycopg2

    url = os.environ["DATABASE_URL"]
    fresh = f"entrypoint_{os.getpid()}"
    admin = psycopg2.connect(url)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {fresh}")
    mine = url.replace("/opsboard?", f"/{fresh}?")
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "DATABASE_URL": mine,
        "SECRET_KEY": "x" * 50,
        "OPSBOARD_SEAL_KEYS": os.environ["OPSBOARD_SEAL_KEYS"],
    }
    try:
        started = [
            subprocess.Popen([str(ENTRYPOINT), "migrate"], env=env, cwd=ROOT, stdout=-1, stderr=-1) for _ in range(3)
        ]
        for process in started:
            _out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err.decode()
        check = psycopg2.connect(mine)
        with check.cursor() as cursor:
            cursor.execute("SELECT app, name, count(*) FROM django_migrations GROUP BY 1, 2 HAVING count(*) > 1")
            assert cursor.fetchall() == []
            cursor.execute("SELECT count(*) FROM accounts_marketplace")
            assert cursor.fetchone()[0] > 20
        check.close()
    finally:
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {fresh} WITH (FORCE)")
        admin.close()
