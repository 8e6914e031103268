"""Who may do what: the application has no rights on the tables of the ledger."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_ledger_functions")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0004_ledger_privileges_undo.sql").read_text()
        )
    ]
