"""Solved lines are metered by one call, which can prove that the decision to solve them still holds."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__)


class Migration(migrations.Migration):
    dependencies = [
        ("ml", "0008_drift"),
        ("principals", "0002_standing"),
        ("event_bus", "0002_fences_and_outbox_upkeep"),
    ]
    operations = [
        migrations.RunSQL(
            HERE.with_suffix(".sql").read_text(), HERE.with_name("0009_metering_undo.sql").read_text()
        )
    ]
