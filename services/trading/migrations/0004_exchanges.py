"""The exchanges that exist from the start."""

from django.db import migrations

from shared_models.ids import derived_id

EXCHANGES = [
    ("TITAN", "titan", ""),
    ("NASDAQ", "stock", ""),
    ("NYSE", "stock", ""),
    ("Binance", "crypto", "binance"),
    ("Bybit", "crypto", "bybit"),
    ("Coinbase", "crypto", "coinbase"),
    ("Kraken", "crypto", "kraken"),
    ("KuCoin", "crypto", "kucoin"),
    ("OKX", "crypto", "okx"),
]


def add(apps, schema_editor):
    exchange = apps.get_model("trading", "Exchange")
    for name, kind, ccxt_id in EXCHANGES:
        exchange.objects.get_or_create(
            name=name, defaults={"id": derived_id("exchange", name), "kind": kind, "ccxt_id": ccxt_id}
        )


def remove(apps, schema_editor):
    exchange = apps.get_model("trading", "Exchange")
    exchange.objects.filter(name__in=[name for name, _, _ in EXCHANGES], symbols=None).delete()


class Migration(migrations.Migration):
    dependencies = [("trading", "0003_hypertables")]
    operations = [migrations.RunPython(add, remove)]
