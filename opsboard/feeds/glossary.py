"""Header names of downloads in other languages, as Amazon's English ones.

Seller Central and the advertising console translate the header of a download into the language of
the page. Each domain declares the spellings it is sure of (`Table.spelt`); everything behind a
header works with the English names. A name nobody declared stays what it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from . import cells, registry
from .staging import canonical

_TYPED = str.maketrans("‐‑‒–—―−’‘ʼ", "-------'''")
_BRACKETED = re.compile(r"\s*\(([^()]*)\)")
#: What separates the names of a header, and what may stand around them.
_SEPARATORS = re.compile(r'[,;\t|\r\n"]+')
#: A chance match of one or two short words proves nothing.
_ENOUGH = 4


def english(name: str) -> str:
    """A header name in Amazon's English, without its unit.

    "14天总销售额" and "14 Day Total Sales (₹)" are both "14 Day Total Sales".
    """
    written = without_unit(plain(name))
    return glossary().get(canonical(written), written)


def translated(name: str) -> bool:
    """A name of another language, and not the English one."""
    return canonical(without_unit(plain(name))) in glossary()


def knows(text: str) -> bool:
    """The beginning of a table whose header is in one of the declared languages, as its special letters tell.

    Plain words are the same in every encoding, and vouch for none.
    """
    known = glossary()
    words = {canonical(without_unit(plain(word))) for word in _SEPARATORS.split(text)}
    return sum(not word.isascii() and word in known for word in words) >= _ENOUGH


def plain(name: str) -> str:
    """A name without what varies by keyboard: wide brackets, long dashes, round apostrophes, hard spaces."""
    name = cells.text(name)
    return name if name.isascii() else unicodedata.normalize("NFKC", name).translate(_TYPED).strip()


def without_unit(name: str) -> str:
    """A name without the brackets that hold a currency, "#" or "%"."""
    if "(" not in name:
        return name
    return _BRACKETED.sub(lambda found: "" if _is_unit(found[1].strip()) else found[0], name).strip()


def unit(name: str) -> str:
    """The currency sign or code in a name's brackets, "" when there is none."""
    inside = (found.strip() for found in _BRACKETED.findall(plain(name)))
    return next((sign for sign in inside if sign in cells.SYMBOLS or sign in cells.CODES), "")


def _is_unit(text: str) -> bool:
    return text in {"#", "%"} or text in cells.SYMBOLS or text in cells.CODES


def glossary() -> Mapping[str, str]:
    """Canonical spelling in another language -> Amazon's English name."""
    return _glossary(tuple(spec.key for spec in registry.specs()))


@lru_cache(maxsize=4)
def _glossary(keys: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key in keys:
        table = registry.spec(key).table
        for name, spellings in table.spelt.items() if table else ():
            for spelling in spellings:
                if found.setdefault(canonical(without_unit(plain(spelling))), name) != name:
                    raise ValueError(f"{spelling!r} is said to be {name!r} and something else")
    return found
