"""Nothing yet."""

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by its slice."""

    dependencies = [("ml", "0001_initial")]
    operations = []
