"""Amazon's marketplaces, as opsboard.accounts.marketplaces states them."""

from __future__ import annotations

from dataclasses import asdict

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from opsboard.accounts.marketplaces import MARKETPLACES


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Marketplace = apps.get_model("accounts", "Marketplace")
    for fact in MARKETPLACES:
        Marketplace.objects.update_or_create(amazon_id=fact.amazon_id, defaults=asdict(fact))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
