"""What a figure promises: formula, days, source, maturity, limit and its history, Amazon's own name and figure.

Made of the declaration and of what the scope holds; tiles open it, the Help page is the list of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.feeds import freshness
from opsboard.feeds import registry as feeds
from opsboard.ui import formats, joins

from . import figures
from .entities import counted, limited
from .history import PastLimit, histories
from .models import Verdict
from .playbook import playbooks
from .registry import Grain, Kpi, Measure, Unit, Window, kpis, measures
from .snapshots import snapshots
from .words import reason_words, source_words


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a contract."""

    term: str
    text: str
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class PastLine:
    """A limit that counts, counted or will count."""

    since: str
    words: str
    source: str
    note: str
    current: bool


@dataclass(frozen=True, slots=True)
class Contract:
    key: str
    label: str
    meaning: str
    formula: str
    facts: tuple[Fact, ...]
    history: tuple[PastLine, ...] = ()
    rows_url: str = ""
    help_url: str = ""
    #: Why it is what it is, step by step; empty where there is no playbook.
    diagnose_url: str = ""


class Shelf:
    """What the contracts of one scope are made of, read once: how far its reports go, and its limits."""

    def __init__(self, scope: AccountMarketplace, keys: Iterable[str]) -> None:
        self.scope = scope
        declared = [kpis()[key] for key in keys if key in kpis()]
        self.limits = histories(scope, declared)
        judged = {item.kpi for item in limited()} & {kpi.key for kpi in declared}
        self.entities = counted(scope.account_id, scope.marketplace_id) if judged else {}
        wanted = {measures()[name].dataset for kpi in declared for name in kpi.parts}
        wanted |= {measures()[key].dataset for key in keys if key in measures()}
        self.covered = {one.dataset: one.last for one in freshness.covered([scope], sorted(wanted - {""}))}


def of_kpi(kpi: Kpi, shelf: Shelf, *, verdict: Verdict | None = None, more: Sequence[Fact] = ()) -> Contract:
    """The contract of a KPI in a scope; `more` are lines that only the page it stands on knows."""
    facts = [
        *(_judged_over(kpi, verdict) if verdict is not None else ()),
        Fact(_("Window"), window_words(kpi)),
        *_sources([measures()[name] for name in kpi.parts], shelf),
        Fact(_("Maturity"), maturity_words(kpi, shelf.scope)),
        *_inside(kpi, shelf),
        *more,
        *_at_amazon(kpi),
    ]
    return Contract(
        kpi.key,
        str(kpi.label),
        str(kpi.meaning),
        str(kpi.formula),
        tuple(facts),
        tuple(_past(kpi, item, shelf.scope) for item in shelf.limits.get(kpi.key, ())),
        rows_url(kpi),
        reverse("kpis:help") + f"#{kpi.key}",
        diagnose_url(kpi, shelf.scope),
    )


def of_measure(measure: Measure, shelf: Shelf) -> Contract:
    """The contract of a plain number: what is added up, from which report, until when it may move."""
    moving = ngettext("final after %(n)s day", "final after %(n)s days", measure.mature_days)
    maturity = moving % {"n": measure.mature_days} if measure.mature_days else _("final as soon as it is there")
    facts = (*_sources([measure], shelf), Fact(_("Maturity"), maturity))
    return Contract(measure.key, str(measure.label), "", _("Added up over the days"), facts)


def window_words(kpi: Kpi) -> str:
    """Over how many days a KPI is judged."""
    match kpi.window:
        case Window.LATEST if kpi.orders and kpi.orders.days:
            return _("the days Amazon counts, as stated in the newest report")
        case Window.LATEST:
            return _("the newest day Amazon has stated")
        case Window.AVERAGE_DENOMINATOR:
            words = ngettext(
                "the newest day against the average of %(n)s day",
                "the newest day against the average of %(n)s days",
                kpi.days,
            )
            return words % {"n": kpi.days}
    return ngettext("the last %(n)s mature day", "the last %(n)s mature days", kpi.days) % {"n": kpi.days}


def maturity_words(kpi: Kpi, scope: AccountMarketplace | None = None) -> str:
    """Until when the figure may still move, and how long its reports keep one waiting."""
    wait = kpi.mature_days
    lags = [feeds.datasets()[measures()[name].dataset].lag_days for name in kpi.parts if measures()[name].dataset]
    parts = []
    if wait:
        parts.append(ngettext("final after %(n)s day", "final after %(n)s days", wait) % {"n": wait})
        if scope is not None:
            first = scope.marketplace.today() - timedelta(days=wait)
            parts.append(_("provisional from %(day)s") % {"day": formats.day(first)})
    else:
        parts.append(_("final as soon as it is there"))
    if lag := max(lags, default=0):
        words = ngettext(
            "its report is complete %(n)s day after the day", "its report is complete %(n)s days after the day", lag
        )
        parts.append(words % {"n": lag})
    return joins.listed(parts)


def grain_words(grain: Grain) -> str:
    """What one figure is about."""
    return {
        Grain.MARKETPLACE: _("an account in a marketplace"),
        Grain.ASIN: _("an ASIN"),
        Grain.SKU: _("a SKU"),
        Grain.CAMPAIGN: _("a campaign"),
        Grain.TERM: _("a search term"),
    }[grain]


def unit_words(unit: Unit) -> str:
    return {
        Unit.MONEY: _("money, in the marketplace's currency"),
        Unit.COUNT: _("number"),
        Unit.RATE: _("percent"),
        Unit.DAYS: _("days"),
        Unit.PER_YEAR: _("times a year"),
        Unit.TIMES: _("times"),
        Unit.SCORE: _("points"),
    }[unit]


def direction_words(kpi: Kpi) -> str:
    return {1: _("more is better"), -1: _("less is better")}.get(kpi.direction, _("neither more nor less is better"))


def counterpart(kpi: Kpi, rows: Sequence[Mapping[str, Any]], scope: AccountMarketplace) -> Fact | None:
    """Amazon's own figure beside ours of the newest day that has both."""
    for row in reversed(rows):
        stated, top = row.get(kpi.counterpart), row.get(kpi.numerator)
        bottom = row.get(kpi.denominator) if kpi.denominator else 1
        if stated is None or top is None or not bottom:
            continue
        ours = kpi.scale * top / bottom
        amazon, mine = (figures.in_words(value, kpi.unit, scope.marketplace) for value in (stated, ours))
        day = formats.day(row["date"])
        if amazon == mine:
            return Fact(_("Amazon's own"), _("%(amazon)s, the same as ours") % {"amazon": amazon}, day)
        text = _("Amazon %(amazon)s · ours %(ours)s") % {"amazon": amazon, "ours": mine}
        return Fact(_("Amazon's own"), text, _("%(day)s; Amazon's counts give our figure") % {"day": day})
    return None


def _judged_over(kpi: Kpi, verdict: Verdict) -> Iterable[Fact]:
    if verdict.value is None:
        yield Fact(_("Judged"), _("not: %(why)s") % {"why": reason_words(verdict.reason)})
    elif verdict.first and verdict.last and kpi.window is not Window.LATEST:
        length = (verdict.last - verdict.first).days + 1
        text = formats.day(verdict.last)
        if length > 1:
            text = _("%(first)s to %(last)s") % {"first": formats.day(verdict.first), "last": text}
        days = ngettext("%(n)s day", "%(n)s days", length) % {"n": length}
        value = figures.in_words(verdict.value, kpi.unit, verdict.marketplace)
        yield Fact(_("Judged"), _("%(value)s over %(days)s") % {"value": value, "days": text}, days)


def stated_days(kpi: Kpi, row: Mapping[str, Any] | None) -> Fact | None:
    """The days Amazon counted for the figure it stated on a day."""
    if row is None or kpi.orders is None or not row.get(kpi.orders.days) or row.get(kpi.orders.lag) is None:
        return None
    length, last = int(row[kpi.orders.days]), row["date"] - timedelta(days=int(row[kpi.orders.lag]))
    words = {"first": formats.day(last - timedelta(days=length - 1)), "last": formats.day(last)}
    days = ngettext("%(n)s day", "%(n)s days", length) % {"n": length}
    return Fact(_("Amazon counted"), _("%(first)s to %(last)s") % words, days)


def _inside(kpi: Kpi, shelf: Shelf) -> Iterable[Fact]:
    """How many campaigns, terms or products break the limit by themselves."""
    for snapshot in snapshots().values():
        by_status = shelf.entities.get((kpi.key, snapshot.key), {})
        over, near = by_status.get("breach", 0), by_status.get("warn", 0)
        if over or near:
            words = {"over": formats.decimals(over), "near": formats.decimals(near)}
            yield Fact(str(snapshot.label), _("%(over)s over the limit, %(near)s close to it") % words)


def _sources(items: Sequence[Measure], shelf: Shelf) -> Iterable[Fact]:
    seen: dict[str, date | None] = {}
    for measure in items:
        if measure.dataset:
            seen[measure.dataset] = shelf.covered.get(measure.dataset)
    for dataset, last in seen.items():
        until = _("up to %(day)s") % {"day": formats.day(last)} if last else _("not fetched yet")
        yield Fact(_("Source"), source_label(dataset), until, reverse("feeds:index"))
    if not seen:
        yield Fact(_("Source"), _("typed in by hand"), "", reverse("kpis:manual"))


def source_label(dataset: str) -> str:
    """The report that feeds a dataset, as the Data page calls it."""
    for spec in feeds.specs():
        if spec.api and any(one.key == dataset for one in spec.datasets):
            return str(spec.label)
    return str(feeds.datasets()[dataset].label)


def _at_amazon(kpi: Kpi) -> Iterable[Fact]:
    if kpi.amazon_name:
        yield Fact(_("At Amazon"), kpi.amazon_name, kpi.amazon_page)


def _past(kpi: Kpi, item: PastLimit, scope: AccountMarketplace) -> PastLine:
    where = [item.marketplace] if item.marketplace else []
    if not item.mails:
        where.append(_("colours the tile, mails nobody"))
    return PastLine(
        formats.day(item.valid_from, year=True),
        figures.limit_words(item, kpi, scope.marketplace),
        source_words(item.source),
        " · ".join([*where, *filter(None, (item.by, item.note))]),
        item.current,
    )


def diagnose_url(kpi: Kpi, scope: AccountMarketplace) -> str:
    """The page that says why a KPI is what it is; empty where it has no playbook."""
    if kpi.key not in playbooks():
        return ""
    return reverse("diagnosis:kpi", args=[kpi.key]) + f"?scope={scope.pk}"


def rows_url(kpi: Kpi) -> str:
    """The page with the rows behind a KPI; empty where there is none yet."""
    if not kpi.rows:
        return ""
    name, _hash, fragment = kpi.rows[0].partition("#")
    try:
        return reverse(name, args=kpi.rows[1:]) + (f"#{fragment}" if fragment else "")
    except NoReverseMatch:
        return ""
