"""The rows a dataset holds of a day, whatever its fact table: each with its figures, its document and its line.

One generic table for all of them, so that any figure of any page leads to the lines it was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from opsboard.ui import tables
from opsboard.ui.tables import Table

from .registry import Column, Dataset, Kind, Scope
from .staging import columns_of

_UNITS = {Kind.MONEY: "money", Kind.RATE: "rate", Kind.PERCENT: "rate", Kind.INTEGER: "count", Kind.NUMBER: "number"}
#: Said by every row's place rather than by its columns.
_PLACE = {"account_id", "marketplace_id", "document_id", "line", "date", "ordinal"}


def rows_table(dataset: Dataset) -> Table:
    """The stored rows of %(day)s (of a state: those that count now), under the names Amazon's report gives them."""
    declared = {column.field: column for column in columns_of(dataset)}
    fields = [
        field for field in dataset.model._meta.concrete_fields if not isinstance(field, models.CompositePrimaryKey)
    ]
    names = list(_names(dataset, declared))
    shown = [_shown(field, declared) for field in fields if field.attname not in _PLACE]
    return Table(
        name=f"rows-{dataset.key}",
        title=_("The rows stored of it"),
        rows_sql=_sql(dataset, [field.attname for field in fields], names),
        sums=tuple(name for name in dataset.sums if name in {field.attname for field in fields}),
        texts=("document_id",),
        columns=(
            tables.Column("line", _("Line"), "count", total=False),
            *(tables.Column(alias, label, "text", alias) for alias, label, _expression in names),
            *(_totalled(column, dataset) for column in shown),
            tables.Column("document", _("Document"), "text", "document_id::text"),
        ),
        sort="line",
        search=tuple(alias for alias, _label, _expression in names) or ("key",),
        search_label=_("Find a row"),
        empty=_("No row is stored of it."),
    )


def _totalled(column: tables.Column, dataset: Dataset) -> tables.Column:
    if column.numeric and column.key not in dataset.sums:
        return tables.Column(column.key, column.label, column.unit, column.sql, total=False, digits=2)
    return column


def _shown(field: models.Field[Any, Any], declared: Mapping[str, Column]) -> tables.Column:
    """A stored field as a column: numbers as what they were declared to be, all else as text."""
    column = declared.get(field.attname)
    label = column.names[0] if column is not None and column.names else field.attname
    unit = _UNITS.get(column.kind, "text") if column is not None else _unit_of(field)
    return tables.Column(field.attname, label, unit, "" if unit != "text" else f"{field.attname}::text", digits=2)


def _unit_of(field: models.Field[Any, Any]) -> str:
    """The unit of a field that is made of others."""
    if field.attname.endswith("_minor"):
        return "money"
    if isinstance(field, models.DecimalField):
        return "number"
    # Ids and keys are numbers nobody counts with.
    return (
        "count" if isinstance(field, models.IntegerField) and not isinstance(field, models.BigIntegerField) else "text"
    )


def _names(dataset: Dataset, declared: Mapping[str, Column]) -> Iterator[tuple[str, str, str]]:
    """(alias, label, SQL) of the names of the entities a row speaks of."""
    for number, dimension in enumerate(dataset.dimensions):
        for name, staged in dimension.columns.items():
            if isinstance(dimension.model._meta.get_field(name), (models.CharField, models.TextField)):
                column = declared.get(staged) or next((c for c in dataset.columns if c.text_field == staged), None)
                yield f"d{number}_{name}", column.names[0] if column and column.names else name, f"d{number}.{name}"


def _sql(dataset: Dataset, fields: list[str], names: list[tuple[str, str, str]]) -> str:
    """Leans on the fact table's primary key (account, marketplace, date, ...) and on those of the dimensions."""
    key = [name for name in _key_of(dataset.model) if name not in {"account_id", "marketplace_id"}]
    joins = [
        f"LEFT JOIN {dimension.model._meta.db_table} d{number} ON d{number}.account_id = f.account_id "
        f"AND d{number}.marketplace_id = f.marketplace_id "
        + "".join(f"AND d{number}.{name} = f.{name} " for name in dimension.key)
        for number, dimension in enumerate(dataset.dimensions)
    ]
    selected = [f"f.{name}" for name in fields] + [f"{expression} AS {alias}" for alias, _label, expression in names]
    day = "" if dataset.scope is Scope.STATE or "date" not in fields else "AND f.date = %(day)s"
    return (
        f"SELECT concat_ws('|', {', '.join(f'f.{name}' for name in key)}) AS key, {', '.join(selected)} "
        f"FROM {dataset.model._meta.db_table} f {' '.join(joins)} "
        f"WHERE f.account_id = %(account)s AND f.marketplace_id = %(marketplace)s {day}"
    )


def _key_of(model: type[models.Model]) -> tuple[str, ...]:
    key = model._meta.pk
    return tuple(key.field_names) if isinstance(key, models.CompositePrimaryKey) else (model._meta.pk.attname,)
