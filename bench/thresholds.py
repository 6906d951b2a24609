"""Entities judged set by set from snapshots against a Python loop over the same rows, and one account that moved.

The loops are given their rows by a server-side cursor and their limits by a dictionary; they compare and write
nothing. One uses the judge's own rule (Decimal, `status_of`), the other compares bare integers with limits written
into it. Ours compares all and writes what changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction

#: 200 accounts x 5 marketplaces x 20,000 entities is the size the goals are about.
ACCOUNTS, MARKETPLACES = int(os.environ.get("BENCH_ACCOUNTS", "200")), 5
ENTITIES = int(os.environ.get("BENCH_ENTITIES", "20000"))
TURNS = 4
#: Rows the Python loop is timed over.
LOOPED = 1_000_000


def run(folder: Path) -> Iterator[dict[str, Any]]:
    from opsboard.kpis import entities, snapshots

    del folder
    snapshot, items = snapshots.snapshots()["campaigns"], _three()
    pairs = _plant(snapshot)
    limits = entities.limits(snapshot, items, pairs)
    # The third has no limit of its own: one per cent.
    limits |= {"low_2": [10_000] * len(pairs), "near_low_2": [10_000] * len(pairs)}
    checks = len(pairs) * ENTITIES * len(items)

    def judged(chosen: dict[str, Any]) -> tuple[float, int]:
        started = time.perf_counter()
        with transaction.atomic():
            changes = entities.judge_snapshot(snapshot, items, chosen)
        return time.perf_counter() - started, len(changes)

    # In turns, the best of each: what else runs on the machine hits all of them alike.
    first, again, rule, bare = float("inf"), float("inf"), 0.0, 0.0
    cost, loop_cost = float("inf"), float("inf")
    for _turn in range(TURNS):
        rule, before = max(rule, _rule(pairs)), _processor()
        bare = max(bare, _bare(pairs))
        loop_cost = min(loop_cost, (_processor() - before) / min(LOOPED, len(pairs) * ENTITIES))
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE kpis_entityverdict")
        seconds, told = judged(limits)
        assert told, "nothing breaks a limit: nothing would be written"
        first = min(first, seconds)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE kpis_entityverdict")
        for _try in range(2):
            before = _processor()
            seconds, silent = judged(limits)
            assert not silent
            again, cost = min(again, seconds), min(cost, (_processor() - before) / (len(pairs) * ENTITIES))
    for name, seconds, loop in (
        ("all of them new, against the judge's own rule in a Python loop", first, rule),
        ("nothing changed, against the judge's own rule in a Python loop", again, rule),
        ("nothing changed, against a Python loop of bare integers", again, bare),
    ):
        yield {
            "name": f"{checks} checks of entities, {name}",
            "ratio": round(checks / seconds / loop, 1),
            "goal": 8,
            "checks_per_s": round(checks / seconds),
            "loop_checks_per_s": round(loop),
        }
    yield {
        "name": f"{checks} checks of entities, nothing changed, processor time against a Python loop of bare integers",
        "ratio": round(loop_cost / cost, 1),
        "goal": 8,
        "ns_per_row": round(cost * 1e9),
        "loop_ns_per_row": round(loop_cost * 1e9),
    }
    mine = {name: values[:MARKETPLACES] for name, values in limits.items()}
    judged(mine)
    account = sorted(judged(mine)[0] for _try in range(9))[4]
    yield {
        "name": f"one account judged, {MARKETPLACES} marketplaces: 50 ms against what it takes",
        "ratio": round(0.050 / account, 2),
        "goal": 1,
        "ms": round(account * 1000, 1),
        "entities": MARKETPLACES * ENTITIES,
    }
    asked = sorted(_asked(items[0], pairs[:MARKETPLACES]) for _try in range(9))[4]
    yield {
        "name": f"an alert rule asked of one account, {MARKETPLACES} marketplaces: 50 ms against what it takes",
        "ratio": round(0.050 / asked, 2),
        "goal": 1,
        "ms": round(asked * 1000, 1),
        "entities": MARKETPLACES * ENTITIES,
    }


def _processor() -> float:
    """Seconds of processor time that this process and its database session have used: the same on a busy machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    fields = Path(f"/proc/{session}/stat").read_text().rsplit(")", 1)[1].split()
    server = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return server + time.process_time()


def _asked(item: Any, pairs: list[tuple[int, int]]) -> float:
    """Seconds for finding what is beyond the value of a rule."""
    from opsboard.kpis import held

    started = time.perf_counter()
    found = [held.beyond(item, pair, None, Decimal("0.3")) for pair in pairs]
    assert any(found)
    return time.perf_counter() - started


def _three() -> list[Any]:
    """The declared KPIs of campaigns and a third, so that three are compared."""
    from opsboard.kpis import entities, snapshots

    snapshot = snapshots.snapshots()["campaigns"]
    declared = [item for item in entities.limited() if item.snapshot is snapshot and item.kpi in {"acos", "ctr"}]
    return [*declared, entities.EntityKpi("unit_session", snapshot, "orders", "clicks", "clicks >= 20")]


def _plant(snapshot: Any) -> list[tuple[int, int]]:
    """Windows of every scope, about one entity in three hundred over a limit; the scopes, account by account."""
    from opsboard.accounts.models import Marketplace
    from opsboard.feeds.models import Document
    from opsboard.kpis.snapshots import JUDGED

    from .ingest import _scope

    scope = _scope()
    shops = list(Marketplace.objects.order_by("pk")[:MARKETPLACES])
    pairs = [(scope.account_id + number, shop.pk) for number in range(ACCOUNTS) for shop in shops]
    document = Document.objects.create(
        account=scope.account, marketplace=scope.marketplace, spec="sp_campaigns", sha256="", size=0,
        source=Document.Source.SP_API, source_created_at="2026-01-01T00:00Z",
    )  # fmt: skip
    spans = {shop.pk: snapshot.days(JUDGED, shop) for shop in shops}
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ads_campaignwindow, kpis_snapshotwindow, kpis_entityverdict")
        cursor.execute("SET session_replication_role = replica")  # accounts that are numbers only
        for shop in shops:
            days, before = spans[shop.pk]
            accounts = [account for account, marketplace in pairs if marketplace == shop.pk]
            cursor.execute(
                "INSERT INTO kpis_snapshotwindow (account_id, marketplace_id, snapshot, period, first, last, "
                "before_first, before_last, stale) SELECT a, %s, %s, %s, %s, %s, %s, %s, false "
                "FROM unnest(%s::int[]) a",
                [shop.pk, snapshot.key, JUDGED, days.first, days.last, before.first, before.last, accounts],
            )
            cursor.execute(
                "INSERT INTO feeds_coverage (account_id, marketplace_id, dataset, date, document_id, "
                "source_created_at, rows, digest, applied_at) SELECT a, %s, %s, d, %s, now(), 1, '', now() "
                "FROM unnest(%s::int[]) a, unnest(%s::date[]) d ON CONFLICT DO NOTHING",
                [shop.pk, snapshot.dataset, document.pk, accounts,
                 [days.first + timedelta(days=n) for n in range(len(days))]],
            )  # fmt: skip
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(
            "INSERT INTO ads_campaignwindow (account_id, marketplace_id, period, campaign_id, impressions, clicks, "
            "spend_minor, sales_minor, orders) SELECT p.a, p.m, %s, e, 20000, 100 + e %% 50, "
            "CASE WHEN (e * 7919 + p.a) %% 300 = 0 THEN 4000 ELSE 1500 + e %% 500 END, 10000, 5 "
            "FROM unnest(%s::int[], %s::int[]) p(a, m), generate_series(1, %s) e",
            [JUDGED, [a for a, _m in pairs], [m for _a, m in pairs], ENTITIES],
        )
        cursor.execute("ANALYZE ads_campaignwindow")
    return pairs


_ROWS = """
    SELECT account_id, marketplace_id, campaign_id, impressions, clicks, spend_minor, sales_minor, orders
      FROM ads_campaignwindow LIMIT %s
"""


def _rule(pairs: list[tuple[int, int]]) -> float:
    """Checks a second of a loop that judges each row as accounts are judged."""
    from opsboard.kpis.limits import LimitInForce, status_of

    acos = LimitInForce(None, Decimal("0.25"), None, Decimal("0.23"), "bench")
    ctr = LimitInForce(Decimal("0.004"), None, Decimal("0.0045"), None, "bench")
    conversion = LimitInForce(Decimal("0.01"), None, None, None, "bench")
    held = dict.fromkeys(pairs, (acos, ctr, conversion))
    found = []
    rows = 0
    started = time.perf_counter()
    with transaction.atomic(), connection.connection.cursor("bench_rule") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_ROWS, [LOOPED // 10])
        for account, marketplace, entity, impressions, clicks, spend, sales, orders in cursor:
            limits = held[(account, marketplace)]
            for kpi, limit, top, bottom, enough in zip(
                ("acos", "ctr", "unit_session"),
                limits,
                (spend, clicks, orders),
                (sales, impressions, clicks),
                (clicks >= 20, impressions >= 1000, clicks >= 20),
                strict=True,
            ):
                if enough and bottom:
                    status = status_of(Decimal(top) / bottom, limit)
                    if status in {"warn", "breach"}:
                        found.append((account, marketplace, kpi, entity, status))
            rows += 1
    assert found
    return rows * 3 / (time.perf_counter() - started)


def _bare(pairs: list[tuple[int, int]]) -> float:
    """Checks a second of a loop that reads each row and holds it against the limits and warnings of its scope."""
    held = dict.fromkeys(pairs, (250000, 230000, 4000, 4500, 10000, 10000))
    found = []
    rows = 0
    started = time.perf_counter()
    with transaction.atomic(), connection.connection.cursor("bench_loop") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_ROWS, [LOOPED])
        for account, marketplace, entity, impressions, clicks, spend, sales, orders in cursor:
            high, warn_high, low, warn_low, least, warn_least = held[(account, marketplace)]
            if clicks >= 20 and sales > 0:
                if spend * 1_000_000 > high * sales:
                    found.append((account, marketplace, "acos", entity, "breach"))
                elif spend * 1_000_000 > warn_high * sales:
                    found.append((account, marketplace, "acos", entity, "warn"))
            if impressions >= 1000:
                if clicks * 1_000_000 < low * impressions:
                    found.append((account, marketplace, "ctr", entity, "breach"))
                elif clicks * 1_000_000 < warn_low * impressions:
                    found.append((account, marketplace, "ctr", entity, "warn"))
            if clicks >= 20:
                if orders * 1_000_000 < least * clicks:
                    found.append((account, marketplace, "unit_session", entity, "breach"))
                elif orders * 1_000_000 < warn_least * clicks:
                    found.append((account, marketplace, "unit_session", entity, "warn"))
            rows += 1
    assert found
    return rows * 3 / (time.perf_counter() - started)
