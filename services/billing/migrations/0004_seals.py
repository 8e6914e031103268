"""The chain of seals over all journals."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION ledger_first_broken_seal(), ledger_seal(int), seal_of(bytea, journal);
DROP TABLE journal_seal;
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0003_writing")]
    operations = [
        migrations.RunSQL(
            SQL,
            UNDO,
            state_operations=[
                migrations.CreateModel(
                    name="JournalSeal",
                    fields=[
                        ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                        (
                            "journal",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="seal",
                                to="billing.journal",
                            ),
                        ),
                        ("seal", models.BinaryField()),
                    ],
                    options={
                        "db_table": "journal_seal",
                    },
                ),
            ],
        ),
    ]
