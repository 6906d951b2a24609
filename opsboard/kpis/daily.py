"""Measures day by day, for charts: the roll-up as it is, missing days left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from opsboard.accounts.models import AccountMarketplace

# Leans on the primary key (account, marketplace, date, measure), one or two ranges of days, and on
# manual_value_once for figures typed in by hand.
_DAYS = """
    SELECT date, measure, value FROM kpis_accountday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND measure = ANY(%(measures)s)
       AND (date BETWEEN %(first)s AND %(last)s OR date BETWEEN %(pfirst)s AND %(plast)s)
    UNION ALL
    SELECT date, measure, value FROM kpis_manualvalue
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND measure = ANY(%(measures)s)
       AND (date BETWEEN %(first)s AND %(last)s OR date BETWEEN %(pfirst)s AND %(plast)s)
"""


def measures_by_day(
    scope: AccountMarketplace,
    measures: Sequence[str],
    span: tuple[date, date],
    before: tuple[date, date] | None = None,
) -> list[dict[str, Any]]:
    """One row a day that has any of the measures: {"date": ..., measure key: Decimal | None}; no row is no data."""
    earlier = before or (date.max, date.min)
    params: dict[str, Any] = {
        "account": scope.account_id,
        "marketplace": scope.marketplace_id,
        "measures": list(measures),
        "first": span[0],
        "last": span[1],
        "pfirst": earlier[0],
        "plast": earlier[1],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, params)
        found: dict[date, dict[str, Any]] = {}
        value: Decimal
        for day, measure, value in cursor.fetchall():
            row = found.setdefault(day, {"date": day, **dict.fromkeys(measures)})
            row[measure] = value
    return [found[day] for day in sorted(found)]
