"""A backtest: the engine's own loop over candles that are all there already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading.rules.book import Book
from trading.rules.candles import Candle, Timeframe
from trading.rules.engine import Batch, Engine
from trading.rules.limits import Limits
from trading.rules.market import Costs, Instrument
from trading.rules.pauses import NO_PAUSES, Pauses
from trading.rules.report import Report, report
from trading.rules.strategies.base import Strategy

PROGRESS_EVERY = 2_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a backtest left behind."""

    report: Report
    batch: Batch
    book: Book


def backtest(
    candles: Sequence[Candle],
    *,
    run_id: UUID,
    strategy: Strategy[Any],
    timeframe: Timeframe,
    cash: Decimal,
    instrument: Instrument | None = None,
    costs: Costs | None = None,
    limits: Limits | None = None,
    pauses: Pauses = NO_PAUSES,
    progress: Progress | None = None,
) -> Backtest:
    """Run `strategy` over `candles` and report.

    `progress` hears (done, all) now and then and may raise to cancel.
    """
    costs = costs or Costs()
    engine = Engine(
        run_id=run_id,
        strategy=strategy,
        timeframe=timeframe,
        book=Book(cash=cash),
        instrument=instrument,
        costs=costs,
        limits=limits,
        pauses=pauses,
    )
    _through(engine, candles, progress)
    engine.finish()
    batch = engine.drain()
    figures = report(
        candles=candles,
        equity=batch.equity,
        fills=batch.fills,
        trades=batch.trades,
        starting_cash=cash,
        costs=costs,
    )
    return Backtest(report=figures, batch=batch, book=engine.book)


def _through(engine: Engine, candles: Sequence[Candle], progress: Progress | None) -> None:
    for start in range(0, len(candles), PROGRESS_EVERY):
        for candle in candles[start : start + PROGRESS_EVERY]:
            engine.step(candle)
        if progress is not None:
            progress(min(start + PROGRESS_EVERY, len(candles)), len(candles))
