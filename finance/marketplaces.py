"""Whether a document of money is about the marketplace it was handed in for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from opsboard.feeds import shops
from opsboard.feeds.errors import WrongMarketplace

if TYPE_CHECKING:
    from opsboard.feeds.models import Document


def check(cursor: Any, table: str, document: Document) -> None:
    """WrongMarketplace when most staged rows that name a marketplace (`sales_channel`) name another one."""
    cursor.execute(f"SELECT s.sales_channel, count(*) FROM {table} s GROUP BY 1")
    named: Counter[str] = Counter()
    for name, count in cursor.fetchall():
        if code := shops.code_of(name):
            named[code] += count
    if named and named.most_common(1)[0][0] != document.marketplace.code:
        raise WrongMarketplace(
            _("It is about marketplace %(theirs)s, and this is %(ours)s")
            % {"theirs": named.most_common(1)[0][0], "ours": document.marketplace.code},
            todo=_("Choose the marketplace the file was downloaded from."),
        )
