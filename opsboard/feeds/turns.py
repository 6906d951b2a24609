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
        account = _next_account(condition, params)
        if account is None:
            return None
        _serve(account)
        claimed = leases.claim_first(
            Fetch, f"account_id = %s AND {condition}", [account, *params], ORDER, on_set_aside=on_set_aside
        )
        if claimed:
            return claimed
    return None


def workable() -> tuple[str, list[Any]]:
    """SQL over feeds_fetch, with its parameters: open rows that do not rest, whether or not they are due."""
    ads = [spec.key for spec in registry.specs() if spec.api == "ads"]
    sql = f"""state = ANY(%s) AND {backfill.NOT_RESTING} AND NOT EXISTS (
        SELECT 1 FROM feeds_rest rest
         WHERE rest.account_id = feeds_fetch.account_id AND rest.state = feeds_fetch.state
           AND rest.api = CASE WHEN feeds_fetch.spec = ANY(%s) THEN 'ads' ELSE 'sp' END
           AND (rest.marketplace_id IS NULL OR rest.marketplace_id = feeds_fetch.marketplace_id)
           AND CASE WHEN feeds_fetch.priority > 0 THEN rest.until ELSE rest.urgent_until END > statement_timestamp())"""
    return sql, [[state.value for state in OPEN], ads]


def _next_account(condition: str, params: list[Any]) -> int | None:
    sql = f"""
        SELECT seller.id FROM accounts_selleraccount seller
          LEFT JOIN feeds_turn turn ON turn.account_id = seller.id
         CROSS JOIN LATERAL (
            SELECT priority FROM feeds_fetch
             WHERE account_id = seller.id AND {condition} AND {leases.CLAIMABLE}
             ORDER BY {ORDER} LIMIT 1) first
         ORDER BY first.priority, turn.served_at NULLS FIRST, seller.id LIMIT 1"""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return int(row[0]) if row else None


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
    condition, params = workable()
    sql = f"SELECT count(*) FROM (SELECT 1 FROM feeds_fetch WHERE {condition} AND {leases.CLAIMABLE} LIMIT %s) found"
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, at_most])
        return int(cursor.fetchone()[0])


def soon(seconds: float) -> bool:
    """Whether a fetch that nobody holds comes due within so many seconds."""
    condition, params = workable()
    sql = f"""
        SELECT EXISTS (SELECT 1 FROM feeds_fetch
         WHERE {condition} AND finished_at IS NULL AND lease_until IS NULL
           AND not_before <= statement_timestamp() + make_interval(secs => %s))"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, seconds])
        return bool(cursor.fetchone()[0])
