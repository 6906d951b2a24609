"""What every fact row carries, and how fact tables are made.

Facts are narrow and replaced by scope, never edited: smallint account and marketplace first
(so the tables can be distributed by account), Amazon's own ids or compact text keys, bigint
minor units in the marketplace's currency, and the document and line each row came from.
No foreign-key constraints: a replaced scope is checked once, not once per row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations, models

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class Fact(models.Model):
    """A row of a fact table; subclasses add `pk = CompositePrimaryKey(...)` and measures."""

    account_id = models.SmallIntegerField()
    marketplace_id = models.SmallIntegerField()
    document_id = models.BigIntegerField()
    line = models.IntegerField()

    class Meta:
        abstract = True


class CompactTextField(_CharField):
    """Identifier text compared by bytes: half the index cost of a locale-aware collation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("db_collation", "C")
        super().__init__(*args, **kwargs)


class CreatePartitionedModel(migrations.CreateModel):
    """CreateModel whose table is range-partitioned by its `date` column, a partition a month.

    Partitions are made when a document needs them (opsboard.feeds.partitions).
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        sql, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{sql} PARTITION BY RANGE (date)", params or None)
        for index in model._meta.indexes:
            schema_editor.add_index(model, index)
