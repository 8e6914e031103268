"""Nothing yet."""

from django.db import migrations


class Migration(migrations.Migration):
    """Filled by its slice."""

    dependencies = [("billing", "0015_bills")]
    operations = []
