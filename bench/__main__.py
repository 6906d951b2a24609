"""python -m bench [NAME...]: run the benchmarks on PostgreSQL of their own; one JSON line each.

A line: name, ratio, goal, and the two measured figures. Sizes shrink with BENCH_ROWS (default
1,000,000 rows to ingest), BENCH_FACTS (5,000,000 for tiles) and BENCH_ENTITIES (20,000 in
each marketplace of 200 BENCH_ACCOUNTS). Two more run only when named, as they take long: `schedule` and `load`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from opsboard.embedded import DataDirectory, Services

NAMES = ("ingest", "reports", "memory", "hostile", "tiles", "thresholds")


def main() -> int:
    chosen = sys.argv[1:] or list(NAMES)
    folder = Path(tempfile.mkdtemp(prefix="opsboard-bench-"))
    data = DataDirectory(folder)
    data.open()
    services = Services(data)
    try:
        os.environ.update(services.start(), DJANGO_SETTINGS_MODULE="opsboard.settings", SECRET_KEY="bench")
        os.environ.setdefault("OPSBOARD_SEAL_KEYS", "bench:" + b64encode(os.urandom(32)).decode())
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        for name in chosen:
            module = __import__(f"bench.{name}", fromlist=["run"])
            for line in module.run(folder):
                print(json.dumps(line), flush=True)
    finally:
        services.stop()
        data.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
