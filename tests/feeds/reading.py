"""Sending a file through the command, as a seller does, and what comes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from tests.factories import make_scope

Content = str | bytes
Read = Callable[..., "Said"]


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.code == 0, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def read(settings: Settings, tmp_path: Path) -> Read:
    """Send a file through the command into a marketplace of a new account."""
    settings.DOCUMENT_DIR = tmp_path / "kept"
    settings.OPSBOARD_HINTS = False

    def run(content: Content, marketplace: str = "US", *options: str, name: str = "report.csv") -> Said:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        account = str(make_scope(marketplace=marketplace).account_id)
        out, err = io.StringIO(), io.StringIO()
        where = ["--account", account, "--marketplace", marketplace, *options, "--json"]
        try:
            call_command("import_report", str(file), *where, stdout=out, stderr=err)
        except SystemExit as stop:
            return Said(int(str(stop.code)), out.getvalue(), err.getvalue())
        return Said(0, out.getvalue(), err.getvalue())

    return run
