"""Brand Analytics of the made-up seller: Search Query Performance and Top Search Terms, by the week."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from ..business import Account, Sku
from ..truth import Truth

QUERIES, TERMS = (
    "GET_BRAND_ANALYTICS_SEARCH_QUERY_PERFORMANCE_REPORT",
    "GET_BRAND_ANALYTICS_SEARCH_TERMS_REPORT",
)
_QUERIES_OF_AN_ASIN = 5
_TERMS = 240
_ASIN_CHARACTERS = 200


def trouble(kind: str, options: dict[str, str], first: date | None, last: date | None, today: date) -> str:
    """Why Amazon makes no such report; "" when it does. Weeks only, from Sunday to Saturday, and over."""
    if kind not in {QUERIES, TERMS}:
        return ""
    if options.get("reportPeriod") != "WEEK":
        return "reportPeriod must be WEEK."
    if first is None or last is None or first.isoweekday() != 7 or last - first != timedelta(days=6):
        return "dataStartTime must be a Sunday and dataEndTime the Saturday of its week."
    if last >= today:
        return "The data is not available yet."
    if kind == QUERIES and not 0 < len(options.get("asin", "")) <= _ASIN_CHARACTERS:
        return f"asin must name ASINs within {_ASIN_CHARACTERS} characters."
    return ""


def queries(truth: Truth, account: Account, first: date, last: date, options: dict[str, str]) -> dict[str, Any]:
    by_asin = {sku.asin: sku for sku in truth.skus(account.key)}
    asked = options["asin"].split()
    rows = [
        _query(account, asin, phrase, score, first, last, _visits(truth, account, by_asin[asin], first))
        for asin in asked
        if asin in by_asin
        for score, phrase in enumerate(_phrases(by_asin[asin]), start=1)
    ]
    about = {"reportPeriod": "WEEK", "asin": options["asin"]}
    return {"reportSpecification": _about(account, QUERIES, about, first, last), "dataByAsin": rows}


def terms(truth: Truth, account: Account, first: date, last: date, options: dict[str, str]) -> dict[str, Any]:
    """Terms of the whole marketplace; in every third one of the seller's own ASINs is among the clicked."""
    rng = random.Random(f"{truth.seed}:{account.key}:{first.toordinal()}:terms")
    skus = truth.skus(account.key)
    department = {"US": "Amazon.com", "DE": "Amazon.de", "JP": "Amazon.co.jp"}[account.marketplace]
    rows = []
    for rank in range(1, _TERMS + 1):
        sku = skus[rank % len(skus)]
        phrase = " ".join((_phrases(sku)[rank % 3], f"no {rank}"))
        asins = [f"B0X{rank:05d}{place:02d}" for place in range(3)]
        if rank % 3 == 0:
            asins[rank % 2] = sku.asin
        share = 0.3 * rng.random() + 0.05
        for place, asin in enumerate(asins, start=1):
            rows.append(
                {
                    "departmentName": department,
                    "searchTerm": phrase,
                    "searchFrequencyRank": rank,
                    "clickedAsin": asin,
                    "clickShareRank": place,
                    "clickShare": round(share / place, 4),
                    "conversionShare": round(share / place * rng.random(), 4),
                }
            )
    about = _about(account, TERMS, {"reportPeriod": "WEEK"}, first, last)
    return {"reportSpecification": about, "dataByDepartmentAndSearchTerm": rows}


def _about(account: Account, kind: str, options: dict[str, str], first: date, last: date) -> dict[str, Any]:
    return {
        "reportType": kind,
        "reportOptions": options,
        "dataStartTime": first.isoformat(),
        "dataEndTime": last.isoformat(),
        "marketplaceIds": [account.marketplace_id],
    }


def _phrases(sku: Sku) -> list[str]:
    words = sku.title.removeprefix("Northwind ").lower().split()
    return [" ".join(words), " ".join(words[:2]), words[-1], " ".join(reversed(words)), f"northwind {words[0]}"][
        :_QUERIES_OF_AN_ASIN
    ]


def _visits(truth: Truth, account: Account, sku: Sku, first: date) -> int:
    """Sessions of the ASIN in the week."""
    days = (truth.asins(account.key, first + timedelta(days=n)) for n in range(7))
    return sum(item.sessions for day in days for item in day if item.sku.index == sku.index)


def _query(
    account: Account, asin: str, phrase: str, score: int, first: date, last: date, visits: int
) -> dict[str, Any]:
    mine = visits // (score + 2)
    shown, bought = mine * 14 + 40, mine // 11
    clicks, carts = mine, mine // 5 + bought
    impressions, all_clicks = shown * 9, clicks * 6 + 20
    all_carts, all_bought = carts * 5 + 9, bought * 5 + 4
    volume = all_clicks * 3
    price = {"amount": account.price, "currencyCode": account.currency}
    speed = {"SameDay": 5, "OneDay": 3, "TwoDay": 2}

    def stage(name: str, total: int, own: int) -> dict[str, Any]:
        return {
            f"total{name}Count": total,
            f"total{name}Rate": round(total / volume, 4),
            f"asin{name}Count": own,
            f"asin{name}Share": round(own / total, 4),
            f"totalMedian{name}Price": price,
            f"asinMedian{name}Price": price,
            **{f"total{way}Shipping{name}Count": total // part for way, part in speed.items()},
        }

    return {
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "asin": asin,
        "searchQueryData": {"searchQuery": phrase, "searchQueryScore": score, "searchQueryVolume": volume},
        "impressionData": {
            "totalQueryImpressionCount": impressions,
            "asinImpressionCount": shown,
            "asinImpressionShare": round(shown / impressions, 4),
        },
        "clickData": stage("Click", all_clicks, clicks),
        "cartAddData": stage("CartAdd", all_carts, carts),
        "purchaseData": stage("Purchase", all_bought, bought),
    }
