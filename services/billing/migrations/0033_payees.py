"""Balances are moved at the end of a page, and indexes hold no entry for what is absent."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0032_ledger_pages")]
    operations = [
        migrations.RunSQL(HERE.with_suffix(".sql").read_text(), HERE.with_name("0033_payees_undo.sql").read_text()),
        migrations.AlterField(
            "operation",
            "quote",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="operations",
                to="billing.quote",
            ),
        ),
        migrations.AlterField("usage", "work_id", models.UUIDField(null=True)),
        migrations.AddIndex(
            "usage",
            models.Index(condition=models.Q(("work_id__isnull", False)), fields=["work_id"], name="usage_of_work"),
        ),
    ]
