"""What stock can say about a breach: what ran out, what runs out, what lies too long, what comes back.

States are those of the newest planning report up to the last judged day. Where a playbook knows which ASINs the
breach is about (`case.suspects`), only their SKUs are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.kpis.findings import ROWS, failed, missing, passed, rate, span, unknown
from opsboard.kpis.format import format_money, format_number
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.ui import formats
from opsboard.ui.entities import rows

Skus = list[dict[str, Any]]
#: Amazon's low-inventory-level fee asks for 28 days; more than 90 are excess.
LOW = 28
#: A planning report older than this says nothing about the days judged.
PLANNING_AGE = 14

# Leans on the primary key of inventory_planningday (account, marketplace, date): one day, the newest.
_STOCK = """
SELECT p.*, coalesce(i.name, '') AS name, coalesce(i.asin, '') AS asin,
       age_181_270 + age_271_365 + age_over_365 AS aged,
       age_0_90 + age_91_180 + age_181_270 + age_271_365 + age_over_365 AS all_ages
  FROM inventory_planningday p
  LEFT JOIN inventory_item i USING (account_id, marketplace_id, sku)
 WHERE p.account_id = %(account)s AND p.marketplace_id = %(marketplace)s AND p.date = (
       SELECT max(date) FROM inventory_planningday
        WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
          AND date BETWEEN %(last)s::date - %(age)s AND %(last)s::date + %(age)s)
 ORDER BY p.sku
"""
# Leans on planningday_by_sku (account, marketplace, sku, date).
_SEEN = """
SELECT sku, max(date) AS seen FROM inventory_planningday
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND sku = ANY(%(skus)s) AND available > 0
   AND date <= %(day)s GROUP BY sku
"""
# Leans on the primary key of inventory_strandedday (account, marketplace, date): one day, the newest.
_STRANDED = """
SELECT s.sku, max(coalesce(i.name, '')) AS name, max(s.reason) AS reason, max(s.date) AS date,
       sum(coalesce(s.fulfillable, 0)) AS units
  FROM inventory_strandedday s LEFT JOIN inventory_item i USING (account_id, marketplace_id, sku)
 WHERE s.account_id = %(account)s AND s.marketplace_id = %(marketplace)s AND s.date = (
       SELECT max(date) FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
          AND dataset = 'stranded' AND date BETWEEN %(last)s::date - %(age)s AND %(last)s::date + %(age)s)
 GROUP BY s.sku HAVING sum(coalesce(s.fulfillable, 0)) > 0 ORDER BY units DESC, s.sku
"""
# Leans on the primary key of inventory_customerreturn (account, marketplace, date).
_RETURNS = """
SELECT {key} AS key, sum(coalesce(quantity, 1)) AS units, sum(sum(coalesce(quantity, 1))) OVER () AS whole
  FROM inventory_customerreturn
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
 GROUP BY 1 ORDER BY units DESC, key
"""


def stock(case: Case) -> Skus:
    """Every SKU as the newest planning report has it, or those of the ASINs the breach is about."""
    found: Skus = case.once("inventory.stock", lambda: rows(_STOCK, {**case.params, "age": PLANNING_AGE}))
    return [row for row in found if row["asin"] in case.suspects] if case.suspects else found


def _none_known(case: Case) -> bool:
    stock(case)
    return not case.once("inventory.stock", list)


def stock_out(case: Case) -> Finding:
    """Off where a SKU that sells has nothing left."""
    return _stock_out(case, 0)


def stock_lost(case: Case) -> Finding:
    """Off where SKUs that made up a twentieth of the shipments were out of stock within the days judged."""
    return _stock_out(case, 20)


def _stock_out(case: Case, least: int) -> Finding:
    """`least`: the part of what was shipped in 30 days that counts, as 1 of so many; 0 where any does."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    known = gone = _gone(case)
    if least:
        gone = [row for row in known if row["date"] <= case.last or (row["seen"] and row["seen"] < case.last)]
    shipped, whole = sum(row["shipped_30"] for row in gone), sum(row["shipped_30"] for row in stock(case))
    words = {**_of_day(stock(case), case), "n": format_number(len(gone)), "share": rate(shipped, whole)}
    if not known:
        return passed(_("No SKU that sells is out of stock on %(day)s.") % words)
    if not gone:
        words["name"] = _name(known[0])
        if any(row["seen"] is None for row in known):
            return unknown(_("%(name)s is out of stock on %(day)s; since when no older report tells.") % words)
        return passed(_("%(name)s is out of stock on %(day)s and ran out after the days judged.") % words)
    if shipped * least < whole and least:
        return passed(
            _("What is out of stock on %(day)s made up %(share)s of the shipments of 30 days.") % words,
            _cover_table(case, gone),
        )
    first = gone[0]
    words |= {
        "name": _name(first),
        "shipped": format_number(first["shipped_30"]),
        "seen": _(", there last on %(day)s") % {"day": formats.day(first["seen"])} if first["seen"] else "",
    }
    text = ngettext(
        "%(n)s SKU that sells is out of stock on %(day)s: %(name)s (%(shipped)s shipped in 30 days%(seen)s).",
        "%(n)s SKUs that sell are out of stock on %(day)s, first %(name)s (%(shipped)s shipped in 30 days%(seen)s).",
        len(gone),
    )
    return failed(text % words, _cover_table(case, gone), url=case.url("inventory:sku", first["sku"]))


def _gone(case: Case) -> Skus:
    """The SKUs that sell and have nothing left, the best seller first, with the day they were last there."""
    gone = [row for row in stock(case) if not row["available"] and row["shipped_30"]]
    if not gone:
        return []
    wanted = {**case.params, "skus": [row["sku"] for row in gone], "day": gone[0]["date"]}
    seen = {row["sku"]: row["seen"] for row in rows(_SEEN, wanted)}
    return sorted(({**row, "seen": seen.get(row["sku"])} for row in gone), key=lambda row: -row["shipped_30"])


def runs_out(case: Case) -> Finding:
    """Off where SKUs that sell last less than 28 days."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    low = [row for row in stock(case) if row["shipped_30"] and 0 < row["available"] * 30 < LOW * row["shipped_30"]]
    low.sort(key=lambda row: (row["available"] * 30 // row["shipped_30"], row["sku"]))
    words = {**_of_day(stock(case), case), "n": format_number(len(low)), "limit": LOW}
    if not low:
        return passed(_("Every SKU that sells lasts %(limit)s days or more on %(day)s.") % words)
    words |= {"name": _name(low[0]), "days": format_number(low[0]["available"] * 30 // low[0]["shipped_30"])}
    text = ngettext(
        "%(n)s SKU that sells lasts less than %(limit)s days on %(day)s: %(name)s, %(days)s days.",
        "%(n)s SKUs that sell last less than %(limit)s days on %(day)s, first %(name)s, %(days)s days.",
        len(low),
    )
    return failed(text % words, _cover_table(case, low), url=case.url("inventory:sku", low[0]["sku"]))


def sells_faster(case: Case) -> Finding:
    """Off where the last week shipped a third more than the month's pace."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    week, month = (sum(row[name] for row in stock(case)) for name in ("shipped_7", "shipped_30"))
    words = {"week": format_number(week), "pace": format_number(month * 7 // 30)}
    if week * 30 * 3 < month * 7 * 4:
        return passed(_("The last week shipped %(week)s units, at the month's pace %(pace)s.") % words)
    fast = [row for row in stock(case) if row["shipped_7"] * 30 * 3 >= row["shipped_30"] * 7 * 4 and row["shipped_7"]]
    fast.sort(key=lambda row: -row["shipped_7"])
    return failed(
        _("The last week shipped %(week)s units instead of %(pace)s at the month's pace.") % words,
        _table(
            case,
            _("SKUs that sell faster"),
            (_("Shipped, 7 days"), _("Shipped, 30 days"), _("Available")),
            fast,
            lambda row: tuple(format_number(row[name]) for name in ("shipped_7", "shipped_30", "available")),
        ),
    )


def on_its_way(case: Case) -> Finding:
    """Off where what runs out has nothing inbound."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    low = [row for row in stock(case) if row["shipped_30"] and row["available"] * 30 < LOW * row["shipped_30"]]
    none = sorted((row for row in low if not row["inbound"]), key=lambda row: -row["shipped_30"])
    words = {**_of_day(stock(case), case), "n": format_number(len(none)), "all": format_number(len(low))}
    if not none:
        return passed(_("Everything that runs out has units inbound on %(day)s.") % words)
    words["name"] = _name(none[0])
    return failed(
        _("Of %(all)s SKUs that run out %(n)s have nothing inbound on %(day)s, first %(name)s.") % words,
        _cover_table(case, none),
        url=case.url("inventory:sku", none[0]["sku"]),
    )


def aged(case: Case) -> Finding:
    """Off where SKUs most of whose units are over 180 days old hold a twentieth of all units."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    old = [row for row in stock(case) if row["aged"] * 2 >= row["all_ages"] > 0]
    old.sort(key=lambda row: (-row["aged"], row["sku"]))
    units, whole = sum(row["aged"] for row in old), sum(row["all_ages"] for row in stock(case))
    words = {
        **_of_day(stock(case), case),
        "n": format_number(len(old)),
        "units": format_number(units),
        "share": rate(units, whole),
    }
    if units * 20 < whole or not old:
        return passed(
            _("Stock is fresh: SKUs mostly older than 180 days hold %(share)s of the units on %(day)s.") % words
        )
    words["name"] = _name(old[0])
    text = ngettext(
        "%(n)s SKU is mostly older than 180 days: %(units)s units, %(share)s of all on %(day)s: %(name)s.",
        "%(n)s SKUs are mostly older than 180 days: %(units)s units, %(share)s of all on %(day)s, first %(name)s.",
        len(old),
    )
    return failed(
        text % words,
        _table(
            case,
            _("SKUs with most aged units"),
            (_("Available"), _("181–270 days"), _("271–365 days"), _("Over a year")),
            old,
            lambda row: tuple(
                format_number(row[name]) for name in ("available", "age_181_270", "age_271_365", "age_over_365")
            ),
        ),
        url=case.url("inventory:sku", old[0]["sku"]),
    )


def excess(case: Case) -> Finding:
    """Off where a tenth of the units is more than Amazon expects to sell within 90 days."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    over = sorted((row for row in stock(case) if row["excess"]), key=lambda row: (-row["excess"], row["sku"]))
    units, whole = sum(row["excess"] for row in over), sum(row["available"] for row in stock(case))
    words = {**_of_day(stock(case), case), "units": format_number(units), "share": rate(units, whole)}
    if units * 10 < whole or not over:
        return passed(_("Amazon counts %(units)s units as excess on %(day)s, %(share)s of what is available.") % words)
    words["name"] = _name(over[0])
    return failed(
        _("Amazon counts %(units)s units as excess on %(day)s, %(share)s of what is available, most of %(name)s.")
        % words,
        _table(
            case,
            _("SKUs with most excess"),
            (_("Available"), _("Excess"), _("Shipped, 90 days")),
            over,
            lambda row: tuple(format_number(row[name]) for name in ("available", "excess", "shipped_90")),
        ),
        url=case.url("inventory:sku", over[0]["sku"]),
    )


def does_not_sell(case: Case) -> Finding:
    """Off where SKUs that shipped nothing in 90 days hold a twentieth of the units."""
    if _none_known(case):
        return missing(case, "planning", before=False)
    still = [row for row in stock(case) if row["available"] and not row["shipped_90"]]
    still.sort(key=lambda row: (-row["available"], row["sku"]))
    units, whole = sum(row["available"] for row in still), sum(row["available"] for row in stock(case))
    words = {"n": format_number(len(still)), "units": format_number(units), "share": rate(units, whole)}
    if units * 20 < whole or not still:
        return passed(_("SKUs that shipped nothing in 90 days hold %(share)s of the units.") % words)
    words["name"] = _name(still[0])
    return failed(
        _("%(n)s SKUs shipped nothing in 90 days and hold %(units)s units, %(share)s of all, first %(name)s.") % words,
        _table(
            case,
            _("SKUs that do not sell"),
            (_("Available"), _("Storage next month")),
            still,
            lambda row: (
                format_number(row["available"]),
                "–" if row["storage_cost_minor"] is None else format_money(row["storage_cost_minor"], case.marketplace),
            ),
        ),
    )


def stranded(case: Case) -> Finding:
    """Off where the newest report of stranded stock has sellable units."""
    if not _covered_lately(case):
        return missing(case, "stranded", before=False)
    found = rows(_STRANDED, {**case.params, "age": PLANNING_AGE})
    if not found:
        return passed(_("No unit is stranded without an offer."))
    words = {
        "n": format_number(len(found)),
        "units": format_number(sum(row["units"] for row in found)),
        "name": _name(found[0]),
        "day": formats.day(found[0]["date"]),
    }
    return failed(
        _("%(units)s sellable units of %(n)s SKUs are stranded on %(day)s, first %(name)s.") % words,
        _table(
            case,
            _("Stranded stock"),
            (_("Units"), _("Amazon says")),
            found,
            lambda row: (format_number(row["units"]), row["reason"][:80]),
        ),
    )


def _covered_lately(case: Case) -> bool:
    # Leans on coverage_once (account, marketplace, dataset, date).
    found = rows(
        """SELECT 1 AS there FROM feeds_coverage WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
             AND dataset = 'stranded' AND date BETWEEN %(last)s::date - %(age)s AND %(last)s::date + %(age)s LIMIT 1""",
        {**case.params, "age": PLANNING_AGE},
    )
    return bool(found)


def returned(case: Case) -> Finding:
    """Off where one SKU makes up a tenth of what came back."""
    return _returns(
        case,
        "sku",
        _("SKUs that come back most"),
        _("SKU"),
        _("%(key)s makes up %(share)s of %(whole)s units returned in %(span)s."),
    )


def return_reasons(case: Case) -> Finding:
    """Off where buyers give one reason for a quarter of what came back."""
    return _returns(
        case,
        "reason",
        _("Why buyers send back"),
        _("Reason"),
        _("Buyers say “%(key)s” of %(share)s of %(whole)s units returned in %(span)s."),
    )


def _returns(case: Case, key: str, title: str, header: str, text: str) -> Finding:
    if not case.covers("customer_returns", before=False):
        return missing(case, "customer_returns", before=False)
    found = rows(_RETURNS.format(key=key), case.params)
    if not found:
        return passed(_("Nothing came back in %(span)s.") % {"span": span(case)})
    first, least = found[0], 10 if key == "sku" else 4
    words = {
        "key": first["key"],
        "share": rate(first["units"], first["whole"]),
        "whole": format_number(first["whole"]),
        "span": span(case),
    }
    evidence = Evidence(
        title,
        (header, _("Units"), _("Share")),
        tuple(
            EvidenceRow(
                row["key"] or "–",
                (format_number(row["units"]), rate(row["units"], row["whole"])),
                case.url("inventory:sku", row["key"]) if key == "sku" and row["key"] else "",
            )
            for row in found[:ROWS]
        ),
    )
    if first["units"] * least < first["whole"]:
        return passed(text % words, evidence)
    return failed(text % words, evidence)


def _cover_table(case: Case, found: Skus) -> Evidence:
    return _table(
        case,
        _("SKUs that run out first"),
        (_("Available"), _("Inbound"), _("Shipped, 30 days"), _("Days of supply")),
        found,
        lambda row: (
            format_number(row["available"]),
            "–" if row["inbound"] is None else format_number(row["inbound"]),
            format_number(row["shipped_30"]),
            format_number(row["available"] * 30 // row["shipped_30"]),
        ),
    )


def _of_day(found: Skus, case: Case) -> dict[str, Any]:
    day: date = found[0]["date"] if found else case.last
    return {"day": formats.day(day)}


def _name(row: dict[str, Any]) -> str:
    return f"{row['sku']} {row['name'][:50]}".strip()


def _table(
    case: Case,
    title: str,
    headers: Sequence[str],
    found: Skus,
    cells: Callable[[dict[str, Any]], tuple[str, ...]],
) -> Evidence:
    return Evidence(
        title,
        (_("SKU"), *headers),
        tuple(EvidenceRow(_name(row), cells(row), case.url("inventory:sku", row["sku"])) for row in found[:ROWS]),
    )
