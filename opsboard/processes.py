"""The command lines of opsboard's processes, in one place.

`make demo`, docker/entrypoint.sh and anybody's systemd unit run the same ones:
`python -m opsboard.processes web|worker|beat` replaces itself with that process.
"""

from __future__ import annotations

import os
import sys


def web(port: int | None = None, host: str | None = None) -> list[str]:
    """gunicorn with sync workers: measured faster than threads for these pages."""
    address = f"{host or os.environ.get('HOST', '0.0.0.0')}:{port or os.environ.get('PORT', '8000')}"
    workers = os.environ.get("WEB_CONCURRENCY", "2")
    return [
        sys.executable, "-m", "gunicorn", "opsboard.wsgi:application",
        "--bind", address, "--workers", workers, "--timeout", "60", "--max-requests", "5000",
        "--max-requests-jitter", "500", "--forwarded-allow-ips", os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
    ]  # fmt: skip


def worker() -> list[str]:
    """One Celery worker. No gossip, no mingle: both only cost Redis memory here."""
    return [
        sys.executable, "-m", "celery", "-A", "opsboard", "worker", "--loglevel", "INFO",
        "--concurrency", os.environ.get("WORKER_CONCURRENCY", "2"), "--max-tasks-per-child", "500",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def beat() -> list[str]:
    """Only ticks; schedules are rows."""
    return [sys.executable, "-m", "celery", "-A", "opsboard", "beat", "--loglevel", "WARNING"]


def simulator(port: int, anchor: str) -> list[str]:
    """The made-up Amazon of the demo, without Amazon's waiting times."""
    return [
        sys.executable, "-m", "opsboard.simulator", "--port", str(port), "--anchor", anchor,
        "--rate-factor", "2000", "--delay-factor", "0",
    ]  # fmt: skip


def mail_sink(port: int, directory: str) -> list[str]:
    return [sys.executable, "-m", "opsboard.demo.mail_sink", "--port", str(port), "--dir", directory]


COMMANDS = {"web": web, "worker": worker, "beat": beat}


def main() -> int:
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in COMMANDS:
        print(f"usage: python -m opsboard.processes {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = COMMANDS[names[0]]()
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
