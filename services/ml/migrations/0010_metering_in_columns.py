"""What is metered, and the decision that it was by, are given to SQL value by value."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("ml", "0009_metering")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0010_metering_in_columns_undo.sql").read_text()
        )
    ]
