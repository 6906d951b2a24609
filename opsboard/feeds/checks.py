"""Start-up checks: every declared report can be asked for, read and stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.db import models

from . import reconciliation, slots
from .registry import Column, Dataset, Dimension, Kind, ReportSpec, Scope, specs

_KEY = re.compile(r"[a-z0-9_]{1,40}")
_SCOPE_FIELDS = {"account_id", "marketplace_id"}
_APIS, _FORMATS = {"sp", "ads", ""}, {"tsv", "json", "csv"}


@register()
def check_reports(app_configs: Any, **_options: Any) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    seen: list[Dataset] = []
    for spec in specs():
        errors += _spec_errors(spec)
        for dataset in spec.datasets:
            if any(dataset is one for one in seen):
                continue
            # An API report and a download of the same facts read other names and fill one table.
            if any(dataset.key == one.key and dataset.model is not one.model for one in seen):
                errors.append(Error(f"Datasets called {dataset.key!r} fill different tables.", id="feeds.E001"))
            errors += _dataset_errors(dataset)
            seen.append(dataset)
    return errors


def _spec_errors(spec: ReportSpec) -> Iterator[CheckMessage]:
    if not _KEY.fullmatch(spec.key):
        yield Error(
            f"Report {spec.key!r} has a key that is not lower-case letters, digits, underscores.", id="feeds.E002"
        )
    if spec.api not in _APIS or spec.format not in _FORMATS:
        yield Error(
            f"Report {spec.key} has the API {spec.api!r} and the format {spec.format!r}.",
            hint=f"APIs: {sorted(_APIS)}; formats: {sorted(_FORMATS)}.",
            id="feeds.E003",
        )
    if not spec.datasets:
        yield Error(f"Report {spec.key} feeds nothing.", id="feeds.E004")
    if spec.max_days < 1 or spec.lookback_days < 1 or spec.every_hours < 1 or spec.reask_days < 1:
        yield Error(f"Report {spec.key} has a span or an interval under one.", id="feeds.E005")
    if spec.every_hours % slots.WEEK_HOURS and 24 % spec.every_hours:
        yield Error(
            f"Report {spec.key} is pulled every {spec.every_hours} hours, which no clock on a wall shows.",
            hint="Divide a day evenly, or say a week (168).",
            id="feeds.E021",
        )
    if spec.every_hours < spec.shortest_hours:
        yield Error(f"Report {spec.key} is pulled oftener than Amazon makes it.", id="feeds.E022")
    if max(spec.deep_reask_days, spec.until_final_days) > spec.lookback_days or (
        spec.deep_reask_days and (spec.until_final_days or spec.deep_every_days < 1 or not spec.history)
    ):
        yield Error(f"Report {spec.key} asks deeper than it can.", id="feeds.E023")
    if spec.discovered and (spec.api != "sp" or spec.format != "tsv"):
        yield Error(f"Report {spec.key} is discovered, which only tables of the SP-API are.", id="feeds.E018")
    if spec.reusable_minutes and (spec.options or spec.ask or spec.api != "sp" or spec.discovered):
        yield Error(
            f"Report {spec.key} is taken over from others, and what is in it depends on how it was asked for.",
            hint="Amazon's list of reports does not name their options: only reports without any can be compared.",
            id="feeds.E024",
        )
    if (spec.personal or spec.written) and spec.format == "json":
        yield Error(f"Report {spec.key} has personal columns, which only tables have.", id="feeds.E020")
    if spec.api == "ads":
        asked = {str(name) for name in spec.ads_configuration.get("columns", ())}
        for column in _read_columns(spec):
            if not asked.intersection(column.names):
                yield Error(
                    f"Report {spec.key} reads {column.names[0]!r} and never asks for it.",
                    hint="Add it to ads_configuration['columns'].",
                    id="feeds.E006",
                )


def _read_columns(spec: ReportSpec) -> Iterator[Column]:
    for dataset in spec.datasets:
        yield from _columns(dataset)


def _columns(dataset: Dataset) -> Iterator[Column]:
    yield from dataset.columns
    for dimension in dataset.dimensions:
        yield from dimension.extra


def _dataset_errors(dataset: Dataset) -> Iterator[CheckMessage]:
    fields = {field.attname for field in dataset.model._meta.concrete_fields}
    if not isinstance(dataset.model._meta.pk, models.CompositePrimaryKey) or not fields >= _SCOPE_FIELDS:
        yield Error(
            f"Dataset {dataset.key} fills {dataset.model.__name__}, which is not keyed by account and marketplace.",
            hint="Derive it from one of opsboard.feeds.facts.",
            id="feeds.E007",
        )
        return
    staged = {column.field for column in dataset.columns if column.kind is not Kind.CURRENCY}
    spoken = " ".join([*dataset.derived.values(), dataset.source])
    for column in dataset.columns:
        if not column.names:
            yield Error(f"Dataset {dataset.key} does not say where {column.field} comes from.", id="feeds.E008")
        read = f"s.{column.field}" in spoken or dataset.verify is not None or column.field == dataset.shop
        used = read or column.field in fields
        if column.kind is not Kind.CURRENCY and not used:
            yield Error(
                f"Dataset {dataset.key} reads {column.field} and {dataset.model.__name__} has no such field.",
                hint="Name the field as the model does, or use it in `derived`.",
                id="feeds.E009",
            )
    dated = any(c.field == "date" and c.kind is Kind.DATE for c in dataset.columns)
    if dataset.scope is Scope.GROUPS:
        yield from _group_errors(dataset, fields, staged, dated)
    elif (dataset.scope is Scope.DAYS) != dated:
        yield Error(
            f"Dataset {dataset.key}: a date on each row belongs to Scope.DAYS, and only there.", id="feeds.E010"
        )
    if dataset.source != "{table}" and dataset.scope is not Scope.GROUPS:
        yield Error(f"Dataset {dataset.key} makes rows of its own, which only groups do.", id="feeds.E019")
    if dataset.shop and dataset.shop not in {c.field for c in dataset.columns if c.kind is Kind.TEXT}:
        yield Error(f"Dataset {dataset.key} finds the marketplace of a row nowhere.", id="feeds.E017")
    for name in sorted({*dataset.sums} - staged | {*dataset.derived} - staged - fields):
        yield Error(f"Dataset {dataset.key} adds up or derives {name!r}, which it does not read.", id="feeds.E011")
    known = staged | {column.text_field for column in dataset.columns if column.text_field}
    for dimension in dataset.dimensions:
        yield from _dimension_errors(dataset, dimension, known | {column.field for column in dimension.extra})


def _group_errors(dataset: Dataset, fields: set[str], staged: set[str], dated: bool) -> Iterator[CheckMessage]:
    if not dataset.group or {*dataset.group, *filter(None, [dataset.version])} - fields:
        yield Error(f"Dataset {dataset.key} does not name its groups by fields it stores.", id="feeds.E014")
    if not dated and "date" not in dataset.derived:
        yield Error(f"Dataset {dataset.key} does not say the day of a row.", id="feeds.E015")
    if set(dataset.complete or ()) - staged:
        yield Error(f"Dataset {dataset.key} takes the days it is complete for from nowhere.", id="feeds.E016")


def _dimension_errors(dataset: Dataset, dimension: Dimension, known: set[str]) -> Iterator[CheckMessage]:
    fields = {field.attname for field in dimension.model._meta.concrete_fields}
    where = f"Dimension {dimension.model.__name__} of dataset {dataset.key}"
    for name in sorted({*dimension.key, *dimension.columns} - fields):
        yield Error(f"{where} fills {name!r}, which the model has not.", id="feeds.E012")
    for name in sorted({*dimension.key, *dimension.columns.values()} - known):
        yield Error(f"{where} takes {name!r}, which the report does not give.", id="feeds.E013")


@register()
def check_reconciliations(app_configs: Any, **_options: Any) -> list[CheckMessage]:
    known = {dataset.key: dataset for spec in specs() for dataset in spec.datasets}
    errors: list[CheckMessage] = []
    for check in reconciliation.checks().values():
        if not _KEY.fullmatch(check.key):
            errors.append(
                Error(f"Reconciliation {check.key!r} has a key that is no word of an address.", id="feeds.E030")
            )
        for side in (check.left, check.right):
            if side.dataset not in known or known[side.dataset].model is not side.model:
                errors.append(
                    Error(
                        f"Reconciliation {check.key}: no report fills {side.model} as {side.dataset}.", id="feeds.E031"
                    )
                )
        if check.excuse and not check.reason:
            errors.append(Error(f"Reconciliation {check.key} excuses a difference without a reason.", id="feeds.E032"))
    return errors
