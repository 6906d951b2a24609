"""Ads v3 report documents: flat objects with exactly the requested columns."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from ..business import ACCOUNTS, Account, Sku
from ..truth import TermDay, Truth, attributed_share

Known = tuple[TermDay, date, float]  # what happened, when, and how much of it is attributed

_WINDOWS = (1, 7, 14, 30)
_DELIVERY = {"impressions", "clicks", "cost"}
_SEVEN = {
    *_DELIVERY,
    "spend",
    "costPerClick",
    "clickThroughRate",
    *(f"{name}{days}d" for name in ("sales", "purchases", "unitsSoldClicks") for days in _WINDOWS),
}
#: Sponsored Brands and Display name no window: theirs is of 14 days.
_FOURTEEN = _DELIVERY | {"sales", "salesClicks", "purchases", "purchasesClicks", "unitsSold", "unitsSoldClicks"}
_NEW_TO_BRAND = {"newToBrandSales", "newToBrandPurchases"}
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
_GROUP = _CAMPAIGN | {"adGroupId", "adGroupName"}
_TARGET = {"keywordId", "keyword", "targeting", "matchType", "keywordType"}
_PURCHASED = {
    *(f"{name}{days}d" for name in ("sales", "purchases", "unitsSoldClicks") for days in _WINDOWS),
    *(f"{name}OtherSku{days}d" for name in ("sales", "purchases", "unitsSold") for days in _WINDOWS[1:]),
}


@dataclass(frozen=True)
class Type:
    """A report type: whose campaigns it is about, what it can be grouped by, its reach, its columns."""

    product: str
    groups: tuple[str, ...]
    lookback: int
    columns: frozenset[str]


def _type(product: str, group: str, lookback: int, *columns: set[str]) -> Type:
    return Type(f"SPONSORED_{product}", tuple(group.split()), lookback, frozenset().union(*columns))


#: By reportTypeId. A campaign here has one ad group.
TYPES: dict[str, Type] = {
    "spCampaigns": _type("PRODUCTS", "campaign adGroup", 95, _GROUP, _SEVEN),
    "spSearchTerm": _type("PRODUCTS", "searchTerm", 65, _GROUP, _TARGET, {"searchTerm"}, _SEVEN),
    "spTargeting": _type("PRODUCTS", "targeting", 95, _GROUP, _TARGET, _SEVEN),
    "spAdvertisedProduct": _type(
        "PRODUCTS", "advertiser", 95, _GROUP, {"adId", "advertisedAsin", "advertisedSku"}, _SEVEN
    ),
    "spPurchasedProduct": _type(
        "PRODUCTS", "asin", 95, _GROUP, _TARGET, {"advertisedAsin", "advertisedSku", "purchasedAsin"}, _PURCHASED
    ),
    "sbCampaigns": _type("BRANDS", "campaign", 60, _CAMPAIGN, _FOURTEEN, _NEW_TO_BRAND),
    "sbTargeting": _type(
        "BRANDS",
        "targeting",
        60,
        _GROUP,
        {"keywordId", "keywordText", "keywordType", "matchType", "targetingId", "targetingText", "targetingExpression"},
        _FOURTEEN,
        _NEW_TO_BRAND,
    ),
    "sbSearchTerm": _type(
        "BRANDS", "searchTerm", 60, _GROUP, {"keywordId", "keywordText", "matchType", "searchTerm"}, _FOURTEEN
    ),
    "sdCampaigns": _type("DISPLAY", "campaign", 65, _CAMPAIGN, _FOURTEEN, _NEW_TO_BRAND),
    "sdAdvertisedProduct": _type(
        "DISPLAY", "advertiser", 65, _GROUP, {"adId", "promotedAsin", "promotedSku"}, _FOURTEEN
    ),
    "sdTargeting": _type(
        "DISPLAY", "targeting", 65, _GROUP, {"targetingId", "targetingText", "targetingExpression"}, _FOURTEEN
    ),
}
MAX_SPAN = 31
#: Of the Sponsored Products campaigns of the truth, every so manieth has a twin in the other products, with
#: so much of its clicks; a twin's ids are so much higher.
_TWINS = {"BRANDS": (4, 0.3, 10**15), "DISPLAY": (6, 0.2, 2 * 10**15)}


def items_of(truth: Truth, key: str, day: date, product: str) -> tuple[TermDay, ...]:
    """What ads of one product ("SPONSORED_BRANDS") brought on a day, term by term."""
    items = truth.terms(key, day)
    name = product.removeprefix("SPONSORED_")
    if name not in _TWINS:
        return items
    nth, share, higher = _TWINS[name]
    short = {"BRANDS": "SB", "DISPLAY": "SD"}[name]
    digits = ACCOUNTS[key].digits
    found = []
    for item in items:
        clicks = int(item.clicks * share)
        if item.campaign.index % nth != 1 or not clicks:
            continue
        campaign = replace(
            item.campaign,
            id=item.campaign.id + higher,
            ad_group_id=item.campaign.ad_group_id + higher,
            name=f"{short}{item.campaign.name[2:]}",
        )
        term = replace(item.term, target_id=item.term.target_id + higher)
        found.append(
            TermDay(
                campaign,
                term,
                int(item.impressions * share),
                clicks,
                round(item.cost * clicks / item.clicks, digits),
                int(item.orders * share),
                round(int(item.orders * share) * campaign.price, digits),
            )
        )
    return tuple(found)


def advertised(truth: Truth, key: str, item: TermDay) -> Sku:
    """The product behind an ad: a campaign advertises three."""
    skus = truth.skus(key)
    return skus[(item.campaign.index * 5 + item.term.target_id % 3) % len(skus)]


def bought(truth: Truth, key: str, item: TermDay) -> Sku:
    """What was bought after a click on it: often, but not always, the same."""
    sku = advertised(truth, key, item)
    skus = truth.skus(key)
    return sku if len(item.term.text) % 3 else skus[(sku.index + 1) % len(skus)]


def rows(
    truth: Truth, account: Account, kind: str, first: date, last: date, columns: list[str], today: date, *, daily: bool
) -> list[dict[str, Any]]:
    """The document's records for first..last as attributed on `today`: one a day, or one for the whole span."""
    groups: dict[tuple[date, int, int, str], list[Known]] = defaultdict(list)
    product, below = TYPES[kind].product, TYPES[kind].groups[0]
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day >= today:
            break
        age = (today - day).days
        # Of a window twice as long, orders come in for twice as long.
        share = attributed_share(age if product == "SPONSORED_PRODUCTS" else (age + 1) // 2)
        for item in items_of(truth, account.key, day, product):
            target, text = 0, ""
            if below in ("searchTerm", "targeting", "asin"):
                target = item.term.target_id
            if below == "searchTerm":
                text = item.term.text
            elif below == "advertiser":
                target = advertised(truth, account.key, item).index
            elif below == "asin":
                text = f"{advertised(truth, account.key, item).index} {bought(truth, account.key, item).asin}"
            groups[day if daily else first, item.campaign.id, target, text].append((item, day, share))
    found = []
    for (day, *_), items in groups.items():
        record = _record(account, day, day if daily else last, items)
        _name_products(truth, account, record, items[0][0])
        if below != "asin" or record["purchases30d"]:
            found.append({name: record[name] for name in columns})
    return found


def _name_products(truth: Truth, account: Account, record: dict[str, Any], item: TermDay) -> None:
    sku, other = advertised(truth, account.key, item), bought(truth, account.key, item)
    record |= {
        "adId": 4 * 10**14 + item.campaign.id % 10**13 * 10 + sku.index % 10,
        "advertisedAsin": sku.asin,
        "advertisedSku": sku.sku,
        "promotedAsin": sku.asin,
        "promotedSku": sku.sku,
        "purchasedAsin": other.asin,
    }
    for days in _WINDOWS:
        for name, found in (("sales", "sales"), ("purchases", "purchases"), ("unitsSold", "unitsSoldClicks")):
            record[f"{name}OtherSku{days}d"] = record[f"{found}{days}d"] if sku is not other else 0


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
        "keywordText": term.target,
        "targetingId": term.target_id,
        "targetingText": term.target,
        "targetingExpression": term.target,
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
    # Half of what a 14-day window counts came after a click, the rest after a view.
    clicked = record["purchases14d"] - record["purchases14d"] // 2
    price = campaign.price
    record |= {
        "sales": record["sales14d"],
        "purchases": record["purchases14d"],
        "unitsSold": record["purchases14d"],
        "purchasesClicks": clicked,
        "unitsSoldClicks": clicked,
        "salesClicks": round(clicked * price, account.digits),
        "newToBrandPurchases": record["purchases14d"] // 3,
        "newToBrandSales": round(record["purchases14d"] // 3 * price, account.digits),
    }
    return record
