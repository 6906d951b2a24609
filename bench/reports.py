"""Reports of a million rows: ingest against the parser's own limit and against dlt merging the same file.

For each family a file into an empty scope, then one with a tenth of the rows changed; what is timed
is `pipeline.apply`, from the kept document to replaced facts. Two limits of the same run:

* the parser alone: polars reading the tab file, orjson the JSON, and nothing done with the rows;
* dlt (.venv/bench, see `make bench`), loading the very files by merge into the same PostgreSQL.
  Without dlt its lines are left away. BENCH_DLT_ROWS makes its files smaller than BENCH_ROWS; then
  rows per second are compared, which favours dlt, whose merge grows with what is stored.

Last, the preview of a file of 100 MB: `upload.look`, as the upload page calls it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from .documents import FIRST
from .ingest import ROWS, _scope
from .report_files import DAYS, write_orders, write_planning, write_settlement, write_traffic

DLT_ROWS = int(os.environ.get("BENCH_DLT_ROWS", ROWS))
DLT = Path(
    os.environ.get("BENCH_DLT_PYTHON", Path(__file__).resolve().parents[1] / ".venv" / "bench" / "bin" / "python")
)
PREVIEW_BYTES = min(100_000_000, ROWS * 100)
PREVIEW_SECONDS = 3.0


@dataclass(frozen=True)
class Family:
    name: str
    spec: str
    suffix: str
    write: Callable[[Path, int, float], None]
    parse: Callable[[Path], object]
    window: tuple[date, date]
    #: What dlt needs: where the rows are, and what names one or, where nothing does, the group that is replaced.
    path: str
    keys: str
    parser: str
    #: Shares of the parser's speed, empty and with a tenth changed: what was reached, so that it is kept, on a machine
    #: with nothing else to do, where polars parses on every processor.
    goals: tuple[float, float]


def parse_tabs(file: Path) -> object:
    import polars as pl

    return pl.read_csv(file, separator="\t", quote_char=None, infer_schema=False)


def parse_json(file: Path) -> object:
    import orjson

    return orjson.loads(file.read_bytes())


_LAST = FIRST + timedelta(days=DAYS - 1)
FAMILIES = (
    Family(
        "planning", "planning", ".txt", write_planning, parse_tabs, (FIRST, _LAST), "", "snapshot-date,sku", "polars",
        (0.02, 0.02),
    ),
    Family(
        "sales and traffic by ASIN", "sales_and_traffic_asin", ".json", write_traffic, parse_json, (FIRST, FIRST),
        "salesAndTrafficByAsin", "childAsin", "orjson", (0.3, 0.3),
    ),
    # Lines of an order and of a settlement have no key: both sides replace the whole order, the whole settlement.
    Family(
        "all orders", "orders", ".txt", write_orders, parse_tabs, (FIRST, _LAST), "", "group:amazon-order-id", "polars",
        (0.02, 0.02),
    ),
    Family(
        "settlement", "settlements", ".txt", write_settlement, parse_tabs, (FIRST, _LAST), "", "group:settlement-id",
        "polars", (0.012, 0.012),
    ),
)  # fmt: skip


def run(folder: Path) -> Iterator[dict[str, Any]]:
    for family in FAMILIES:
        yield from _family(folder, family)
    yield _preview(folder)


def _family(folder: Path, family: Family) -> Iterator[dict[str, Any]]:
    files = [folder / f"{name}{family.suffix}" for name in ("first", "changed")]
    for file, changed in zip(files, (0.0, 0.1), strict=True):
        family.write(file, ROWS, changed)
    seconds = [_ingest(family, file, minute) for minute, file in enumerate(files)]
    started = time.perf_counter()
    family.parse(files[0])
    parser = time.perf_counter() - started
    for how, ours, goal in zip(("empty", "10 % changed"), seconds, family.goals, strict=True):
        yield {
            "name": f"{family.name}, {how}, against {family.parser} parsing it",
            "ratio": round(parser / ours, 3),
            "goal": goal,
            "ours_rows_per_s": round(ROWS / ours),
            "parser_rows_per_s": round(ROWS / parser),
        }
    if DLT.exists():
        for file, changed in zip(files, (0.0, 0.1), strict=True):
            if DLT_ROWS != ROWS:
                family.write(file, DLT_ROWS, changed)
        theirs = _dlt(folder / f"dlt-{family.spec}", family, files)
        for how, ours, them, goal in zip(("empty", "10 % changed"), seconds, theirs, (1.8, 3.0), strict=True):
            yield {
                "name": f"{family.name}, {how}, against dlt merging it ({DLT_ROWS} rows)",
                "ratio": round((ROWS / ours) / (DLT_ROWS / them), 2),
                "goal": goal,
                "ours_rows_per_s": round(ROWS / ours),
                "dlt_rows_per_s": round(DLT_ROWS / them),
            }
    for file in files:
        file.unlink()


def _ingest(family: Family, file: Path, minute: int) -> float:
    from opsboard.feeds import pipeline

    scope = _scope()
    with file.open("rb") as raw:
        document = pipeline.keep(
            raw,
            spec_key=family.spec,
            account=scope.account,
            marketplace=scope.marketplace,
            source="sp_api",
            source_created_at=datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=minute),
            window=family.window,
        )
    started = time.perf_counter()
    outcome = pipeline.apply(document)
    seconds = time.perf_counter() - started
    assert outcome.state == "applied" and outcome.rows_in >= ROWS and not outcome.refused, outcome
    return seconds


def _dlt(folder: Path, family: Family, files: list[Path]) -> list[float]:
    done = subprocess.run(
        [
            DLT,
            Path(__file__).with_name("dlt_load.py"),
            os.environ["DATABASE_URL"],
            folder,
            family.path,
            family.keys,
            *files,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(line) for line in done.stdout.splitlines()[-2:]]


def _preview(folder: Path) -> dict[str, Any]:
    from opsboard.feeds import upload

    file = folder / "preview.txt"
    write_planning(file, PREVIEW_BYTES // 150, 0.0)
    scope = _scope()
    upload.look(file, account=scope.account, marketplace=scope.marketplace)  # imports are paid once a process
    started = time.perf_counter()
    found = upload.look(file, account=scope.account, marketplace=scope.marketplace)
    seconds = time.perf_counter() - started
    size = file.stat().st_size
    assert found.spec.key == "planning", found
    file.unlink()
    return {
        "name": f"preview of an upload of {size / 1e6:.0f} MB",
        "ratio": round(PREVIEW_SECONDS / seconds, 2),
        "goal": 1.0,
        "seconds": max(round(seconds, 2), 0.01),
        "allowed_s": PREVIEW_SECONDS,
    }
