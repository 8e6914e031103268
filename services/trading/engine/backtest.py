"""Drives a backtest: the whole history through the one loop, written in chunks, so that it shows and can be stopped."""

from __future__ import annotations

from collections.abc import Sequence

from trading import commands
from trading.commands import Progress
from trading.engine.job import HISTORY, CannotRun, Job, Stopped, signals_of
from trading.engine.machine import ROWS_AT_ONCE, Machine, NoAnswer, Refused
from trading.models import RunStatus
from trading.queries import candles
from trading.rules.book import Book, EquityPoint, Trade
from trading.rules.candles import Candle
from trading.rules.engine import Batch, Engine
from trading.rules.features import FeatureRow, FeatureWindow
from trading.rules.orders import Fill
from trading.rules.report import report
from trading.rules.strategies.ml_signal import MlSignal

CHUNK = 2_000
# A chart shows a few hundred points; the report is computed from all of them before they are thinned.
STORED_POINTS = 4_000
MOST_CANDLES = 3_000_000
TRIES = 5


def run_backtest(job: Job) -> None:
    """Run the backtest to its end. Raises Stopped, LetGo, LeaseLost, CannotRun."""
    series = candles(job.symbol, job.spec.timeframe, start=job.spec.start, end=job.spec.end)
    if not series:
        raise CannotRun("there are no candles in that period any more")
    if len(series) > MOST_CANDLES:
        raise CannotRun(f"{len(series)} candles are more than {MOST_CANDLES}; choose a shorter period")
    strategy = job.strategy()
    if isinstance(strategy, MlSignal):
        _prefetch(job, strategy, series)
    book = Book(cash=job.spec.cash)
    engine = job.engine(strategy, book)
    engine.warm_up(job.before(series[0].time, strategy.warmup))
    whole = _through(job, engine, series)
    figures = report(
        candles=series,
        equity=whole.equity,
        fills=whole.fills,
        trades=whole.trades,
        starting_cash=job.spec.cash,
        costs=job.spec.costs,
    )
    commands.end(lease=job.lease, status=RunStatus.COMPLETED, report=figures.as_json())


def _through(job: Job, engine: Engine, series: Sequence[Candle]) -> Batch:
    """Show the engine all candles; every chunk is written before the next one begins."""
    equity: list[EquityPoint] = []
    fills: list[Fill] = []
    trades: list[Trade] = []
    every = max(1, len(series) // STORED_POINTS)
    for start in range(0, len(series), CHUNK):
        try:
            job.look()
        except Stopped:
            engine.finish()
            _write(job, engine, engine.drain(), start, len(series))
            raise
        for candle in series[start : start + CHUNK]:
            engine.step(candle)
        done = min(start + CHUNK, len(series))
        if done == len(series):
            engine.finish()
        batch = engine.drain()
        equity += batch.equity
        fills += batch.fills
        trades += batch.trades
        batch.equity = [point for n, point in enumerate(batch.equity, start) if _is_kept(n, every, len(series))]
        _write(job, engine, batch, done, len(series))
    return Batch(equity=equity, fills=fills, trades=trades)


def _write(job: Job, engine: Engine, batch: Batch, done: int, total: int) -> None:
    commands.record(lease=job.lease, batch=batch, book=engine.book, progress=Progress(done, total))
    job.notify(job.run.pk)


def _is_kept(number: int, every: int, total: int) -> bool:
    return number % every == 0 or number == total - 1


def _prefetch(job: Job, strategy: MlSignal, series: Sequence[Candle]) -> None:
    """Ask the machine about every candle with enough past, many rows at once."""
    machine, known = job.machine(strategy), signals_of(strategy)
    window = FeatureWindow(job.before(series[0].time, HISTORY))
    asked: list[FeatureRow] = []
    for candle in series:
        row = window.add(candle)
        if row is None:
            known.learn(candle.time, None)
        else:
            asked.append(row)
    for start in range(0, len(asked), ROWS_AT_ONCE):
        job.look()
        job.idle(f"asking the machine: {start} of {len(asked)} candles")
        rows = asked[start : start + ROWS_AT_ONCE]
        for row, signal in zip(rows, _answers(job, machine, rows), strict=True):
            known.learn(row.time, signal)


def _answers(job: Job, machine: Machine, rows: Sequence[FeatureRow]) -> list[float]:
    for attempt in range(TRIES):
        try:
            return machine.ask(rows)
        except Refused as refused:
            raise CannotRun(str(refused)) from refused
        except NoAnswer as missing:
            job.idle(str(missing), event="signal.retry")
            job.wait(missing.retry_after or 2**attempt)
            job.look()
    raise CannotRun("the machine did not answer; try the backtest again later")
