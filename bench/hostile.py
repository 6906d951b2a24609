"""Files made to hurt, against what refusing one may cost: 2 seconds and 50 MB above the process's start.

(A few of them can be read; they are not counted.)

Every file of `tests.hostile` is tried on both ways in, each in a process of its own. The worst of
them is told by name; BENCH_HOSTILE=all tells each.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import hostile
from tests.hostile.trial import Trials

from .ingest import _scope

SECONDS, MEGABYTES = 2.0, 50.0
ONLY = os.environ.get("BENCH_HOSTILE_ONLY", "")
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))


def run(folder: Path) -> Iterator[dict[str, Any]]:
    scope = _scope()
    files = {name: file for name, file in hostile.every().items() if ONLY in name}
    if ROWS < 100_000:  # the test of the benchmarks: a few of them
        files = {name: file for number, (name, file) in enumerate(files.items()) if number % 40 == 0}
    worst: dict[str, tuple[float, str]] = {"seconds": (0.01, "-"), "mb": (0.01, "-")}
    with Trials(scope.account_id, scope.marketplace_id) as trials:
        for name, file in files.items():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                path = Path(place) / f"report{file.suffix}"
                file.make(path)
                hostile.warm(path)
                for way in ("upload", "api"):
                    told = trials.of(path, way, file.spec)
                    if os.environ.get("BENCH_HOSTILE"):
                        yield {"name": name, "way": way, **told}
                    else:
                        assert told["ended"] != "crashed", (name, way, told)
                    if told["ended"] == "read":
                        continue
                    for figure, (most, _name) in worst.items():
                        if told[figure] > most:
                            worst[figure] = told[figure], f"{name} ({way})"
    for figure, limit, unit in (("seconds", SECONDS, "s"), ("mb", MEGABYTES, "mb")):
        most, name = worst[figure]
        yield {
            "name": f"refusing the worst of {len(files)} hostile files: {name}",
            "ratio": round(most / limit, 3),
            "goal": 1.0,
            f"worst_{unit}": most,
            f"allowed_{unit}": limit,
        }
