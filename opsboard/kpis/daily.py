"""Measures day by day, for charts: the roll-up as it is, missing days left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from opsboard.accounts.models import AccountMarketplace

# Leans on the primary key (account, marketplace, date, measure): one or two ranges of days.
_DAYS = """
    SELECT date, measure, value FROM kpis_accountday
     WHERE account_id = %s AND marketplace_id = %s AND measure = ANY(%s)
       AND (date BETWEEN %s AND %s OR date BETWEEN %s AND %s)
"""


def measures_by_day(
    scope: AccountMarketplace,
    measures: Sequence[str],
    span: tuple[date, date],
    before: tuple[date, date] | None = None,
) -> list[dict[str, Any]]:
    """One row a day that has any of the measures: {"date": ..., measure key: Decimal | None}; no row is no data."""
    earlier = before or (date.max, date.min)
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [scope.account_id, scope.marketplace_id, list(measures), *span, *earlier])
        found: dict[date, dict[str, Any]] = {}
        value: Decimal
        for day, measure, value in cursor.fetchall():
            row = found.setdefault(day, {"date": day, **dict.fromkeys(measures)})
            row[measure] = value
    return [found[day] for day in sorted(found)]
