from typing import Any

from django.db import migrations, models


def remember_typed(apps: Any, schema_editor: Any) -> None:
    """Figures typed in by hand so far are known since they were typed."""
    vintages = apps.get_model("kpis", "AccountDayVintage").objects
    for item in apps.get_model("kpis", "ManualValue").objects.iterator():
        vintages.create(
            account_id=item.account_id,
            marketplace_id=item.marketplace_id,
            measure=item.measure,
            date=item.date,
            value=item.value,
            known_at=item.entered_at,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("kpis", "0003_verdict_warnings"),
    ]

    operations = [
        migrations.AddField(
            model_name="accountdayvintage",
            name="document_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunPython(remember_typed, migrations.RunPython.noop, elidable=True),
    ]
