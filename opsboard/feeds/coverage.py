"""The calendar of what is known: for every account, marketplace, dataset and day one of a few states.

A day that some document holds is final or, while Amazon may still restate it, provisional. A day that none
holds is missing, held or refused, and never zero; or it is not expected at all, and the calendar says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsboard.accounts.models import AccountMarketplace

from . import registry
from .registry import Dataset, Period, Scope


class State(StrEnum):
    """What is known of a day (or the week or month that begins on it)."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    MISSING = "missing"
    HELD = "held"
    REFUSED = "refused"
    NONE = "none"  # not expected


#: In words, and as the status whose colour a chip of it wears.
WORDS: Final[Mapping[State, tuple[str, Promise]]] = {
    State.FINAL: ("ok", _("final")),
    State.PROVISIONAL: ("provisional", _("provisional")),
    State.MISSING: ("unknown", _("missing")),
    State.HELD: ("warn", _("held")),
    State.REFUSED: ("breach", _("refused")),
    State.NONE: ("no_limit", _("not expected")),
}
#: The states a person can do something about.
TROUBLE: Final = (State.MISSING, State.HELD, State.REFUSED)
#: Why a day is missing or not expected, in a sentence; keyed by `why` of the cells.
WHY: Final[Mapping[str, Promise]] = {
    "early": _("Nothing was asked for that far back."),
    "open": _("Amazon has not closed these days yet."),
    "past": _("Amazon gives only the state of now, and a newer one is known."),
    "between": _("It speaks only of days on which something was paid out; of the others nothing is expected."),
    "byhand": _("No report is fetched for it, and nothing newer was uploaded."),
    "waiting": _("It is being fetched."),
    "empty": _("Amazon says it has nothing for these days: that is unknown, not zero."),
    "failed": _("The report could not be fetched."),
    "lost": _("A report was fetched, but none that counts speaks of these days."),
    "unasked": _("No report was asked for these days."),
}

# Leans on coverage_once (account, marketplace, dataset, date): one range, and one backward and one forward probe,
# for each dataset; on fetch_by_scope (account, marketplace, spec, window_end); on document_by_scope (account,
# marketplace, spec) and the foreign key of feeds_ingest. Fetches are looked at for datasets with holes only.
CELLS: Final = """
    WITH pairs AS (
        SELECT * FROM unnest(%(accounts)s::int[], %(marketplaces)s::int[], %(todays)s::date[], %(zones)s::text[])
            AS p(account_id, marketplace_id, today, zone)
    ), declared AS (
        SELECT * FROM unnest(%(datasets)s::text[], %(labels)s::text[], %(periods)s::text[], %(lags)s::int[],
                             %(matures)s::int[], %(scopes)s::text[], %(eventful)s::boolean[])
            AS d(dataset, label, period, lag, mature, scope, is_eventful)
    ), fed AS (
        SELECT * FROM unnest(%(fed_datasets)s::text[], %(fed_specs)s::text[]) AS f(dataset, spec)
    ), documents AS (
        SELECT d.account_id, d.marketplace_id, d.spec, d.id, d.source_created_at,
               coalesce(d.window_start, (d.source_created_at AT TIME ZONE p.zone)::date) AS low,
               coalesce(d.window_end, d.window_start, (d.source_created_at AT TIME ZONE p.zone)::date) AS high
          FROM pairs p
          JOIN feeds_document d ON d.account_id = p.account_id AND d.marketplace_id = p.marketplace_id
           AND d.spec IN (SELECT spec FROM fed) AND d.withdrawn_at IS NULL
    ), stuck AS (
        SELECT d.*, i.state
          FROM documents d
          CROSS JOIN LATERAL (
              SELECT n.state FROM feeds_ingest n WHERE n.document_id = d.id ORDER BY n.id DESC LIMIT 1) i
         WHERE d.high >= %(first)s AND d.low <= %(last)s AND i.state IN ('held', 'refused', 'quarantined')
    ), first_asked AS MATERIALIZED (
        SELECT f.account_id, f.marketplace_id, fed.dataset, min(f.window_start) AS low
          FROM pairs p
          JOIN feeds_fetch f ON f.account_id = p.account_id AND f.marketplace_id = p.marketplace_id
          JOIN fed ON fed.spec = f.spec GROUP BY 1, 2, 3
    ), known AS MATERIALIZED (
        SELECT p.*, d.*, reach.low, reach.high, asked.low AS asked_from, feed.is_fed
          FROM pairs p CROSS JOIN declared d
          CROSS JOIN LATERAL (
              SELECT min(c.date) AS low, max(c.date) AS high FROM feeds_coverage c
               WHERE c.account_id = p.account_id AND c.marketplace_id = p.marketplace_id AND c.dataset = d.dataset
          ) reach
          LEFT JOIN first_asked asked ON asked.account_id = p.account_id
               AND asked.marketplace_id = p.marketplace_id AND asked.dataset = d.dataset
          CROSS JOIN LATERAL (
              SELECT EXISTS (SELECT FROM feeds_feed f JOIN fed ON fed.spec = f.spec
                              WHERE f.account_id = p.account_id AND f.marketplace_id = p.marketplace_id
                                AND fed.dataset = d.dataset) AS is_fed
          ) feed
         WHERE reach.low IS NOT NULL OR asked.low IS NOT NULL OR feed.is_fed OR EXISTS (
               SELECT FROM stuck s JOIN fed ON fed.spec = s.spec WHERE s.account_id = p.account_id
                  AND s.marketplace_id = p.marketplace_id AND fed.dataset = d.dataset)
    ), days AS (
        SELECT k.*, s.date, CASE k.period WHEN 'week' THEN s.date + 6
               WHEN 'month' THEN (s.date + interval '1 month')::date - 1 ELSE s.date END AS ends
          FROM known k
          CROSS JOIN LATERAL (SELECT generate_series(%(first)s::date, least(%(last)s::date, k.today),
                                                     interval '1 day')::date AS date) s
         WHERE k.period = 'day' OR (k.period = 'week' AND extract(dow FROM s.date) = 0)
            OR (k.period = 'month' AND extract(day FROM s.date) = 1)
    ), held AS (
        SELECT DISTINCT ON (n.account_id, n.marketplace_id, fed.dataset, s.date)
               n.account_id, n.marketplace_id, fed.dataset, s.date, n.id, n.state, n.source_created_at
          FROM stuck n JOIN fed ON fed.spec = n.spec
          CROSS JOIN LATERAL (SELECT generate_series(greatest(n.low, %(first)s::date),
                                                     least(n.high, %(last)s::date), interval '1 day')::date AS date) s
         ORDER BY 1, 2, 3, 4, n.source_created_at DESC, n.id DESC
    ), joined AS (
        SELECT d.*, c.document_id AS holder, c.rows, h.id AS held_id, h.state AS held_state,
               (h.source_created_at, h.id) > (c.source_created_at, c.document_id) AS is_newer
          FROM days d
          LEFT JOIN feeds_coverage c ON c.account_id = d.account_id AND c.marketplace_id = d.marketplace_id
               AND c.dataset = d.dataset AND c.date = d.date
          LEFT JOIN held h ON h.account_id = d.account_id AND h.marketplace_id = d.marketplace_id
               AND h.dataset = d.dataset AND h.date = d.date
    ), holes AS (
        SELECT j.account_id, j.marketplace_id, fed.spec, min(j.date) AS low, max(j.date) AS high
          FROM joined j JOIN fed ON fed.dataset = j.dataset WHERE j.holder IS NULL GROUP BY 1, 2, 3
    ), tried AS (
        SELECT h.account_id, h.marketplace_id, h.spec, s.date, max(f.id) AS id
          FROM holes h
          JOIN feeds_fetch f ON f.account_id = h.account_id AND f.marketplace_id = h.marketplace_id
           AND f.spec = h.spec AND f.window_end >= h.low AND f.window_start <= h.high
          CROSS JOIN LATERAL (SELECT generate_series(greatest(f.window_start, h.low), least(f.window_end, h.high),
                                                     interval '1 day')::date AS date) s
         GROUP BY 1, 2, 3, 4
    ), fetched AS (
        SELECT t.account_id, t.marketplace_id, fed.dataset, t.date, max(t.id) AS id
          FROM tried t JOIN fed ON fed.spec = t.spec GROUP BY 1, 2, 3, 4
    ), judged AS (
        SELECT j.*, f.id AS fetch_id, f.reason AS fetch_reason, CASE
                 WHEN f.state IN ('failed', 'quarantined', 'cancelled') THEN 'failed'
                 WHEN f.state IN ('waiting', 'requested', 'ready') THEN 'waiting'
                 WHEN f.state = 'empty' THEN 'empty'
                 WHEN f.state = 'done' THEN 'lost' ELSE 'unasked' END AS became,
               CASE WHEN j.date < least(j.low, j.asked_from) OR coalesce(j.low, j.asked_from) IS NULL THEN 'early'
                    WHEN j.is_eventful AND coalesce(f.state, '') NOT IN ('failed', 'quarantined') THEN 'between'
                    WHEN j.scope = 'state' AND j.date < j.high THEN 'past'
                    WHEN j.ends + j.lag >= j.today AND coalesce(f.state, '') NOT IN ('failed', 'quarantined')
                    THEN 'open'
                    WHEN NOT j.is_fed AND j.date > j.high THEN 'byhand' END AS excuse
          FROM joined j
          LEFT JOIN fetched t ON j.holder IS NULL AND t.account_id = j.account_id
               AND t.marketplace_id = j.marketplace_id AND t.dataset = j.dataset AND t.date = j.date
          LEFT JOIN feeds_fetch f ON f.id = t.id
    )
    SELECT account_id, marketplace_id, dataset, label, date, ends, rows,
           CASE WHEN holder IS NOT NULL THEN CASE WHEN mature > 0 AND ends >= today - mature THEN 'provisional'
                                                  ELSE 'final' END
                WHEN held_state = 'held' THEN 'held' WHEN held_id IS NOT NULL THEN 'refused'
                WHEN excuse IS NOT NULL THEN 'none' ELSE 'missing' END AS state,
           CASE WHEN holder IS NOT NULL OR held_id IS NOT NULL THEN '' ELSE coalesce(excuse, became) END AS why,
           coalesce(holder, held_id) AS document_id, fetch_id,
           CASE WHEN held_id IS NULL THEN fetch_reason END AS fetch_reason,
           CASE WHEN holder IS NOT NULL AND is_newer THEN held_id END AS waiting_id
      FROM judged
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of one dataset in one scope."""

    dataset: str
    day: date
    #: The last day of it; another than `day` for weeks and months.
    ends: date
    state: State
    #: A key of WHY, "" where a document explains it.
    why: str = ""
    #: The document that holds the day, or is held or refused.
    document_id: int | None = None
    rows: int | None = None
    #: The newest fetch that asked for a day nobody holds, and what it says of itself.
    fetch_id: int | None = None
    fetch_reason: str = ""
    #: A held or refused document that is newer than the one that holds the day.
    waiting_id: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many days of each state; `expected` are those a seller should have."""

    counts: Mapping[State, int] = field(default_factory=dict)
    #: Days that have figures although a newer document of theirs is held or refused.
    waiting: int = 0

    @property
    def expected(self) -> int:
        return sum(count for state, count in self.counts.items() if state is not State.NONE)

    @property
    def known(self) -> int:
        return self.counts.get(State.FINAL, 0) + self.counts.get(State.PROVISIONAL, 0)

    @property
    def trouble(self) -> list[tuple[State, int]]:
        return [(state, self.counts[state]) for state in TROUBLE if self.counts.get(state)]


def tally(cells: Iterable[Cell]) -> Tally:
    found = list(cells)
    return Tally(Counter(cell.state for cell in found), sum(cell.waiting_id is not None for cell in found))


def declared() -> dict[str, Dataset]:
    """Every dataset by its key; where reports of several kinds feed one, as the fetched kind declares it."""
    found: dict[str, Dataset] = {}
    for spec in sorted(registry.specs(), key=lambda spec: not spec.api):
        for dataset in spec.datasets:
            found.setdefault(dataset.key, dataset)
    return found


def together(tallies: Iterable[Tally]) -> Tally:
    """Several tallies as one."""
    counts: Counter[State] = Counter()
    waiting = 0
    for one in tallies:
        counts.update(one.counts)
        waiting += one.waiting
    return Tally(counts, waiting)


def restated_for(dataset: Dataset) -> int:
    """For how many days Amazon may still restate a day of it: states and snapshots are what they were."""
    return dataset.mature_days if dataset.scope in {Scope.DAYS, Scope.GROUPS} else 0


def params(
    scopes: Sequence[AccountMarketplace], datasets: Mapping[str, Dataset], first: date, last: date
) -> dict[str, Any]:
    """What CELLS asks for; `scopes` must be visible to whoever sees the answer."""
    listed = list(datasets.values())
    feeding = [(dataset.key, spec.key) for spec in registry.specs() for dataset in spec.datasets]
    feeding = sorted({(dataset, spec) for dataset, spec in feeding if dataset in datasets})
    return {
        "accounts": [scope.account_id for scope in scopes],
        "marketplaces": [scope.marketplace_id for scope in scopes],
        "todays": [scope.marketplace.today() for scope in scopes],
        "zones": [scope.marketplace.time_zone for scope in scopes],
        "datasets": [dataset.key for dataset in listed],
        "labels": [str(dataset.label) for dataset in listed],
        "periods": [dataset.period.value for dataset in listed],
        "lags": [dataset.lag_days for dataset in listed],
        "matures": [restated_for(dataset) for dataset in listed],
        "scopes": [dataset.scope.value for dataset in listed],
        "eventful": [dataset.is_eventful for dataset in listed],
        "fed_datasets": [dataset for dataset, _spec in feeding],
        "fed_specs": [spec for _dataset, spec in feeding],
        "first": first,
        "last": last,
    }


def cells(
    scope: AccountMarketplace, first: date, last: date, datasets: Mapping[str, Dataset] | None = None
) -> dict[str, list[Cell]]:
    """By dataset, in order of declaration: the days from `first` to `last` (both included), the oldest first.

    Datasets that the scope has nothing to do with are left out.
    """
    wanted = declared() if datasets is None else datasets
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dataset, date, ends, state, why, document_id, rows, fetch_id, fetch_reason, waiting_id "
            f"FROM ({CELLS}) cells ORDER BY date",
            params([scope], wanted, first, last),
        )
        found: dict[str, list[Cell]] = {key: [] for key in wanted}
        for key, day, ends, state, why, document, rows, fetch, reason, waiting in cursor.fetchall():
            cell = Cell(key, day, ends, State(state), why, document, rows, fetch, reason or "", waiting)
            found[key].append(cell)
    return {key: listed for key, listed in found.items() if listed}


def tallies(scopes: Sequence[AccountMarketplace], first: date, last: date) -> dict[tuple[int, int], Tally]:
    """By (account, marketplace): the days of all its datasets together."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, marketplace_id, state, count(*), count(waiting_id) "
            f"FROM ({CELLS}) cells GROUP BY 1, 2, 3",
            params(scopes, declared(), first, last),
        )
        counts: dict[tuple[int, int], Counter[State]] = {}
        waiting: Counter[tuple[int, int]] = Counter()
        for account, marketplace, state, days, waits in cursor.fetchall():
            counts.setdefault((account, marketplace), Counter())[State(state)] = days
            waiting[(account, marketplace)] += waits
    return {pair: Tally(found, waiting[pair]) for pair, found in counts.items()}


def period_label(dataset: Dataset) -> str:
    """How a dataset counts, where it is not by days."""
    words: dict[Period, str | Promise] = {Period.WEEK: _("by week"), Period.MONTH: _("by month")}
    return str(words.get(dataset.period, ""))
