"""Ingest of a search-term document against a raw COPY of the same rows into the same keyed table.

What is timed: from the kept gzip document to replaced facts (`pipeline.apply`), for an empty
scope, for a document made again with the same rows, and with a tenth of the rows of each day
changed. (The very same bytes again cost nothing: they are recognised before they are read.)
The anchor is COPY of the very rows that were stored, from a text file, into a copy of the fact
table with all its indexes.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from . import documents

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
LAST = documents.FIRST + timedelta(days=documents.DAYS - 1)
TABLE = "ads_searchtermday"


def run(folder: Path) -> Iterator[dict[str, Any]]:
    from opsboard.feeds import pipeline

    scope = _scope()
    first, again, changed = (folder / f"{name}.json.gz" for name in ("terms", "again", "changed"))
    documents.write_json_gz(first, documents.search_terms(ROWS))
    documents.write_json_gz(again, documents.search_terms(ROWS), end=b"]\n")
    documents.write_json_gz(changed, documents.search_terms(ROWS, changed=0.1))
    when = datetime(2026, 11, 2, tzinfo=UTC)

    def ingest(file: Path, minutes: int) -> float:
        document = _keep(file, scope, when + timedelta(minutes=minutes))
        started = time.perf_counter()
        outcome = pipeline.apply(document)
        seconds = time.perf_counter() - started
        assert outcome.rows_in == ROWS and not outcome.refused, outcome
        return seconds

    empty = ingest(first, 1)
    anchor = _anchor(folder)
    identical = ingest(again, 2)
    tenth = ingest(changed, 3)
    for name, goal, seconds in (
        ("ingest into an empty scope", 0.55, empty),
        ("ingest with 10 % changed", 0.70, tenth),
        ("ingest of identical rows", 0.75, identical),
    ):
        yield {
            "name": name,
            "ratio": round(anchor / seconds, 2),
            "goal": goal,
            "ours_rows_per_s": round(ROWS / seconds),
            "copy_rows_per_s": round(ROWS / anchor),
        }


def _scope() -> Any:
    from opsboard.accounts.models import AccountMarketplace, Marketplace, Organisation, SellerAccount

    organisation, _new = Organisation.objects.get_or_create(name="Bench", slug="bench")
    account, _new = SellerAccount.objects.get_or_create(organisation=organisation, name="Bench", region="NA")
    marketplace = Marketplace.objects.get(code="US")
    return AccountMarketplace.objects.get_or_create(account=account, marketplace=marketplace)[0]


def _keep(file: Path, scope: Any, created: datetime) -> Any:
    from opsboard.feeds import pipeline

    window: tuple[date, date] = (documents.FIRST, LAST)
    with file.open("rb") as raw:
        return pipeline.keep(
            raw,
            spec_key="sp_search_terms",
            account=scope.account,
            marketplace=scope.marketplace,
            source="ads_api",
            source_created_at=created,
            window=window,
        )


def _anchor(folder: Path) -> float:
    """Seconds of a raw COPY of the stored rows into the same kind of table; the median of three."""
    rows = folder / "rows.tsv"
    following = (LAST.replace(day=28) + timedelta(days=4)).replace(day=1)
    with connection.cursor() as cursor:
        with rows.open("wb") as out:
            cursor.cursor.copy_expert(f"COPY (SELECT * FROM {TABLE}) TO STDOUT", out)
        times = []
        for _try in range(3):
            cursor.execute("DROP TABLE IF EXISTS bench_anchor")
            cursor.execute(f"CREATE TABLE bench_anchor (LIKE {TABLE} INCLUDING ALL) PARTITION BY RANGE (date)")
            cursor.execute(
                "CREATE TABLE bench_anchor_1 PARTITION OF bench_anchor FOR VALUES FROM (%s) TO (%s)",
                [documents.FIRST, following],
            )
            started = time.perf_counter()
            with rows.open("rb") as source:
                cursor.cursor.copy_expert("COPY bench_anchor FROM STDIN", source)
            times.append(time.perf_counter() - started)
        cursor.execute("DROP TABLE bench_anchor")
    return statistics.median(times)
