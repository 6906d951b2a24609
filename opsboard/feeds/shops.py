"""Which marketplace a row is about, by the name Amazon writes beside it.

Reports of one account often tell of all its marketplaces at once. "Amazon.de", "amazon.jp",
"www.amazon.co.uk", "DE", "AMAZON_DE" and "Non-Amazon US" name one; "Non-Amazon", "" and Amazon's internal names
do not.
"""

from __future__ import annotations

import re
from functools import lru_cache

from opsboard.accounts.marketplaces import MARKETPLACES

#: Orders that FBA only ships, with the marketplace whose stock they came from.
_ELSEWHERE = "non-amazon "
#: As Amazon Ads writes them, now and then with a letter too many: "AMAZON_SA", "UAMAZON_FR".
_UNDERSCORED = re.compile(r"^u?amazon_([a-z]{2})$")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for shop in MARKETPLACES:
        names = {shop.domain, f"amazon.{shop.domain.rpartition('.')[2]}", shop.code.lower()}
        found |= dict.fromkeys(names, shop.code)
    return found | {"gb": "UK"}


def code_of(name: str | None) -> str:
    """The code ("DE") of the marketplace a report's own name for it means; "" when it means none."""
    text = (name or "").strip().casefold().removeprefix("www.")
    if text.startswith(_ELSEWHERE):
        return _names().get(text.removeprefix(_ELSEWHERE).strip(), "")
    if match := _UNDERSCORED.match(text):
        return _names().get(match[1], "")
    # "DE" alone stands in a column of countries; longer names that are not Amazon's say nothing.
    return _names().get(text, "") if text.startswith("amazon.") or len(text) == 2 else ""
