"""Coarser candles are continuous aggregates where the database has them, and how far they are right is kept beside.

The SQL names columns as the table has them here; it must not change with the code, as no migration may.
"""

from django.db import migrations, models

from shared_models.operations import CreateContinuousAggregate

FINER = {
    "5m": ("5 minutes", ("1m",)),
    "15m": ("15 minutes", ("1m", "5m")),
    "30m": ("30 minutes", ("1m", "5m", "15m")),
    "1h": ("1 hour", ("1m", "5m", "15m", "30m")),
    "4h": ("4 hours", ("1m", "5m", "15m", "30m", "1h")),
    "1d": ("1 day", ("1m", "5m", "15m", "30m", "1h", "4h")),
    "1w": ("7 days", ("1m", "5m", "15m", "30m", "1h", "4h", "1d")),
}
SELECT = """
SELECT symbol_id, timeframe, source, time_bucket(INTERVAL '{width}', "timestamp") AS opened,
       first(open, "timestamp") AS open, max(high) AS high, min(low) AS low, last(close, "timestamp") AS close,
       sum(volume) AS volume
FROM price WHERE timeframe IN ({finer})
GROUP BY symbol_id, timeframe, source, opened
"""
# Nothing is in an aggregate yet: each is to be made from the symbol's first candle on. Monday 2000-01-03 is where
# time_bucket begins to count, too.
FRONTIERS = """
INSERT INTO candle_frontier (symbol_id, source, timeframe, sound_until, newest, writes)
SELECT symbol_id, source, '{coarser}', date_bin(INTERVAL '{width}', min("timestamp"), '2000-01-03 00:00+00'),
       max("timestamp"), 1
FROM price WHERE timeframe IN ({finer}) GROUP BY symbol_id, source
"""
TIMEFRAMES = [(one, one) for one in ("1m", *FINER)]


def aggregate(coarser):
    width, finer = FINER[coarser]
    listed = ", ".join(f"'{one}'" for one in finer)
    select = SELECT.format(width=width, finer=listed)
    frontiers = FRONTIERS.format(coarser=coarser, width=width, finer=listed)
    return [
        CreateContinuousAggregate("Price", f"price_{coarser}", select),
        migrations.RunSQL(frontiers, migrations.RunSQL.noop, hints={"model_name": "price"}),
    ]


class Migration(migrations.Migration):
    dependencies = [("trading", "0004_exchanges")]
    operations = [
        migrations.CreateModel(
            name="CandleFrontier",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "symbol_id", "source", "timeframe", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("symbol_id", models.UUIDField()),
                ("source", models.CharField(max_length=40)),
                ("timeframe", models.CharField(choices=TIMEFRAMES, max_length=3)),
                ("sound_until", models.DateTimeField()),
                ("newest", models.DateTimeField()),
                ("writes", models.BigIntegerField(default=1)),
            ],
            options={"db_table": "candle_frontier"},
        ),
        *(operation for coarser in FINER for operation in aggregate(coarser)),
    ]
