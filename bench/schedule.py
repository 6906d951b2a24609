"""A day of three hundred accounts of five marketplaces each under Amazon's limits (`make bench-schedule DAYS=n`).

Nothing of opsboard's is modelled: planning, turns, claims, leases, token buckets and the steps of a fetch are
the product's own code and statements on a real PostgreSQL, at a pretended time (clock.py). Played are Amazon
(played.py), and the download with its ingest, which here takes a worker's time and marks the days as held.

All accounts are rows; BENCH_SAMPLE of each kind (three kinds: routine only, with a back-fill of 2,000 documents,
with that and an hour without Amazon at the busiest time) live through the day: an account with a back-fill takes
some ten thousand steps a day, a step some ten milliseconds of a core, so all three hundred would take longer than
the day they live through. What a sample means:

- Amazon counts every call that is made here by seller and application, never by application alone, so accounts do
  not slow each other down there. They differ by where their slots fall in the hour and by how long Amazon makes
  their reports, both drawn at random; a sample is that many draws. The line of accounts on time says how many of
  all that proves, at 95 % confidence (hypergeometric): few living accounts prove little, and it says so.
- What accounts do share are the workers. There are as many as is the living accounts' share of them, one at least,
  and they are slowed down to what that share can do: as busy as with all accounts, with longer waits, as few slow
  workers make longer queues than many quick ones.
- The planner, an idle tick and the claim are timed last, with all accounts due at the same time.
"""

from __future__ import annotations

import heapq
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import comb
from pathlib import Path
from typing import Any
from unittest import mock

from django.db import connection, transaction
from django.db.models import F, Max, Min

from . import world
from .clock import Clock, pretended
from .played import PUBLISHED, AdsClient, Amazon, SpClient

ACCOUNTS = int(os.environ.get("BENCH_SELLERS", "300"))
SAMPLE = int(os.environ.get("BENCH_SAMPLE", "1"))
DAYS = float(os.environ.get("DAYS", "1"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "16"))
BACKFILL = int(os.environ.get("BENCH_BACKFILL", "2000"))
#: A Sunday on which Europe's clocks change: deep pulls, and a day of 23 hours.
START = datetime(2026, 3, 28, 22, tzinfo=UTC)
TICK = 10.0
#: What one step costs a worker: a call to Amazon with its statements; a download with its ingest.
CALL_SECONDS, DOCUMENT_SECONDS = 0.25, 1.0
MORNING = timedelta(hours=6)
_HISTORY = """
    INSERT INTO feeds_fetch (account_id, marketplace_id, spec, window_start, window_end, slot, kind, priority, state,
                             report_id, options, report_document_id, outcome, guessed, said, journal, reason, fence,
                             attempts, not_before, created_at)
    SELECT s.account_id, s.marketplace_id, 'sales_and_traffic_asin', %(day)s::date - n, %(day)s::date - n, %(now)s,
           'backfill', 20, 'waiting', '', '{}', '', '', false, '', '[]', '', 0, 0, %(now)s, %(now)s
      FROM accounts_accountmarketplace s, generate_series(1, %(each)s) n
        ON CONFLICT DO NOTHING"""


@dataclass
class Day:
    """What happened."""

    planned: int = 0
    plan_ms: list[float] = field(default_factory=list)
    claim_ms: list[float] = field(default_factory=list)
    busy_seconds: float = 0.0


def run(folder: Path) -> Iterator[dict[str, Any]]:
    del folder
    with pretended(START) as clock:
        kinds = max(1, min(SAMPLE, ACCOUNTS // 3))
        accounts = world.populate(max(ACCOUNTS, 3), clock.now)
        calm, full, cut = (accounts[n * kinds : (n + 1) * kinds] for n in range(3))
        living = [*calm, *full, *cut]
        world.settle(living, clock.now)
        amazon = Amazon(lambda: clock.now, random.Random(7))
        begins = START + MORNING
        amazon.outage = begins, begins + timedelta(hours=1)
        amazon.out_for = frozenset(_names(cut))
        day = Day()
        with _played(amazon, clock), _waiting_for_no_disk():
            for account in [*full, *cut] if BACKFILL else ():
                _back_fill(account)
            _live(day, clock, len(living) / len(accounts))
        spent = (clock.now - START).total_seconds()
        yield _proven([account.pk for account in living], len(accounts))
        for name, group in (
            ("routine only", calm),
            (f"with {BACKFILL} documents to back-fill", full),
            ("with that and an hour without Amazon", cut),
        ):
            yield from _told(name, [account.pk for account in group])
        yield from _amazon_told(amazon, day, spent, [*full, *cut], len(living) / len(accounts))
        yield from _at_size(clock, accounts)


@contextmanager
def _waiting_for_no_disk() -> Iterator[None]:
    """A commit does not wait for the disk, which has no part in a pretended day."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        yield
        cursor.execute("RESET synchronous_commit")


def _names(accounts: Sequence[Any]) -> list[str]:
    return [account.selling_partner_id for account in accounts]


# --- the day ----------------------------------------------------------------------------------------


def _played(amazon: Amazon, clock: Clock) -> ExitStack:
    """Amazon, and the way from a finished report to held days, for as long as the stack is open."""
    from opsboard.amazon import ads_api, calls, sp_api
    from opsboard.feeds import fetching

    stack = ExitStack()
    for target, name, stand_in in (
        (sp_api, "_client", lambda _kind, _endpoint, credentials: SpClient(amazon, credentials.refresh_token)),
        (ads_api, "_Reports", lambda _endpoint, _client, _token, profile, _type: AdsClient(amazon, profile)),
        (calls.tokens, "access_token", lambda _credentials: "token"),
        (fetching.leases, "held", lambda *_claim: nullcontext()),  # at a time that stands still nothing runs out
        (fetching._Work, "keep", _keep),
    ):
        stack.enter_context(mock.patch.object(target, name, stand_in))
    return stack


def _keep(work: Any, link: Any, status: Any) -> Any:
    """What `keep` and the ingest leave behind, without a document."""
    from opsboard.feeds.fetching import Advanced
    from opsboard.feeds.models import Coverage, Document, Fetch
    from opsboard.feeds.outcomes import Outcome
    from opsboard.feeds.understanding import Understood

    fetch, spec = work.fetch, work.spec
    document = Document.objects.filter(account=fetch.account_id, marketplace=fetch.marketplace_id).first()
    days = (fetch.window_end - fetch.window_start).days + 1 if spec.history else 1
    made = status.created_at
    with transaction.atomic():
        work.end(Fetch.State.DONE, Understood(Outcome.DONE), "")
        work.feed(last_success_at=made, last_error="")
        Coverage.objects.bulk_create(
            [
                Coverage(
                    account=fetch.account,
                    marketplace=fetch.marketplace,
                    dataset=dataset.key,
                    date=fetch.window_start + timedelta(days=n),
                    document=document,
                    source_created_at=made,
                )
                for dataset in spec.datasets
                for n in range(days)
            ],
            update_conflicts=True,
            unique_fields=["account", "marketplace", "dataset", "date"],
            update_fields=["source_created_at"],
        )
    return Advanced(Fetch.State.DONE)


def _back_fill(account: Any) -> None:
    """A plan a marketplace, as many documents altogether as asked for: a day each of the sales by child ASIN."""
    from opsboard.accounts.models import AccountMarketplace
    from opsboard.feeds import backfill, registry

    for scope in AccountMarketplace.objects.filter(account=account).select_related("account", "marketplace"):
        days = BACKFILL // len(world.MARKETPLACES) + world.HELD_DAYS
        first = scope.marketplace.day_of(START) - timedelta(days=days + 1)
        backfill.start(scope, first, [registry.spec("sales_and_traffic_asin")])


def _live(day: Day, clock: Clock, share: float) -> None:
    """Workers take turns until the day is over and its routine is done (or can be no longer)."""
    from opsboard.feeds.models import Fetch

    end = START + timedelta(days=DAYS)
    workers = [START] * max(1, round(WORKERS * share))
    slower = len(workers) / (WORKERS * share)
    next_plan = START
    routine = Fetch.objects.filter(kind=Fetch.Kind.ROUTINE)
    over = end + timedelta(days=8)
    while workers[0] < over:
        now = heapq.heappop(workers)
        if next_plan <= min(now, end):
            clock.move(max(next_plan, START))
            next_plan = _plan(day, clock)
        if now > end and over > end + timedelta(days=7):
            last = routine.filter(finished_at=None).aggregate(last=Max("deadline"))["last"]
            over = last or now
        clock.move(now)
        cost = _step(day)
        if cost is not None:
            day.busy_seconds += cost
            heapq.heappush(workers, now + timedelta(seconds=cost * slower))
            if now > end and not routine.filter(finished_at=None).exists():
                return
            continue
        wakes = _wakes(now, min(next_plan, over))
        heapq.heappush(workers, wakes)
        workers = [max(wakes, free) for free in workers]
        heapq.heapify(workers)


def _plan(day: Day, clock: Clock) -> datetime:
    """Plan as a tick does; the tick that will find something to plan again."""
    from opsboard.feeds import backfill, schedule
    from opsboard.feeds.models import Feed

    started = time.perf_counter()
    day.planned += schedule.plan_due(clock.now)
    day.plan_ms.append((time.perf_counter() - started) * 1000)
    backfill.sweep()
    return _tick(Feed.objects.filter(enabled=True).aggregate(due=Min("next_due"))["due"])


def _step(day: Day) -> float | None:
    """One step of the fetch whose turn it is: what it costs a worker, None when nothing is to be done."""
    from opsboard.feeds import fetching, turns

    started = time.perf_counter()
    claimed = turns.claim(on_set_aside=fetching.tell_feed)
    day.claim_ms.append((time.perf_counter() - started) * 1000)
    if claimed is None:
        return None
    return CALL_SECONDS + (DOCUMENT_SECONDS if fetching.carry_on(*claimed).state == "done" else 0.0)


def _wakes(now: datetime, at_latest: datetime) -> datetime:
    """The tick at which something comes due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT min(not_before) FROM feeds_fetch WHERE finished_at IS NULL AND not_before > %(now)s),"
            " (SELECT min(until) FROM feeds_rest WHERE until > %(now)s))",
            {"now": now},
        )
        found = cursor.fetchone()[0]
    return max(now + timedelta(seconds=1), _tick(min(found or at_latest, at_latest)))


def _tick(moment: datetime) -> datetime:
    """The first tick at or after an instant."""
    seconds = (moment - START).total_seconds()
    return START + timedelta(seconds=-(-seconds // TICK) * TICK)


# --- what came of it --------------------------------------------------------------------------------


def _told(name: str, accounts: list[int]) -> Iterator[dict[str, Any]]:
    from opsboard.feeds.models import Fetch

    mine = Fetch.objects.filter(account__in=accounts)
    rows = mine.filter(kind=Fetch.Kind.ROUTINE).values_list("slot", "deadline", "finished_at", "state")
    good = ("done", "empty")
    late = [(done - slot).total_seconds() / 60 for slot, _due, done, state in rows if done and state in good]
    within = sum(1 for _slot, due, done, state in rows if done and state in good and done <= due)
    yield {
        "name": f"routine fetches within their period, {name}",
        "ratio": round(within / max(1, len(rows)), 4),
        "goal": 1.0,
        "fetches": len(rows),
        "late_p50_min": round(statistics.median(late), 1) if late else 0.0,
        "late_p95_min": round(_p95(late), 1),
    }
    history = mine.filter(kind=Fetch.Kind.BACKFILL)
    if history.exists():
        done, asked = history.filter(state="done").count(), history.count()
        yield {
            "name": f"documents back-filled an account, {name}",
            "done": done // len(accounts),
            "asked": asked // len(accounts),
        }


def _proven(living: list[int], everybody: int) -> dict[str, Any]:
    """Accounts whose routine was on time, and of how many of all that is so at 95 % confidence."""
    from opsboard.feeds.models import Fetch

    routine = Fetch.objects.filter(kind=Fetch.Kind.ROUTINE, account__in=living)
    late = routine.exclude(state__in=["done", "empty"]) | routine.filter(finished_at__gt=F("deadline"))
    some = late.values("account").distinct().count()

    def likely(of_all: int) -> bool:
        """Whether a sample may well have no more late accounts than ours when `of_all` are late."""
        fewer = (comb(of_all, n) * comb(everybody - of_all, len(living) - n) for n in range(some + 1))
        return sum(fewer) / comb(everybody, len(living)) >= 0.05

    at_most = max(n for n in range(everybody + 1) if likely(n))
    return {
        "name": "accounts whose every routine fetch was within its period",
        "ratio": round(1 - some / len(living), 4),
        "goal": 1.0,
        "accounts": len(living),
        "proven_of_all": round(1 - at_most / everybody, 2),
    }


def _amazon_told(
    amazon: Amazon, day: Day, seconds: float, full: Sequence[Any], share: float
) -> Iterator[dict[str, Any]]:
    from opsboard.feeds.models import Fetch

    sp = sum(n for (_seller, operation), n in amazon.calls.items() if operation != "ads")
    refused = sum(amazon.refused.values())
    yield {
        "name": "calls that Amazon did not answer with 429",
        "ratio": round(1 - refused / max(1, sum(amazon.calls.values())), 6),
        "goal": 1.0,
        "calls_sp": sp,
        "refused": refused,
    }
    kept = Fetch.objects.filter(kind=Fetch.Kind.ROUTINE).count()
    yield {
        "name": "routine fetches that a newer one replaced before they could be asked for",
        "replaced": day.planned - kept,
    }
    rate, burst = PUBLISHED["createReport"]
    allowed = rate * seconds + burst
    names = set(_names(full))
    for words, sellers in (
        ("routine only", {seller for seller, operation in amazon.calls if operation == "createReport"} - names),
        ("with a back-fill", names),
    ):
        asked = sum(amazon.calls[seller, "createReport"] for seller in sellers) / max(1, len(sellers))
        yield {
            "name": f"createReport calls of Amazon's allowance an account, {words}",
            "ratio": round(asked / allowed, 3),
            "goal": "1.0 at most",
            "asked": round(asked),
            "allowed": round(allowed),
        }
    yield {
        "name": f"{WORKERS} workers' time that {ACCOUNTS} accounts take",
        "ratio": round(day.busy_seconds / share / seconds / WORKERS, 2),
        "goal": "1.0 at most",
        "steps": len(day.claim_ms),
        "claim_ms_p50": round(statistics.median(day.claim_ms), 1),
    }


def _p95(values: Sequence[float]) -> float:
    found = sorted(values)
    return found[int(len(found) * 0.95)] if found else 0.0


# --- planner and claim at size ------------------------------------------------------------------------


def _at_size(clock: Clock, accounts: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The busiest minute of a morning in which all accounts are due, and claims among what that leaves."""
    from opsboard.accounts.models import AccountMarketplace
    from opsboard.feeds import registry, schedule, slots, turns
    from opsboard.feeds.models import Feed, Fetch

    specs = {spec.key: spec for spec in registry.specs()}
    scopes = {(s.account_id, s.marketplace_id): s for s in AccountMarketplace.objects.select_related("marketplace")}
    midnight = (clock.now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    feeds = list(Feed.objects.all())
    for feed in feeds:
        spec, scope = specs[feed.spec], scopes[feed.account_id, feed.marketplace_id]
        feed.next_due = slots.after(slots.rhythm_of(feed, spec, scope), scope, midnight)
    Feed.objects.bulk_update(feeds, ["next_due"], batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    clock.move(midnight + timedelta(hours=1))
    idle = _milliseconds(lambda: schedule.plan_due(clock.now), 5)
    first = min(feed.next_due for feed in feeds)
    planned, busy = 0, []
    for n in range(1, 7):
        clock.move(first + timedelta(seconds=TICK * n))
        started = time.perf_counter()
        planned += schedule.plan_due(clock.now)
        busy.append((time.perf_counter() - started) * 1000)
    yield {
        "name": f"the tick at which most is planned, of {len(accounts)} accounts, within {TICK:.0f} s",
        "ratio": round(TICK * 1000 / max(busy), 1),
        "goal": 1.0,
        "plan_ms": round(max(busy)),
        "idle_ms": round(statistics.median(idle)),
        "planned": planned,
    }
    with connection.cursor() as cursor:  # and every account's history waits
        values = {"day": START.date(), "now": clock.now, "each": max(1, BACKFILL // len(world.MARKETPLACES))}
        cursor.execute(_HISTORY, values)
        cursor.execute("ANALYZE feeds_fetch")
    rows = Fetch.objects.filter(finished_at=None).count()
    resting = [account.pk for number, account in enumerate(accounts) if number % 3]
    for words, rest in (("", []), (f", the requests of {len(resting)} of them at Amazon's limit", resting)):
        for account in rest:
            turns.rest(Fetch(account_id=account, state=Fetch.State.WAITING), "sp", 3600)
        claim = _milliseconds(lambda: turns.claim(on_set_aside=int), 40)
        soon = _milliseconds(lambda: turns.soon(1), 5)
        yield {
            "name": f"a claim among {rows} fetches of {len(accounts)} accounts{words}",
            "claim_ms_p50": round(statistics.median(claim), 1),
            "claim_ms_p95": round(_p95(claim), 1),
            "soon_ms": round(statistics.median(soon), 1),
        }


def _milliseconds(call: Any, times: int) -> list[float]:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append((time.perf_counter() - started) * 1000)
    return found
