"""Breach -> evidence: which SKUs make a stock KPI what it is.

All read inventory_planningday by its primary key prefix for one day, the newest held.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.kpis.format import format_number
from opsboard.kpis.registry import Evidence, EvidenceRow

ROWS = 10
_NEWEST = """
SELECT p.sku, coalesce(i.name, '') AS name, p.available, p.inbound, p.shipped_30, p.days_of_supply,
       p.age_181_270, p.age_271_365, p.age_over_365
FROM inventory_planningday p
LEFT JOIN inventory_item i USING (account_id, marketplace_id, sku)
WHERE p.account_id = %(account)s AND p.marketplace_id = %(marketplace)s AND p.date = (
    SELECT max(date) FROM inventory_planningday
    WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date <= %(last)s)
"""


def skus_by_cover(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """The selling SKUs that run out first."""
    rows = _skus(account_id, marketplace_id, last, "p.shipped_30 > 0", "p.available::numeric / p.shipped_30, p.sku")
    return Evidence(
        _("SKUs that run out first"),
        (_("SKU"), _("Available"), _("Inbound"), _("Shipped, 30 days"), _("Days of supply")),
        tuple(
            EvidenceRow(
                _name(row),
                tuple(_count(row[key]) for key in ("available", "inbound", "shipped_30"))
                + (format_number(row["available"] * 30 // row["shipped_30"]),),
                _url(row["sku"]),
            )
            for row in rows
        ),
    )


def skus_by_age(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """The SKUs with most units older than 180 days."""
    aged = "p.age_181_270 + p.age_271_365 + p.age_over_365"
    rows = _skus(account_id, marketplace_id, last, f"{aged} > 0", f"{aged} DESC, p.sku")
    return Evidence(
        _("SKUs with most aged units"),
        (_("SKU"), _("Available"), _("181–270 days"), _("271–365 days"), _("Over a year")),
        tuple(
            EvidenceRow(
                _name(row),
                tuple(_count(row[key]) for key in ("available", "age_181_270", "age_271_365", "age_over_365")),
                _url(row["sku"]),
            )
            for row in rows
        ),
    )


def _skus(account_id: int, marketplace_id: int, last: date, where: str, order: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_NEWEST} AND {where} ORDER BY {order} LIMIT {ROWS}",
            {"account": account_id, "marketplace": marketplace_id, "last": last},
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _count(value: int | None) -> str:
    """A number; what nobody stated is no zero."""
    return "–" if value is None else format_number(value)


def _name(row: dict[str, Any]) -> str:
    return f"{row['sku']} {row['name'][:60]}".strip()


def _url(sku: str) -> str:
    return f"{reverse('inventory:index')}?q={sku}"
