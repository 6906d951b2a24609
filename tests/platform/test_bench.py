"""The benchmarks run: small here, so that they still do when somebody needs their figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_benchmark_prints_its_ratio_its_goal_and_both_figures() -> None:
    small = {
        "BENCH_ROWS": "3000",
        "BENCH_FACTS": "6000",
        "BENCH_ENTITIES": "400",
        "BENCH_ACCOUNTS": "4",
        "BENCH_DLT_PYTHON": "/there/is/none",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench"], cwd=ROOT, env=os.environ | small, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 21
    for line in lines:
        assert {"name", "ratio", "goal"} < line.keys() and len(line) == 5
        assert all(value > 0 for value in line.values() if not isinstance(value, str))
