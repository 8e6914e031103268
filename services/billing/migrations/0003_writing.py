"""The only ways into the ledger."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION ledger_publish_prices(json), ledger_move_lots(json), ledger_move(text[], json, json),
    ledger_write(json, text[], text[], text[], text[]), ledger_open(json);
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0002_ledger")]
    operations = [
        migrations.RunSQL(SQL, UNDO),
    ]
