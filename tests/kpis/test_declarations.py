"""What a domain declares is checked at start-up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from opsboard.kpis import entities, registry, snapshots
from opsboard.kpis.checks import check_declarations
from opsboard.kpis.registry import Kpi, Limit, Measure, Orders, Unit, Window

from .planted import ACOS, LONG_AGO, MEASURES, ODR


def ids(monkeypatch: pytest.MonkeyPatch, *, kpi: Kpi = ACOS, measure: Measure | None = None) -> set[str | None]:
    known = {item.key: item for item in MEASURES}
    if measure:
        known[measure.key] = measure
    monkeypatch.setattr(registry, "_measures", known)
    monkeypatch.setattr(registry, "_kpis", {kpi.key: kpi})
    monkeypatch.setattr(entities, "_kpis", [])
    return {error.id for error in check_declarations(None)}


def test_the_real_declarations_hold_together() -> None:
    assert check_declarations(None) == []
    assert {"acos", "tacos", "odr_mfn", "ipi"} <= set(registry.kpis())


def test_an_unknown_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, kpi=replace(ACOS, denominator="t.typo")) == {"kpis.E003"}


def test_a_limit_without_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, kpi=replace(ACOS, limits=(Limit(date(2020, 1, 1), "", high=Decimal(1)),))) == {"kpis.E005"}


def test_a_limit_with_neither_end_or_crossed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    neither = Limit(date(2020, 1, 1), "Handbook")
    crossed = Limit(date(2020, 1, 1), "Handbook", low=Decimal(2), high=Decimal(1))

    assert ids(monkeypatch, kpi=replace(ACOS, limits=(neither,))) == {"kpis.E006"}
    assert ids(monkeypatch, kpi=replace(ACOS, limits=(crossed,))) == {"kpis.E008"}


def test_a_kpi_that_does_not_explain_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, kpi=replace(ACOS, meaning="")) == {"kpis.E004"}
    assert ids(monkeypatch, kpi=replace(ACOS, formula="")) == {"kpis.E004"}


def test_an_average_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, kpi=replace(ACOS, denominator="", window=Window.AVERAGE_DENOMINATOR)) == {"kpis.E010"}


def test_an_unknown_dataset_and_a_key_that_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from ads.models import CampaignDay

    lost = Measure("t.lost", "Lost", Unit.COUNT, "no_such", CampaignDay, "sum(clicks)")
    quoted = Measure("t.'; DROP", "Quoted", Unit.COUNT, "", None, "")

    assert ids(monkeypatch, measure=lost) == {"kpis.E001"}
    assert ids(monkeypatch, measure=quoted) == {"kpis.E007"}


def test_two_of_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kpis", {ACOS.key: ACOS})

    with pytest.raises(ValueError, match="two KPIs are called t_acos"):
        registry.register_kpis(replace(ACOS))


def test_amazons_figure_and_amazons_days_are_measures_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def more(n: int) -> str:
        return f"{n} more"

    assert ids(monkeypatch, kpi=replace(ODR, counterpart="t.typo")) == {"kpis.E003"}
    assert ids(monkeypatch, kpi=replace(ODR, orders=Orders(more, days="t.typo", lag="t.orders"))) == {"kpis.E003"}
    assert ids(monkeypatch, kpi=replace(ODR, orders=Orders(more, days="t.orders"))) == {"kpis.E014"}
    assert ids(monkeypatch, kpi=replace(ODR, unit=Unit.DAYS, orders=Orders(more))) == {"kpis.E013"}


def test_words_that_nobody_can_translate(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, kpi=replace(ACOS, label="ACoS")) == {"kpis.E011"}
    assert ids(monkeypatch, kpi=replace(ACOS, next_step="Lower the bids.")) == {"kpis.E011"}


def test_two_limits_from_the_same_day_on(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = (Limit(LONG_AGO, "Handbook", high=Decimal(1)), Limit(LONG_AGO, "Handbook", high=Decimal(2)))

    assert ids(monkeypatch, kpi=replace(ACOS, limits=twice)) == {"kpis.E012"}


def test_a_window_without_a_column_for_what_it_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = snapshots.snapshots()["campaigns"]
    wider = replace(kept, sums={**kept.sums, "units": "sum(units)"})
    monkeypatch.setattr(snapshots, "_snapshots", {"campaigns": wider})

    (error,) = check_declarations(None)

    assert error.id == "kpis.E016" and "p_units, units" in error.msg


def test_campaigns_judged_by_a_figure_nobody_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = replace(entities.entity_kpis()[0], kpi="typo")
    monkeypatch.setattr(entities, "_kpis", [lost])

    assert [error.id for error in check_declarations(None)] == ["kpis.E017"]
