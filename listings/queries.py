"""The read side of Listings: every query names one account and marketplace the user may see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from opsboard.kpis import snapshots
from opsboard.ui.entities import rows
from opsboard.ui.tables import Choice, Column, Filter, Table

# Leans on the primary key (account, marketplace, date, asin), once for the period and once for
# the compared one: each span is summed by itself in one hash, before anything is joined to it.
# What is compared (c_ against p_) are days covered in both spans: a missing day is no change.
# Listings is small (a row per SKU) and read once.
_ASINS = """
    SELECT n.asin AS key, n.parent_asin, l.title, l.sku, n.sales_minor, n.units, n.sessions, n.page_views,
           n.buy_box_views, n.rated_views, n.c_sales_minor, n.c_units, p.p_sales_minor, p.p_units, p.p_sessions
      FROM (SELECT asin, max(parent_asin) AS parent_asin, sum(ordered_sales_minor) AS sales_minor,
                   sum(units_ordered) AS units, sum(sessions) AS sessions, sum(page_views) AS page_views,
                   sum(buy_box_rate * page_views) AS buy_box_views,
                   sum(page_views) FILTER (WHERE buy_box_rate IS NOT NULL) AS rated_views,
                   coalesce(sum(ordered_sales_minor) FILTER (WHERE date = ANY(%(alike)s::date[])), 0) AS c_sales_minor,
                   coalesce(sum(units_ordered) FILTER (WHERE date = ANY(%(alike)s::date[])), 0) AS c_units
              FROM listings_asinday
             WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
               AND date BETWEEN %(first)s AND %(last)s
             GROUP BY asin) n
      LEFT JOIN (SELECT asin, sum(ordered_sales_minor) AS p_sales_minor, sum(units_ordered) AS p_units,
                        sum(sessions) AS p_sessions
                   FROM listings_asinday
                  WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
                    AND date BETWEEN %(pfirst)s AND %(plast)s AND date = ANY(%(palike)s::date[])
                  GROUP BY asin) p ON p.asin = n.asin
      LEFT JOIN (SELECT asin, min(title) AS title, min(sku) AS sku FROM listings_listing
                  WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s GROUP BY asin) l
        ON l.asin = n.asin
"""

# The same rows where the window of kpis.snapshots holds just these days, summed already. Leans on its primary key
# (account, marketplace, period, asin).
_ASINS_KEPT = """
    SELECT n.asin AS key, n.parent_asin, l.title, l.sku, n.sales_minor, n.units, n.sessions, n.page_views,
           n.buy_box_views, n.rated_views, coalesce(n.c_sales_minor, 0) AS c_sales_minor,
           coalesce(n.c_units, 0) AS c_units, n.p_sales_minor, n.p_units, n.p_sessions
      FROM listings_asinwindow n
      LEFT JOIN (SELECT asin, min(title) AS title, min(sku) AS sku FROM listings_listing
                  WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s GROUP BY asin) l
        ON l.asin = n.asin
     WHERE n.account_id = %(account)s AND n.marketplace_id = %(marketplace)s AND n.period = %(period)s
"""

ASINS = Table(
    name="asins",
    title=_("Child ASINs"),
    rows_sql=_ASINS,
    sums=(
        "sales_minor",
        "units",
        "sessions",
        "page_views",
        "buy_box_views",
        "rated_views",
        "c_sales_minor",
        "c_units",
        "p_sales_minor",
        "p_units",
        "p_sessions",
    ),
    texts=("title", "sku", "parent_asin"),
    columns=(
        Column("name", _("Product"), "text", "coalesce(nullif(title, ''), key)"),
        Column("sales_minor", _("Ordered sales"), "money", share=True),
        Column(
            "sales_change",
            _("Sales change"),
            "change",
            "(c_sales_minor - p_sales_minor)::numeric / nullif(p_sales_minor, 0)",
            direction=1,
        ),
        Column("units", _("Units ordered"), "count"),
        Column(
            "units_change",
            _("Units change"),
            "change",
            "(c_units - p_units)::numeric / nullif(p_units, 0)",
            direction=1,
            shown=False,
        ),
        Column("sessions", _("Sessions"), "count"),
        Column("page_views", _("Page views"), "count"),
        Column(
            "unit_session",
            _("Unit session percentage"),
            "rate",
            "units::numeric / nullif(sessions, 0)",
            help=_("Units ordered ÷ sessions. Amazon: Unit Session Percentage, Business Reports."),
        ),
        Column(
            "unit_session_change",
            _("Unit session change"),
            "points",
            "units::numeric / nullif(sessions, 0) - p_units::numeric / nullif(p_sessions, 0)",
            direction=1,
            shown=False,
        ),
        Column(
            "buy_box",
            _("Buy Box percentage"),
            "rate",
            "buy_box_views / nullif(rated_views, 0)",
            help=_("Share of page views with your offer in the Buy Box. Amazon: Featured Offer (Buy Box) percentage."),
        ),
    ),
    sort="-sales_minor",
    filters=(
        Filter(
            "asins",
            _("Show"),
            (
                Choice("falling", _("Sales down"), "c_sales_minor < p_sales_minor"),
                Choice("unsold", _("Seen, not bought"), "sessions > 0 AND units = 0"),
                Choice("buybox", _("Buy Box under 90 %"), "buy_box_views < 0.9 * rated_views"),
            ),
        ),
    ),
    search=("key", "title", "sku"),
    search_label=_("Find ASIN, SKU or title"),
    empty=_("No document with sales by ASIN covers these days yet."),
)

_KEPT = replace(ASINS, rows_sql=_ASINS_KEPT)


def asins(period: str, params: dict[str, Any]) -> tuple[Table, dict[str, Any]]:
    """The table of child ASINs with its parameters: from the window kept for the period, else from the facts."""
    if snapshots.holds("asins", period, params):
        return _KEPT, {**params, "period": period}
    return ASINS, params


# Leans on the primary key (account, marketplace, sku).
_STOPPED = """
    SELECT sku, asin, title, status, quantity, fulfilment_channel, document_id, line
      FROM listings_listing
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
       AND status <> '' AND lower(status) <> 'active'
     ORDER BY status, sku LIMIT 100
"""

# Leans on asinday_by_asin (account, marketplace, asin, date).
_ASIN_DAYS = """
    SELECT date, ordered_sales_minor, units_ordered, sessions, page_views, buy_box_rate, document_id, line
      FROM listings_asinday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND asin = %(asin)s
       AND (date BETWEEN %(first)s AND %(last)s OR date BETWEEN %(pfirst)s AND %(plast)s)
     ORDER BY date DESC
"""

_NAME = """
    SELECT sku, title, status, price_minor, quantity FROM listings_listing
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND asin = %(asin)s ORDER BY sku LIMIT 20
"""


def stopped(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Listings that cannot be bought: suppressed, inactive, incomplete."""
    return rows(_STOPPED, params)


def asin_days(params: dict[str, Any], asin: str) -> list[dict[str, Any]]:
    return rows(_ASIN_DAYS, {**params, "asin": asin})


def offers(params: dict[str, Any], asin: str) -> list[dict[str, Any]]:
    """The SKUs sold under an ASIN."""
    return rows(_NAME, {**params, "asin": asin})
