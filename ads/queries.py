"""The read side of Ads: every query names one account and marketplace the user may see."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from opsboard.feeds import attribution
from opsboard.ui.entities import rows
from opsboard.ui.tables import Choice, Column, Filter, Table

_SUM_NAMES = (
    "impressions",
    "clicks",
    "spend_minor",
    "sales_minor",
    "orders",
    "units",
    "c_spend_minor",
    "p_spend_minor",
    "p_sales_minor",
)

# Leans on the primary key (account, marketplace, date, campaign), once for the period and once
# for the compared one: each span is summed by itself before anything is joined to it. What is
# compared (c_ against p_) are days covered in both spans: a missing day is no change.
_CAMPAIGNS = """
    SELECT n.campaign_id::text AS key, coalesce(c.name, n.campaign_id::text) AS name,
           coalesce(c.status, '') AS status, n.*, p.p_spend_minor, p.p_sales_minor
      FROM (SELECT campaign_id, sum(impressions) AS impressions, sum(clicks) AS clicks,
                   sum(spend_minor) AS spend_minor, sum(sales_minor) AS sales_minor, sum(orders) AS orders,
                   sum(units) AS units,
                   coalesce(sum(spend_minor) FILTER (WHERE date = ANY(%(alike)s::date[])), 0) AS c_spend_minor
              FROM ads_campaignday
             WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
               AND date BETWEEN %(first)s AND %(last)s
             GROUP BY campaign_id) n
      LEFT JOIN (SELECT campaign_id, sum(spend_minor) AS p_spend_minor, sum(sales_minor) AS p_sales_minor
                   FROM ads_campaignday
                  WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s
                    AND date BETWEEN %(pfirst)s AND %(plast)s AND date = ANY(%(palike)s::date[])
                  GROUP BY campaign_id) p ON p.campaign_id = n.campaign_id
      LEFT JOIN ads_campaign c ON c.account_id = %(account)s AND c.marketplace_id = %(marketplace)s
                              AND c.campaign_id = n.campaign_id
"""

# Leans on the primary key (account, marketplace, date, ...): one range of days; terms are not
# compared, since a search term's own past is rarely more than a few clicks.
_TERMS = """
    SELECT s.term_id::text AS key, coalesce(t.text, s.term_id::text) AS term, s.*
      FROM (SELECT d.term_id, count(DISTINCT d.campaign_id) AS campaigns,
                   sum(d.impressions) AS impressions, sum(d.clicks) AS clicks, sum(d.spend_minor) AS spend_minor,
                   sum(d.sales_minor) AS sales_minor, sum(d.orders) AS orders, sum(d.units) AS units,
                   CASE WHEN sum(d.orders) = 0 THEN sum(d.spend_minor) ELSE 0 END AS wasted_minor
              FROM ads_searchtermday d
             WHERE d.account_id = %(account)s AND d.marketplace_id = %(marketplace)s
               AND d.date BETWEEN %(first)s AND %(last)s
             GROUP BY d.term_id) s
      LEFT JOIN ads_searchterm t ON t.account_id = %(account)s AND t.marketplace_id = %(marketplace)s
                                AND t.term_id = s.term_id
"""

_SPEND = Column("spend_minor", _("Spend"), "money", share=True)
_SALES = Column("sales_minor", _("Ad sales"), "money")
_ACOS = Column(
    "acos", _("ACoS"), "rate", "spend_minor::numeric / nullif(sales_minor, 0)", help=_("Ad spend ÷ ad sales.")
)
_CLICKS = Column("clicks", _("Clicks"), "count")
_ORDERS = Column("orders", _("Orders"), "count")
_CTR = Column(
    "ctr", _("CTR"), "rate", "clicks::numeric / nullif(impressions, 0)", digits=2, help=_("Clicks ÷ impressions.")
)
_CPC = Column("cpc", _("CPC"), "money", "spend_minor::numeric / nullif(clicks, 0)", help=_("Spend ÷ clicks."))
_CVR = Column("cvr", _("Orders per click"), "rate", "orders::numeric / nullif(clicks, 0)")

CAMPAIGNS = Table(
    name="campaigns",
    title=_("Campaigns"),
    rows_sql=_CAMPAIGNS,
    sums=_SUM_NAMES,
    texts=("status",),
    columns=(
        Column("name", _("Campaign"), "text", "name"),
        _SPEND,
        Column(
            "spend_change",
            _("Spend change"),
            "change",
            "(c_spend_minor - p_spend_minor)::numeric / nullif(p_spend_minor, 0)",
        ),
        _SALES,
        _ACOS,
        Column(
            "acos_change",
            _("ACoS change"),
            "points",
            "spend_minor::numeric / nullif(sales_minor, 0) - p_spend_minor::numeric / nullif(p_sales_minor, 0)",
            direction=-1,
        ),
        Column("impressions", _("Impressions"), "count", shown=False),
        _CLICKS,
        _CTR,
        _CPC,
        _ORDERS,
        Column("cvr", _("Orders per click"), "rate", "orders::numeric / nullif(clicks, 0)", shown=False),
        Column("roas", _("ROAS"), "number", "sales_minor::numeric / nullif(spend_minor, 0)", digits=2, shown=False),
    ),
    sort="-spend_minor",
    filters=(
        Filter(
            "campaigns",
            _("Show"),
            (
                Choice("over", _("ACoS over the limit"), "spend_minor > %(acos_limit)s * sales_minor"),
                Choice("wasted", _("Spent, no order"), "spend_minor > 0 AND orders = 0"),
                Choice("lowctr", _("CTR under the limit"), "clicks < %(ctr_limit)s * impressions"),
            ),
        ),
    ),
    search=("name", "key"),
    search_label=_("Find a campaign"),
    empty=_("No document with campaigns covers these days yet."),
)

TERMS = Table(
    name="terms",
    title=_("Search terms"),
    rows_sql=_TERMS,
    sums=("impressions", "clicks", "spend_minor", "sales_minor", "orders", "units", "wasted_minor"),
    texts=(),
    columns=(
        Column("term", _("Search term"), "text", "term"),
        _SPEND,
        Column("wasted_minor", _("Spent without an order"), "money"),
        _CLICKS,
        _ORDERS,
        _SALES,
        _ACOS,
        _CPC,
        _CVR,
        Column("campaigns", _("Campaigns"), "count", total=False),
        Column("impressions", _("Impressions"), "count", shown=False),
    ),
    sort="-wasted_minor",
    filters=(
        Filter(
            "terms",
            _("Show"),
            (
                Choice("wasted", _("Spent, no order"), "wasted_minor > 0"),
                Choice("sold", _("With orders"), "orders > 0"),
                Choice("over", _("ACoS over the limit"), "spend_minor > %(acos_limit)s * sales_minor"),
            ),
        ),
    ),
    search=("term",),
    search_label=_("Find a search term"),
    empty=_("No document with search terms covers these days yet."),
)

_WASTE = f"""
    SELECT key, term, clicks, spend_minor,
           sum(spend_minor) OVER () AS all_minor, count(*) OVER () AS all_terms
      FROM ({_TERMS}) AS every WHERE orders = 0 AND spend_minor > 0
     ORDER BY spend_minor DESC, key LIMIT 6
"""

# Leans on campaignday_by_campaign (account, marketplace, campaign, date).
_CAMPAIGN_DAYS = """
    SELECT date, impressions, clicks, spend_minor, sales_minor, orders, document_id, line
      FROM ads_campaignday
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND campaign_id = %(entity)s
       AND (date BETWEEN %(first)s AND %(last)s OR date BETWEEN %(pfirst)s AND %(plast)s)
     ORDER BY date DESC
"""

# Leans on termday_by_term (account, marketplace, term, date).
_TERM_DAYS = """
    SELECT d.date, d.impressions, d.clicks, d.spend_minor, d.sales_minor, d.orders, d.document_id, d.line,
           coalesce(c.name, d.campaign_id::text) AS campaign, coalesce(t.text, '') AS target,
           coalesce(t.match_type, '') AS match_type
      FROM ads_searchtermday d
      LEFT JOIN ads_campaign c ON c.account_id = d.account_id AND c.marketplace_id = d.marketplace_id
                              AND c.campaign_id = d.campaign_id
      LEFT JOIN ads_target t ON t.account_id = d.account_id AND t.marketplace_id = d.marketplace_id
                            AND t.target_id = d.target_id
     WHERE d.account_id = %(account)s AND d.marketplace_id = %(marketplace)s AND d.term_id = %(entity)s
       AND d.date BETWEEN %(first)s AND %(last)s
     ORDER BY d.date DESC, d.line LIMIT 500
"""

_CAMPAIGN = """
    SELECT name, status, budget_minor FROM ads_campaign
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND campaign_id = %(entity)s
"""
_TERM = """
    SELECT text FROM ads_searchterm
     WHERE account_id = %(account)s AND marketplace_id = %(marketplace)s AND term_id = %(entity)s
"""


def windows(params: dict[str, Any], dataset: str) -> Counter[int]:
    """How many of the page's days have their ad sales counted over 7 days after a click, and how many over 14."""
    return attribution.windows(params["account"], params["marketplace"], dataset, params["first"], params["last"])


def sales_label(found: Counter[int]) -> str:
    """ "Ad sales, 7 days", as the header of a column."""
    return gettext("Ad sales, %(days)s days") % {"days": attribution.short(found)}


def told(table: Table, found: Counter[int]) -> Table:
    """The table with what its ad sales are counted over in their header."""
    said = replace(_SALES, label=sales_label(found), help=attribution.words(found))
    return replace(table, columns=tuple(said if column is _SALES else column for column in table.columns))


def waste(params: dict[str, Any]) -> list[dict[str, Any]]:
    """The dearest search terms that brought no order; all_minor and all_terms count every such term."""
    return rows(_WASTE, params)


def campaign_days(params: dict[str, Any], campaign_id: int) -> list[dict[str, Any]]:
    return rows(_CAMPAIGN_DAYS, {**params, "entity": campaign_id})


def term_days(params: dict[str, Any], term_id: int) -> list[dict[str, Any]]:
    return rows(_TERM_DAYS, {**params, "entity": term_id})


def campaign(params: dict[str, Any], campaign_id: int) -> dict[str, Any] | None:
    return next(iter(rows(_CAMPAIGN, {**params, "entity": campaign_id})), None)


def term(params: dict[str, Any], term_id: int) -> str | None:
    return next((row["text"] for row in rows(_TERM, {**params, "entity": term_id})), None)
