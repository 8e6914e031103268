"""The market: exchanges, the symbols traded there, and their candles."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models

from shared_models.fields import Timestamped, id_field, money_field, one_of
from shared_models.timeseries import TimescaleModel
from trading.rules.candles import Timeframe

TIMEFRAMES = [(timeframe.value, timeframe.value) for timeframe in Timeframe]
ASSET_TYPES = ["EQUITY", "ETF", "CRYPTO", "FX", "FUTURE"]
EXCHANGE_KINDS = ["crypto", "stock", "titan"]


class Exchange(Timestamped):
    """A place where symbols are traded; `titan` is TITAN itself, whose API keys let a bot ask a machine."""

    id = id_field()
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in EXCHANGE_KINDS])
    ccxt_id = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "exchange"
        constraints = [one_of("exchange_kind_known", "kind", EXCHANGE_KINDS)]

    def __str__(self) -> str:
        return self.name


class Symbol(Timestamped):
    """Something with a price. One without owner is everybody's; others are seen and written by their owner only."""

    id = id_field()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    exchange = models.ForeignKey(Exchange, on_delete=models.PROTECT, related_name="symbols")
    ticker = models.CharField(max_length=20)
    name = models.CharField(max_length=200, blank=True)
    sector = models.CharField(max_length=100, blank=True)
    asset_type = models.CharField(max_length=10, choices=[(kind, kind) for kind in ASSET_TYPES])
    base = models.CharField(max_length=20, blank=True)
    quote = models.CharField(max_length=10, default="USD")
    tick = money_field(default=Decimal("0.01"))
    lot = money_field(default=Decimal("0.00000001"))
    minimum_notional = money_field(default=Decimal(0))
    price_source = models.CharField(max_length=40, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "symbol"
        constraints = [
            models.UniqueConstraint(fields=["exchange", "ticker", "owner"], name="symbol_once", nulls_distinct=False),
            one_of("asset_type_known", "asset_type", ASSET_TYPES),
            models.CheckConstraint(name="steps_positive", condition=models.Q(tick__gt=0, lot__gt=0)),
        ]

    def __str__(self) -> str:
        return self.ticker

    @property
    def has_sessions(self) -> bool:
        """Whether its market closes at night and on weekends."""
        return self.asset_type in ("EQUITY", "ETF", "FUTURE")


class Price(TimescaleModel):
    """One candle; `timestamp` is its opening instant. Only the finest timeframe that was given is stored."""

    pk = models.CompositePrimaryKey("symbol_id", "timeframe", "timestamp", "source")
    symbol_id = models.UUIDField()
    timeframe = models.CharField(max_length=3, choices=TIMEFRAMES)
    timestamp = models.DateTimeField()
    source = models.CharField(max_length=40)
    open = money_field()
    high = money_field()
    low = money_field()
    close = money_field()
    volume = models.DecimalField(max_digits=28, decimal_places=8, default=0)
    adjusted_close = money_field(null=True)

    class Meta:
        db_table = "price"

    def __str__(self) -> str:
        return f"{self.symbol_id} {self.timeframe} {self.timestamp:%Y-%m-%dT%H:%MZ} {self.close}"


class CandleFrontier(TimescaleModel):
    """How far the stored aggregate of a symbol's candles at a coarser timeframe is what the candles say.

    Candles that opened before `sound_until` are in the aggregate as they should be; from there on the finer candles
    are asked. It is written with the candles, in one transaction, so that no reader sees a correction and yet an old
    aggregate. `writes` counts those transactions: a refresh that was overtaken by one moves nothing.
    """

    pk = models.CompositePrimaryKey("symbol_id", "source", "timeframe")
    symbol_id = models.UUIDField()
    source = models.CharField(max_length=40)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAMES)
    sound_until = models.DateTimeField()
    newest = models.DateTimeField()
    writes = models.BigIntegerField(default=1)

    class Meta:
        db_table = "candle_frontier"

    def __str__(self) -> str:
        return f"{self.symbol_id} {self.timeframe} sound until {self.sound_until:%Y-%m-%dT%H:%MZ}"
