"""How far back a report goes, what is stored of it, and what it would take to have the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import ngettext

from opsboard.accounts.models import AccountMarketplace
from opsboard.ui import formats

from . import finality, registry, schedule
from .models import Coverage
from .registry import ReportSpec

Window = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Part:
    """One report of a back-fill that would begin on a day: what is asked for, and what is not, and why."""

    spec: ReportSpec
    #: The windows to ask for, the newest first: one document each.
    windows: list[Window]
    #: The first day Amazon answers for, where that is later than the day asked for.
    reach: date | None
    #: Days (weeks, months) of the span that are stored already, and how many the span has.
    stored: int
    days: int
    #: Reports people can download for what lies further back.
    uploads: tuple[ReportSpec, ...]


def has_past(spec: ReportSpec) -> bool:
    """Whether a history of it can be asked for: not of states of now, nor of what Amazon makes by itself."""
    return bool(spec.api) and spec.history and not spec.discovered


def part(spec: ReportSpec, scope: AccountMarketplace, first_day: date, now: datetime) -> Part:
    """What a back-fill from a day on asks of one report."""
    today = scope.marketplace.day_of(now)
    last, earliest = today - timedelta(days=1), schedule.earliest_day(spec, today)
    oldest = max(first_day, earliest)
    told = spec.period.first_days(oldest, last) if oldest <= last else []
    held = _stored(spec, scope, told)
    whole = spec.windows(oldest, last) if oldest <= last else []
    # A week or a month is held under its first day.
    missing = [window for window in whole if any(day not in held for day in spec.period.first_days(*window))]
    answered = finality.answered_windows(spec, scope, missing)
    return Part(
        spec=spec,
        windows=[window for window in missing if window not in answered],
        reach=earliest if first_day < earliest else None,
        stored=len(held),
        days=len(told),
        uploads=uploads_for(spec) if first_day < earliest else (),
    )


def _stored(spec: ReportSpec, scope: AccountMarketplace, told: list[date]) -> set[date]:
    """Of some days those that every dataset of the report holds."""
    if not told:
        return set()
    held: dict[str, set[date]] = {dataset.key: set() for dataset in spec.datasets}
    # Leans on coverage_once: one range of the index a dataset.
    rows = Coverage.objects.filter(
        account=scope.account_id,
        marketplace=scope.marketplace_id,
        dataset__in=held,
        date__range=(told[0], told[-1]),
    )
    for dataset, day in rows.values_list("dataset", "date"):
        held[dataset].add(day)
    return set.intersection(*held.values()) & set(told)


def uploads_for(spec: ReportSpec) -> tuple[ReportSpec, ...]:
    """The downloads that fill one of the tables this report fills; a table is downloaded as Amazon sends it."""
    tables = {dataset.model for dataset in spec.datasets}
    return tuple(
        one
        for one in registry.specs()
        if (not one.api or (one is spec and one.format != "json"))
        and any(dataset.model in tables for dataset in one.datasets)
    )


def limit_words(part: Part, scope: AccountMarketplace) -> str:
    """Why a report begins later than asked; nothing when it does not."""
    if part.reach is None:
        return ""
    days = part.spec.lookback_days
    told = {"days": days, "from": formats.day(part.reach, today=scope.marketplace.today())}
    if part.spec.modest:
        words = ngettext(
            "opsboard asks for %(days)d day, so from %(from)s.",
            "opsboard asks for %(days)d days, so from %(from)s.",
            days,
        )
        return words % told
    words = ngettext(
        "Amazon keeps %(days)d day, so from %(from)s.", "Amazon keeps %(days)d days, so from %(from)s.", days
    )
    return words % told


def by_api(parts: Iterable[Part]) -> dict[str, int]:
    """Requests by the API they are asked of."""
    found: dict[str, int] = {}
    for one in parts:
        found[one.spec.api] = found.get(one.spec.api, 0) + len(one.windows)
    return found
