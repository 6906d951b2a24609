"""What advertising can say about a breach: clicks' price, conversion, order value, volume, terms.

All compare the judged days with as many just before, campaign by campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.feeds import attribution
from opsboard.kpis.findings import ROWS, failed, missing, passed, rate, ratio, since, span, unknown
from opsboard.kpis.format import format_money, format_number
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.kpis.turning import turned_on
from opsboard.ui import joins
from opsboard.ui.entities import rows

Campaigns = list[dict[str, Any]]
#: A campaign's figure counts as changed from a fifth on; a step is off from this share of the whole.
MOVED, MATTERS = Decimal("0.2"), Decimal("0.05")
#: Fewer clicks are chance.
ENOUGH_CLICKS = 100

# Leans on the primary key of ads_campaignday (account, marketplace, date): two adjoining spans of days.
_CAMPAIGNS = """
SELECT s.*, coalesce(n.name, s.campaign_id::text) AS name FROM (
    SELECT campaign_id,
           sum(spend_minor) FILTER (WHERE date >= %(first)s) AS spend,
           sum(sales_minor) FILTER (WHERE date >= %(first)s) AS sales,
           sum(orders) FILTER (WHERE date >= %(first)s) AS orders,
           sum(clicks) FILTER (WHERE date >= %(first)s) AS clicks,
           sum(impressions) FILTER (WHERE date >= %(first)s) AS impressions,
           sum(spend_minor) FILTER (WHERE date < %(first)s) AS spend_before,
           sum(sales_minor) FILTER (WHERE date < %(first)s) AS sales_before,
           sum(orders) FILTER (WHERE date < %(first)s) AS orders_before,
           sum(clicks) FILTER (WHERE date < %(first)s) AS clicks_before,
           sum(impressions) FILTER (WHERE date < %(first)s) AS impressions_before
      FROM ads_campaignday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(before)s AND %(last)s
     GROUP BY campaign_id) s
  LEFT JOIN ads_campaign n ON n.account_id = %(account)s AND n.marketplace_id = %(marketplace)s
                          AND n.campaign_id = s.campaign_id
"""
# Leans on campaignday_by_campaign (account, marketplace, campaign, date).
_DAYS = """
SELECT date, spend_minor AS spend, sales_minor AS sales, orders, clicks, impressions FROM ads_campaignday
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND campaign_id = %(campaign)s
   AND date BETWEEN %(before)s AND %(last)s
"""
# Leans on the primary key of ads_searchtermday (account, marketplace, date): one span of days.
_TERMS = """
SELECT s.*, coalesce(t.text, s.term_id::text) AS name FROM (
    SELECT term_id, sum(clicks) FILTER (WHERE date >= %(first)s) AS clicks,
           sum(spend_minor) FILTER (WHERE date >= %(first)s) AS spend,
           sum(orders) FILTER (WHERE date >= %(first)s) AS orders,
           sum(sales_minor) FILTER (WHERE date >= %(first)s) AS sales,
           coalesce(sum(clicks) FILTER (WHERE date < %(first)s), 0) AS clicks_before,
           sum(sum(spend_minor) FILTER (WHERE date >= %(first)s)) OVER () AS whole
      FROM ads_searchtermday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(before)s AND %(last)s
     GROUP BY term_id) s
  LEFT JOIN ads_searchterm t ON t.account_id = %(account)s AND t.marketplace_id = %(marketplace)s
                            AND t.term_id = s.term_id
 WHERE s.spend > s.sales AND s.clicks >= %(least)s
 ORDER BY s.spend - s.sales DESC, s.term_id
"""
TERM_CLICKS = 20


def campaigns(case: Case) -> Campaigns:
    """Every campaign's sums of the days and of those before; nothing is zero, not missing: the days are covered."""

    def read() -> Campaigns:
        found = rows(_CAMPAIGNS, case.params)
        return [{key: 0 if value is None else value for key, value in row.items()} for row in found]

    return case.once("ads.campaigns", read)


def _turned(case: Case, campaign: int, top: str, bottom: str, direction: int) -> date | None:
    found = rows(_DAYS, {**case.params, "campaign": campaign})
    return turned_on({row["date"]: Decimal(row[top]) / row[bottom] for row in found if row[bottom]}, direction)


def price_of_clicks(case: Case) -> Finding:
    """Off where campaigns whose click got dearer by a fifth paid for it a twentieth of all spend."""
    if not case.covers("sp_campaigns"):
        return missing(case, "sp_campaigns")
    dearer = []
    for row in campaigns(case):
        now, then = ratio(row["spend"], row["clicks"]), ratio(row["spend_before"], row["clicks_before"])
        if now and then and row["clicks"] >= ENOUGH_CLICKS and now >= then * (1 + MOVED):
            dearer.append({**row, "now": now, "then": then, "extra": (now - then) * row["clicks"]})
    dearer.sort(key=lambda row: -row["extra"])
    extra, spend = sum(row["extra"] for row in dearer), sum(row["spend"] for row in campaigns(case))
    if not dearer or extra < spend * MATTERS:
        return passed(
            _("A click costs as much as before in %(span)s: no large campaign pays a fifth more.") % within(case)
        )
    market, first = case.marketplace, dearer[0]
    words = {
        **within(case),
        "n": len(dearer) - 1,
        "name": first["name"],
        "now": format_money(first["now"], market),
        "then": format_money(first["then"], market),
        "since": since(_turned(case, first["campaign_id"], "spend", "clicks", 1)),
        "extra": format_money(extra, market),
    }
    text = _(
        "%(name)s pays %(now)s a click instead of %(then)s%(since)s: %(extra)s more in %(span)s for the same clicks."
    )
    if len(dearer) > 1:
        text = ngettext(
            "%(name)s pays %(now)s a click instead of %(then)s%(since)s, and %(n)s more campaign pays over a fifth "
            "more: %(extra)s in %(span)s for the same clicks.",
            "%(name)s pays %(now)s a click instead of %(then)s%(since)s, and %(n)s more campaigns pay over a fifth "
            "more: %(extra)s in %(span)s for the same clicks.",
            len(dearer) - 1,
        )
    return failed(
        text % words,
        campaign_table(
            case,
            _("Campaigns whose clicks got dearer"),
            (_("Clicks"), _("CPC before"), _("CPC now"), _("Paid more")),
            dearer,
            lambda row: (
                format_number(row["clicks"]),
                format_money(row["then"], market),
                format_money(row["now"], market),
                format_money(row["extra"], market),
            ),
        ),
        url=case.url("ads:campaign", first["campaign_id"]),
    )


def conversion(case: Case) -> Finding:
    """Off where campaigns whose clicks order a fifth less lost a twentieth of all orders."""
    if not case.covers("sp_campaigns"):
        return missing(case, "sp_campaigns")
    worse = []
    for row in campaigns(case):
        now, then = ratio(row["orders"], row["clicks"]), ratio(row["orders_before"], row["clicks_before"])
        if then and now is not None and min(row["clicks"], row["clicks_before"]) >= ENOUGH_CLICKS:
            if now <= then * (1 - MOVED):
                worse.append({**row, "lost": (then - now) * row["clicks"]})
    worse.sort(key=lambda row: -row["lost"])
    lost, orders = sum(row["lost"] for row in worse), sum(row["orders"] for row in campaigns(case))
    if not worse or lost < (orders + lost) * MATTERS:
        return passed(_("Clicks order as often as before in %(span)s: no large campaign lost a fifth.") % within(case))
    first = worse[0]
    words = {
        **within(case),
        "name": first["name"],
        "now": rate(first["orders"], first["clicks"]),
        "then": rate(first["orders_before"], first["clicks_before"]),
        "since": since(_turned(case, first["campaign_id"], "orders", "clicks", -1)),
        "lost": format_number(int(lost)),
    }
    return failed(
        _(
            "Clicks of %(name)s order in %(now)s of cases instead of %(then)s%(since)s; "
            "such campaigns miss %(lost)s orders."
        )
        % words,
        campaign_table(
            case,
            _("Campaigns whose clicks order less"),
            (_("Clicks"), _("Before"), _("Now"), _("Missed orders")),
            worse,
            lambda row: (
                format_number(row["clicks"]),
                rate(row["orders_before"], row["clicks_before"]),
                rate(row["orders"], row["clicks"]),
                format_number(int(row["lost"])),
            ),
        ),
        url=case.url("ads:campaign", first["campaign_id"]),
    )


def order_value(case: Case) -> Finding:
    """Off where an order through ads brings a twentieth less than before."""
    if not case.covers("sp_campaigns"):
        return missing(case, "sp_campaigns")
    sums = {name: sum(row[name] for row in campaigns(case)) for name in ("sales", "orders")}
    then = {name: sum(row[f"{name}_before"] for row in campaigns(case)) for name in ("sales", "orders")}
    new, old = ratio(sums["sales"], sums["orders"]), ratio(then["sales"], then["orders"])
    if new is None or old is None:
        return unknown(_("There are no ad orders to compare in %(span)s or before.") % within(case))
    market = case.marketplace
    words = {**within(case), "now": format_money(new, market), "then": format_money(old, market)}
    if new > old * (1 - MATTERS):
        return passed(_("An order through ads brings %(now)s, before %(then)s.") % words)
    worse = [
        {**row, "lost": old_one * row["orders"] - row["sales"]}
        for row in campaigns(case)
        if (old_one := ratio(row["sales_before"], row["orders_before"])) and row["orders"]
    ]
    worse = sorted((row for row in worse if row["lost"] > 0), key=lambda row: -row["lost"])
    return failed(
        _("An order through ads brings %(now)s instead of %(then)s.") % words,
        campaign_table(
            case,
            _("Campaigns whose orders got smaller"),
            (_("Orders"), _("Sales"), _("Less than before")),
            worse,
            lambda row: (
                format_number(row["orders"]),
                format_money(row["sales"], market),
                format_money(row["lost"], market),
            ),
        ),
    )


def bought_clicks(case: Case) -> Finding:
    """Off where a seventh more clicks were bought: names the campaigns that grew most."""
    if not case.covers("sp_campaigns"):
        return missing(case, "sp_campaigns")
    new, old = sum(row["clicks"] for row in campaigns(case)), sum(row["clicks_before"] for row in campaigns(case))
    words = {**within(case), "now": format_number(new), "then": format_number(old)}
    if not old or new < old * Decimal("1.15"):
        return passed(_("Ads bought %(now)s clicks, before %(then)s.") % words)
    grown = sorted(campaigns(case), key=lambda row: row["spend_before"] - row["spend"])
    market = case.marketplace
    return failed(
        _("Ads bought %(now)s clicks instead of %(then)s, most of them through %(name)s.")
        % {**words, "name": grown[0]["name"]},
        campaign_table(
            case,
            _("Campaigns that spend more"),
            (_("Spend before"), _("Spend now"), _("Clicks before"), _("Clicks now")),
            [row for row in grown if row["spend"] > row["spend_before"]],
            lambda row: (
                format_money(row["spend_before"], market),
                format_money(row["spend"], market),
                format_number(row["clicks_before"]),
                format_number(row["clicks"]),
            ),
        ),
        url=case.url("ads:campaign", grown[0]["campaign_id"]),
    )


def wasted_terms(case: Case) -> Finding:
    """Off where a tenth of the spend on search terms went to terms that cost more than they sold."""
    if not case.covers("sp_search_terms", before=False):
        return missing(case, "sp_search_terms", before=False)
    found = rows(_TERMS, {**case.params, "least": TERM_CLICKS})
    spend, whole = sum(row["spend"] for row in found), found[0]["whole"] if found else 0
    market = case.marketplace
    words = {
        **within(case),
        "n": format_number(len(found)),
        "least": TERM_CLICKS,
        "spend": format_money(spend, market),
        "sales": format_money(sum(row["sales"] for row in found), market),
        "share": rate(spend, whole),
    }
    if not found:
        return passed(_("No search term of %(least)s clicks or more cost more than it sold in %(span)s.") % words)
    if spend * 10 < whole:
        return passed(_("Terms that cost more than they sold took %(spend)s, %(share)s of the spend.") % words)
    words["name"] = found[0]["name"]
    text = ngettext(
        "%(n)s search term cost more than it sold: %(spend)s for %(sales)s of sales, %(share)s of the spend; "
        "it is %(name)s.",
        "%(n)s search terms cost more than they sold: together %(spend)s for %(sales)s of sales, %(share)s of the "
        "spend; most of all %(name)s.",
        len(found),
    )
    never = sum(not row["orders"] for row in found)
    barren = ngettext("%(n)s of them never ordered.", "%(n)s of them never ordered.", never) % {
        "n": format_number(never)
    }
    return failed(
        joins.sentences(text % words, barren if never else ""),
        Evidence(
            _("Search terms that cost more than they sell"),
            (_("Search term"), _("Clicks"), _("Spend"), _("Sales"), _("Clicks before")),
            tuple(
                EvidenceRow(
                    row["name"],
                    (
                        format_number(row["clicks"]),
                        format_money(row["spend"], market),
                        format_money(row["sales"], market),
                        format_number(row["clicks_before"]),
                    ),
                    case.url("ads:term", row["term_id"]),
                )
                for row in found[:ROWS]
            ),
        ),
        url=case.url("ads:terms"),
    )


def same_counting(case: Case) -> Finding:
    """Off where days compared count sales over another number of days after a click."""
    scope = case.account_id, case.scope.marketplace_id, "sp_campaigns"
    now, then = attribution.windows(*scope, case.first, case.last), attribution.windows(*scope, *case.before)
    if not now or not then:
        return missing(case, "sp_campaigns")
    if now.keys() != then.keys() or len(now) > 1:
        return failed(_("The days compared do not count sales alike: %(how)s.") % {"how": attribution.words(now, then)})
    waits = (case.marketplace.today() - case.last).days
    if waits <= max(now):
        return failed(
            _("Sales still come in for clicks of the last days: %(how)s, and the newest day is %(days)s days old.")
            % {"how": attribution.words(now), "days": waits}
        )
    return passed(_("All days are final: %(how)s, and the newest day is older.") % {"how": attribution.words(now)})


def terms_bought(case: Case) -> list[str] | None:
    """The search terms ads were clicked for, the most clicked first; None where no report tells."""
    if not case.covers("sp_search_terms", before=False):
        return None
    # Leans on the primary key of ads_searchtermday (account, marketplace, date).
    found = rows(
        """SELECT t.text FROM (SELECT term_id, sum(clicks) AS clicks FROM ads_searchtermday
             WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND date BETWEEN %(first)s AND %(last)s
             GROUP BY term_id ORDER BY 2 DESC, 1 LIMIT 50) s
             JOIN ads_searchterm t ON t.account_id = %(account)s AND t.marketplace_id = %(marketplace)s
                                  AND t.term_id = s.term_id
            ORDER BY s.clicks DESC, s.term_id""",
        case.params,
    )
    return [row["text"] for row in found]


def within(case: Case) -> dict[str, Any]:
    return {"span": span(case)}


def campaign_table(
    case: Case,
    title: str,
    headers: Sequence[str],
    found: Sequence[dict[str, Any]],
    cells: Callable[[dict[str, Any]], tuple[str, ...]],
) -> Evidence:
    return Evidence(
        title,
        (_("Campaign"), *headers),
        tuple(
            EvidenceRow(row["name"], cells(row), case.url("ads:campaign", row["campaign_id"])) for row in found[:ROWS]
        ),
    )
