"""The SKUs or campaigns that an alert is about: the worst first, with their names and the sums behind each figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from opsboard.kpis import figures, held, named
from opsboard.kpis.entities import EntityKpi, entity_kpi
from opsboard.kpis.registry import Evidence, EvidenceRow, Kpi, kpis
from opsboard.ui import formats, joins

from . import groups, words
from .groups import Bounds
from .models import Episode, RuleEntity

#: So many of those that joined last are named.
MOST_NAMED = 5
Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of each beside its name and `value`: the heads, and the cells of one by its entity."""

    heads: Cells
    cells: Mapping[str, Cells]
    #: Whether the last of them is words.
    ends_in_words: bool = False

    def of(self, entity: str) -> Cells:
        return self.cells.get(entity, (formats.NOTHING,) * len(self.heads))


@dataclass(frozen=True, slots=True)
class Line:
    """One of them for the page: `left` is when it was over for it, "" while it lasts."""

    label: str
    #: Its name, where it is known by its SKU or ASIN.
    note: str
    url: str
    value: str
    cells: Cells
    since: str
    left: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All of them, or the worst so many of `count`."""

    title: str
    headers: Cells
    lines: Sequence[Line]
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.lines)


def worst_first(episode: Episode) -> list[RuleEntity]:
    """Those that are in the alert now; of one that is over, those that were in it. Leans on the episode's index."""
    rows = RuleEntity.objects.filter(episode=episode)
    running = list(rows.filter(left_at=None)) if episode.resolved_at is None else _once(rows.order_by("-left_at"))
    bounds = Bounds(episode.low, episode.high)
    return sorted(running, key=lambda row: (-groups.beyond_by(bounds, row.value), row.entity))


def listing(episode: Episode, most: int | None) -> Listing | None:
    """What an alert's page lists: the worst `most` (None: all), then those that left; None where it has none."""
    item = entity_kpi(episode.snapshot, episode.kpi) if episode.snapshot else None
    if item is None:
        return None
    here = worst_first(episode)
    inside = {row.entity for row in here}
    past = _once(RuleEntity.objects.filter(episode=episode).exclude(left_at=None).order_by("-left_at"))
    rows = [*here, *(row for row in past if row.entity not in inside)]
    shown = rows[:most]
    kpi, marketplace = kpis()[episode.kpi], episode.marketplace
    names, told = _called(item, episode, shown), _told(item, episode, shown)
    lines = [
        Line(
            *_heads(item, row.entity, names.get(row.entity, "")),
            named.url(item.snapshot, row.entity),
            words.value(row.value, episode, kpi),
            told.of(row.entity),
            formats.day(row.since),
            formats.day(marketplace.day_of(row.left_at)) if row.left_at and episode.resolved_at is None else "",
        )
        for row in shown
    ]
    headers = (str(item.snapshot.label), _value_head(episode, kpi), *told.heads, _("Beyond since"))
    title = words.counted(episode.snapshot, episode.count)
    return Listing(title, headers, lines, len(rows))


def evidence(episode: Episode, most: int) -> Evidence | None:
    """The worst of them as a mail shows them."""
    item = entity_kpi(episode.snapshot, episode.kpi)
    if item is None:
        return None
    every = worst_first(episode)
    rows, kpi = every[:most], kpis()[episode.kpi]
    names, told = _called(item, episode, rows), _told(item, episode, rows)
    title = _("The worst %(n)s of %(count)s") % {"n": len(rows), "count": words.counted(episode.snapshot, len(every))}
    if len(every) <= len(rows):
        title = words.counted(episode.snapshot, len(every))
    headers = (str(item.snapshot.label), _value_head(episode, kpi), *told.heads)
    return Evidence(
        title,
        headers,
        tuple(
            EvidenceRow(
                _label(item, row.entity, names.get(row.entity, "")),
                (words.value(row.value, episode, kpi), *told.of(row.entity)),
            )
            for row in rows
        ),
        words=(len(headers) - 1,) if told.ends_in_words else (),
    )


def joined_words(episode: Episode) -> str:
    """Who joined last, where some did after the alert was opened."""
    item = entity_kpi(episode.snapshot, episode.kpi)
    rows = RuleEntity.objects.filter(episode=episode, left_at=None, joined_at__gt=episode.opened_at)
    newest = rows.order_by("-joined_at").values_list("joined_at", flat=True).first()
    began = episode.events.filter(reason="joined").exists()
    if item is None or newest is None or not began:
        return ""
    new = sorted(rows.filter(joined_at=newest), key=lambda row: row.entity)
    shown = new[:MOST_NAMED]
    names = _called(item, episode, shown)
    told = joins.listed(_heads(item, row.entity, names.get(row.entity, ""))[0] for row in shown)
    if more := len(new) - len(shown):
        told += " " + ngettext("and %(n)s more", "and %(n)s more", more) % {"n": more}
    return _("Joined last: %(which)s") % {"which": told}


def _heads(item: EntityKpi, entity: str, name: str) -> tuple[str, str]:
    """What it is known by and what is told beside that: campaigns and terms have names, products ids and names."""
    if item.snapshot.naming.by_name and name:
        return name, ""
    return entity, name


def _label(item: EntityKpi, entity: str, name: str) -> str:
    return " ".join(part for part in _heads(item, entity, name[:60]) if part)


def _once(rows: Iterable[RuleEntity]) -> list[RuleEntity]:
    """The newest row of each."""
    found: dict[str, RuleEntity] = {}
    for row in rows:
        found.setdefault(row.entity, row)
    return list(found.values())


def _called(item: EntityKpi, episode: Episode, rows: Sequence[RuleEntity]) -> dict[str, str]:
    return named.names(item.snapshot, (episode.account_id, episode.marketplace_id), [row.entity for row in rows])


def _value_head(episode: Episode, kpi: Kpi) -> str:
    return pgettext("of a figure", "Change") if words.is_share(episode) else str(kpi.label)


def _told(item: EntityKpi, episode: Episode, rows: Sequence[RuleEntity]) -> Told:
    """The sums behind each figure; of a change the figure and what it was, by the days the alert is about."""
    pair, marketplace = (episode.account_id, episode.marketplace_id), episode.marketplace
    entities = [row.entity for row in rows]
    if words.is_share(episode):
        kpi = kpis()[item.kpi]
        found = _changed(item, episode, entities)
        cells = {}
        for entity, one in found.items():
            both = (figures.in_words(value, kpi.unit, marketplace) for value in (one.now, one.before))
            cells[entity] = (*both, *([_driver(item, one)] if item.factors else []))
        heads = (str(kpi.label), _("Before"), *([_("Mostly from")] if item.factors else []))
        return Told(heads, cells, ends_in_words=bool(item.factors))
    sums, units = held.figures(item, pair, entities), [one.unit for one in item.shows]
    return Told(
        tuple(str(one.label) for one in item.shows),
        {
            entity: tuple(figures.in_words(v, unit, marketplace) for v, unit in zip(values, units, strict=True))
            for entity, values in sums.items()
        },
    )


def _changed(item: EntityKpi, episode: Episode, entities: Sequence[str]) -> dict[str, held.Changed]:
    if not (episode.first and episode.last and entities):
        return {}
    pair, window = (episode.account_id, episode.marketplace_id), (episode.first, episode.last)
    return held.changed(item, pair, window, None, None, only=entities, also=entities)


def _driver(item: EntityKpi, one: held.Changed) -> str:
    """ "Visits −55.0 %": what most of a change came from."""
    found = held.driver(item, one)
    return f"{found[0].label} {formats.signed(formats.percent(found[1]), found[1])}" if found else formats.NOTHING


def causes(episode: Episode) -> str:
    """What the changes an alert is about mostly came from: "Mostly from: Visits (2), Sales a unit (1)"; "" unknown."""
    item = entity_kpi(episode.snapshot, episode.kpi)
    if item is None or not item.factors or not words.is_share(episode):
        return ""
    found = _changed(item, episode, [row.entity for row in worst_first(episode)])
    counts = Counter(one[0] for one in (held.driver(item, each) for each in found.values()) if one)
    most_first = sorted((factor for factor in item.factors if factor in counts), key=lambda one: -counts[one])
    told = joins.listed(joins.aside(factor.label, formats.decimals(counts[factor])) for factor in most_first)
    return _("Mostly from: %(which)s") % {"which": told} if told else ""
