"""What trading says."""

from __future__ import annotations

from datetime import datetime

from event_bus import publishes
from event_bus.outbox import append
from shared_models.events import trading
from shared_models.ids import derived_id
from trading.models import BotRun, Fill, Symbol

PUBLISHES = publishes(
    trading.RunStarted,
    trading.RunFinished,
    trading.RunFailed,
    trading.TradeExecuted,
    trading.PricesIngested,
)


def run_started(run: BotRun) -> None:
    """The run began; its row is locked by the caller."""
    append(
        trading.RunStarted(
            run_id=run.pk,
            bot_id=run.bot_id,
            user_id=run.user_id,
            mode=run.mode,
            strategy=run.run_parameters["strategy"],
            pair=run.run_parameters["pair"],
            started_at=run.start_time,
        ),
        event_id=derived_id("run.started", run.pk),
    )


def run_ended(run: BotRun) -> None:
    """The run ended, well or by an error; its row is locked by the caller."""
    ended_at = run.end_time
    assert ended_at is not None
    about = {"run_id": run.pk, "bot_id": run.bot_id, "user_id": run.user_id, "ended_at": ended_at}
    if run.status == "failed":
        append(trading.RunFailed(**about, error=run.error_message), event_id=derived_id("run.failed", run.pk))
        return
    finished = trading.RunFinished(
        **about, status=run.status, trades_executed=run.trades_executed, profit_loss=run.profit_loss
    )
    append(finished, event_id=derived_id("run.finished", run.pk))


def trade_executed(run: BotRun, fill: Fill) -> None:
    """An order of the run was filled."""
    append(
        trading.TradeExecuted(
            run_id=run.pk,
            bot_id=run.bot_id,
            user_id=run.user_id,
            fill_id=fill.pk,
            client_order_id=fill.order_id,
            pair=run.run_parameters["pair"],
            side=fill.side,
            price=fill.price,
            quantity=fill.quantity,
            fee=fill.fee,
            mode=run.mode,
            filled_at=fill.filled_at,
        ),
        event_id=derived_id("trade.executed", fill.pk),
    )


def prices_ingested(
    symbol: Symbol, *, timeframe: str, candles: int, revised: int, first: datetime, last: datetime
) -> None:
    """Candles of the symbol were stored."""
    append(
        trading.PricesIngested(
            symbol_id=symbol.pk,
            ticker=symbol.ticker,
            timeframe=timeframe,
            candles=candles,
            revised=revised,
            first=first,
            last=last,
        )
    )
