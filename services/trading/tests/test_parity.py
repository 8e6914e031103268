"""A backtest and a paper run over the same candles give the same orders, fills and profit."""

import json
from decimal import Decimal
from typing import Any

import pytest

from trading.rules.backtest import backtest
from trading.rules.book import Book
from trading.rules.candles import Candle, Timeframe
from trading.rules.engine import Batch, Engine
from trading.rules.limits import Limits
from trading.rules.market import Costs, Instrument
from trading.rules.snapshot import recalled, written
from trading.rules.strategies import build, strategy_named
from trading.rules.strategies.ml_signal import KnownSignals, MlSignal
from trading.tests.stories import RUN, wandering

CANDLES = wandering(600)
SETTINGS: dict[str, Any] = {
    "timeframe": Timeframe.H1,
    "instrument": Instrument(tick=Decimal("0.01"), lot=Decimal("0.001"), minimum_notional=Decimal(5)),
    "costs": Costs(Decimal("0.001"), Decimal("0.0005"), Decimal("0.0003"), max_volume_share=Decimal("0.01")),
    "limits": Limits(
        risk_percentage=Decimal(2),
        stop_loss_percentage=Decimal(3),
        take_profit_percentage=Decimal(6),
        max_drawdown_percentage=Decimal(60),
        daily_loss_percentage=Decimal(5),
        max_daily_trades=3,
    ),
}
STRATEGIES = [
    ("momentum", {"fast": 3, "slow": 8}),
    ("momentum", {"fast": 3, "slow": 8, "rsi_period": 5, "rsi_ceiling": 70}),
    ("dca", {"amount": "50", "every": 7}),
    ("ml_signal", {"enter_above": 0.6, "exit_below": 0.4}),
]


def made(name: str, parameters: dict[str, Any]) -> Any:
    strategy = build(strategy_named(name), parameters)
    if isinstance(strategy, MlSignal):
        strategy.signals = KnownSignals({candle.time: (n * 7919 % 101) / 100 for n, candle in enumerate(CANDLES)})
    return strategy


def on_paper(name: str, parameters: dict[str, Any], candles: list[Candle]) -> tuple[Batch, Book]:
    """One candle at a time, the process dying after each: everything goes through JSON and comes back."""
    snapshot = written(Book(cash=Decimal(10_000)), made(name, parameters))
    whole = Batch()
    for candle in candles:
        strategy = made(name, parameters)
        book = recalled(json.loads(json.dumps(snapshot)), strategy)
        engine = Engine(run_id=RUN, strategy=strategy, book=book, **SETTINGS)
        engine.step(candle)
        engine.step(candle)  # delivered twice
        batch = engine.drain()
        whole.orders.update(batch.orders)
        for part in ("fills", "trades", "equity", "notes"):
            getattr(whole, part).extend(getattr(batch, part))
        snapshot = written(book, strategy)
    engine.finish()
    whole.orders.update(engine.drain().orders)
    return whole, engine.book


@pytest.mark.parametrize(("name", "parameters"), STRATEGIES)
def test_paper_with_a_restart_after_every_candle_equals_the_backtest(name: str, parameters: dict[str, Any]) -> None:
    whole = backtest(CANDLES, run_id=RUN, strategy=made(name, parameters), cash=Decimal(10_000), **SETTINGS)
    batch, book = on_paper(name, parameters, CANDLES)

    assert len(whole.batch.fills) > 10
    assert batch.fills == whole.batch.fills
    assert batch.orders == whole.batch.orders
    assert batch.equity == whole.batch.equity
    assert batch.trades == whole.batch.trades
    assert batch.notes == whole.batch.notes
    assert book == whole.book


def test_signals_prefetched_for_all_candles_and_asked_one_by_one_give_the_same_orders() -> None:
    signals = {candle.time: (n * 7919 % 101) / 100 for n, candle in enumerate(CANDLES)}
    prefetched = made("ml_signal", {})
    whole = backtest(CANDLES, run_id=RUN, strategy=prefetched, cash=Decimal(10_000), **SETTINGS)

    asked = KnownSignals()
    strategy = MlSignal(prefetched.parameters, asked)
    engine = Engine(run_id=RUN, strategy=strategy, book=Book(cash=Decimal(10_000)), **SETTINGS)
    for candle in CANDLES:
        asked.forget_before(candle.time)
        asked.learn(candle.time, signals[candle.time])
        engine.step(candle)
    engine.finish()
    assert engine.drain().fills == whole.batch.fills
