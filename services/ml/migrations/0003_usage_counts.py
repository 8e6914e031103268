"""What usage was said, and its counts by hour."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ml", "0002_market")]
    operations = [
        migrations.CreateModel(
            "PublishedUsage",
            [
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("payer_id", models.UUIDField()),
                ("lines", models.BigIntegerField()),
                ("version", models.IntegerField(null=True)),
            ],
            options={
                "db_table": "published_usage",
                "verbose_name_plural": "published usage",
                "indexes": [
                    models.Index(fields=["at"], condition=models.Q(version=None), name="usage_not_counted"),
                    models.Index(fields=["at"], name="usage_by_time"),
                ],
            },
        ),
        migrations.CreateModel(
            "UsageCount",
            [
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("version", models.IntegerField(default=0)),
                ("events", models.BigIntegerField(default=0)),
                ("lines", models.BigIntegerField(default=0)),
                ("digest", models.DecimalField(decimal_places=0, default=0, max_digits=20)),
                ("first_at", models.DateTimeField()),
            ],
            options={"db_table": "usage_count", "ordering": ["hour"]},
        ),
    ]
