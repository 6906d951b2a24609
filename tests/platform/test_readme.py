"""The documents say true things: commands exist, pictures and links are there, targets are listed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_command_of_the_readme_is_run_somewhere() -> None:
    """make demo: test_demo.py; make test: here; manage.py: below; docker: test_docker.py without the engine."""
    for line in commands():
        words = line.split()
        if words[0] == "make":
            assert words[1] in make_targets(), line
        elif words[:2] == ["docker", "compose"]:
            services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
            assert words[2] == "up" or words[4] in services, line
        else:
            assert words[:2] == [".venv/bin/python", "manage.py"], line


@pytest.mark.parametrize("command", ["import_report", "create_owner", "demo", "rotate_keys", "migrate_once", "doctor"])
def test_the_commands_named_in_the_documents_exist(command: str) -> None:
    from django.core.management import get_commands

    assert command in get_commands()


def test_make_help_lists_every_target() -> None:
    # Run by make itself, another make would name the directories it enters.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(["make", "help"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0] for line in shown.splitlines() if line.strip()}
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert listed == set(phony[1].split())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_pictures_are_there(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text()):
        if "://" not in target:
            assert (ROOT / target).exists(), f"{name} points to {target}"


def test_files_named_in_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for path in re.findall(r"`((?:opsboard|feeds|kpis|alerts|accounts|tests|ads)/[\w/]+\.py)`", text):
        assert (ROOT / path).exists() or (ROOT / "opsboard" / path).exists(), path


def test_every_setting_from_the_environment_is_told_of() -> None:
    """Read where the settings and the processes are: env("NAME"), env_bool("NAME"), os.environ.get("NAME")."""
    code = "".join((ROOT / "opsboard" / name).read_text() for name in ("settings.py", "processes.py"))
    read = set(re.findall(r"""(?:\benv(?:_bool|_list)?|environ\.get)\(\s*["']([A-Z_]+)["']""", code))
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "OPSBOARD_SILENCE_SECONDS", "WEB_CONCURRENCY"} <= read
    told = set(re.findall(r"[A-Z][A-Z_]+", (ROOT / ".env.example").read_text() + README))
    assert read <= told, sorted(read - told)
