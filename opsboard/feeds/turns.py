"""Whose turn it is: the account, then its fetch.

Accounts share nothing but the workers, so they take turns: of those that have something of the most
urgent kind to do, the one that was worked for longest ago. Within an account the scarce thing is what
Amazon allows it, so there the order is what a person waits for, then the first screen, routine, history;
within that the earliest deadline; then the newest days. An account with four hundred fetches takes as
many turns as one with a single fetch.

What Amazon would refuse anyway rests (`Rest`): the rows stay where they are and nobody claims one to find
out. Both tables are shared by all workers and use the database's clock.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from . import backfill, leases, registry
from .models import Fetch, Rest, Turn

OPEN = (Fetch.State.WAITING, Fetch.State.REQUESTED, Fetch.State.READY)
#: Leans on fetch_turn.
ORDER = "priority, deadline, window_end DESC, id"
#: How often another worker may have been quicker before this one gives up for now.
_TRIES = 5
_SCARCE = (Fetch.State.WAITING, Fetch.State.READY)


def claim(on_set_aside: Any) -> tuple[int, int] | None:
    """Take the fetch whose turn it is: (pk, fence), or None when nothing is due."""
    condition, params = workable()
    for _ in range(_TRIES):
        turn = _next()
        if turn is None:
            return None
        account, fetch = turn
        _serve(account)
        for which, key in (("id", fetch), ("account_id", account)):  # the account's next one, if that was just taken
            claimed = leases.claim_first(
                Fetch, f"{which} = %s AND {condition}", [key, *params], ORDER, on_set_aside=on_set_aside
            )
            if claimed:
                return claimed
    return None


def workable() -> tuple[str, list[Any]]:
    """SQL over feeds_fetch, with its parameters: open rows that do not rest, whether or not they are due."""
    sql = f"""state = ANY(%s) AND {backfill.NOT_RESTING} AND NOT EXISTS (
        SELECT 1 FROM feeds_rest rest
         WHERE rest.account_id = feeds_fetch.account_id AND rest.state = feeds_fetch.state
           AND rest.api = CASE WHEN feeds_fetch.spec = ANY(%s) THEN 'ads' ELSE 'sp' END
           AND (rest.marketplace_id IS NULL OR rest.marketplace_id = feeds_fetch.marketplace_id)
           AND CASE WHEN feeds_fetch.priority > 0 THEN rest.until ELSE rest.urgent_until END > statement_timestamp())"""
    return sql, [[state.value for state in OPEN], _ads()]


def _ads() -> list[str]:
    return [spec.key for spec in registry.specs() if spec.api == "ads"]


def _of_each_account(ready: str, at_most: int) -> tuple[str, list[Any]]:
    """SQL after FROM, with its parameters: every `seller`, with the `first` few of its workable rows in their order.

    `ready` is SQL over feeds_fetch. Histories are asked for at Amazon's pace, so mostly thousands of an account's
    requests rest as one: then only what does not is looked at, by indexes of its own (fetch_under_way,
    fetch_waiting), or every claim would read through all of them.
    """
    condition, params = workable()
    rows = f"SELECT id, priority, deadline, window_end FROM feeds_fetch WHERE account_id = seller.id AND {condition}"
    few = f"AND {ready} OFFSET 0"  # OFFSET: sorted after it was found, or the order's index would be read through
    sql = f"""accounts_selleraccount seller
          LEFT JOIN feeds_rest requests ON requests.account_id = seller.id AND requests.marketplace_id IS NULL
           AND requests.api = 'sp' AND requests.state = 'waiting' AND requests.until > statement_timestamp()
         CROSS JOIN LATERAL (
            SELECT * FROM (
                ({rows} AND requests.id IS NULL AND {ready} ORDER BY {ORDER} LIMIT {at_most})
                UNION ALL
                ({rows} AND requests.id IS NOT NULL AND state IN ('requested', 'ready') {few})
                UNION ALL
                ({rows} AND requests.id IS NOT NULL AND state = 'waiting' AND spec = ANY(%s) {few})
                UNION ALL
                ({rows} AND requests.id IS NOT NULL AND state = 'waiting' AND priority <= 0 AND spec <> ALL(%s) {few})
            ) lanes ORDER BY {ORDER} LIMIT {at_most}) first"""
    return sql, [*params, *params, *params, _ads(), *params, _ads()]


def _next() -> tuple[int, int] | None:
    """The account whose turn it is and its first fetch."""
    rows, params = _of_each_account(leases.CLAIMABLE, 1)
    sql = f"""
        SELECT seller.id, first.id FROM {rows}
          LEFT JOIN feeds_turn turn ON turn.account_id = seller.id
         ORDER BY first.priority, turn.served_at NULLS FIRST, seller.id LIMIT 1"""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else None


def _serve(account: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {Turn._meta.db_table} AS turn (account_id, served_at) VALUES (%s, clock_timestamp())
                ON CONFLICT (account_id) DO UPDATE SET served_at = EXCLUDED.served_at""",
            [account],
        )


def rest(fetch: Fetch, api: str, seconds: float) -> None:
    """Let the account's fetches in this one's state rest: its API takes no more of these calls for so long.

    What a person waits for goes on where only the reserve is left, and rests as well when that was refused.
    """
    if fetch.state not in _SCARCE:
        return
    urgent = "clock_timestamp() + make_interval(secs => %(seconds)s)" if fetch.priority <= 0 else "NULL"
    sql = f"""
        INSERT INTO {Rest._meta.db_table} AS rest (account_id, marketplace_id, api, state, until, urgent_until)
        VALUES (%(account)s, %(marketplace)s, %(api)s, %(state)s,
                clock_timestamp() + make_interval(secs => %(seconds)s), {urgent})
        ON CONFLICT (account_id, marketplace_id, api, state) DO UPDATE
           SET until = GREATEST(rest.until, EXCLUDED.until),
               urgent_until = GREATEST(rest.urgent_until, EXCLUDED.urgent_until)"""
    values = {
        "account": fetch.account_id,
        "marketplace": fetch.marketplace_id if api == "ads" else None,
        "api": api,
        "state": fetch.state,
        "seconds": seconds,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def due(at_most: int) -> int:
    """How many fetches could be worked on now, counted no further than `at_most`."""
    rows, params = _of_each_account(leases.CLAIMABLE, at_most)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT %s) found", [*params, at_most])
        return int(cursor.fetchone()[0])


def soon(seconds: float) -> bool:
    """Whether a fetch that nobody holds comes due within so many seconds."""
    soon = f"statement_timestamp() + make_interval(secs => {float(seconds)})"
    rows, params = _of_each_account(f"finished_at IS NULL AND lease_until IS NULL AND not_before <= {soon}", 1)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {rows})", params)
        return bool(cursor.fetchone()[0])
