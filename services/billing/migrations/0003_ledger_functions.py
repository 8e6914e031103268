"""The functions through which alone the ledger is written."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_ledger_rules")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0003_ledger_functions_undo.sql").read_text()
        )
    ]
