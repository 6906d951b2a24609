"""What moved ordered sales: ASIN by ASIN, come apart into sessions × conversion × price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from opsboard.kpis.movers import Clue, Moved, Mover, Movers, ranked, register_movers, shares, whole
from opsboard.kpis.registry import Unit

#: A Buy Box that moved by less than this (a fraction) explains nothing.
BUY_BOX_MOVED = Decimal("0.03")

_NOW, _THEN = "FILTER (WHERE date = ANY(%(now)s))", "FILTER (WHERE date = ANY(%(before)s))"
# Leans on the primary key prefix (account, marketplace, date): fourteen days.
_SUMS = f"""
    SELECT asin AS key,
           coalesce(sum(ordered_sales_minor) {_NOW}, 0) AS sales,
           coalesce(sum(ordered_sales_minor) {_THEN}, 0) AS sales_b,
           coalesce(sum(units_ordered) {_NOW}, 0) AS units, coalesce(sum(units_ordered) {_THEN}, 0) AS units_b,
           sum(sessions) {_NOW} AS sessions, sum(sessions) {_THEN} AS sessions_b,
           sum(page_views) {_NOW} AS views, sum(page_views) {_THEN} AS views_b,
           sum(buy_box_rate * page_views) {_NOW} AS won, sum(buy_box_rate * page_views) {_THEN} AS won_b
      FROM listings_asinday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
       AND (date = ANY(%(now)s) OR date = ANY(%(before)s))
     GROUP BY asin"""
_TITLES = """
    SELECT DISTINCT ON (asin) asin, title FROM listings_listing
     WHERE account_id = %s AND marketplace_id = %s AND asin = ANY(%s) ORDER BY asin, sku"""


def sales_by_asin(
    account_id: int, marketplace_id: int, now: Sequence[date], before: Sequence[date], most: int
) -> Moved:
    """The ASINs whose ordered sales rose and fell most, in minor units."""
    with connection.cursor() as cursor:
        cursor.execute(
            ranked(_SUMS, "sales - sales_b", "sales sales_b"),
            {
                "account": account_id,
                "marketplace": marketplace_id,
                "now": list(now),
                "before": list(before),
                "most": most,
            },
        )
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(_TITLES, [account_id, marketplace_id, [row["key"] for row in rows]])
        titles = dict(cursor.fetchall())
    if not rows:
        return Moved(None, None, Decimal(0), (), 0)
    return Moved(
        Decimal(rows[0]["t_sales"]),
        Decimal(rows[0]["t_sales_b"]),
        Decimal(rows[0]["whole"]),
        tuple(_mover(row, titles.get(row["key"], "")) for row in rows),
        rows[0]["moved"] - len(rows),
    )


def _mover(row: Mapping[str, Any], title: str) -> Mover:
    return Mover(
        row["key"],
        f"{row['key']} {title}".strip(),
        Decimal(row["sales"]),
        Decimal(row["sales_b"]),
        Decimal(row["change"]),
        come_apart(row),
        tuple(_buy_box(row)),
    )


def come_apart(row: Mapping[str, Any]) -> tuple[tuple[str, Decimal], ...]:
    """The change of sales as what sessions, conversion and price did to it, in minor units; empty where it cannot be.

    Units without a session or sales without a unit (Amazon has both: an order of yesterday's visit) do not divide.
    """
    before, now = _factors(row, "_b"), _factors(row, "")
    if before is None or now is None:
        return ()
    # Where nothing was sold there is no price, and without visits no conversion: they did not change.
    old = [Decimal(b if b is not None else n if n is not None else 0) for b, n in zip(before, now, strict=True)]
    new = [Decimal(n if n is not None else b if b is not None else 0) for b, n in zip(before, now, strict=True)]
    parts = whole(shares(old, new), Decimal(row["sales"]) - Decimal(row["sales_b"]))
    return tuple(zip(("sessions", "conversion", "price"), parts, strict=True))


def _factors(row: Mapping[str, Any], when: str) -> tuple[Decimal, Decimal | None, Decimal | None] | None:
    sessions, units, sales = row[f"sessions{when}"], row[f"units{when}"], row[f"sales{when}"]
    if sessions is None:  # no row of the ASIN in these days: nobody came
        sessions = 0 if not units and not sales else None
    if sessions is None or (not sessions and units) or (not units and sales):
        return None
    conversion = Decimal(units) / sessions if sessions else None
    return Decimal(sessions), conversion, Decimal(sales) / units if units else None


def _buy_box(row: Mapping[str, Any]) -> list[Clue]:
    if not row["views"] or not row["views_b"] or row["won"] is None or row["won_b"] is None:
        return []
    now, before = Decimal(row["won"]) / row["views"], Decimal(row["won_b"]) / row["views_b"]
    if abs(now - before) < BUY_BOX_MOVED:
        return []
    return [Clue("buy_box", (("before", Unit.RATE, before), ("now", Unit.RATE, now)))]


register_movers(
    Movers(
        key="listings.sales_by_asin",
        title=_("Ordered sales by ASIN"),
        unit=Unit.MONEY,
        dataset="sales_by_asin",
        find=sales_by_asin,
        direction=1,
        factors={"sessions": _("sessions"), "conversion": _("conversion"), "price": _("price")},
        clues={"buy_box": _("Buy Box %(before)s → %(now)s")},
        about="asin",
        page="listings:asin",
    )
)
