"""How fresh the figures are: up to which day each dataset is covered, and from which it may still move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats, joins
from opsboard.ui.entities import Alike
from opsboard.ui.filters import Days

from . import attribution, registry

#: So many missing days are named, more are counted.
NAMED_DAYS = 4
#: What the context bar speaks of, each by the dataset that stands for it.
SPOKEN: tuple[tuple[str, str | Promise], ...] = (
    ("sp_campaigns", gettext_lazy("Ads to %(day)s")),
    ("sales_by_date", gettext_lazy("sales to %(day)s")),
    ("planning", gettext_lazy("stock of %(day)s")),
)


@dataclass(frozen=True, slots=True)
class Covered:
    """The newest covered day of one dataset in one scope and the first day still expected to move."""

    scope: AccountMarketplace
    dataset: str
    last: date | None
    provisional_from: date | None


def provisional_from(dataset: str, scope: AccountMarketplace) -> date | None:
    """The first marketplace day younger than the dataset's maturity; None for states, which Amazon never restates."""
    known = registry.datasets().get(dataset)
    if known is None or known.scope != registry.Scope.DAYS or not known.mature_days:
        return None
    today = scope.marketplace.today()
    usual = today - timedelta(days=known.mature_days)
    if known.mature_days != attribution.USUAL:
        return usual
    return attribution.still_counting(scope.account_id, scope.marketplace_id, dataset, today) or usual


# Leans on coverage_once (account, marketplace, dataset, date): one backward probe a pair and dataset.
_LAST = """
    SELECT pair.account_id, pair.marketplace_id, wanted.dataset,
           (SELECT max(c.date) FROM feeds_coverage c
             WHERE c.account_id = pair.account_id AND c.marketplace_id = pair.marketplace_id
               AND c.dataset = wanted.dataset)
      FROM unnest(%s::int[], %s::int[]) AS pair(account_id, marketplace_id),
           unnest(%s::text[]) AS wanted(dataset)
"""


def covered(scopes: Sequence[AccountMarketplace], datasets: Iterable[str]) -> list[Covered]:
    """The newest covered day of each dataset in each of these (visible) scopes."""
    by_pair = {(scope.account_id, scope.marketplace_id): scope for scope in scopes}
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [[a for a, _m in by_pair], [m for _a, m in by_pair], list(datasets)])
        rows = cursor.fetchall()
    return [
        Covered(
            by_pair[(account, marketplace)], dataset, last, provisional_from(dataset, by_pair[(account, marketplace)])
        )
        for account, marketplace, dataset, last in rows
    ]


def sentence(scopes: Sequence[AccountMarketplace]) -> str:
    """ "Ads to 22 Nov, sales to 20 Nov, provisional from 19 Nov"; of several scopes the slowest speaks."""
    if not scopes:
        return ""
    found = covered(scopes, [dataset for dataset, _words in SPOKEN])
    parts: list[str] = []
    provisional: list[date] = []
    for dataset, words in SPOKEN:
        known = [item for item in found if item.dataset == dataset and item.last]
        if not known:
            continue
        slowest = min(known, key=lambda item: item.last or date.max)
        parts.append(str(words) % {"day": formats.day(slowest.last)})
        if slowest.last and slowest.provisional_from and slowest.provisional_from <= slowest.last:
            provisional.append(slowest.provisional_from)
    if not parts:
        return _("No figures yet")
    if provisional:
        parts.append(_("provisional from %(day)s") % {"day": formats.day(min(provisional))})
    text = joins.listed(parts)
    return text[:1].upper() + text[1:]


def covered_days(scope: AccountMarketplace, dataset: str, first: date, last: date) -> set[date]:
    """The days of a dataset that some document covers; the others are missing, not zero."""
    with connection.cursor() as cursor:
        # Leans on coverage_once: one range of the index.
        cursor.execute(
            "SELECT date FROM feeds_coverage WHERE account_id = %s AND marketplace_id = %s AND dataset = %s"
            " AND date BETWEEN %s AND %s",
            [scope.account_id, scope.marketplace_id, dataset, first, last],
        )
        return {row[0] for row in cursor.fetchall()}


def alike(scope: AccountMarketplace, dataset: str, days: Days, before: Days | None) -> Alike:
    """The covered days of a period, and those that can be compared with the period before."""
    first = min(days.first, before.first) if before else days.first
    return Alike.of(covered_days(scope, dataset, first, days.last), days, before)


def told(scope: AccountMarketplace, days: Days, known: Alike) -> str:
    """The freshness an export states: up to when each dataset is covered, and which days are missing."""
    return " · ".join(filter(None, [sentence([scope]), holes(days, known)]))


def holes(days: Days, known: Alike) -> str:
    """ "2 of 30 days are missing: 3 Nov, 24 Nov"; empty when none is. What is missing is in no sum of the page."""
    missing = [day for day in days if day not in known.days]
    if not missing:
        return ""
    text = ngettext("%(n)s of %(all)s days is missing", "%(n)s of %(all)s days are missing", len(missing)) % {
        "n": formats.decimals(len(missing)),
        "all": formats.decimals(len(days)),
    }
    if len(missing) > NAMED_DAYS:
        return text
    return joins.headed(text, joins.listed(formats.day(day) for day in missing))
