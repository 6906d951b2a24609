"""A new shop without orders: how it is told, and the steps only it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.kpis.findings import ROWS, failed, missing, passed, rate, unknown
from opsboard.kpis.format import format_number
from opsboard.kpis.playbook import Case, Finding
from opsboard.kpis.registry import Evidence, EvidenceRow
from opsboard.ui.entities import rows

from .steps import asins, buy_box_table, listed, within
from .steps_hidden import listings

#: Without an order for so many days, with sales reports for at least as many of them.
DAYS, COVERED = 30, 14

# Leans on the primary key of kpis_accountday (account, marketplace, date, measure): one range of days a shop.
_SOLD = """
SELECT pair.account_id, pair.marketplace_id, count(*) AS days
  FROM unnest(%(accounts)s::int[], %(marketplaces)s::int[], %(since)s::date[])
       AS pair(account_id, marketplace_id, since)
  JOIN kpis_accountday a ON a.account_id = pair.account_id AND a.marketplace_id = pair.marketplace_id
                        AND a.date >= pair.since AND a.measure = 'listings.units'
 GROUP BY 1, 2 HAVING sum(a.value) = 0 AND count(*) >= %(covered)s
"""
# Leans on the primary key of listings_listing (account, marketplace, sku).
_ACTIVE = """
SELECT count(*) AS active FROM listings_listing
 WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND lower(status) IN ('', 'active')
"""


def no_orders(scopes: Sequence[AccountMarketplace]) -> dict[int, str]:
    """Of these shops those with active listings and no order, by scope, each with the sentence that says so."""
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    silent = rows(
        _SOLD,
        {
            "accounts": [account for account, _marketplace in by_pair],
            "marketplaces": [marketplace for _account, marketplace in by_pair],
            "since": [scope.marketplace.today() - timedelta(days=DAYS) for scope in by_pair.values()],
            "covered": COVERED,
        },
    )
    found = {}
    for row in silent:
        pair = row["account_id"], row["marketplace_id"]
        active = rows(_ACTIVE, {"account": pair[0], "marketplace": pair[1]})[0]["active"]
        if active:
            text = ngettext(
                "%(n)s active listing and no unit ordered on %(days)s days of sales reports.",
                "%(n)s active listings and no unit ordered on %(days)s days of sales reports.",
                active,
            )
            found[by_pair[pair].pk] = text % {"n": format_number(active), "days": format_number(row["days"])}
    return found


def term_coverage(case: Case) -> Finding:
    """Off where titles and descriptions lack a word of every third search term that buyers used."""
    known = [row for row in listings(case) if row["title"]]
    if not known:
        return missing(case, "listings", before=False)
    searched = _queries(case)
    if not searched:
        return unknown(
            _(
                "Which terms buyers use is not known: neither Search Query Performance nor clicked search terms "
                "are there."
            ),
            action=_("Upload the report, or connect the account so that it is fetched."),
            url=case.url("feeds:upload"),
        )
    texts = [f"{row['title']} {row['description']}".casefold() for row in known]
    absent = [term for term in searched if not any(all(word in text for word in term.split()) for text in texts)]
    words = {
        "n": format_number(len(absent)),
        "all": format_number(len(searched)),
        "names": listed([f"“{term}”" for term in absent]),
    }
    if not absent:
        return passed(_("Titles and descriptions hold all %(all)s terms buyers use.") % words)
    if len(absent) * 3 < len(searched):
        text = ngettext(
            "Titles and descriptions lack %(n)s of %(all)s terms buyers use.",
            "Titles and descriptions lack %(n)s of %(all)s terms buyers use.",
            len(absent),
        )
        return passed(text % words)
    return failed(
        _("%(n)s of %(all)s terms buyers use stand in no title or description: %(names)s.") % words,
        Evidence(
            _("Terms that no listing holds"), (_("Search term"),), tuple(EvidenceRow(t, ()) for t in absent[:ROWS])
        ),
        url=case.url("listings:index"),
    )


def _queries(case: Case) -> list[str]:
    """What buyers typed: Search Query Performance of the newest weeks, else what ads were clicked for."""
    # Leans on the primary key of listings_searchqueryweek (account, marketplace, date).
    found = rows(
        """SELECT q.text FROM (SELECT query_id, max(volume) AS volume FROM listings_searchqueryweek
             WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
               AND date BETWEEN %(first)s AND %(last)s GROUP BY query_id ORDER BY 2 DESC NULLS LAST, 1 LIMIT 50) w
             JOIN listings_searchquery q ON q.account_id = %(account)s AND q.marketplace_id = %(marketplace)s
                                        AND q.query_id = w.query_id
            ORDER BY w.volume DESC NULLS LAST, w.query_id""",
        case.params,
    )
    terms = [row["text"] for row in found] or case.ask("search_terms") or []
    return [term.casefold() for term in terms]


def buy_box_share(case: Case) -> Finding:
    """Off where a new shop's offers are featured on less than 85 % of page views."""
    if not case.covers("sales_by_asin", before=False):
        return missing(case, "sales_by_asin", before=False)
    views, won = sum(row["views"] for row in asins(case)), sum(row["won"] for row in asins(case))
    words = {**within(case), "share": rate(won, views), "views": format_number(views)}
    if not views:
        return failed(_("Nobody looked at any product in %(span)s: the Buy Box is not the question yet.") % words)
    if won < views * Decimal("0.85"):
        least = sorted(asins(case), key=lambda row: row["won"] - row["views"])
        return failed(
            _("The Buy Box is held on %(share)s of %(views)s page views.") % words, buy_box_table(case, least)
        )
    return passed(_("The Buy Box is held on %(share)s of %(views)s page views.") % words)
