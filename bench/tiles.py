"""Today's figures from the roll-up against the same sums over raw facts."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from .ingest import _scope

FACTS = int(os.environ.get("BENCH_FACTS", "5000000"))
DAYS = 60
_RAW = """
SELECT date, sum(impressions), sum(clicks), sum(spend_minor), sum(sales_minor), sum(orders)
FROM ads_campaignday WHERE account_id = %s AND marketplace_id = %s AND date BETWEEN %s AND %s GROUP BY date
"""


def run(folder: Path) -> Iterator[dict[str, Any]]:
    from opsboard.feeds import partitions
    from opsboard.kpis import rollup
    from opsboard.kpis.daily import measures_by_day

    del folder
    scope = _scope()
    last = timezone.now().date()
    first = last - timedelta(days=DAYS - 1)
    model = __import__("ads.models", fromlist=["CampaignDay"]).CampaignDay
    partitions.ensure(model, first, last)
    pair = [scope.account_id, scope.marketplace_id]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ads_campaignday")
        cursor.execute(
            "INSERT INTO ads_campaignday (account_id, marketplace_id, date, campaign_id, impressions, clicks, "
            "spend_minor, sales_minor, orders, units, document_id, line) "
            "SELECT %s, %s, d::date, c, 900 + c %% 100, 10, 850, 4000, 2, 2, 1, c "
            "FROM generate_series(%s::date, %s::date, '1 day') d, generate_series(1, %s) c",
            [*pair, first, last, FACTS // DAYS],
        )
        cursor.execute(
            "INSERT INTO feeds_document (account_id, marketplace_id, spec, source, report_id, report_type, options, "
            "file_name, source_created_at, received_at, sha256, size) VALUES (%s, %s, 'sp_campaigns', 'ads_api', '', "
            "'spCampaigns', '{}', '', now(), now(), '', 0) RETURNING id",
            pair,
        )
        document = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO feeds_coverage (account_id, marketplace_id, dataset, date, document_id, source_created_at, "
            "rows, digest, applied_at) SELECT %s, %s, 'sp_campaigns', d::date, %s, now(), 1, '', now() "
            "FROM generate_series(%s::date, %s::date, '1 day') d",
            [*pair, document, first, last],
        )
        cursor.execute("ANALYZE ads_campaignday")
        rollup.rebuild(*pair)
        cursor.execute("ANALYZE kpis_accountday")

        def raw() -> None:
            cursor.execute(_RAW, [*pair, first, last])
            assert len(cursor.fetchall()) == DAYS

        names = ["ads.impressions", "ads.clicks", "ads.spend", "ads.sales", "ads.orders"]

        def rolled() -> None:
            assert len(measures_by_day(scope, names, (first, last))) == DAYS

        raw()
        rolled()
        slow, fast = median(raw, 5), median(rolled, 50)
    yield {
        "name": f"tiles of 60 days at {FACTS} facts, roll-up against raw sums",
        "ratio": round(slow / fast),
        "goal": 100,
        "rollup_ms": round(fast * 1000, 2),
        "raw_ms": round(slow * 1000, 1),
    }


def median(call: Callable[[], object], times: int) -> float:
    found = []
    for _try in range(times):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return statistics.median(found)
