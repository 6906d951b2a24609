"""python -m tests.faults: the whole fault suite in two houses side by side, and the page of what they measured.

Most of the suite's time is waiting for leases to run out, so two houses do not fight for two processors. Further
arguments are pytest's. Exits with the worst of the two.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from . import record

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "reliability.md"
HOUSES = (("workers", "documents", "dispatch"), ("broker", "amazon", "database"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.json" for number in range(len(HOUSES))]
        running = []
        for file, parts in zip(files, HOUSES, strict=True):
            tests = [str(HERE / f"test_{part}.py") for part in parts]
            argv = [
                sys.executable,
                "-m",
                "pytest",
                *tests,
                "-m",
                "",
                "-p",
                "no:cacheprovider",
                "--faults-rows",
                str(file),
            ]
            running.append(subprocess.Popen([*argv, *sys.argv[1:]], cwd=ROOT))
        worst = max(one.wait() for one in running)
        if worst == 0 and all(file.exists() for file in files):
            record.write(PAGE, [row for file in files for row in record.load(file)])
        return worst


if __name__ == "__main__":
    sys.exit(main())
