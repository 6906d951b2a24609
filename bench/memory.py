"""A worker's peak memory while it ingests, above its start; files of two sizes must cost the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import documents
from .ingest import ROWS, _keep, _scope

GOAL_MB = 150
#: A process of its own, so that the peak is the ingest's and not the benchmark's.
_CHILD = """
import resource, sys, threading, time
import django
django.setup()
from opsboard.feeds import pipeline
from opsboard.feeds.models import Document
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
document = Document.objects.select_related("account", "marketplace").get(pk=int(sys.argv[1]))
start = peak = rss()
running = True
def watch():
    global peak
    while running:
        peak = max(peak, rss())
        time.sleep(0.01)
thread = threading.Thread(target=watch); thread.start()
outcome = pipeline.apply(document, force=True)
running = False; thread.join()
print((peak - start) // 2**20)
"""


def run(folder: Path) -> Iterator[dict[str, Any]]:
    scope = _scope()
    for rows in (ROWS // 4, ROWS):
        file = folder / f"memory-{rows}.json.gz"
        documents.write_json_gz(file, documents.search_terms(rows))
        document = _keep(file, scope, datetime.now(UTC))
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(document.pk)], env=dict(os.environ), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        peak = int(done.stdout.splitlines()[-1])
        yield {
            "name": f"worker memory above its start, {rows} rows",
            "ratio": round(peak / GOAL_MB, 2),
            "goal": 1.0,
            "peak_mb": peak,
            "allowed_mb": GOAL_MB,
        }
