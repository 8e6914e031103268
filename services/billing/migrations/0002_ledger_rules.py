"""The ledger's rules in the database: the entry view, sealed journals, fitting currencies, append-only tables."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0002_ledger_rules_undo.sql").read_text()
        )
    ]
