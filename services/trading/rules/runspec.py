"""What a run was started with, frozen: from it and the candles alone the run can be repeated."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from trading.rules.candles import Timeframe
from trading.rules.limits import Limits
from trading.rules.market import Costs, Instrument, plain
from trading.rules.pauses import Around, Importance, PausePolicy

# As people write it: what a column of eight places gives back must not read differently.
Amount = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]


class Mode(StrEnum):
    BACKTEST = "backtest"
    PAPER = "paper"
    LIVE = "live"


class Feed(StrEnum):
    """Where a paper run's candles come from: those that come in from now on, or stored ones played again."""

    INGESTED = "ingested"
    STORED = "stored"


class Minutes(BaseModel):
    """Minutes to stay out before and after an event."""

    model_config = ConfigDict(extra="forbid")

    before: int = Field(default=30, ge=0, le=20_160)
    after: int = Field(default=30, ge=0, le=20_160)


PausesByImportance = dict[Importance, Minutes]


class RunSpec(BaseModel):
    """All that decides what a run does."""

    model_config = ConfigDict(frozen=True)

    strategy: str
    parameters: dict[str, Any]
    symbol_id: UUID
    pair: str
    source: str = ""
    timeframe: Timeframe
    mode: Mode
    feed: Feed = Feed.STORED
    start: datetime | None = None
    end: datetime | None = None
    candles_per_second: float = Field(default=10, gt=0, le=1000)
    cash: Amount
    fee_rate: Amount = Decimal(0)
    spread: Amount = Decimal(0)
    slippage: Amount = Decimal(0)
    tick: Amount
    lot: Amount
    minimum_notional: Amount = Decimal(0)
    risk_percentage: Amount = Decimal(1)
    stop_loss_percentage: Amount | None = None
    take_profit_percentage: Amount | None = None
    max_drawdown_percentage: Amount | None = None
    daily_loss_percentage: Amount | None = None
    max_daily_trades: int | None = None
    pauses: PausesByImportance = Field(default_factory=dict)
    pause_currencies: list[str] = Field(default_factory=list)

    @property
    def instrument(self) -> Instrument:
        return Instrument(self.tick, self.lot, self.minimum_notional)

    @property
    def costs(self) -> Costs:
        return Costs(fee_rate=self.fee_rate, spread=self.spread, slippage=self.slippage)

    @property
    def limits(self) -> Limits:
        return Limits(
            risk_percentage=self.risk_percentage,
            stop_loss_percentage=self.stop_loss_percentage,
            take_profit_percentage=self.take_profit_percentage,
            max_drawdown_percentage=self.max_drawdown_percentage,
            daily_loss_percentage=self.daily_loss_percentage,
            max_daily_trades=self.max_daily_trades,
        )

    @property
    def policy(self) -> PausePolicy:
        around = {importance: Around(m.before, m.after) for importance, m in self.pauses.items()}
        return PausePolicy(around, frozenset(self.pause_currencies))
