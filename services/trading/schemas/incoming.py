"""What the API takes in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from service_base.moments import AnyMoment
from trading.rules.candles import Timeframe
from trading.rules.runspec import Feed, PausesByImportance

AssetType = Literal["EQUITY", "ETF", "CRYPTO", "FX", "FUTURE"]
Mode = Literal["backtest", "paper", "live"]


class Strict(Schema):
    """Input that may not hold fields nobody reads: a misspelt limit must not go unnoticed."""

    model_config = ConfigDict(extra="forbid")


class SymbolIn(Strict):
    """A symbol to be made."""

    exchange: str
    ticker: str = Field(min_length=1, max_length=20)
    asset_type: AssetType = "EQUITY"
    name: str = Field(default="", max_length=200)
    sector: str = Field(default="", max_length=100)
    base: str = Field(default="", max_length=20)
    quote: str = Field(default="USD", max_length=10)
    tick: Decimal = Field(default=Decimal("0.01"), gt=0)
    lot: Decimal = Field(default=Decimal("0.00000001"), gt=0)
    minimum_notional: Decimal = Field(default=Decimal(0), ge=0)


class KeyIn(Strict):
    """An exchange key; what is secret in it is never given back."""

    exchange: str
    name: str
    api_key: str
    secret: str = ""
    passphrase: str = ""


class CandleIn(Strict):
    """A candle as a program gives it; `timestamp` is its opening instant."""

    timestamp: datetime
    open: Decimal = Field(gt=0)
    high: Decimal = Field(gt=0)
    low: Decimal = Field(gt=0)
    close: Decimal = Field(gt=0)
    volume: Decimal = Field(default=Decimal(0), ge=0)
    adjusted_close: Decimal | None = None


class CandlesIn(Strict):
    """Candles of one timeframe, oldest first."""

    timeframe: Timeframe
    source: str = Field(default="api", max_length=40)
    candles: list[CandleIn] = Field(min_length=1, max_length=50_000)


class BotSettings(Strict):
    """What may be set on a bot, each with the default of a new one."""

    exchange_key_id: UUID | None = None
    timeframe: Timeframe = Timeframe.H1
    parameters: dict[str, Any] = Field(default_factory=dict)
    mode: Mode = "paper"
    max_daily_trades: int = Field(default=10, ge=1)
    risk_percentage: Decimal = Field(default=Decimal(1), gt=0, le=100)
    stop_loss_percentage: Decimal | None = Field(default=None, gt=0, le=100)
    take_profit_percentage: Decimal | None = Field(default=None, gt=0)
    max_drawdown_percentage: Decimal | None = Field(default=None, gt=0, le=100)
    daily_loss_percentage: Decimal | None = Field(default=None, gt=0, le=100)
    starting_cash: Decimal = Field(default=Decimal(10_000), gt=0)
    fee_rate: Decimal = Field(default=Decimal(0), ge=0, le=Decimal("0.5"))
    spread: Decimal = Field(default=Decimal(0), ge=0, le=Decimal("0.5"))
    slippage: Decimal = Field(default=Decimal(0), ge=0, le=Decimal("0.5"))
    pauses: PausesByImportance = Field(default_factory=dict)
    pause_currencies: list[str] = Field(default_factory=list)


class BotIn(BotSettings):
    """A bot to be made. `pair` is a ticker of yours; `symbol_id` names one exactly."""

    name: str = Field(min_length=1, max_length=100)
    strategy: str
    symbol_id: UUID | None = None
    pair: str | None = None


class BotChange(BotSettings):
    """What is given is changed, the rest stays."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    strategy: str | None = None
    symbol_id: UUID | None = None


class RunIn(Strict):
    """How a run begins; without mode it is the bot's."""

    mode: Mode | None = None
    feed: Feed = Feed.STORED
    start: AnyMoment | None = None
    end: AnyMoment | None = None
    candles_per_second: float = Field(default=10, gt=0, le=1000)
    notes: str = Field(default="", max_length=2000)
