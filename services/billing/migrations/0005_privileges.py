"""What the application may do: read all, write documents, call the ledger."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION ledger_grant(), ledger_tables();
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0004_seals")]
    operations = [
        migrations.RunSQL(SQL, UNDO),
    ]
