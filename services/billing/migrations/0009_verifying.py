"""What ml counted, what was found when the ledger was verified, and balances at a moment."""

from pathlib import Path

from django.db import migrations, models

import shared_models.ids

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP INDEX journal_out_of_time;
DROP FUNCTION ledger_balance_at(uuid, timestamptz, timestamptz), ledger_balance_after(uuid, bigint),
    ledger_last_posting(uuid, timestamptz);
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0008_consulting")]
    operations = [
        migrations.CreateModel(
            name="UsageCount",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("version", models.IntegerField()),
                ("events", models.BigIntegerField()),
                ("lines", models.BigIntegerField()),
                ("digest", models.CharField(max_length=16)),
                ("first_at", models.DateTimeField()),
                ("complete_at", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "db_table": "usage_count",
                "ordering": ["hour"],
            },
        ),
        migrations.CreateModel(
            name="AwaitedUsage",
            fields=[
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(db_index=True)),
                ("since", models.DateTimeField()),
            ],
            options={
                "db_table": "awaited_usage",
                "verbose_name_plural": "awaited usage",
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("milliseconds", models.IntegerField()),
                ("is_ok", models.BooleanField()),
                ("first_difference", models.TextField(blank=True)),
                ("asked_by", models.CharField(max_length=20)),
                ("by_id", models.UUIDField(null=True)),
                ("verdict", models.JSONField()),
            ],
            options={
                "db_table": "verification",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("asked_by__in", ["operator", "command line", "schedule"])),
                        name="verification_asked_by_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
