"""Solved lines are metered by one call, which can prove that the decision to solve them still holds."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION meter_solving(uuid, timestamptz, uuid, uuid, uuid, text, bigint, text, text, text, jsonb, text);
DROP FUNCTION solving_stands(uuid, text, text, text, uuid, text, text, uuid, numeric, numeric);
DROP FUNCTION machine_to_solve(machine);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ml", "0008_drift"),
        ("principals", "0002_standing"),
        ("event_bus", "0002_fences_and_outbox_upkeep"),
    ]
    operations = [migrations.RunSQL(SQL, UNDO)]
