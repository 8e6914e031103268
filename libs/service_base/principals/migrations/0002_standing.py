"""What a caller's rights hang on, for statements that prove it."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("principals", "0001_initial")]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(), "DROP FUNCTION caller_standing(uuid, text, text)"
        )
    ]
