"""The read side of Inventory: the newest planning snapshot of the period, and one SKU's days."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from opsboard.ui.entities import rows
from opsboard.ui.tables import Choice, Column, Filter, Table

# Leans on the primary key (account, marketplace, date, sku): the rows of one day.
_SKUS = """
    SELECT p.sku AS key, coalesce(nullif(i.name, ''), p.sku) AS name, i.asin AS asin, p.alert AS alert,
           p.recommended_action AS recommended_action,
           p.available, p.inbound, p.reserved, p.unfulfillable, p.shipped_30, p.shipped_90, p.excess,
           p.age_0_90, p.age_91_180, p.age_181_270 + p.age_271_365 + p.age_over_365 AS aged,
           p.age_0_90 + p.age_91_180 + p.age_181_270 + p.age_271_365 + p.age_over_365 AS of_age,
           p.storage_cost_minor
      FROM inventory_planningday p
      LEFT JOIN inventory_item i
        ON i.account_id = p.account_id AND i.marketplace_id = p.marketplace_id AND i.sku = p.sku
     WHERE p.account_id = %(account)s AND p.marketplace_id = %(marketplace)s AND p.date = %(day)s
"""

SKUS = Table(
    name="skus",
    title=_("SKUs"),
    rows_sql=_SKUS,
    sums=(
        "available",
        "inbound",
        "reserved",
        "unfulfillable",
        "shipped_30",
        "shipped_90",
        "excess",
        "age_0_90",
        "age_91_180",
        "aged",
        "of_age",
        "storage_cost_minor",
    ),
    texts=("asin", "recommended_action"),
    columns=(
        Column("name", _("Product"), "text", "name"),
        Column("available", _("Available"), "count"),
        Column("inbound", _("Inbound"), "count"),
        Column("shipped_30", _("Shipped, 30 days"), "count"),
        Column(
            "days_of_supply",
            _("Days of supply"),
            "days",
            "available * 30.0 / nullif(shipped_30, 0)",
            help=_("Available ÷ shipped in 30 days × 30. Amazon: Days of Supply, Inventory planning."),
        ),
        Column("age_0_90", _("0–90 days old"), "count", shown=False),
        Column("age_91_180", _("91–180 days old"), "count"),
        Column("aged", _("181+ days old"), "count"),
        Column("aged_share", _("Aged share"), "rate", "aged::numeric / nullif(of_age, 0)"),
        Column("excess", _("Excess"), "count"),
        Column(
            "storage_cost_minor",
            _("Storage next month"),
            "money",
            shown=False,
            help=_("Amazon's own estimate of next month's storage cost."),
        ),
        Column(
            "sell_through",
            _("Sell-through, 90 days"),
            "number",
            "shipped_90::numeric / nullif(available + inbound, 0)",
            shown=False,
        ),
        Column("alert", _("Amazon's alert"), "text", "alert"),
    ),
    sort="-shipped_30",
    filters=(
        Filter(
            "skus",
            _("Show"),
            (
                Choice("out", _("Out of stock, selling"), "available = 0 AND shipped_30 > 0"),
                Choice("low", _("Under 28 days"), "available > 0 AND available * 30 < 28 * shipped_30"),
                Choice("aged", _("Aged 181+"), "aged > 0"),
                Choice("excess", _("Excess"), "excess > 0"),
            ),
        ),
    ),
    search=("key", "name", "asin"),
    search_label=_("Find SKU, ASIN or name"),
    empty=_("No planning report covers these days yet."),
)

# Leans on coverage_once (account, marketplace, dataset, date), read backwards.
_NEWEST = """
    SELECT date FROM feeds_coverage
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND dataset = 'planning'
       AND date <= %(snapshot_last)s
     ORDER BY date DESC LIMIT 1
"""

_OUT = f"""
    SELECT key, name, shipped_30, inbound FROM ({_SKUS}) AS every
     WHERE available = 0 AND shipped_30 > 0 ORDER BY shipped_30 DESC, key LIMIT 8
"""

_AGES = """
    SELECT sum(age_0_90) AS a0, sum(age_91_180) AS a91, sum(age_181_270) AS a181, sum(age_271_365) AS a271,
           sum(age_over_365) AS a365
      FROM inventory_planningday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date = %(day)s
"""

# Leans on planningday_by_sku (account, marketplace, sku, date).
_SKU_DAYS = """
    SELECT date, available, inbound, shipped_30, shipped_7, days_of_supply,
           age_181_270 + age_271_365 + age_over_365 AS aged, document_id, line
      FROM inventory_planningday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND sku = %(sku)s
       AND date BETWEEN %(first)s AND %(snapshot_last)s
     ORDER BY date DESC
"""

_ITEM = """
    SELECT name, asin, fnsku FROM inventory_item
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND sku = %(sku)s
"""


def newest_day(params: dict[str, Any]) -> date | None:
    """The newest covered planning day not after the period's end."""
    return next((row["date"] for row in rows(_NEWEST, params)), None)


def sold_out(params: dict[str, Any]) -> list[dict[str, Any]]:
    """What sells and is gone, the best sellers first."""
    return rows(_OUT, params)


def ages(params: dict[str, Any]) -> dict[str, Any]:
    """Units by age band of the snapshot."""
    return rows(_AGES, params)[0]


def sku_days(params: dict[str, Any], sku: str) -> list[dict[str, Any]]:
    return rows(_SKU_DAYS, {**params, "sku": sku})


def item(params: dict[str, Any], sku: str) -> dict[str, Any] | None:
    return next(iter(rows(_ITEM, {**params, "sku": sku})), None)
