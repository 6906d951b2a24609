"""Over how many days after a click the sales of an advertising report are counted.

Amazon counts sellers' Sponsored Products over 7 days and vendors', some marketplaces' and older reports'
over 14. The two are different figures of the same name. A day of a dataset is held by one document as a
whole, and the document's report says its window (`ReportSpec.attribution_days`): so the window is told with
every figure, and can never come apart from it when a day is replaced, withdrawn or falls back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.ui import formats

from . import registry
from .errors import Held

if TYPE_CHECKING:
    from .models import Document

#: What Amazon counts sellers' Sponsored Products by, and reports that say nothing else are asked for by.
USUAL = 7

# Leans on coverage_once (account, marketplace, dataset, date): one range of days, one document each.
_BY_DAY = """
    SELECT c.date, d.spec FROM feeds_coverage c JOIN feeds_document d ON d.id = c.document_id
     WHERE c.account_id = %s AND c.marketplace_id = %s AND c.dataset = %s AND c.date BETWEEN %s AND %s
"""


def by_day(account_id: int, marketplace_id: int, dataset: str, first: date, last: date) -> dict[date, int]:
    """Covered day -> over how many days after a click its sales are counted."""
    windows = {spec.key: spec.attribution_days or USUAL for spec in registry.specs()}
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, [account_id, marketplace_id, dataset, first, last])
        return {day: windows.get(spec, USUAL) for day, spec in cursor.fetchall()}


def windows(account_id: int, marketplace_id: int, dataset: str, first: date, last: date) -> Counter[int]:
    """How many covered days of first..last have their sales counted over 7 days, and how many over 14."""
    return Counter(by_day(account_id, marketplace_id, dataset, first, last).values())


def still_counting(account_id: int, marketplace_id: int, dataset: str, today: date) -> date | None:
    """The first day older than the usual window whose sales may grow all the same, their window being longer."""
    longest = max(spec.attribution_days for spec in registry.specs() if any(d.key == dataset for d in spec.datasets))
    if longest <= USUAL:
        return None
    first, last = today - timedelta(days=longest), today - timedelta(days=USUAL + 1)
    found = by_day(account_id, marketplace_id, dataset, first, last)
    return min((day for day, window in found.items() if (today - day).days <= window), default=None)


def words(found: Counter[int], compared: Counter[int] | None = None) -> str:
    """ "sales within 7 days of a click", or which days are which; "" where no day is covered.

    `compared` are the days of the period beside it, whose window is told where it is another.
    """
    if not found:
        return ""
    if len(found) == 1:
        text = _("sales within %(days)d days of a click") % {"days": next(iter(found))}
    else:
        text = _("sales within 7 days of a click on %(seven)s, within 14 on %(fourteen)s") % {
            "seven": _days(found[7]),
            "fourteen": _days(found[14]),
        }
    if compared and compared.keys() != found.keys():
        text += _("; compared with sales within %(days)s days") % {"days": short(compared)}
    return text


def short(found: Counter[int]) -> str:
    """ "7", "14" or "7 and 14", for a column's header; what is asked for where no day is covered."""
    return _(" and ").join(map(str, sorted(found or {USUAL: 0})))


def briefly(found: Counter[int], compared: Counter[int]) -> str:
    """ "sales over 7 and 14 days" for a cell; "" where they are counted as sellers are used to, then as now."""
    if found.keys() | compared.keys() <= {USUAL}:
        return ""
    if not compared or compared.keys() == found.keys():
        return _("sales over %(days)s days") % {"days": short(found)}
    return _("sales over %(days)s days, before %(before)s") % {"days": short(found), "before": short(compared)}


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def never_instead_of(dataset: str, ours: int) -> Callable[[Any, str, Document], None]:
    """A `Dataset.verify`: hold a document that would replace sales counted over fewer days than `ours`.

    The other way round nothing is held: the shorter window is what Amazon counts sellers by.
    """

    def verify(cursor: Any, table: str, document: Document) -> None:
        cursor.execute(f"SELECT DISTINCT s.date FROM {table} s")
        days = {row[0] for row in cursor.fetchall()}
        if not days:
            return
        from .replacement import lock  # with what storing needs, which the pages that name a window do without

        lock(
            cursor, dataset, document
        )  # so that no other document stores such a day between this look and the replacing
        held = by_day(document.account_id, document.marketplace_id, dataset, min(days), max(days))
        shorter = sorted(day for day in days if held.get(day, ours) < ours)
        if shorter:
            raise Held(
                _(
                    "Its sales are counted over %(ours)d days after a click, and of %(span)s those over %(theirs)d "
                    "days are stored"
                )
                % {"ours": ours, "span": formats.span(shorter[0], shorter[-1]), "theirs": held[shorter[0]]},
                todo=_(
                    "Nothing was changed. Choose days that are not stored yet, or apply it by hand to replace them: "
                    "pages will say which days are counted how."
                ),
            )

    return verify
