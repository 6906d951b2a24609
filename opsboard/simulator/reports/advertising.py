"""Ads v3 report documents: flat objects with exactly the requested columns."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from ..business import Account
from ..truth import TermDay, Truth, attributed_share

Known = tuple[TermDay, date, float]  # what happened, when, and how much of it is attributed

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

#: reportTypeId -> (groups, longest lookback in days, allowed columns). A campaign here has one ad group.
TYPES: dict[str, tuple[tuple[str, ...], int, set[str]]] = {
    "spCampaigns": (("campaign", "adGroup"), 95, _CAMPAIGN | _SUMS | _RATIOS | {"adGroupId", "adGroupName"}),
    "spSearchTerm": (("searchTerm",), 65, _CAMPAIGN | _TERM | _SUMS | _RATIOS),
}
MAX_SPAN = 31


def rows(
    truth: Truth, account: Account, kind: str, first: date, last: date, columns: list[str], today: date, *, daily: bool
) -> list[dict[str, Any]]:
    """The document's records for first..last as attributed on `today`: one a day, or one for the whole span."""
    groups: dict[tuple[date, int, int, str], list[Known]] = defaultdict(list)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day >= today:
            break
        share = attributed_share((today - day).days)
        for item in truth.terms(account.key, day):
            target, text = (item.term.target_id, item.term.text) if kind == "spSearchTerm" else (0, "")
            groups[day if daily else first, item.campaign.id, target, text].append((item, day, share))
    found = []
    for (day, *_), items in groups.items():
        record = _record(account, day, day if daily else last, items)
        found.append({name: record[name] for name in columns})
    return found


def _attributed(item: TermDay, day: date, share: float) -> int:
    """The orders known so far: each is attributed on a day of its own, never taken back."""
    turn = (item.term.target_id * 7919 + day.toordinal() * 104729 + len(item.term.text) * 31) % 997 / 997
    return int(item.orders * share + turn)


def _record(account: Account, day: date, last: date, known: list[Known]) -> dict[str, Any]:
    items = [item for item, _day, _share in known]
    one = items[0]
    campaign, term = one.campaign, one.term
    impressions, clicks = sum(i.impressions for i in items), sum(i.clicks for i in items)
    cost = round(sum(i.cost for i in items), account.digits)
    record: dict[str, Any] = {
        "date": day.isoformat(),
        "startDate": day.isoformat(),
        "endDate": last.isoformat(),
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
        counts = [_attributed(i, then, min(share, 0.7) if days == 1 else share) for i, then, share in known]
        orders = sum(counts)
        sales = sum(count * campaign.price for count in counts)
        record[f"purchases{days}d"] = record[f"unitsSoldClicks{days}d"] = orders
        record[f"sales{days}d"] = round(sales, account.digits)
    return record
