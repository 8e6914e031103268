"""Postings by month, closed periods, and the chain of seals; with what was posted before there were months."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_ledger_privileges")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(),
            HERE.with_name("0005_periods_and_partitions_undo.sql").read_text(),
            state_operations=[
                migrations.CreateModel(
                    "PeriodClose",
                    [
                        ("until", models.DateTimeField(primary_key=True, serialize=False)),
                        ("closed_at", models.DateTimeField()),
                        ("closed_by", models.UUIDField(null=True)),
                    ],
                    options={"db_table": "period_close"},
                ),
                migrations.CreateModel(
                    "JournalSeal",
                    [
                        ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("seal", models.BinaryField()),
                        (
                            "journal",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="seal",
                                to="billing.journal",
                            ),
                        ),
                    ],
                    options={"db_table": "journal_seal"},
                ),
                # The primary key says it now, and the trigger that the journal exists.
                migrations.RemoveConstraint("posting", "posting_once"),
                migrations.AlterField(
                    "posting",
                    "journal",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="billing.journal",
                    ),
                ),
            ],
        ),
    ]
