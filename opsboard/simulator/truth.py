"""What happened at the seller, day by day: deterministic by seed, account, day and entity.

A day's truth never changes; what Amazon knows of it does (`known_share`, `attributed_share`),
as visits are counted late and orders are attributed to clicks for a week.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from . import stories
from .business import ACCOUNTS, Account, Campaign, Sku, Term, campaigns, catalogue
from .orders import Order, orders_of
from .stories import STORIES

HISTORY_DAYS = 430
_WEEKDAY = (1.04, 1.0, 0.97, 0.96, 0.95, 1.02, 1.09)


@dataclass(frozen=True)
class AsinDay:
    sku: Sku
    sessions: int
    page_views: int
    buy_box: float
    units: int
    refunded: int

    @property
    def sales(self) -> float:
        return round(self.units * self.sku.price, 2)


@dataclass(frozen=True)
class TermDay:
    campaign: Campaign
    term: Term
    impressions: int
    clicks: int
    cost: float
    orders: int
    sales: float


@dataclass(frozen=True)
class StockDay:
    sku: Sku
    available: int
    inbound: int
    reserved: int
    unfulfillable: int
    ages: tuple[int, int, int, int, int, int]  # 0-90, 91-180, 181-270, 271-365, 366-455, 456+
    shipped: dict[int, int]  # by days back: 7, 30, 60, 90


@dataclass(frozen=True)
class Rate:
    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True)
class HealthDay:
    odr_mfn: Rate
    odr_afn: Rate
    late: Rate
    cancelled: Rate
    tracked: Rate
    on_time: Rate
    negative_mfn: int
    claims_mfn: int


def known_share(age: int) -> float:
    """How much of a day's sales and traffic Amazon has counted `age` days later."""
    return {0: 0.0, 1: 0.82, 2: 0.97}.get(age, 1.0) if age >= 0 else 0.0


def attributed_share(age: int) -> float:
    """How much of a day's ad sales is attributed `age` days later (7-day window)."""
    return {0: 0.0, 1: 0.62, 2: 0.76, 3: 0.85, 4: 0.9, 5: 0.94, 6: 0.97, 7: 0.99}.get(age, 1.0) if age >= 0 else 0.0


class Truth:
    """The made-up business. `anchor` is the day its stories count back from."""

    def __init__(self, seed: int = 1, anchor: date | None = None) -> None:
        self.seed = seed
        self.anchor = anchor or datetime.now(ZoneInfo("UTC")).date()
        self.first_day = self.anchor - timedelta(days=HISTORY_DAYS)
        self.asins = lru_cache(maxsize=4096)(self._asins)
        self.terms = lru_cache(maxsize=1024)(self._terms)
        self.stock = lru_cache(maxsize=16)(self._stock)
        self.orders = lru_cache(maxsize=128)(self._orders)

    def skus(self, key: str) -> tuple[Sku, ...]:
        return catalogue(self.seed, key)

    def told(self, story: str, key: str, day: date) -> bool:
        """Whether a story is going on in an account on a day."""
        planted = STORIES[story]
        return planted.account == key and day >= self.anchor - timedelta(days=planted.days_ago)

    def level(self, account: Account, day: date) -> float:
        """How busy a day is against the average: week, season, growth."""
        yearly = 1 + 0.10 * math.cos((day.timetuple().tm_yday - 340) / 365 * 2 * math.pi)
        growth = 0.88 + 0.12 * (day - self.first_day).days / HISTORY_DAYS
        return _WEEKDAY[day.weekday()] * yearly * growth

    def _asins(self, key: str, day: date) -> tuple[AsinDay, ...]:
        account = ACCOUNTS[key]
        if day < self.first_day:
            return ()
        rng = random.Random(f"{self.seed}:{key}:{day.toordinal()}:asins")
        draw = rng.random
        level = self.level(account, day) * account.sessions * (0.96 + 0.08 * draw())
        out_of_stock = self.told("stock_out", key, day)
        suppressed = self.told("suppressed", key, day)
        price_war = self.told("price_war", key, day)
        found = []
        for sku in self.skus(key):
            visits, conversion, buy_box = level * sku.share * (0.8 + 0.4 * draw()), sku.conversion, sku.buy_box
            chances = draw(), draw(), draw()
            if suppressed and sku.index in stories.SUPPRESSED_SKUS:
                visits = 0
            if out_of_stock and sku.index == stories.STOCK_OUT_SKU:
                visits, conversion, buy_box = visits * 0.15, 0.0, 0.0
            if price_war and sku.index in stories.PRICE_WAR_SKUS:
                conversion, buy_box = conversion * 0.72, buy_box * (0.62 + 0.1 * chances[2])
            sessions = int(visits + chances[0])
            units = min(sessions * 2, int(sessions * conversion * (0.85 + 0.3 * chances[2]) + chances[1]))
            refunded = 1 if units and chances[0] < units * 0.035 else 0
            found.append(AsinDay(sku, sessions, int(sessions * 1.32 + chances[1]), buy_box, units, refunded))
        return tuple(found)

    def _orders(self, key: str, day: date) -> tuple[Order, ...]:
        return orders_of(self, key, day)

    def sales(self, key: str, day: date) -> float:
        return sum(item.sales for item in self.asins(key, day))

    def _terms(self, key: str, day: date) -> tuple[TermDay, ...]:
        """Every search term that was clicked; a campaign's day is the sum of its terms."""
        account = ACCOUNTS[key]
        if day < self.first_day:
            return ()
        rng = random.Random(f"{self.seed}:{key}:{day.toordinal()}:ads")
        draw = rng.random
        typical = account.sessions * 0.1 * account.price * self.level(account, day)
        spend = typical * account.tacos
        runaway = self.told("acos_runaway", key, day)
        blurred = self.told("ctr_fall", key, day)
        found = []
        for campaign in campaigns(self.seed, key):
            run = runaway and campaign.index == stories.RUNAWAY_CAMPAIGN
            money, cpc, acos = spend * campaign.share, campaign.cpc, campaign.acos
            if run:
                money, cpc, acos = money + typical * 0.055, cpc * 1.6, 1.05
            ctr = campaign.ctr * (0.58 if blurred else 1.0) * (0.95 + 0.1 * draw())
            clicks = money / cpc
            weight = sum(term.weight for term in campaign.terms)
            for term in campaign.terms:
                got = int(clicks * term.weight / weight * (0.8 + 0.4 * draw()) + draw())
                lucky = draw()
                if not got:
                    continue
                cost = round(got * cpc * (0.92 + 0.16 * lucky), account.digits)
                ordering = cost / acos * term.conversion / campaign.price
                if run and term.match_type.endswith("PREDEFINED") and term.weight > 0.25:
                    ordering = 0.0  # the wasted ones
                orders = int(ordering + draw())
                impressions = max(got, int(got / ctr))
                sales = round(orders * campaign.price, account.digits)
                found.append(TermDay(campaign, term, impressions, got, cost, orders, sales))
        return tuple(found)

    def _stock(self, key: str, day: date) -> tuple[StockDay, ...]:
        """FBA stock as it stands on a day."""
        shipped: dict[int, dict[int, int]] = {}
        for back in range(1, 91):
            for item in self.asins(key, day - timedelta(days=back)):
                sums = shipped.setdefault(item.sku.index, {7: 0, 30: 0, 60: 0, 90: 0})
                for span in sums:
                    if back <= span:
                        sums[span] += item.units
        rng = random.Random(f"{self.seed}:{key}:{day.toordinal()}:stock")
        found = []
        for sku in self.skus(key):
            chance = rng.random()
            if not sku.fba:
                continue
            sold = shipped.get(sku.index, {7: 0, 30: 0, 60: 0, 90: 0})
            available = int(sold[30] / 30 * sku.cover + chance * 3)
            inbound = int(sold[30] * 0.4 * chance)
            aged = self.told("aged_stock", key, day) and sku.index in stories.AGED_SKUS
            if self.told("stock_out", key, day):
                if sku.index == stories.STOCK_OUT_SKU:
                    available, inbound = 0, 0
                elif sku.index in stories.LOW_SKUS:
                    available = int(sold[30] / 30 * 7)
            found.append(
                StockDay(
                    sku, available, inbound, int(sold[30] * 0.08), int(chance * 4), _ages(available, aged), dict(sold)
                )
            )
        return tuple(found)

    def health(self, key: str, day: date) -> HealthDay:
        """Account health as Amazon states it on a day (its own windows, not one day's)."""
        orders = {"NA": 4200, "EU": 1500, "FE": 900}[key]
        defects = 0.014 if self.told("odr_breach", key, day) else 0.0055 if key == "EU" else 0.004
        late = 0.032 if self.told("late_shipments", key, day) else 0.018
        mfn = Rate(round(orders * defects), orders)
        return HealthDay(
            odr_mfn=mfn,
            odr_afn=Rate(round(orders * 4 * 0.0034), orders * 4),
            late=Rate(round(orders / 2 * late), orders // 2),
            cancelled=Rate(round(orders / 8 * 0.006), orders // 8),
            tracked=Rate(round(orders / 2 * 0.976), orders // 2),
            on_time=Rate(round(orders / 2 * 0.968), orders // 2),
            negative_mfn=round(mfn.count * 0.6),
            claims_mfn=mfn.count - round(mfn.count * 0.6),
        )


def _ages(available: int, aged: bool) -> tuple[int, int, int, int, int, int]:
    if not aged:
        older = available // 5
        oldest = available // 40
        return (available - older - oldest, older, oldest, 0, 0, 0)
    parts = [int(available * share) for share in (0.12, 0.08, 0.15, 0.45, 0.15)]
    return (*parts, available - sum(parts))  # type: ignore[return-value]
