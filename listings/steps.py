"""What listings can say about a breach: visits, conversion, price, Buy Box, what is hidden, what has no image.

Products are compared over the judged days with as many just before. Where a playbook knows which ASINs the breach
is about (`case.suspects`), only these are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.kpis.findings import ROWS, failed, missing, passed, rate, ratio, since, span, unknown
from opsboard.kpis.format import format_money, format_number
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.kpis.turning import turned_on
from opsboard.ui import formats, joins
from opsboard.ui.entities import rows

Asins = list[dict[str, Any]]
#: An ASIN's price counts as changed from 5 % on, its conversion from 15 %; its Buy Box from 10 points.
PRICE, CONVERSION, BUY_BOX = Decimal("0.05"), Decimal("0.15"), Decimal("0.1")
#: A step is off from this share of the whole; fewer visits are chance.
MATTERS, ENOUGH_VISITS = Decimal("0.05"), 50

# Leans on the primary key of listings_asinday (account, marketplace, date): two adjoining spans of days.
_ASINS = """
SELECT s.*, coalesce(t.title, '') AS title FROM (
    SELECT asin,
           sum(units_ordered) FILTER (WHERE date >= %(first)s) AS units,
           sum(ordered_sales_minor) FILTER (WHERE date >= %(first)s) AS sales,
           sum(sessions) FILTER (WHERE date >= %(first)s) AS sessions,
           sum(page_views) FILTER (WHERE date >= %(first)s) AS views,
           sum(buy_box_rate * page_views) FILTER (WHERE date >= %(first)s) AS won,
           sum(units_ordered) FILTER (WHERE date < %(first)s) AS units_before,
           sum(ordered_sales_minor) FILTER (WHERE date < %(first)s) AS sales_before,
           sum(sessions) FILTER (WHERE date < %(first)s) AS sessions_before,
           sum(page_views) FILTER (WHERE date < %(first)s) AS views_before,
           sum(buy_box_rate * page_views) FILTER (WHERE date < %(first)s) AS won_before
      FROM listings_asinday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(before)s AND %(last)s
     GROUP BY asin) s
  LEFT JOIN (SELECT DISTINCT ON (asin) asin, title FROM listings_listing
              WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND asin <> ''
              ORDER BY asin, sku) t USING (asin)
"""
# Leans on asinday_by_asin (account, marketplace, asin, date).
_BUY_BOX_DAYS = """
SELECT date, sum(buy_box_rate * page_views) / nullif(sum(page_views), 0) AS share FROM listings_asinday
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND asin = ANY(%(asins)s)
   AND date BETWEEN %(before)s AND %(last)s GROUP BY date
"""


def asins(case: Case) -> Asins:
    """Every ASIN's sums, or those of the ASINs the breach is about."""
    found: Asins = case.once("listings.asins", lambda: rows(_ASINS, case.params))
    about = [row for row in found if row["asin"] in case.suspects] if case.suspects else found
    return [{key: 0 if value is None else value for key, value in row.items()} for row in about]


def lost_the_buy_box(case: Case) -> frozenset[str]:
    """The ASINs whose Buy Box share fell by ten points: what a Buy Box breach is about."""
    if not case.covers("sales_by_asin"):
        return frozenset()
    return frozenset(row["asin"] for row in asins(case) if _fell(row))


def _fell(row: dict[str, Any]) -> bool:
    now, then = ratio(row["won"], row["views"]), ratio(row["won_before"], row["views_before"])
    return now is not None and then is not None and row["views"] >= ENOUGH_VISITS and now <= then - BUY_BOX


def visits(case: Case) -> Finding:
    """Off where visits fell by a twentieth: names the ASINs that lost most."""
    sums = case.sums("listings.sessions")
    if sums is None:
        return missing(case, "sales_by_date")
    now, then = (side["listings.sessions"] for side in sums)
    words = {"now": format_number(now), "then": format_number(then), "change": formats.relative(now, then)}
    if now > then * (1 - MATTERS):
        return passed(_("%(now)s visits, before %(then)s.") % words)
    lost = sorted(asins(case), key=lambda row: row["sessions"] - row["sessions_before"])
    turned = turned_on(case.days("listings.sessions"), -1)
    words |= {"since": since(turned), "name": _name(lost[0]) if lost else ""}
    text = _("%(now)s visits instead of %(then)s (%(change)s)%(since)s")
    text += _(", most of them lost by %(name)s.") if lost else "."
    return failed(
        text % words,
        _table(
            case,
            _("Products with fewer visits"),
            (_("Visits before"), _("Visits now")),
            lost,
            lambda row: (format_number(row["sessions_before"]), format_number(row["sessions"])),
        ),
    )


def conversion(case: Case) -> Finding:
    """Off where products whose visits order 15 % less lost a twentieth of all units."""
    if not case.covers("sales_by_asin"):
        return missing(case, "sales_by_asin")
    worse = []
    for row in asins(case):
        now, then = ratio(row["units"], row["sessions"]), ratio(row["units_before"], row["sessions_before"])
        if then and now is not None and row["sessions"] >= ENOUGH_VISITS and now <= then * (1 - CONVERSION):
            worse.append({**row, "lost": (then - now) * row["sessions"]})
    worse.sort(key=lambda row: -row["lost"])
    lost, units = sum(row["lost"] for row in worse), sum(row["units"] for row in asins(case))
    if not worse or lost < (units + lost) * MATTERS:
        return passed(_("Visits order as often as before in %(span)s: no large product lost 15 %%.") % within(case))
    first = worse[0]
    words = {
        "n": format_number(len(worse)),
        "name": _name(first),
        "now": rate(first["units"], first["sessions"]),
        "then": rate(first["units_before"], first["sessions_before"]),
        "lost": format_number(int(lost)),
    }
    text = ngettext(
        "%(n)s product orders less a visit, most of all %(name)s (%(now)s, before %(then)s): %(lost)s units missed.",
        "%(n)s products order less a visit, most of all %(name)s (%(now)s, before %(then)s): %(lost)s units missed.",
        len(worse),
    )
    return failed(
        text % words,
        _table(
            case,
            _("Products that order less a visit"),
            (_("Visits"), _("Before"), _("Now"), _("Missed units")),
            worse,
            lambda row: (
                format_number(row["sessions"]),
                rate(row["units_before"], row["sessions_before"]),
                rate(row["units"], row["sessions"]),
                format_number(int(row["lost"])),
            ),
        ),
        url=case.url("listings:asin", first["asin"]),
    )


def price_rise(case: Case) -> Finding:
    """Off where products that got 5 % dearer have a tenth of the page views looked at."""
    return _price(case, 1)


def price_fall(case: Case) -> Finding:
    """Off where products that got 5 % cheaper have a tenth of the page views."""
    return _price(case, -1)


def _price(case: Case, direction: int) -> Finding:
    """Own prices as buyers paid them: sales ÷ units. No report keeps the list price of a past day."""
    if not case.covers("sales_by_asin"):
        return missing(case, "sales_by_asin")
    changed = []
    for row in asins(case):
        now, then = ratio(row["sales"], row["units"]), ratio(row["sales_before"], row["units_before"])
        if now and then and direction * (now - then) >= then * PRICE:
            changed.append({**row, "now": now, "then": then})
    changed.sort(key=lambda row: -row["views"])
    views, all_views = sum(row["views"] for row in changed), sum(row["views"] for row in asins(case))
    if not changed or not views or views * 10 < all_views:
        sold = sum(1 for row in asins(case) if row["units"] and row["units_before"])
        if not sold:
            return unknown(_("Nothing was sold on both sides, so no price can be told apart."))
        return passed(
            _("Own prices stand: of %(n)s products sold, those with another price have %(share)s of the page views.")
            % {"n": format_number(sold), "share": rate(views, all_views)}
        )
    market, first = case.marketplace, changed[0]
    words = {
        "n": format_number(len(changed)),
        "name": _name(first),
        "now": format_money(first["now"], market),
        "then": format_money(first["then"], market),
        "share": rate(views, all_views),
    }
    return failed(
        _(
            "Own prices changed: %(name)s sells at %(now)s instead of %(then)s; such products have "
            "%(share)s of the page views."
        )
        % words,
        _table(
            case,
            _("Products sold at another price"),
            (_("Page views"), _("Price before"), _("Price now")),
            changed,
            lambda row: (
                format_number(row["views"]),
                format_money(row["then"], market),
                format_money(row["now"], market),
            ),
        ),
        url=case.url("listings:asin", first["asin"]),
    )


def buy_box(case: Case) -> Finding:
    """Off where page views lost to other offers grew by five points of all."""
    sums = case.sums("listings.buy_box_page_views", "listings.page_views")
    if sums is None:
        return missing(case, "sales_by_date")
    now, then = (ratio(side["listings.buy_box_page_views"], side["listings.page_views"]) for side in sums)
    if now is None or then is None:
        return unknown(_("There are no page views to compare in %(span)s or before.") % within(case))
    words = {"now": formats.percent(now), "then": formats.percent(then)}
    if now > then - MATTERS:
        return passed(_("The Buy Box is held on %(now)s of page views, before %(then)s.") % words)
    lost = sorted((row for row in asins(case) if _fell(row)), key=lambda row: row["won"] - row["views"])
    return failed(
        _("The Buy Box is held on %(now)s of page views instead of %(then)s.") % words,
        buy_box_table(case, lost),
        url=case.url("listings:index", fragment="#asins"),
    )


def other_offers(case: Case) -> Finding:
    """By elimination: products that lost the Buy Box at their own price and while they were active.

    No report here names other offers or their prices, and the finding says so.
    """
    if not case.covers("sales_by_asin"):
        return missing(case, "sales_by_asin")
    lost = sorted((row for row in asins(case) if _fell(row)), key=lambda row: row["won"] - row["views"])
    if not lost:
        return unknown(
            _("No product lost ten points of the Buy Box against the days before. Other offers no report here names.")
        )
    dearer = {
        row["asin"]
        for row in lost
        if (now := ratio(row["sales"], row["units"]))
        and (then := ratio(row["sales_before"], row["units_before"]))
        and now >= then * (1 + PRICE)
    }
    steady = [row for row in lost if row["asin"] not in dearer and row["units"]]
    if not steady:
        return unknown(_("No report here names other offers or their prices."))
    days = rows(_BUY_BOX_DAYS, {**case.params, "asins": [row["asin"] for row in steady]})
    turned = turned_on({row["date"]: row["share"] for row in days if row["share"] is not None}, -1)
    words = {
        "n": format_number(len(steady)),
        "name": _name(steady[0]),
        "now": rate(sum(row["won"] for row in steady), sum(row["views"] for row in steady)),
        "then": rate(sum(row["won_before"] for row in steady), sum(row["views_before"] for row in steady)),
        "since": since(turned),
    }
    text = ngettext(
        "Other sellers' offers took the Buy Box of %(n)s product%(since)s, %(name)s: %(now)s instead of %(then)s, "
        "at an own price that stands. No report here names those offers or their prices.",
        "Other sellers' offers took the Buy Box of %(n)s products%(since)s, most of all %(name)s: %(now)s instead of "
        "%(then)s, at own prices that stand. No report here names those offers or their prices.",
        len(steady),
    )
    return failed(text % words, buy_box_table(case, steady), url=case.url("listings:asin", steady[0]["asin"]))


def buy_box_table(case: Case, found: Asins) -> Evidence:
    return _table(
        case,
        _("Page views lost to other offers"),
        (_("Page views"), _("Before"), _("Now"), _("Lost views")),
        found,
        lambda row: (
            format_number(row["views"]),
            rate(row["won_before"], row["views_before"]),
            rate(row["won"], row["views"]),
            format_number(int(row["views"] - row["won"])),
        ),
    )


def refunded(case: Case) -> Finding:
    """Off where the refund rate rose by a fifth; which products no report by ASIN tells."""
    sums = case.sums("listings.units_refunded", "listings.units")
    if sums is None:
        return missing(case, "sales_by_date")
    now, then = (ratio(side["listings.units_refunded"], side["listings.units"]) for side in sums)
    if now is None or then is None:
        return unknown(_("There are no units to compare in %(span)s or before.") % within(case))
    words = {"now": formats.percent(now), "then": formats.percent(then)}
    if now < then * Decimal("1.2"):
        return passed(_("%(now)s of units were refunded, before %(then)s.") % words)
    return failed(_("%(now)s of units were refunded instead of %(then)s.") % words)


def within(case: Case) -> dict[str, Any]:
    return {"span": span(case)}


def _name(row: dict[str, Any]) -> str:
    return f"{row['asin']} {row['title'][:50]}".strip()


def listed(names: Sequence[str]) -> str:
    return joins.listed(names[:3]) + ("…" if len(names) > 3 else "")


def asin_url(case: Case, asin: str) -> str:
    return case.url("listings:asin", asin) if asin else ""


def _table(
    case: Case,
    title: str,
    headers: Sequence[str],
    found: Sequence[dict[str, Any]],
    cells: Callable[[dict[str, Any]], tuple[str, ...]],
) -> Evidence:
    return Evidence(
        title,
        (_("Product"), *headers),
        tuple(EvidenceRow(_name(row), cells(row), asin_url(case, row["asin"])) for row in found[:ROWS]),
    )
