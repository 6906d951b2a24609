"""Plants one row of every table for a tenant, every text and number of it recognisable.

A new model is covered without a word: its fields are filled by type. Give RECIPES a value only
for a field that means something (a KPI key, a state), or when a constraint asks for it.
"""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.utils import timezone

from opsboard.accounts.models import AccountMarketplace, Marketplace, Organisation, SellerAccount, User
from opsboard.feeds import partitions

Row = TypeVar("Row", bound=models.Model)

MARKER = "ZQX7MARKER"  # ten letters: fits an ASIN
NUMBER = 7654321
FIRST_ID = 20001  # fits a smallint, and nobody else gets so far in a test

#: What a field means beyond its type, by field name, or by "app.Model.field" where one model differs.
RECIPES: dict[str, Any] = {
    "language": "en",
    "theme": "",
    "region": "NA",
    "password": "!",
    "is_active": True,
    "email": f"{MARKER.lower()}@example.com",
    "spec": "listings",
    "dataset": "listings",
    "kpi": "acos",
    "alerts.Rule.kind": "threshold",
    "alerts.Rule.deleted_at": None,
    "alerts.Channel.deleted_at": None,
    "alerts.Route.digest_at": time(8),
    "alerts.Route.quiet_from": time(22),
    "alerts.Route.quiet_to": time(7),
    "alerts.Route.time_zone": "UTC",
    "alerts.Episode.kind": "limit",
    "measure": "ad_spend",
    "role": "owner",
    "sha256": MARKER.lower() * 6,
    "slug": MARKER.lower(),
    "metric": "odr_afn",
    "status": "breach",
    "fence": 0,
    "attempts": 0,
    "summaries.Schedule.zone_name": "America/Los_Angeles",
    # Of the machine, nobody's: seen by whoever manages an organisation.
    "watch.Heartbeat.ahead": 0.0,
    "watch.Heartbeat.busy": 0,
}


def project_models() -> list[type[models.Model]]:
    """Every concrete table of opsboard and its domains, and sessions; but not the list of marketplaces."""
    from django.conf import settings

    return [
        model
        for config in apps.get_app_configs()
        if config.name.startswith("opsboard.") or config.name in {*settings.DOMAINS, "allauth.usersessions"}
        for model in config.get_models()
        if model is not Marketplace and not model._meta.proxy and model._meta.managed
    ]


def set_sequences(value: int) -> None:
    """Make the next id of every table `value` + 1."""
    with connection.cursor() as cursor:
        for model in project_models():
            key = model._meta.pk
            if isinstance(key, models.AutoField | models.BigAutoField | models.SmallAutoField):
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [model._meta.db_table, key.column, value]
                )


class Tenant:
    """An organisation of its own with one row in every table; `rows` by model."""

    def __init__(self, marketplace: str = "US") -> None:
        self.marketplace = Marketplace.objects.get(code=marketplace)
        self.rows: dict[type[models.Model], models.Model] = {Marketplace: self.marketplace}
        waiting = project_models()
        while waiting:
            ready = [m for m in waiting if all(target in self.rows for target in _needs(m))]
            if not ready:
                raise AssertionError(f"These tables need each other: {waiting}")
            for model in ready:
                self.rows[model] = self._plant(model)
            waiting = [m for m in waiting if m not in ready]
        del self.rows[Marketplace]

    @property
    def user(self) -> User:
        return self._of(User)

    @property
    def organisation(self) -> Organisation:
        return self._of(Organisation)

    @property
    def account(self) -> SellerAccount:
        return self._of(SellerAccount)

    @property
    def scope(self) -> AccountMarketplace:
        return self._of(AccountMarketplace)

    def _of(self, model: type[Row]) -> Row:
        return cast(Row, self.rows[model])

    def value(self, name: str) -> Any:
        """The planted value of a field of this name in any table, or None where no table has it."""
        for row in self.rows.values():
            if any(field.attname == name for field in row._meta.concrete_fields):
                return getattr(row, name)
        return None

    def snapshot(self) -> dict[str, list[str]]:
        """Every row of the tenant as text, by table: equal snapshots mean that nothing was changed."""
        found = {}
        with connection.cursor() as cursor:
            for model in self.rows:
                table = connection.ops.quote_name(model._meta.db_table)
                columns = {field.column for field in model._meta.concrete_fields}
                key = {
                    "account_id": self.account.pk,
                    "organisation_id": self.organisation.pk,
                    "user_id": self.user.pk,
                    "id": FIRST_ID,
                }
                column = next((name for name in key if name in columns), None)
                if column is None:
                    continue
                cursor.execute(f"SELECT t::text FROM {table} t WHERE {column} = %s ORDER BY 1", [key[column]])
                found[model._meta.label] = [row for (row,) in cursor.fetchall()]
        return found

    def _plant(self, model: type[models.Model]) -> models.Model:
        values = {
            field.attname: self._fill(model, field)
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField | models.CompositePrimaryKey)
        }
        day = values.get("date")
        if day is not None and _is_partitioned(model):
            partitions.ensure(model, day, day)
        row = model(**values)
        row.save(force_insert=True)
        return row

    def _fill(self, model: type[models.Model], field: models.Field[Any, Any]) -> Any:
        for name in (f"{model._meta.label}.{field.name}", field.name):
            if name in RECIPES:
                return RECIPES[name]
        by_name = {"account_id": SellerAccount, "marketplace_id": Marketplace}
        if isinstance(field, models.ForeignKey):
            target = field.remote_field.model
            return None if target is model else self.rows[target].pk
        if field.attname in by_name:
            return self.rows[by_name[field.attname]].pk
        if field.attname == "document_id":
            return FIRST_ID
        if field.choices:
            return next(value for value, _label in field.flatchoices)
        now = timezone.now()
        match field:
            case models.BooleanField():
                return field.get_default() if field.has_default() else True
            case models.EmailField():
                return RECIPES["email"]
            case models.CharField() | models.TextField():
                return MARKER if (field.max_length or 999) >= len(MARKER) else MARKER[: field.max_length]
            case models.DateTimeField():
                return now - timedelta(minutes=5)
            case models.DateField():
                return self.marketplace.today() - timedelta(days=3)
            case models.DecimalField():
                return Decimal(NUMBER).scaleb(-field.decimal_places)
            case models.SmallIntegerField():
                return 7
            case models.IntegerField():
                return NUMBER
            case models.FloatField():
                return float(NUMBER)
            case models.GenericIPAddressField():
                return "203.0.113.7"
            case ArrayField():
                return []
            case models.JSONField():
                return field.get_default() if field.has_default() else {"text": MARKER}
            case models.BinaryField():
                return MARKER.encode()
            case _ if field.has_default() or field.null:
                return field.get_default()
        raise AssertionError(f"How is {model._meta.label}.{field.name} filled? Say so in tests.planting.RECIPES.")


def _needs(model: type[models.Model]) -> set[type[models.Model]]:
    needed: set[type[models.Model]] = set()
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and field.remote_field.model is not model:
            needed.add(field.remote_field.model)
        elif field.attname == "account_id":
            needed.add(SellerAccount)  # facts name their account without a constraint
    return needed


def _is_partitioned(model: type[models.Model]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [model._meta.db_table])
        row = cursor.fetchone()
    return bool(row and row[0])
