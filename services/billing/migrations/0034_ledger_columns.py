"""What every usage writes comes as columns, and has no index that another one makes needless."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0033_payees")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0034_ledger_columns_undo.sql").read_text()
        ),
        migrations.AlterField(
            "journal",
            "reverses",
            models.OneToOneField(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversed_by",
                to="billing.journal",
            ),
        ),
        # By its name: Django would take every index of that column for it, those with a condition too.
        migrations.RunSQL(
            "DROP INDEX journal_effective_at_ebfd98a8",
            "CREATE INDEX journal_effective_at_ebfd98a8 ON journal (effective_at)",
            state_operations=[migrations.AlterField("journal", "effective_at", models.DateTimeField())],
        ),
        migrations.AlterField("operation", "machine_id", models.UUIDField(null=True)),
        migrations.AlterField("operation", "operation_user_id", models.UUIDField()),
        migrations.AddIndex(
            "operation", models.Index(fields=["operation_user_id", "machine_id"], name="operation_of_user")
        ),
    ]
