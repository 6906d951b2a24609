"""What moved ad spend and ACoS: campaigns and search terms; spend comes apart into clicks × cost per click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from opsboard.kpis.movers import Clue, Moved, Mover, Movers, ranked, register_movers, shares, whole
from opsboard.kpis.registry import Unit

_NOW, _THEN = "FILTER (WHERE date = ANY(%(now)s))", "FILTER (WHERE date = ANY(%(before)s))"
_MEASURES = ("spend_minor", "sales_minor", "clicks", "orders")
# Both lean on the primary key prefix (account, marketplace, date): fourteen days.
_SUMS = """
    SELECT {key} AS key, {sums}
      FROM {table}
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
       AND (date = ANY(%(now)s) OR date = ANY(%(before)s))
     GROUP BY {key}"""
_COLUMNS = ", ".join(
    f"coalesce(sum({name}) {when}, 0)::bigint AS {name.removesuffix('_minor')}{end}"
    for name in _MEASURES
    for when, end in ((_NOW, ""), (_THEN, "_b"))
)
_CAMPAIGNS = _SUMS.format(key="campaign_id", sums=_COLUMNS, table="ads_campaignday")
_TERMS = _SUMS.format(key="term_id", sums=_COLUMNS, table="ads_searchtermday")
_NAMES = {
    _CAMPAIGNS: "SELECT campaign_id, name FROM ads_campaign "
    "WHERE account_id = %s AND marketplace_id = %s AND campaign_id = ANY(%s)",
    _TERMS: "SELECT term_id, text FROM ads_searchterm "
    "WHERE account_id = %s AND marketplace_id = %s AND term_id = ANY(%s)",
}
_TOTALS = "spend spend_b sales sales_b"
# What an entity adds to the change of the whole ratio: its spend beyond what the old ACoS allows its sales, as a
# share of all sales, less the same a week before. Over all entities these add up to the change exactly.
_ACOS = """
    CASE WHEN t_sales > 0 AND t_sales_b > 0 THEN
        (spend - sales * t_spend_b / t_sales_b) / t_sales - (spend_b - sales_b * t_spend_b / t_sales_b) / t_sales_b
    END"""


def spend_by_campaign(
    account_id: int, marketplace_id: int, now: Sequence[date], before: Sequence[date], most: int
) -> Moved:
    """The campaigns whose spend rose and fell most, in minor units."""
    return _spend(_CAMPAIGNS, _scope(account_id, marketplace_id, now, before, most))


def spend_by_term(
    account_id: int, marketplace_id: int, now: Sequence[date], before: Sequence[date], most: int
) -> Moved:
    """The search terms whose spend rose and fell most, in minor units."""
    return _spend(_TERMS, _scope(account_id, marketplace_id, now, before, most))


def acos_by_campaign(
    account_id: int, marketplace_id: int, now: Sequence[date], before: Sequence[date], most: int
) -> Moved:
    """The campaigns that pushed ACoS up and down most, as fractions that add up to its change."""
    rows, names = _rows(_CAMPAIGNS, _ACOS, _scope(account_id, marketplace_id, now, before, most))
    if not rows:
        return Moved(None, None, Decimal(0), (), 0)
    first = rows[0]
    return Moved(
        Decimal(first["t_spend"]) / first["t_sales"],
        Decimal(first["t_spend_b"]) / first["t_sales_b"],
        Decimal(first["whole"]),
        tuple(
            Mover(
                str(row["key"]),
                names.get(row["key"], str(row["key"])),
                _ratio(row["spend"], row["sales"]),
                _ratio(row["spend_b"], row["sales_b"]),
                Decimal(row["change"]),
                clues=tuple(_clues(row)),
            )
            for row in rows
        ),
        first["moved"] - len(rows),
    )


def _scope(
    account_id: int, marketplace_id: int, now: Sequence[date], before: Sequence[date], most: int
) -> dict[str, Any]:
    return {
        "account": account_id,
        "marketplace": marketplace_id,
        "now": list(now),
        "before": list(before),
        "most": most,
    }


def _rows(sums: str, change: str, scope: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(ranked(sums, change, _TOTALS), scope)
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(_NAMES[sums], [scope["account"], scope["marketplace"], [row["key"] for row in rows]])
        return rows, dict(cursor.fetchall())


def _spend(sums: str, scope: dict[str, Any]) -> Moved:
    rows, names = _rows(sums, "spend - spend_b", scope)
    if not rows:
        return Moved(None, None, Decimal(0), (), 0)
    return Moved(
        Decimal(rows[0]["t_spend"]),
        Decimal(rows[0]["t_spend_b"]),
        Decimal(rows[0]["whole"]),
        tuple(
            Mover(
                str(row["key"]),
                names.get(row["key"], str(row["key"])),
                Decimal(row["spend"]),
                Decimal(row["spend_b"]),
                Decimal(row["change"]),
                come_apart(row),
                tuple(_clues(row, cpc=False)),
            )
            for row in rows
        ),
        rows[0]["moved"] - len(rows),
    )


def come_apart(row: Mapping[str, Any]) -> tuple[tuple[str, Decimal], ...]:
    """The change of spend as what clicks and their cost did to it, in minor units; empty where it cannot be."""
    now, before = _ratio(row["spend"], row["clicks"]), _ratio(row["spend_b"], row["clicks_b"])
    if (row["spend"] and now is None) or (row["spend_b"] and before is None) or (now is None and before is None):
        return ()
    # Without clicks there is no cost per click: it did not change.
    old = [Decimal(row["clicks_b"]), before if before is not None else now or Decimal(0)]
    new = [Decimal(row["clicks"]), now if now is not None else before or Decimal(0)]
    parts = whole(shares(old, new), Decimal(row["spend"] - row["spend_b"]))
    return tuple(zip(("clicks", "cpc"), parts, strict=True))


def _clues(row: Mapping[str, Any], *, cpc: bool = True) -> list[Clue]:
    """Cost per click and conversion where there is something to compare."""
    found = []
    if cpc and row["clicks"] and row["clicks_b"]:
        cost = (("before", Unit.MONEY, Decimal(row["spend_b"]) / row["clicks_b"]),)
        found.append(Clue("cpc", (*cost, ("now", Unit.MONEY, Decimal(row["spend"]) / row["clicks"]))))
    if row["clicks"] and row["clicks_b"]:
        orders = (("before", Unit.RATE, Decimal(row["orders_b"]) / row["clicks_b"]),)
        found.append(Clue("conversion", (*orders, ("now", Unit.RATE, Decimal(row["orders"]) / row["clicks"]))))
    elif row["spend"] and not row["orders"]:
        found.append(Clue("no_orders"))
    return found


def _ratio(part: int, base: int) -> Decimal | None:
    return Decimal(part) / base if base else None


_FACTORS = {"clicks": _("clicks"), "cpc": _("cost per click")}
_CLUES = {
    "cpc": _("CPC %(before)s → %(now)s"),
    "conversion": _("conversion %(before)s → %(now)s"),
    "no_orders": _("no order in these days"),
}

register_movers(
    Movers(
        key="ads.spend_by_campaign",
        title=_("Ad spend by campaign"),
        unit=Unit.MONEY,
        dataset="sp_campaigns",
        find=spend_by_campaign,
        direction=0,
        factors=_FACTORS,
        clues=_CLUES,
        about="campaign",
        page="ads:campaign",
    ),
    Movers(
        key="ads.acos_by_campaign",
        title=_("ACoS by campaign"),
        unit=Unit.RATE,
        dataset="sp_campaigns",
        find=acos_by_campaign,
        direction=-1,
        factors={},
        clues=_CLUES,
        about="campaign",
        page="ads:campaign",
    ),
    Movers(
        key="ads.spend_by_term",
        title=_("Ad spend by search term"),
        unit=Unit.MONEY,
        dataset="sp_search_terms",
        find=spend_by_term,
        direction=0,
        factors=_FACTORS,
        clues=_CLUES,
        about="term",
        page="ads:term",
    ),
)
