"""The made-up seller "Northwind Home": three seller accounts, what they sell, how they advertise."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Account:
    """One selling-partner account (a region of Amazon's) with its one marketplace."""

    key: str
    name: str
    marketplace: str
    marketplace_id: str
    country: str
    currency: str
    digits: int
    time_zone: str
    locale: str
    charset: str  # of its flat files, as Amazon serves them there
    skus: int
    campaigns: int
    price: float  # typical price
    sessions: float  # a day, all SKUs
    cpc: float
    ctr: float
    acos: float
    tacos: float
    cover: float  # days of supply aimed at
    selling_partner_id: str
    profile_id: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


ACCOUNTS: dict[str, Account] = {
    account.key: account
    for account in (
        Account(
            "NA",
            "Northwind Home North America",
            "US",
            "ATVPDKIKX0DER",
            "US",
            "USD",
            2,
            "America/Los_Angeles",
            "en_US",
            "utf-8",
            200,
            24,
            26.0,
            9000,
            0.85,
            0.0062,
            0.205,
            0.121,
            72,
            "A1NORTHWINDUS0",
            1111000000000001,
        ),
        Account(
            "EU",
            "Northwind Home Europe",
            "DE",
            "A1PA6795UKMFR9",
            "DE",
            "EUR",
            2,
            "Europe/Berlin",
            "de_DE",
            "cp1252",
            120,
            15,
            24.0,
            4200,
            0.62,
            0.0058,
            0.20,
            0.138,
            74,
            "A2NORTHWINDEU0",
            1111000000000002,
        ),
        Account(
            "FE",
            "Northwind Home Japan",
            "JP",
            "A1VC38T7YXB528",
            "JP",
            "JPY",
            0,
            "Asia/Tokyo",
            "ja_JP",
            "cp932",
            80,
            10,
            2600,
            2600,
            68,
            0.0056,
            0.20,
            0.138,
            126,
            "A3NORTHWINDFE0",
            1111000000000003,
        ),
    )
}

#: Accepted by the token endpoint; plainly not real.
DEMO_CREDENTIALS: dict[str, dict[str, object]] = {
    key: {
        "client_id": f"demo-client-{key.lower()}",
        "client_secret": f"demo-secret-{key.lower()}",
        "refresh_token": f"demo-refresh-{key.lower()}",
        "selling_partner_id": account.selling_partner_id,
        "ads_profile_id": str(account.profile_id),
        "region": key,
        "marketplaces": [account.marketplace],
    }
    for key, account in ACCOUNTS.items()
}

_WORDS = {
    "US": (
        ["Stainless Steel", "Bamboo", "Silicone", "Glass", "Ceramic", "Acacia Wood", "Cast Iron", "Cotton"],
        [
            "Cutting Board",
            "Knife Block",
            "Storage Jar Set",
            "Mixing Bowls",
            "Baking Mat",
            "Spice Rack",
            "Dish Rack",
            "Lunch Box",
            "Coffee Canister",
            "Oven Mitts",
            "Drawer Organizer",
            "Salad Spinner",
            "Utensil Holder",
            "Measuring Cups",
            "Pot Lid Rack",
            "Bread Box",
            "Tea Kettle",
            "Serving Tray",
        ],
        ["Small", "Medium", "Large", "Set of 2", "Set of 4"],
    ),
    "DE": (
        ["Edelstahl", "Bambus", "Silikon", "Glas", "Keramik", "Akazienholz", "Gusseisen", "Baumwolle"],
        [
            "Schneidebrett",
            "Messerblock",
            "Vorratsdosen",
            "Rührschüsseln",
            "Backmatte",
            "Gewürzregal",
            "Abtropfgestell",
            "Brotdose",
            "Kaffeedose",
            "Ofenhandschuhe",
            "Schubladeneinsatz",
            "Salatschleuder",
            "Besteckhalter",
            "Messbecher",
            "Brotkasten",
            "Teekessel",
        ],
        ["klein", "mittel", "groß", "2er-Set", "4er-Set"],
    ),
    "JP": (
        ["ステンレス", "竹製", "シリコン", "ガラス", "陶器", "アカシア", "鋳鉄", "綿"],
        [
            "まな板",
            "包丁立て",
            "保存容器",
            "ボウルセット",
            "製菓マット",
            "調味料ラック",
            "水切りラック",
            "弁当箱",
            "コーヒー缶",
            "オーブンミトン",
            "引き出し整理",
            "サラダスピナー",
            "計量カップ",
            "急須",
        ],
        ["小", "中", "大", "2個セット", "4個セット"],
    ),
}
_CAMPAIGN_THEMES = ["Kitchen", "Storage", "Baking", "Dining", "Coffee", "Gift", "Prep", "Clean"]
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Sku:
    index: int
    sku: str
    asin: str
    parent_asin: str
    fnsku: str
    ean: str
    title: str
    price: float
    share: float  # of the account's sessions
    conversion: float
    buy_box: float
    cover: float
    fba: bool


@dataclass(frozen=True)
class Term:
    text: str
    target_id: int
    target: str
    match_type: str
    weight: float
    conversion: float  # against the campaign's


@dataclass(frozen=True)
class Campaign:
    index: int
    id: int
    name: str
    ad_group_id: int
    ad_group: str
    share: float  # of the account's ad spend
    cpc: float
    ctr: float
    acos: float
    price: float
    budget: float
    terms: tuple[Term, ...]


def _code(rng: random.Random, length: int) -> str:
    return "".join(rng.choice(_LETTERS) for _ in range(length))


@lru_cache(maxsize=16)
def catalogue(seed: int, key: str) -> tuple[Sku, ...]:
    """The SKUs of an account, best sellers first."""
    account = ACCOUNTS[key]
    rng = random.Random(f"{seed}:{key}:catalogue")
    materials, things, sizes = _WORDS[account.marketplace]
    weights = [1 / (rank + 6) ** 0.9 for rank in range(account.skus)]
    total = sum(weights)
    found: list[Sku] = []
    parent = ""
    for index in range(account.skus):
        if index % 3 == 0:
            parent = "B0" + _code(rng, 8)
        size = sizes[index % len(sizes)]
        title = f"Northwind {rng.choice(materials)} {rng.choice(things)} {size}"
        price = max(account.price * rng.uniform(0.55, 1.6), 1)
        price = float(round(price / 10) * 10 - 1) if account.digits == 0 else round(price) - 0.01
        found.append(
            Sku(
                index=index,
                sku=f"NW-{account.marketplace}-{index + 1:04d}",
                asin="B0" + _code(rng, 8),
                parent_asin=parent,
                fnsku="X00" + _code(rng, 7),
                ean=f"40{rng.randrange(10**10, 10**11)}",
                title=title,
                price=price,
                share=weights[index] / total,
                conversion=rng.uniform(0.075, 0.125),
                buy_box=rng.uniform(0.93, 0.985),
                cover=account.cover * rng.uniform(0.75, 1.25),
                fba=index % 9 != 8,
            )
        )
    return tuple(found)


@lru_cache(maxsize=16)
def campaigns(seed: int, key: str) -> tuple[Campaign, ...]:
    """The Sponsored Products campaigns of an account; SP-Auto-Kitchen is always the first."""
    account = ACCOUNTS[key]
    rng = random.Random(f"{seed}:{key}:campaigns")
    items = catalogue(seed, key)
    kinds = ["Auto", "Exact", "Broad", "Phrase", "Product"]
    weights = [1 / (rank + 3) for rank in range(account.campaigns)]
    total = sum(weights)
    found = []
    for index in range(account.campaigns):
        kind, theme = kinds[index % len(kinds)], _CAMPAIGN_THEMES[(index // len(kinds) + index) % len(_CAMPAIGN_THEMES)]
        theme = "Kitchen" if index == 0 else theme
        number = "" if index < len(kinds) else f"-{index + 1:02d}"
        base = (ord(key[0]) * 97 + index + 1) * 10**9 + seed * 1000
        drawn = [_term(rng, items, kind, base, rank) for rank in range(10)]
        # The same keyword drawn twice is one target: an ad group cannot hold it twice.
        targets = {term.target: term.target_id for term in reversed(drawn)}
        terms = tuple(replace(term, target_id=targets[term.target]) for term in drawn)
        found.append(
            Campaign(
                index=index,
                id=10**14 + base,
                name=f"SP-{kind}-{theme}{number}",
                ad_group_id=2 * 10**14 + base,
                ad_group=f"{theme} {kind}",
                share=weights[index] / total,
                cpc=account.cpc * rng.uniform(0.8, 1.25),
                ctr=account.ctr * rng.uniform(0.8, 1.2),
                acos=account.acos * rng.uniform(0.85, 1.15),
                price=account.price * rng.uniform(0.8, 1.2),
                budget=float(round(account.price * 8)),
                terms=terms,
            )
        )
    return tuple(found)


def _term(rng: random.Random, items: tuple[Sku, ...], kind: str, base: int, rank: int) -> Term:
    item = items[rng.randrange(min(60, len(items)))]
    words = item.title.removeprefix("Northwind ").lower().split()
    text = item.asin.lower() if kind == "Product" else " ".join(words[: rng.choice([2, 2, 3, len(words)])])
    match = {"Auto": "TARGETING_EXPRESSION_PREDEFINED", "Product": "TARGETING_EXPRESSION"}.get(kind, kind.upper())
    target = {"Auto": ["close-match", "loose-match", "substitutes", "complements"][rank % 4]}.get(kind, text)
    if kind == "Product":
        target = f'asin="{item.asin}"'
    number = rank % 4 if kind == "Auto" else rank
    return Term(text, 3 * 10**14 + base + number, target, match, 1 / (rank + 2), rng.uniform(0.5, 1.5))
