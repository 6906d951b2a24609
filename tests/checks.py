"""python -m tests.checks: what Django and gettext can say about the project as a whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"


def manage(*command: str, **environment: str) -> None:
    """Run manage.py; exit with its words when it fails."""
    # What only the tests' browser needs is no part of an installation, and `check --deploy` says so.
    ours = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command],
        env={**ours, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"manage.py {' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def deployment() -> None:
    """`check --deploy` with the settings of a production installation: no warning at all."""
    manage(
        "check", "--deploy", "--fail-level", "WARNING",
        DEBUG="0",
        SECRET_KEY="x" * 25 + "production-like-secret-key-of-many-characters-0123456789",
        OPSBOARD_BASE_URL="https://ops.example.com",
        ALLOWED_HOSTS="ops.example.com",
        OPSBOARD_PLAIN_STATIC="0",
    )  # fmt: skip


def migrations() -> None:
    manage("makemigrations", "--check", "--dry-run")


def translations() -> None:
    """Every string is translated, the catalogue knows every string, and the .mo is in step with the .po."""
    if shutil.which("msgfmt") is None or shutil.which("xgettext") is None:
        print("gettext is not installed: the translations were not checked")
        return
    statistics = subprocess.run(
        ["msgfmt", "--check", "--statistics", "-o", os.devnull, str(LOCALE / "django.po")],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    if statistics.returncode or re.search(r"fuzzy|untranslated", statistics.stderr):
        sys.exit(f"locale/zh_Hans is not complete: {statistics.stderr.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "django.mo"
        subprocess.run(["msgfmt", "-o", str(compiled), str(LOCALE / "django.po")], check=True)
        if compiled.read_bytes() != (LOCALE / "django.mo").read_bytes():
            sys.exit("locale/zh_Hans/LC_MESSAGES/django.mo is older than its .po: run `make messages`")
    before = (LOCALE / "django.po").read_bytes()
    try:
        manage(
            "makemessages", "--locale", "zh_Hans", "--no-location", "--no-obsolete",
            "--ignore", ".venv", "--ignore", "tests", "--ignore", "bench",
        )  # fmt: skip
        if _strings(before) != _strings((LOCALE / "django.po").read_bytes()):
            sys.exit("locale/zh_Hans does not know every string: run `make messages` and translate the new ones")
    finally:
        (LOCALE / "django.po").write_bytes(before)


def _strings(catalogue: bytes) -> set[str]:
    text = re.sub(r'"\n"', "", catalogue.decode())
    return set(re.findall(r'^msgid(?:_plural)? "(.*)"$', text, re.MULTILINE))


def main() -> None:
    from tests import services  # noqa: F401 - starts the database the checks look at

    for check in (migrations, deployment, translations):
        check()
        print(f"{check.__name__}: good")


if __name__ == "__main__":
    main()
