"""Made-up documents of any size for the benchmarks: deterministic, realistic in width and variety."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import orjson

FIRST = date(2026, 10, 1)
DAYS = 30
WORDS = (
    "kitchen steel board cutting bamboo set large small black white knife holder rack shelf storage box glass jar "
    "lid silicone oven mat baking pan tray brush cleaner hook organizer drawer lunch bottle spoon fork plate bowl "
    "cup mug tea coffee filter"
).split()


def search_terms(rows: int, *, changed: float = 0.0, seed: int = 7) -> Iterator[dict[str, object]]:
    """Ads v3 spSearchTerm records; `changed` of them have other figures than with changed=0."""
    chance = random.Random(seed)
    per_day = rows // DAYS + 1
    made = 0
    for offset in range(DAYS):
        day = (FIRST + timedelta(days=offset)).isoformat()
        for index in range(min(per_day, rows - made)):
            campaign = index % 3000
            bump = 1 if changed and chance.random() < changed else 0
            clicks = index % 7 + 1 + bump
            yield {
                "date": day,
                "campaignId": 100_000_000_000_000 + campaign,
                "campaignName": f"SP-Manual-{campaign:04d}",
                "adGroupId": 200_000_000_000_000 + campaign * 2 + index % 2,
                "adGroupName": f"Group {campaign * 2 + index % 2}",
                "keywordId": 300_000_000_000_000 + index % 60_000,
                "targeting": f"{WORDS[index % 37]} {WORDS[index % 31]}",
                "matchType": ("EXACT", "PHRASE", "BROAD")[index % 3],
                "searchTerm": f"{WORDS[index % 40]} {WORDS[index % 29]} {WORDS[index % 23]} {index // 5}",
                "campaignBudgetCurrencyCode": "USD",
                "impressions": clicks * (20 + index % 90),
                "clicks": clicks,
                "cost": round(clicks * (0.21 + index % 97 / 100), 2),
                "sales7d": round(24.99 * (index % 3), 2),
                "purchases7d": index % 3,
                "unitsSoldClicks7d": index % 3,
            }
            made += 1


def write_json_gz(path: Path, records: Iterator[dict[str, object]], end: bytes = b"]") -> None:
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b"[")
        for number, record in enumerate(records):
            out.write((b"," if number else b"") + orjson.dumps(record))
        out.write(end)
