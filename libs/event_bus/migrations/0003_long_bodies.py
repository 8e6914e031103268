from django.db import migrations

# A body is written once, read once and deleted: to compress it costs twice what it costs to write it as it is.
_PLAIN = "ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL"
_COMPRESSED = "ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTENDED"


class Migration(migrations.Migration):

    dependencies = [
        ('event_bus', '0002_fences_and_outbox_upkeep'),
    ]

    operations = [
        migrations.RunSQL(_PLAIN, _COMPRESSED),
    ]
