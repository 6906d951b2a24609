"""What a domain declares of its reports is checked at start-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ads.reports import SP_CAMPAIGNS, SP_SEARCH_TERMS
from health.reports import PERFORMANCE
from opsboard.accounts.models import Organisation
from opsboard.feeds import registry
from opsboard.feeds.checks import check_reports
from opsboard.feeds.registry import Column, Dataset, Kind, ReportSpec, Scope

Ids = Callable[..., set[str | None]]
CAMPAIGNS = registry.spec("sp_campaigns")


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> Ids:
    """The ids of what is wrong when this one report is all there is."""

    def found(spec: ReportSpec = CAMPAIGNS, dataset: Dataset | None = None, **changes: Any) -> set[str | None]:
        changed = replace(spec, **({"datasets": (dataset,)} if dataset else {}), **changes)
        monkeypatch.setattr(registry, "_specs", {changed.key: changed})
        return {error.id for error in check_reports(None)}

    return found


def test_the_real_reports_hold_together() -> None:
    assert check_reports(None) == []


def test_a_report_that_cannot_be_asked_for(ids: Ids) -> None:
    assert ids(key="No Key") == {"feeds.E002"}
    assert ids(api="mws") == {"feeds.E003"}
    assert ids(format="pdf") == {"feeds.E003"}
    assert ids(max_days=0) == {"feeds.E005"}
    assert ids(datasets=()) == {"feeds.E004"}


def test_a_column_that_is_read_and_never_asked_for(ids: Ids) -> None:
    asked = [name for name in CAMPAIGNS.ads_configuration["columns"] if name != "cost"]
    assert ids(ads_configuration={**CAMPAIGNS.ads_configuration, "columns": asked}) == {"feeds.E006"}


def test_a_column_that_is_stored_nowhere(ids: Ids) -> None:
    lost = Column("clikcs", Kind.INTEGER, ("clicks",))
    assert ids(dataset=replace(SP_CAMPAIGNS, columns=(*SP_CAMPAIGNS.columns, lost))) == {"feeds.E009"}


def test_a_column_from_nowhere(ids: Ids) -> None:
    columns = tuple(replace(c, names=()) if c.field == "status" else c for c in PERFORMANCE.columns)
    assert ids(registry.spec("performance"), replace(PERFORMANCE, columns=columns)) == {"feeds.E008"}


def test_dates_belong_to_reports_by_day(ids: Ids) -> None:
    assert ids(dataset=replace(SP_CAMPAIGNS, scope=Scope.DAY)) == {"feeds.E010"}


def test_sums_and_derived_fields_are_of_columns_that_are_read(ids: Ids) -> None:
    assert ids(dataset=replace(SP_CAMPAIGNS, sums=("cliks",))) == {"feeds.E011"}
    assert ids(dataset=replace(SP_CAMPAIGNS, derived={"nothing": "1"})) == {"feeds.E011"}


def test_facts_without_a_tenant_are_no_facts(ids: Ids) -> None:
    assert ids(dataset=replace(SP_CAMPAIGNS, model=Organisation)) == {"feeds.E007"}


def test_a_dimension_takes_what_is_read_and_fills_what_there_is(ids: Ids) -> None:
    spec = registry.spec("sp_search_terms")
    term = SP_SEARCH_TERMS.dimensions[0]
    without = replace(SP_SEARCH_TERMS, dimensions=(replace(term, columns={"text": "no_text"}),))
    into = replace(SP_SEARCH_TERMS, dimensions=(replace(term, columns={"no_text": "term_text"}),))
    assert ids(spec, without) == {"feeds.E013"}
    assert ids(spec, into) == {"feeds.E012"}


def test_datasets_of_one_name_fill_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = registry.spec("sp_search_terms")
    twin = replace(spec, key="twin", datasets=(replace(SP_SEARCH_TERMS, key="sp_campaigns"),))
    monkeypatch.setattr(registry, "_specs", {CAMPAIGNS.key: CAMPAIGNS, "twin": twin})
    assert {error.id for error in check_reports(None)} == {"feeds.E001"}
