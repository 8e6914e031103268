"""What Django cannot say: the composite foreign key of a bot's exchange key."""

from pathlib import Path

from django.db import migrations

UNDO = "ALTER TABLE bot DROP CONSTRAINT bot_uses_its_users_key;"


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), UNDO)]
