"""Amazon's token buckets, mirrored in PostgreSQL so that all workers share them.

Amazon counts per seller, application and operation; so does this, on the database's clock. A bucket
starts with the published rate and learns the real one from `x-amzn-RateLimit-Limit`. Of the Ads API
Amazon publishes no figure: there the rate halves with every refusal and climbs back step by step with
every success, each profile for itself. A refusal empties the bucket; where it does not say for how
long, the wait doubles each time, with some chance in it so that workers do not come back together.

Some tokens of the scarce operations are left for what a person waits for. Nobody sleeps here: a caller
that gets a waiting time parks its job.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import uniform

from django.db import connection

#: Operation -> (calls a second, burst). SP-API: the usage plans in Amazon's models (reports
#: 2021-06-30, sellers v1). Amazon publishes no figures for Ads; these are modest, and the most we ask for.
RATES: dict[str, tuple[float, float]] = {
    "createReport": (0.0167, 15),
    "getReports": (0.0222, 10),
    "getReport": (2.0, 15),
    "getReportDocument": (0.0167, 15),
    "getMarketplaceParticipations": (0.016, 15),
    "ads.createReport": (2.0, 10),
    "ads.getReport": (5.0, 20),
    "ads.listProfiles": (1.0, 5),
}
#: Tokens that only those may take for whom a person waits: a report costs one of each.
RESERVED: dict[str, float] = {"createReport": 5, "getReportDocument": 5}
#: How long an operation rests after a 429 that says nothing about when (seconds), and at the most.
PENALTY_SECONDS, LONGEST_PENALTY = 30.0, 900.0
#: An adaptive rate never falls under this share of its start, and climbs by such a share of it.
_LEAST, _STEP = 0.02, 0.05


@dataclass(frozen=True, slots=True)
class Meter:
    """Whose calls are counted (seller or advertising profile, and application), and who waits for them."""

    partner: str
    application: str
    #: A person waits: the reserve is theirs.
    urgent: bool = False


# One statement, one row lock, the database's clock: refill, take if there is a whole token over the reserve, tell.
_TAKE = """
    WITH held AS (
        SELECT id, LEAST(burst, tokens + rate * GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - filled_at))) AS level
          FROM amazon_bucket WHERE partner = %(partner)s AND application = %(application)s
           AND operation = %(operation)s FOR UPDATE)
    UPDATE amazon_bucket AS bucket
       SET tokens = held.level - CASE WHEN held.level >= %(need)s THEN 1 ELSE 0 END, filled_at = clock_timestamp(),
           waits = waits + CASE WHEN held.level >= %(need)s THEN 0 ELSE 1 END
      FROM held WHERE bucket.id = held.id
 RETURNING CASE WHEN held.level >= %(need)s THEN 0 ELSE (%(need)s - held.level) / bucket.rate END"""

_CREATE = """
    INSERT INTO amazon_bucket (partner, application, operation, tokens, rate, burst, refusals, filled_at)
    VALUES (%(partner)s, %(application)s, %(operation)s, %(burst)s, %(rate)s, %(burst)s, 0, clock_timestamp())
    ON CONFLICT DO NOTHING"""

# What has flowed in until now did so at the old rate.
_SETTLE = "tokens = LEAST(burst, tokens + rate * GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - filled_at)))"

_LEARN = f"""
    UPDATE amazon_bucket SET {_SETTLE}, filled_at = clock_timestamp(), refusals = 0, rate = %(new)s
     WHERE partner = %(partner)s AND application = %(application)s AND operation = %(operation)s
       AND (refusals > 0 OR abs(rate - %(new)s) > rate * 0.01)"""

_RECOVER = f"""
    UPDATE amazon_bucket SET {_SETTLE}, filled_at = clock_timestamp(), refusals = 0,
           rate = LEAST(%(start)s, rate + %(step)s)
     WHERE partner = %(partner)s AND application = %(application)s AND operation = %(operation)s
       AND (refusals > 0 OR rate < %(start)s)"""

_REFUSED = """
    UPDATE amazon_bucket SET refusals = LEAST(refusals + 1, 20), rate = GREATEST(%(least)s, rate * %(factor)s)
     WHERE partner = %(partner)s AND application = %(application)s AND operation = %(operation)s
 RETURNING refusals"""

_EMPTY = """
    UPDATE amazon_bucket
       SET tokens = LEAST(tokens, 1 - %(wait)s * rate), filled_at = clock_timestamp(), refused = refused + 1
     WHERE partner = %(partner)s AND application = %(application)s AND operation = %(operation)s"""


def take(meter: Meter, operation: str) -> float:
    """Take a token: 0 when the call may be made now, else the seconds until there will be one."""
    rate, burst = RATES[operation]
    need = 1 + (0 if meter.urgent else RESERVED.get(operation, 0))
    key = _key(meter, operation)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {**key, "need": need})
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_CREATE, {**key, "rate": rate, "burst": burst})
            cursor.execute(_TAKE, {**key, "need": need})
            row = cursor.fetchone()
    return max(0.0, float(row[0]))


def learn(meter: Meter, operation: str, limit: str | None) -> None:
    """Amazon answered: believe its own statement of its rate (the header's text), or grow towards ours without one."""
    stated = read_rate(limit)
    key = _key(meter, operation)
    start = RATES[operation][0]
    with connection.cursor() as cursor:
        if stated:
            cursor.execute(_LEARN, {**key, "new": stated})
        elif adaptive(operation):
            cursor.execute(_RECOVER, {**key, "start": start, "step": start * _STEP})


def empty(meter: Meter, operation: str, retry_after: float | None, limit: str | None) -> float:
    """Amazon said 429: nobody calls for so many seconds, which are returned.

    Amazon's Retry-After, else one token's time at the rate it states, else longer with every refusal.
    """
    stated = read_rate(limit)
    if stated:
        learn(meter, operation, limit)
    key = _key(meter, operation)
    slower = 0.5 if adaptive(operation) and not stated else 1.0
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {**key, "factor": slower, "least": RATES[operation][0] * _LEAST if slower < 1 else 0})
        row = cursor.fetchone()
        refusals = int(row[0]) if row else 1
        if retry_after is not None:
            wait = retry_after
        elif stated:
            wait = 1 / stated
        else:
            wait = min(LONGEST_PENALTY, PENALTY_SECONDS * 2 ** (refusals - 1)) * uniform(1.0, 1.25)
        cursor.execute(_EMPTY, {**key, "wait": wait})
    return wait


def adaptive(operation: str) -> bool:
    """Amazon publishes no rate for it, nor states one in its answers."""
    return operation.startswith("ads.")


def _key(meter: Meter, operation: str) -> dict[str, str]:
    return {"partner": meter.partner, "application": meter.application, "operation": operation}


def read_rate(limit: str | None) -> float | None:
    try:
        rate = float(limit or "")
    except ValueError:
        return None
    return rate if 0 < rate < 1_000_000 else None
