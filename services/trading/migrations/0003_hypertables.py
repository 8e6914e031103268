"""Prices, equity and log lines become hypertables where the database can."""

from django.db import migrations

from shared_models.operations import CreateHypertable


class Migration(migrations.Migration):
    dependencies = [("trading", "0002_rules_in_sql")]
    operations = [
        CreateHypertable(
            "Price",
            "timestamp",
            chunk_interval="90 days",
            compress_after="365 days",
            segment_by=("symbol_id", "timeframe"),
        ),
        CreateHypertable("EquityPoint", "time", chunk_interval="90 days"),
        CreateHypertable("BotRunLog", "timestamp", chunk_interval="7 days"),
    ]
