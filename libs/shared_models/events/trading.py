"""What trading says: runs that began and ended, trades that were made, prices that came in."""

from typing import ClassVar
from uuid import UUID

from shared_models.events.contract import Amount, Event, Moment


class RunStarted(Event):
    """A bot began to run."""

    TYPE: ClassVar = "titan.trading.run.started.v1"
    KEY: ClassVar = "run_id"

    run_id: UUID
    bot_id: UUID
    user_id: UUID
    mode: str
    strategy: str
    pair: str
    started_at: Moment


class RunFinished(Event):
    """A run ended as it should: completed, or stopped by its owner."""

    TYPE: ClassVar = "titan.trading.run.finished.v1"
    KEY: ClassVar = "run_id"

    run_id: UUID
    bot_id: UUID
    user_id: UUID
    status: str
    trades_executed: int
    profit_loss: Amount
    ended_at: Moment


class RunFailed(Event):
    """A run ended by an error, which is named."""

    TYPE: ClassVar = "titan.trading.run.failed.v1"
    KEY: ClassVar = "run_id"

    run_id: UUID
    bot_id: UUID
    user_id: UUID
    error: str
    ended_at: Moment


class TradeExecuted(Event):
    """An order was filled."""

    TYPE: ClassVar = "titan.trading.trade.executed.v1"
    KEY: ClassVar = "run_id"

    run_id: UUID
    bot_id: UUID
    user_id: UUID
    fill_id: UUID
    client_order_id: UUID
    pair: str
    side: str
    price: Amount
    quantity: Amount
    fee: Amount
    mode: str
    filled_at: Moment


class PricesIngested(Event):
    """Candles of one symbol and timeframe were stored."""

    TYPE: ClassVar = "titan.trading.prices.ingested.v1"
    KEY: ClassVar = "symbol_id"

    symbol_id: UUID
    ticker: str
    timeframe: str
    candles: int
    revised: int
    first: Moment
    last: Moment
