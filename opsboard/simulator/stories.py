"""What was planted: each story changes the truth from a day on, and opsboard must find it.

Days count back from the anchor: the day the demo was first started.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    key: str
    account: str
    domain: str
    days_ago: int  # when it began
    kpi: str  # what must be over its limit because of it, "" when it only shows in a table
    what: str


STORIES: dict[str, Story] = {
    story.key: story
    for story in (
        Story(
            "acos_runaway",
            "NA",
            "ads",
            30,
            "acos",
            "Bids of SP-Auto-Kitchen were raised; it buys clicks that never order",
        ),
        Story("odr_breach", "EU", "health", 6, "odr_mfn", "Negative feedback and claims on seller-fulfilled orders"),
        Story(
            "ctr_fall",
            "FE",
            "listings",
            34,
            "ctr",
            "A weak main image on the advertised products: fewer clicks an impression",
        ),
        Story(
            "price_war",
            "EU",
            "listings",
            32,
            "buy_box",
            "A competitor undercuts the best sellers and takes the Buy Box",
        ),
        Story(
            "stock_out",
            "NA",
            "inventory",
            4,
            "days_of_supply",
            "A best seller is out of stock; three more run out within ten days",
        ),
        Story(
            "aged_stock",
            "FE",
            "inventory",
            200,
            "turnover",
            "A dozen SKUs bought far ahead have been lying for most of a year",
        ),
        Story("suppressed", "NA", "listings", 12, "", "Two listings are suppressed and get no visits"),
        Story("late_shipments", "FE", "health", 20, "", "Late shipments come close to the limit"),
    )
}

RUNAWAY_CAMPAIGN = 0
STOCK_OUT_SKU, LOW_SKUS = 2, (5, 9, 14)
SUPPRESSED_SKUS = (40, 77)
PRICE_WAR_SKUS = range(22)
AGED_SKUS = range(3, 15)
