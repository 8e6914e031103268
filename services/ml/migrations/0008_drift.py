"""What solved rows looked like, and the kind of file that answers are wanted in."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("ml", "0007_readings")]

    operations = [
        migrations.CreateModel(
            name="DriftCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("model_id", models.UUIDField()),
                ("hour", models.DateTimeField()),
                ("lines", models.BigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("machine", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="drift_counts", to="ml.machine")),
            ],
            options={
                "db_table": "drift_count",
                "constraints": [models.UniqueConstraint(fields=("machine", "model_id", "hour"), name="drift_counted_once_an_hour")],
            },
        ),
        migrations.AddField(
            model_name="work",
            name="answers_format",
            field=models.CharField(choices=[("csv", "csv"), ("parquet", "parquet"), ("arrow", "arrow")], default="csv", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="work",
            constraint=models.CheckConstraint(condition=models.Q(("answers_format__in", ["csv", "parquet", "arrow"])), name="answers_format_known"),
        ),
    ]
