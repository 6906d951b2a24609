"""What was known when: the measures of a day as they stood at the end of any other day, and what was restated since.

`kpis.rollup` writes a vintage whenever a value changes; nothing here ever alters one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from opsboard.accounts.models import Marketplace

from .models import AccountDayVintage, ManualValue
from .registry import measures

# Leans on vintage_by_day (account, marketplace, measure, date, known_at): one range a measure.
_KNOWN = """
    SELECT DISTINCT ON (measure, date) measure, date, value FROM kpis_accountdayvintage
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND measure = ANY(%(measures)s)
       AND date BETWEEN %(first)s AND %(last)s
       AND {by_then}
     ORDER BY measure, date, known_at DESC, id DESC
"""
_DAY_OVER = "known_at < ((%(on)s::date + 1)::timestamp AT TIME ZONE %(zone)s)"
_AT = "known_at <= %(at)s"


def as_known_on(
    account_id: int, marketplace: Marketplace, keys: Sequence[str] | None, first: date, last: date, on: date
) -> dict[str, dict[date, Decimal]]:
    """{measure: {day: value}} for first..last as known when the marketplace's day `on` ended.

    `keys` None: every measure. A day that nothing was known of by then, or that was missing again, has no entry.
    """
    return _known(_DAY_OVER, account_id, marketplace, keys, first, last, on=on, zone=marketplace.time_zone)


def as_known_at(
    account_id: int, marketplace: Marketplace, keys: Sequence[str] | None, first: date, last: date, at: datetime
) -> dict[str, dict[date, Decimal]]:
    """The same as it was known at an instant."""
    return _known(_AT, account_id, marketplace, keys, first, last, at=at)


def _known(
    by_then: str,
    account_id: int,
    marketplace: Marketplace,
    keys: Sequence[str] | None,
    first: date,
    last: date,
    **moment: Any,
) -> dict[str, dict[date, Decimal]]:
    parameters: dict[str, Any] = {
        "account": account_id,
        "marketplace": marketplace.pk,
        "measures": list(measures() if keys is None else keys),
        "first": first,
        "last": last,
        **moment,
    }
    found: dict[str, dict[date, Decimal]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN.format(by_then=by_then), parameters)
        for measure, day, value in cursor.fetchall():
            if value is not None:
                found.setdefault(measure, {})[day] = value
    return found


def typed(item: ManualValue) -> None:
    """Remember a figure typed in by hand as of its moment, also when it is typed in anew."""
    scope = {"account_id": item.account_id, "marketplace_id": item.marketplace_id}
    day = {"measure": item.measure, "date": item.date}
    newest = AccountDayVintage.objects.filter(**scope, **day).order_by("-known_at", "-id").first()
    if newest is None or newest.value != item.value:
        AccountDayVintage.objects.create(**scope, **day, value=item.value, known_at=item.entered_at)


@dataclass(frozen=True, slots=True)
class Restated:
    """A measure of a day that changed after the day counted as final; None is missing."""

    measure: str
    day: date
    was: Decimal | None
    now: Decimal | None
    document_id: int | None
    known_at: datetime


# `was` is what was known when the day became final or, where nothing was known by then, what was known first.
# Leans on vintage_by_day: one range a measure, then one probe for each day with news after it was final.
_RESTATED = """
    SELECT n.measure, n.date, b.value, n.value, n.document_id, n.known_at
      FROM (SELECT DISTINCT ON (v.measure, v.date) v.measure, v.date, v.value, v.document_id, v.known_at, v.id,
                   (v.date + w.days + 1)::timestamp AT TIME ZONE %(zone)s AS final_at
              FROM unnest(%(measures)s::text[], %(waits)s::int[]) AS w(measure, days)
              JOIN kpis_accountdayvintage v ON v.measure = w.measure
             WHERE v.account_id = %(account)s AND v.marketplace_id = %(marketplace)s
               AND v.date BETWEEN %(first)s AND %(last)s
             ORDER BY v.measure, v.date, v.known_at DESC, v.id DESC) n
     CROSS JOIN LATERAL (
            SELECT b.value FROM kpis_accountdayvintage b
             WHERE b.account_id = %(account)s AND b.marketplace_id = %(marketplace)s
               AND b.measure = n.measure AND b.date = n.date
             ORDER BY b.known_at <= n.final_at DESC,
                      CASE WHEN b.known_at <= n.final_at THEN b.known_at END DESC, b.known_at,
                      CASE WHEN b.known_at <= n.final_at THEN b.id END DESC, b.id
             LIMIT 1) b
     WHERE n.known_at > n.final_at AND b.value IS DISTINCT FROM n.value
     ORDER BY n.date, n.measure
"""


def restated(account_id: int, marketplace: Marketplace, keys: Sequence[str], first: date, last: date) -> list[Restated]:
    """Which of these measures changed on first..last after their day was final, by day."""
    known = [key for key in keys if key in measures()]
    parameters: dict[str, Any] = {
        "account": account_id,
        "marketplace": marketplace.pk,
        "measures": known,
        # A day is final when the measure is mature: the end of the marketplace's day so many days later.
        "waits": [measures()[key].mature_days for key in known],
        "first": first,
        "last": last,
        "zone": marketplace.time_zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESTATED, parameters)
        return [Restated(*row) for row in cursor.fetchall()]
