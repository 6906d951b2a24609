"""Try a file in a process of its own and say how it ended, in what time and memory.

`Trials` starts a server that has everything imported and forks it for each file, so that no file
pays for another. The child reads a small good file of the same kind first; what is told is the time
and the peak memory above that, exact by the kernel's own high-water mark.

The two ways in: "upload" is what the browser and `import_report` do (look, keep, make facts), "api"
is what becomes of the same bytes when Amazon sends them for a report that was asked for.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: More than any trial may take; a child that hits it is ended and says so.
PATIENCE_SECONDS = 120


class Trials:
    """A server of trials on the database named by `env`; `account` and `marketplace` are ids in it."""

    def __init__(self, account: int, marketplace: int, env: dict[str, str] | None = None) -> None:
        self.scope = {"account": account, "marketplace": marketplace}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.trial"],
            cwd=Path(__file__).resolve().parents[2],
            # What a library writes of its own panic is no cost of the file's, and nobody asks for it.
            env={**os.environ, **(env or {}), "RUST_BACKTRACE": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def of(self, path: Path, way: str, spec: str) -> dict[str, Any]:
        """{"ended": "refused" | "read" | "asked" | "crashed", "says": ..., "seconds": ..., "mb": ...}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({**self.scope, "path": str(path), "way": way, "spec": spec}) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told


def _serve() -> None:
    import django

    django.setup()
    # What a worker or a web process that has read one file before has loaded; nothing of it may run
    # yet, as threads do not survive a fork.
    import openpyxl  # noqa: F401
    import pandas  # noqa: F401
    import python_calamine  # noqa: F401

    from opsboard.feeds import pipeline, tables, upload  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_SECONDS, PATIENCE_SECONDS))
            with os.fdopen(writer, "w") as out:
                out.write(json.dumps(_try(asked)))
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            told = answer.read()
        status = os.waitpid(child, 0)[1]
        print(told or json.dumps({"ended": "crashed", "says": f"status {status}", "seconds": 0, "mb": 0}), flush=True)


def _try(asked: dict[str, Any]) -> dict[str, Any]:
    path = Path(asked["path"])
    warm = path.with_name("warm" + path.suffix)
    if warm.exists():
        _read(warm, asked)
    ctypes.CDLL(None).malloc_trim(0)
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    started = time.perf_counter()
    ended, says = _read(path, asked)
    return {
        "ended": ended,
        "says": says,
        "seconds": round(time.perf_counter() - started, 2),
        "mb": round((_memory("VmHWM") - before) / 1024, 1),
    }


def _memory(name: str) -> int:
    """kB of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise KeyError(name)


def _read(path: Path, asked: dict[str, Any]) -> tuple[str, str]:
    from django.db import transaction

    with transaction.atomic():
        try:
            return _read_in(path, asked)
        except Exception as error:  # what no seller should see
            return "crashed", repr(error)[:300]
        finally:
            transaction.set_rollback(True)


def _read_in(path: Path, asked: dict[str, Any]) -> tuple[str, str]:
    """Into an account that has nothing yet."""
    from opsboard.accounts.models import Marketplace, SellerAccount
    from opsboard.feeds import errors, pipeline, upload
    from opsboard.feeds.models import Ingest

    account = SellerAccount.objects.get(pk=asked["account"])
    account.pk, account.name = None, "Trial"
    account.save()
    told = {"account": account, "marketplace": Marketplace.objects.get(pk=asked["marketplace"])}
    try:
        if asked["way"] == "upload":
            found = upload.look(path, **told)
            outcome = upload.settle(upload.recognise_and_keep(path, **told, found=found))
        else:
            with path.open("rb") as raw:
                document = pipeline.keep(
                    raw,
                    spec_key=asked["spec"],
                    source="sp_api",
                    source_created_at=datetime.now(UTC),
                    window=(date(2026, 10, 1), date(2026, 10, 3)),
                    **told,
                )
            done = pipeline.run_ingest(document.ingests.get().pk)
            assert done is not None
            outcome = done
    except errors.Ambiguous as question:
        return "asked", str(question)
    except errors.BadDocument as refused:
        return "refused", str(refused)
    if outcome.state in {Ingest.State.REFUSED, Ingest.State.HELD}:
        return "refused", outcome.reason
    return "read", f"{outcome.state}: {outcome.rows_in} rows"


if __name__ == "__main__":
    _serve()
