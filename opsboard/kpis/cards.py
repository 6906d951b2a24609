"""Tiles of a page: KPIs and plain measures over the page's own days, from the roll-up.

The figure is that of the page's period; the status is the verdict over the KPI's own judged
window (opsboard.kpis.judge), so choosing another period never hides a breach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace, Marketplace
from opsboard.feeds import attribution
from opsboard.ui import charts, formats, joins
from opsboard.ui.filters import Days, PageState

from . import contract, restatements, vintages
from .daily import measures_by_day
from .figures import change_of, headroom, in_words, limit_words, status_words
from .models import Verdict
from .registry import Kpi, Unit, Window, kpis, measures
from .words import reason_words, source_words
from .worth import (
    Row,
    compared_over,
    day_value,
    days_for,
    ends_of,
    is_state,
    known_days,
    label_of,
    measures_of,
    moving_from,
    unit_of,
    value_over,
)


@dataclass(frozen=True, slots=True)
class Card:
    """A tile ready for templates/ui/tile.html."""

    key: str
    label: str
    value: str
    change: str
    tone: str
    status: str
    status_words: str
    headroom: str
    spark: charts.Spark | None
    as_of: str
    url: str
    current: bool = False
    where: str = ""
    limit_words: str = ""
    contract: contract.Contract | None = None
    #: "restated: was ..., now ..." where days of the period changed after they were final.
    restated: str = ""
    #: "sales within 7 days of a click" of figures made of attributed sales.
    counted: str = ""


def chosen(request: HttpRequest, keys: Sequence[str]) -> str:
    """The tile whose trend the page draws: ?chart=..., else the first."""
    asked = request.GET.get("chart", "")
    return asked if asked in keys else keys[0]


def verdicts(scopes: Iterable[AccountMarketplace]) -> dict[tuple[int, int, str], Verdict]:
    """The newest verdicts of these (visible) scopes, by account, marketplace and KPI."""
    pairs = {(scope.account_id, scope.marketplace_id) for scope in scopes}
    found = Verdict.objects.filter(account_id__in={a for a, _m in pairs}, marketplace_id__in={m for _a, m in pairs})
    return {(v.account_id, v.marketplace_id, v.kpi): v for v in found if (v.account_id, v.marketplace_id) in pairs}


def cards(keys: Sequence[str], scope: AccountMarketplace, state: PageState, *, elsewhere: bool = False) -> list[Card]:
    """Tiles of one scope in the given order; `elsewhere` names the scope and links to the domain's page."""
    known = verdicts([scope])
    days, before = state.days(scope), state.compared(scope)
    needed = {name for key in keys for name in measures_of(key)}
    beside = {name for key in keys for name in _beside(key)}
    shelf = contract.Shelf(scope, [key for key in keys if key in kpis() or key in measures()])
    newest = state.snapshot_days(scope).last
    first = _earliest(keys, days)
    table = measures_by_day(scope, sorted(needed | beside), (first, newest), ends_of(before))
    news = vintages.restated(scope.account_id, scope.marketplace, sorted(needed), first, newest)
    first_final = restatements.as_first_final(table, news, sorted(needed)) if news else table
    return [
        _card(
            key,
            scope,
            state,
            table,
            first_final,
            days_for(key, scope, state),
            before,
            known.get((scope.account_id, scope.marketplace_id, key)),
            elsewhere,
            shelf,
        )
        for key in keys
        if key in kpis() or key in measures()
    ]


def _earliest(keys: Sequence[str], days: Days) -> date:
    """Averages look further back than the page does."""
    averaged = [kpis()[key].days for key in keys if key in kpis() and kpis()[key].window == Window.AVERAGE_DENOMINATOR]
    return min([days.first, *(date.fromordinal(days.last.toordinal() - n + 1) for n in averaged)])


def _beside(key: str) -> list[str]:
    """What a contract tells beside the figure: Amazon's own, and the days Amazon counted."""
    kpi = kpis().get(key)
    if kpi is None:
        return []
    return [name for name in (kpi.counterpart, *((kpi.orders.days, kpi.orders.lag) if kpi.orders else ())) if name]


def _card(
    key: str,
    scope: AccountMarketplace,
    state: PageState,
    table: Sequence[Row],
    first_final: Sequence[Row],
    days: Days,
    before: Days | None,
    verdict: Verdict | None,
    elsewhere: bool,
    shelf: contract.Shelf,
) -> Card:
    kpi, unit, marketplace = kpis().get(key), unit_of(key), scope.marketplace
    now = value_over(key, table, days)
    change, tone = change_of(
        *compared_over(key, table, days, before),
        unit,
        kpi.direction if kpi else 1 if key.startswith("listings.") else 0,
        marketplace,
    )
    by_day = {row["date"]: row for row in table}
    moving = moving_from(key, scope)
    points = [(day, day_value(key, by_day.get(day)), day >= moving) for day in days]
    limit = None
    if verdict is not None:
        limit = verdict.high if verdict.high is not None else verdict.low
    last = max((day for day, value, _p in points if value is not None), default=None)
    status, words = _status(verdict)
    restated = _restated(now, value_over(key, first_final, days), unit, marketplace)
    return Card(
        key=key,
        label=label_of(key),
        value=in_words(now, unit, marketplace, whole=True),
        change=change,
        tone=tone,
        status=status,
        status_words=words,
        headroom=_headroom(verdict, kpi, now, marketplace) if verdict and kpi and last else "",
        spark=charts.sparkline(points, limit),
        as_of=_as_of(last, moving, kpi, days, known_days(key, table), is_state(key)),
        url=_url(key, kpi, scope, state, elsewhere),
        current=not elsewhere and state.query_dict.get("chart") == key,
        where=f"{scope.account.name} · {marketplace.code}" if elsewhere and state.scope is None else "",
        limit_words=_limit_words(verdict, kpi, marketplace),
        contract=_contract(key, shelf, table, days, verdict, restated, state),
        restated=restated,
        counted=counted(key, scope.account_id, scope.marketplace_id, days, before),
    )


def _contract(
    key: str,
    shelf: contract.Shelf,
    table: Sequence[Row],
    days: Days,
    verdict: Verdict | None,
    restated: str,
    state: PageState,
) -> contract.Contract:
    """What the tile opens: the promise behind the figure, with what only this page knows of it."""
    kpi = kpis().get(key)
    if kpi is None:
        return contract.of_measure(measures()[key], shelf)
    inside = [row for row in table if days.first <= row["date"] <= days.last]
    newest = next((row for row in reversed(inside) if row.get(kpi.numerator) is not None), None)
    facts = (
        contract.stated_days(kpi, newest),
        contract.counterpart(kpi, inside, shelf.scope) if kpi.counterpart else None,
        contract.Fact(_("Since it was final"), restated or _("unchanged")),
    )
    made = contract.of_kpi(kpi, shelf, verdict=verdict, more=[fact for fact in facts if fact])
    if not made.rows_url:
        return made
    place, hash_, fragment = made.rows_url.partition("#")
    return replace(made, rows_url=place + state.carried(shelf.scope) + hash_ + fragment)


class Spanned(Protocol):
    """Days from first to last: those of a page, of a verdict or of an episode."""

    @property
    def first(self) -> Any: ...
    @property
    def last(self) -> Any: ...


def counted(
    key: str,
    account_id: int,
    marketplace_id: int,
    days: Spanned,
    before: Spanned | None = None,
    *,
    brief: bool = False,
) -> str:
    """Over how many days after a click the sales behind a figure are counted; "" for a figure without such sales.

    `brief` is for a cell, and says nothing of the window that sellers are used to.
    """
    measure = next((measures()[n] for n in measures_of(key) if n in measures() and measures()[n].attributed), None)
    if measure is None or not (days.first and days.last):
        return ""
    found, compared = (
        attribution.windows(account_id, marketplace_id, measure.dataset, span.first, span.last) if span else None
        for span in (days, before)
    )
    if brief:
        return attribution.briefly(found or Counter(), compared or Counter())
    return attribution.words(found or Counter(), compared)


def _restated(now: Decimal | None, was: Decimal | None, unit: Unit, marketplace: Marketplace) -> str:
    """What became of the figure since its days were final; nothing where one reads the same as before."""
    words = {"was": in_words(was, unit, marketplace), "now": in_words(now, unit, marketplace)}
    if words["was"] == words["now"]:
        return ""
    by, _tone = change_of(now, was, unit, 0, marketplace)
    if not by:
        return _("restated: was %(was)s, now %(now)s") % words
    return _("restated: was %(was)s, now %(now)s (%(by)s)") % {**words, "by": by}


def _status(verdict: Verdict | None) -> tuple[str, str]:
    if verdict is None:
        return "", ""
    if verdict.status == "breach" and verdict.breached_since:
        return "breach", _("breach since %(day)s") % {"day": formats.day(verdict.breached_since)}
    return verdict.status, status_words(verdict)


def _headroom(verdict: Verdict, kpi: Kpi, now: Decimal | None, marketplace: Marketplace) -> str:
    """How far from the limit; where that is told of another value than the tile shows (its days may move), of which."""
    told = headroom(verdict, kpi, marketplace)
    if not told or verdict.value is None or now is None:
        return told
    judged = in_words(verdict.value, kpi.unit, marketplace, whole=True)
    if judged == in_words(now, kpi.unit, marketplace, whole=True):
        return told
    return joins.listed((told, _("judged at %(value)s") % {"value": judged}))


def _as_of(last: date | None, moving: date, kpi: Kpi | None, days: Days, known: set[date], is_state: bool) -> str:
    if last is None:
        return _("no data in these days")
    if kpi and kpi.window != Window.SUM:
        return _("as of %(day)s") % {"day": formats.day(last)}
    text = _("to %(day)s") % {"day": formats.day(last)}
    span = Days(days.first, last)
    if not is_state and (missing := sum(day not in known for day in span)):
        text += " · " + ngettext("%(n)s of %(all)s days missing", "%(n)s of %(all)s days missing", missing) % {
            "n": formats.decimals(missing),
            "all": formats.decimals(len(span)),
        }
    return text + (" · " + _("provisional from %(day)s") % {"day": formats.day(moving)} if moving <= last else "")


def _limit_words(verdict: Verdict | None, kpi: Kpi | None, marketplace: Marketplace) -> str:
    if verdict is None or kpi is None:
        return ""
    parts = [words] if (words := limit_words(verdict, kpi, marketplace)) else []
    if parts and verdict.limit_source:
        parts.append(f"({source_words(verdict.limit_source)})")
    if parts and kpi.window == Window.SUM:
        parts.append(_("judged over %(n)s mature days") % {"n": kpi.days})
        if verdict.reason:
            parts.append(f"({reason_words(verdict.reason)})")
    return " ".join(parts)


def _url(key: str, kpi: Kpi | None, scope: AccountMarketplace, state: PageState, elsewhere: bool) -> str:
    if not elsewhere:
        return state.query(chart=key) + "#trend"
    domain = kpi.domain if kpi else key.partition(".")[0]
    try:
        return reverse(f"{domain}:index") + state.carried(scope, chart=key) + "#trend"
    except NoReverseMatch:
        return ""
