"""Excel workbooks are kept as they came."""

from django.db import migrations, models

FORMATS = ["csv", "xlsx", "parquet", "jsonl"]


class Migration(migrations.Migration):
    dependencies = [("ml", "0005_graphs")]

    operations = [
        migrations.RemoveConstraint(model_name="dataline", name="format_known"),
        migrations.AlterField(
            model_name="dataline",
            name="file_format",
            field=models.CharField(choices=[(kind, kind) for kind in FORMATS], max_length=10),
        ),
        migrations.AddConstraint(
            model_name="dataline",
            constraint=models.CheckConstraint(condition=models.Q(file_format__in=FORMATS), name="format_known"),
        ),
    ]
