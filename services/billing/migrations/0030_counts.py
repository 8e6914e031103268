"""What ml counted, what was found when the ledger was verified, and balances at a moment."""

from pathlib import Path

from django.db import migrations, models

import shared_models.ids

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0025_market")]
    operations = [
        migrations.CreateModel(
            "UsageCount",
            [
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("version", models.IntegerField()),
                ("events", models.BigIntegerField()),
                ("lines", models.BigIntegerField()),
                ("digest", models.CharField(max_length=16)),
                ("first_at", models.DateTimeField()),
                ("complete_at", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField()),
            ],
            options={"db_table": "usage_count", "ordering": ["hour"]},
        ),
        migrations.CreateModel(
            "AwaitedUsage",
            [
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(db_index=True)),
                ("since", models.DateTimeField()),
            ],
            options={"db_table": "awaited_usage", "verbose_name_plural": "awaited usage"},
        ),
        migrations.CreateModel(
            "Verification",
            [
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
            options={"db_table": "verification", "ordering": ["-id"]},
        ),
        migrations.AddConstraint(
            "verification",
            models.CheckConstraint(
                name="verification_asked_by_known",
                condition=models.Q(asked_by__in=["operator", "command line", "schedule"]),
            ),
        ),
        migrations.RunSQL(HERE.with_suffix(".sql").read_text(), HERE.with_name("0030_counts_undo.sql").read_text()),
    ]
