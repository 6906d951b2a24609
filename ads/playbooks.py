"""Breach -> evidence: which campaigns make an advertising KPI what it is.

Each function answers for one account and marketplace over first..last (both included) with
at most ten rows. All read ads_campaignday by its primary key prefix (account, marketplace,
date), a few thousand rows for a month.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from opsboard.accounts.models import Marketplace
from opsboard.feeds import attribution
from opsboard.kpis.format import format_money, format_number, format_rate
from opsboard.kpis.registry import Evidence, EvidenceRow

from .queries import sales_label

ROWS = 10
_SUMS = """
SELECT c.campaign_id, coalesce(n.name, c.campaign_id::text) AS name,
       sum(c.spend_minor) AS spend, sum(c.sales_minor) AS sales, sum(c.orders) AS orders,
       sum(c.clicks) AS clicks, sum(c.impressions) AS impressions
FROM ads_campaignday c
LEFT JOIN ads_campaign n USING (account_id, marketplace_id, campaign_id)
WHERE c.account_id = %(account)s AND c.marketplace_id = %(marketplace)s AND c.date BETWEEN %(first)s AND %(last)s
GROUP BY 1, 2
"""


def campaigns_by_waste(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """The campaigns that spend most over what a 25 % ACoS would allow."""
    rows = _campaigns(account_id, marketplace_id, first, last, "sum(c.spend_minor) - 0.25 * sum(c.sales_minor) DESC")
    found = attribution.windows(account_id, marketplace_id, "sp_campaigns", first, last)
    return _spend_table(_("Campaigns that cost most over the limit"), marketplace_id, rows, found)


def campaigns_by_spend(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    rows = _campaigns(account_id, marketplace_id, first, last, "sum(c.spend_minor) DESC")
    found = attribution.windows(account_id, marketplace_id, "sp_campaigns", first, last)
    return _spend_table(_("Campaigns by spend"), marketplace_id, rows, found)


def campaigns_by_click_rate(account_id: int, marketplace_id: int, first: date, last: date) -> Evidence:
    """The campaigns that miss most clicks against a 0.4 % CTR."""
    rows = _campaigns(account_id, marketplace_id, first, last, "0.004 * sum(c.impressions) - sum(c.clicks) DESC")
    return Evidence(
        _("Campaigns that miss most clicks"),
        (_("Campaign"), _("Impressions"), _("Clicks"), _("CTR")),
        tuple(
            EvidenceRow(
                row["name"],
                (
                    format_number(row["impressions"]),
                    format_number(row["clicks"]),
                    _rate(row["clicks"], row["impressions"], 2),
                ),
                _url(row["campaign_id"]),
            )
            for row in rows
        ),
    )


def _campaigns(account_id: int, marketplace_id: int, first: date, last: date, order: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SUMS} ORDER BY {order} LIMIT {ROWS}",
            {"account": account_id, "marketplace": marketplace_id, "first": first, "last": last},
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _spend_table(title: str, marketplace_id: int, rows: list[dict[str, Any]], found: Counter[int]) -> Evidence:
    marketplace = Marketplace.objects.get(pk=marketplace_id)
    return Evidence(
        title,
        (_("Campaign"), _("Spend"), sales_label(found), _("ACoS"), _("Orders")),
        tuple(
            EvidenceRow(
                row["name"],
                (
                    format_money(row["spend"], marketplace),
                    format_money(row["sales"], marketplace),
                    _rate(row["spend"], row["sales"], 1),
                    format_number(row["orders"]),
                ),
                _url(row["campaign_id"]),
            )
            for row in rows
        ),
    )


def _rate(numerator: int, denominator: int, digits: int) -> str:
    return format_rate(Decimal(numerator) / denominator, digits) if denominator else "–"


def _url(campaign_id: int) -> str:
    return f"{reverse('ads:index')}?q={campaign_id}"
