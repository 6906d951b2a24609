"""Breach -> evidence: which ASINs make a listing KPI what it is.

All read listings_asinday by its primary key prefix (account, marketplace, date).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.kpis.format import format_number, format_rate
from opsboard.kpis.registry import Evidence, EvidenceRow

ROWS = 10
_SCOPE = "account_id = %(account)s AND marketplace_id = %(marketplace)s"

_BY_ASIN = f"""
WITH sums AS (
    SELECT asin,
           sum(units_ordered) FILTER (WHERE date >= %(first)s) AS units,
           sum(sessions) FILTER (WHERE date >= %(first)s) AS sessions,
           sum(page_views) FILTER (WHERE date >= %(first)s) AS views,
           sum(buy_box_rate * page_views) FILTER (WHERE date >= %(first)s) AS won,
           sum(units_ordered) FILTER (WHERE date < %(first)s) AS units_before,
           sum(sessions) FILTER (WHERE date < %(first)s) AS sessions_before
    FROM listings_asinday
    WHERE {_SCOPE} AND date BETWEEN %(before)s AND %(last)s
    GROUP BY asin
), titles AS (
    SELECT DISTINCT ON (asin) asin, title FROM listings_listing WHERE {_SCOPE} AND asin <> '' ORDER BY asin, sku
)
SELECT sums.*, coalesce(titles.title, '') AS title FROM sums LEFT JOIN titles USING (asin)
"""


def asins_by_lost_buy_box(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """The ASINs with most page views that went to another seller's offer."""
    rows = _asins(account_id, marketplace_id, first, last, "coalesce(views - won, 0) DESC")
    return Evidence(
        _("Page views lost to other offers"),
        (_("ASIN"), _("Page views"), _("Buy Box percentage"), _("Lost views")),
        tuple(
            EvidenceRow(
                _name(row),
                (
                    _count(row["views"]),
                    _rate(row["won"], row["views"]),
                    _count(None if row["views"] is None or row["won"] is None else int(row["views"] - row["won"])),
                ),
                _url(row["asin"]),
            )
            for row in rows
        ),
    )


def asins_by_lost_units(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """The ASINs whose conversion fell most, in units, against the period before."""
    order = "coalesce(sessions * units_before::numeric / nullif(sessions_before, 0) - units, 0) DESC NULLS LAST, asin"
    rows = _asins(account_id, marketplace_id, first, last, order)
    return Evidence(
        _("ASINs that convert less than before"),
        (_("ASIN"), _("Sessions"), _("Unit session percentage"), _("Before")),
        tuple(
            EvidenceRow(
                _name(row),
                (
                    _count(row["sessions"]),
                    _rate(row["units"], row["sessions"]),
                    _rate(row["units_before"], row["sessions_before"]),
                ),
                _url(row["asin"]),
            )
            for row in rows
        ),
    )


def _asins(account_id: int, marketplace_id: int, first: date, last: date, order: str) -> list[dict[str, Any]]:
    before = first - timedelta(days=(last - first).days + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_BY_ASIN} ORDER BY {order} LIMIT {ROWS}",
            {"account": account_id, "marketplace": marketplace_id, "before": before, "first": first, "last": last},
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _name(row: dict[str, Any]) -> str:
    return f"{row['asin']} {row['title'][:60]}".strip()


def _count(value: int | None) -> str:
    """A number; what nobody stated is no zero."""
    return "–" if value is None else format_number(value)


def _rate(numerator: Decimal | int | None, denominator: int | None) -> str:
    if not denominator or numerator is None:
        return "–"
    return format_rate(Decimal(numerator) / denominator, 1)


def _url(asin: str) -> str:
    return f"{reverse('listings:index')}?q={asin}"
