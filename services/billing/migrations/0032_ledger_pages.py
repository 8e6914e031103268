"""A page of the ledger is taken apart once, and what two foreign keys checked a row at a time is checked at once."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0031_seed_views")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0032_ledger_pages_undo.sql").read_text()
        ),
        migrations.AlterField(
            "journal",
            "operation",
            models.OneToOneField(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="journal",
                to="billing.operation",
            ),
        ),
        migrations.AlterField(
            "usage",
            "journal",
            models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="usages",
                to="billing.journal",
            ),
        ),
    ]
