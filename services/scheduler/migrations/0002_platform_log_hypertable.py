"""The platform's log is a hypertable: a chunk a day, compressed after a week, forgotten after thirty days."""

from django.db import migrations
from shared_models.operations import CreateHypertable


class Migration(migrations.Migration):
    dependencies = [("scheduler", "0001_initial")]
    operations = [
        CreateHypertable(
            "PlatformLog",
            "timestamp",
            chunk_interval="1 day",
            compress_after="7 days",
            segment_by=("service",),
            retain="30 days",
        )
    ]
