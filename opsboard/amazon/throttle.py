"""Amazon's token buckets, mirrored in PostgreSQL so that all workers share them.

Amazon counts per seller, application and operation; so does this. A bucket starts with the
published rate, learns the real one from `x-amzn-RateLimit-Limit`, and is emptied when Amazon
says 429. Nobody sleeps here: a caller that gets a waiting time parks its job.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

#: Operation -> (calls a second, burst). SP-API: the usage plans in Amazon's models (reports
#: 2021-06-30, sellers v1). Amazon publishes no figures for Ads; these are modest.
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
#: How long an operation rests after a 429 that says nothing about when (seconds).
PENALTY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Meter:
    """Whose calls are counted: seller and application."""

    partner: str
    application: str


# One statement, one row lock, the database's clock: refill, take if there is a whole token, tell.
_TAKE = """
    WITH held AS (
        SELECT id, LEAST(burst, tokens + rate * GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - filled_at))) AS level
          FROM amazon_bucket WHERE partner = %s AND application = %s AND operation = %s FOR UPDATE)
    UPDATE amazon_bucket AS bucket
       SET tokens = held.level - CASE WHEN held.level >= 1 THEN 1 ELSE 0 END, filled_at = clock_timestamp(),
           waits = waits + CASE WHEN held.level >= 1 THEN 0 ELSE 1 END
      FROM held WHERE bucket.id = held.id
 RETURNING CASE WHEN held.level >= 1 THEN 0 ELSE (1 - held.level) / bucket.rate END"""

_CREATE = """
    INSERT INTO amazon_bucket (partner, application, operation, tokens, rate, burst, filled_at)
    VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING"""

_LEARN = """
    UPDATE amazon_bucket SET rate = %s
     WHERE partner = %s AND application = %s AND operation = %s AND abs(rate - %s) > rate * 0.01"""

_EMPTY = """
    UPDATE amazon_bucket
       SET tokens = LEAST(tokens, 1 - %s * rate), filled_at = clock_timestamp(), refusals = refusals + 1
     WHERE partner = %s AND application = %s AND operation = %s"""


def take(meter: Meter, operation: str) -> float:
    """Take a token: 0 when the call may be made now, else the seconds until there will be one."""
    key = [meter.partner, meter.application, operation]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, key)
        row = cursor.fetchone()
        if row is None:
            rate, burst = RATES[operation]
            cursor.execute(_CREATE, [*key, burst, rate, burst])
            cursor.execute(_TAKE, key)
            row = cursor.fetchone()
    return max(0.0, float(row[0]))


def learn(meter: Meter, operation: str, limit: str | None) -> None:
    """Believe Amazon's own statement of its rate (the header's text); anything unreadable is ignored."""
    rate = read_rate(limit)
    if rate:
        with connection.cursor() as cursor:
            cursor.execute(_LEARN, [rate, meter.partner, meter.application, operation, rate])


def empty(meter: Meter, operation: str, retry_after: float | None, limit: str | None) -> float:
    """Amazon said 429: nobody calls for `retry_after` seconds (or for one token's time); returns the seconds."""
    learn(meter, operation, limit)
    rate = read_rate(limit)
    wait = retry_after if retry_after is not None else 1 / rate if rate else PENALTY_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY, [wait, meter.partner, meter.application, operation])
    return wait


def read_rate(limit: str | None) -> float | None:
    try:
        rate = float(limit or "")
    except ValueError:
        return None
    return rate if 0 < rate < 1_000_000 else None
