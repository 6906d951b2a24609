"""The benchmarks run: small here, so that they still do when somebody needs their figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def run(*names: str, **small: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *names],
        cwd=ROOT,
        env=os.environ | small,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_benchmark_prints_its_ratio_its_goal_and_both_figures() -> None:
    lines = run(
        BENCH_ROWS="3000",
        BENCH_FACTS="6000",
        BENCH_ENTITIES="400",
        BENCH_ACCOUNTS="4",
        BENCH_DLT_PYTHON="/there/is/none",
    )
    assert len(lines) == 23
    for line in lines:
        assert {"name", "ratio", "goal"} < line.keys() and len(line) == 5
        assert all(value > 0 for value in line.values() if not isinstance(value, str))


def test_in_the_simulated_hours_every_routine_fetch_is_in_time_and_amazon_refuses_nothing() -> None:
    lines = run("schedule", BENCH_SELLERS="3", BENCH_BACKFILL="20", DAYS="0.05", LOG_LEVEL="ERROR")
    by_name = {line["name"]: line for line in lines}
    routine = [line for name, line in by_name.items() if name.startswith("routine fetches within")]
    assert len(routine) == 3
    assert all(line["ratio"] == 1.0 and line["fetches"] > 5 for line in routine), routine
    assert by_name["calls that Amazon did not answer with 429"]["refused"] == 0
    assert by_name["documents back-filled an account, with 20 documents to back-fill"]["done"] > 0
