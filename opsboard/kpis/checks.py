"""Start-up checks: every declared measure and KPI holds together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.utils.functional import Promise

from opsboard.feeds import registry as feeds

from .entities import entity_kpis
from .registry import Kpi, Unit, Window, kpis, measures
from .snapshots import snapshots

_KEY = re.compile(r"[a-z0-9_.]{1,60}")


@register()
def check_declarations(app_configs: Any, **_options: Any) -> list[CheckMessage]:
    return [*_measure_errors(), *_kpi_errors(), *_snapshot_errors()]


def _measure_errors() -> Iterator[CheckMessage]:
    datasets = feeds.datasets()
    for measure in measures().values():
        if not _KEY.fullmatch(measure.key):
            yield Error(
                f"Measure {measure.key!r} has a key that is not lower-case letters, digits, dots and underscores.",
                hint="The key is written into the roll-up's SQL.",
                id="kpis.E007",
            )
        if measure.model is not None and measure.dataset not in datasets:
            yield Error(
                f"Measure {measure.key} names the unknown dataset {measure.dataset!r}.",
                hint=f"Declared datasets: {', '.join(sorted(datasets))}.",
                id="kpis.E001",
            )
        elif measure.model is not None and datasets[measure.dataset].model is not measure.model:
            yield Error(f"Measure {measure.key} sums another table than its dataset fills.", id="kpis.E002")


def _kpi_errors() -> Iterator[CheckMessage]:
    known = measures()
    for kpi in kpis().values():
        orders = (kpi.orders.days, kpi.orders.lag) if kpi.orders else ()
        for name in filter(None, (*kpi.parts, kpi.target, kpi.counterpart, *orders)):
            if name not in known:
                yield Error(
                    f"KPI {kpi.key} names the unknown measure {name!r}.",
                    hint="Declare it with register_measures() in a domain's kpis.py.",
                    id="kpis.E003",
                )
        if not str(kpi.meaning) or not str(kpi.formula):
            yield Error(f"KPI {kpi.key} does not say what it means and how it is computed.", id="kpis.E004")
        for limit in kpi.limits:
            if not limit.source:
                yield Error(f"KPI {kpi.key} has a limit without a source.", id="kpis.E005")
            if limit.low is None and limit.high is None:
                yield Error(f"KPI {kpi.key} has a limit with neither end.", id="kpis.E006")
            if limit.low is not None and limit.high is not None and limit.low >= limit.high:
                yield Error(f"KPI {kpi.key} has a limit that no value keeps.", id="kpis.E008")
            if limit.severity not in {"breach", "warn"}:
                yield Error(f"KPI {kpi.key} has a limit of the unknown severity {limit.severity!r}.", id="kpis.E009")
        if kpi.window is Window.AVERAGE_DENOMINATOR and not kpi.denominator:
            yield Error(f"KPI {kpi.key} averages a denominator it does not have.", id="kpis.E010")
        yield from _contract_errors(kpi)


def _contract_errors(kpi: Kpi) -> Iterator[CheckMessage]:
    """What a KPI must say to be read in every language and on every day."""
    for name in ("label", "meaning", "formula", "next_step"):
        words = getattr(kpi, name)
        if str(words) and not isinstance(words, Promise):
            yield Error(
                f"KPI {kpi.key} has a {name} that cannot be translated.",
                hint='Mark it with gettext_lazy: _("...").',
                id="kpis.E011",
            )
    starts = [(limit.marketplace, limit.valid_from) for limit in kpi.limits]
    if len(set(starts)) < len(starts):
        yield Error(f"KPI {kpi.key} has two limits from the same day on.", id="kpis.E012")
    if kpi.orders and (kpi.unit not in {Unit.RATE, Unit.COUNT} or kpi.window is Window.AVERAGE_DENOMINATOR):
        yield Error(f"KPI {kpi.key} counts orders and is no count and no share of them.", id="kpis.E013")
    if kpi.orders and bool(kpi.orders.days) != bool(kpi.orders.lag):
        yield Error(f"KPI {kpi.key} says one of how many days Amazon counts and when they end.", id="kpis.E014")


def _snapshot_errors() -> Iterator[CheckMessage]:
    datasets = feeds.datasets()
    for item in snapshots().values():
        if item.dataset not in datasets or datasets[item.dataset].model is not item.fact:
            yield Error(f"Snapshot {item.key} sums another table than its dataset fills.", id="kpis.E015")
        columns = {field.name for field in item.model._meta.get_fields()}
        wanted = {item.entity, *item.told, *item.sums, *(f"p_{name}" for name in item.sums)}
        if missing := wanted - columns:
            yield Error(
                f"Snapshot {item.key} has no column for {', '.join(sorted(missing))}.",
                hint=f"Add it to {item.model.__name__}: `x` for the period, `p_x` for the one before.",
                id="kpis.E016",
            )
    for kpi in entity_kpis():
        if kpi.kpi not in kpis():
            yield Error(f"Entities of {kpi.snapshot.key} are judged by the unknown KPI {kpi.kpi!r}.", id="kpis.E017")
