"""Ads v3 report documents: flat objects with exactly the requested columns."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from ..business import Account
from ..truth import TermDay, Truth, attributed_share

_WINDOWS = (1, 7, 14, 30)
_SUMS = {
    "impressions",
    "clicks",
    "cost",
    "spend",
    *(f"{name}{days}d" for name in ("sales", "purchases", "unitsSoldClicks") for days in _WINDOWS),
}
_RATIOS = {"costPerClick", "clickThroughRate"}
_CAMPAIGN = {
    "date",
    "startDate",
    "endDate",
    "campaignId",
    "campaignName",
    "campaignStatus",
    "campaignBudgetAmount",
    "campaignBudgetType",
    "campaignBudgetCurrencyCode",
}
_TERM = {"adGroupId", "adGroupName", "keywordId", "keyword", "targeting", "matchType", "keywordType", "searchTerm"}

#: reportTypeId -> (group, longest lookback in days, allowed columns)
TYPES: dict[str, tuple[str, int, set[str]]] = {
    "spCampaigns": ("campaign", 95, _CAMPAIGN | _SUMS | _RATIOS),
    "spSearchTerm": ("searchTerm", 65, _CAMPAIGN | _TERM | _SUMS | _RATIOS),
}
MAX_SPAN = 31


def rows(
    truth: Truth, account: Account, kind: str, first: date, last: date, columns: list[str], today: date
) -> list[dict[str, Any]]:
    """The document's records for first..last as attributed on `today`."""
    found: list[dict[str, Any]] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        share = attributed_share((today - day).days)
        if day >= today:
            continue
        groups: dict[tuple[int, int, str], list[TermDay]] = defaultdict(list)
        for item in truth.terms(account.key, day):
            key = (item.campaign.id, 0, "")
            if kind == "spSearchTerm":
                key = (item.campaign.id, item.term.target_id, item.term.text)
            groups[key].append(item)
        for items in groups.values():
            record = _record(account, day, items, share)
            found.append({name: record[name] for name in columns})
    return found


def _record(account: Account, day: date, items: list[TermDay], share: float) -> dict[str, Any]:
    one = items[0]
    campaign, term = one.campaign, one.term
    impressions, clicks = sum(i.impressions for i in items), sum(i.clicks for i in items)
    cost = round(sum(i.cost for i in items), account.digits)
    record: dict[str, Any] = {
        "date": day.isoformat(),
        "startDate": day.isoformat(),
        "endDate": day.isoformat(),
        "campaignId": campaign.id,
        "campaignName": campaign.name,
        "campaignStatus": "ENABLED",
        "campaignBudgetAmount": campaign.budget,
        "campaignBudgetType": "DAILY_BUDGET",
        "campaignBudgetCurrencyCode": account.currency,
        "adGroupId": campaign.ad_group_id,
        "adGroupName": campaign.ad_group,
        "keywordId": term.target_id,
        "keyword": term.target,
        "targeting": term.target,
        "matchType": term.match_type,
        "keywordType": term.match_type,
        "searchTerm": term.text,
        "impressions": impressions,
        "clicks": clicks,
        "cost": cost,
        "spend": cost,
        "costPerClick": round(cost / clicks, 4) if clicks else None,
        "clickThroughRate": round(clicks / impressions, 6) if impressions else None,
    }
    for days in _WINDOWS:
        # A one-day window catches fewer orders than a seven-day one; longer ones a few more.
        known = min(share, 0.7) if days == 1 else share
        orders = sum(int(i.orders * known + 0.5) for i in items)
        sales = sum(int(i.orders * known + 0.5) * i.campaign.price for i in items)
        record[f"purchases{days}d"] = record[f"unitsSoldClicks{days}d"] = orders
        record[f"sales{days}d"] = round(sales, account.digits)
    return record
