"""A backtest of a file: what was asked on the command line, run, and told."""

from __future__ import annotations

import csv
import gc
import json
import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import process_time
from typing import Any, NoReturn
from uuid import UUID, uuid5

import typer

from trading.calendarfiles import CalendarFileError, read_events
from trading.pricefiles import PriceFileError, PriceSeries, read_prices
from trading.pricetimes import instant_of
from trading.rules.backtest import Backtest, backtest
from trading.rules.candles import Timeframe, instant, timeframe_of
from trading.rules.limits import Limits
from trading.rules.market import Costs, FillAt, Instrument, plain
from trading.rules.orders import Fill
from trading.rules.pauses import NO_PAUSES, Around, Importance, PausePolicy, Pauses, pauses
from trading.rules.strategies import InvalidParameters, Strategy, build, strategy_named
from trading.rules.strategies.ml_signal import KnownSignals, MlSignal, SignalMissing
from trading.rules.strategies.registry import UnknownStrategy

# Runs on files have no row in a database; their order ids come from here.
FILE_RUN = UUID("7c1e9c55-6f2e-5d0a-9b1d-3f7a2c0d5e11")


@dataclass(frozen=True, slots=True)
class Done:
    """A finished backtest, and what it took."""

    result: Backtest
    series: PriceSeries
    strategy: Strategy[Any]
    timeframe: Timeframe
    seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `titan trading backtest`, as they were written."""

    prices: Path
    strategy: str
    parameters: str
    fee: str
    mode: str
    symbol: str | None
    timeframe: Timeframe | None
    cash: str
    fill: FillAt
    spread: str
    slippage: str
    tick: str
    lot: str
    minimum_notional: str
    risk: str
    stop_loss: str | None
    take_profit: str | None
    max_drawdown: str | None
    daily_loss: str | None
    max_daily_trades: int | None
    calendar: Path | None
    pause_before: int
    pause_after: int
    signals: Path | None
    fills: Path | None
    as_json: bool

    def run(self) -> Done:
        """Read the file and run the backtest; ends with a sentence where something does not fit."""
        if self.mode != "event":
            wrong(f"--mode {self.mode} is not there: this version backtests with --mode event only")
        series = read_prices(self.prices, symbol=self.symbol)
        strategy = _strategy(self.strategy, self.parameters, self.signals)
        timeframe = self.timeframe or timeframe_of(series.candles)
        if timeframe is None:
            wrong("the timeframe cannot be told from the file; give --timeframe")
        result, seconds = _run(
            series,
            run_id=uuid5(FILE_RUN, f"{self.strategy}:{self.parameters}:{series.symbol}"),
            strategy=strategy,
            timeframe=timeframe,
            cash=_step(self.cash, "cash"),
            instrument=self._instrument(),
            costs=self._costs(),
            limits=self._limits(),
            pauses=_pauses(self.calendar, self.pause_before, self.pause_after),
            progress=None if self.as_json else _progress,
        )
        return Done(result, series, strategy, timeframe, seconds)

    def tell(self, done: Done) -> None:
        """Write the fills where they were asked for, and the report."""
        if self.fills is not None:
            _write_fills(self.fills, done.result.batch.fills)
        typer.echo(_json(done) if self.as_json else _table(done.result.report.as_json()))

    def _costs(self) -> Costs:
        return Costs(
            fee_rate=_amount(self.fee, "fee"),
            spread=_amount(self.spread, "spread"),
            slippage=_amount(self.slippage, "slippage"),
            fill_at=self.fill,
        )

    def _instrument(self) -> Instrument:
        notional = _amount(self.minimum_notional, "minimum-notional")
        return Instrument(_step(self.tick, "tick"), _step(self.lot, "lot"), notional)

    def _limits(self) -> Limits:
        return Limits(
            risk_percentage=_amount(self.risk, "risk"),
            stop_loss_percentage=_percent(self.stop_loss, "stop-loss"),
            take_profit_percentage=_percent(self.take_profit, "take-profit"),
            max_drawdown_percentage=_percent(self.max_drawdown, "max-drawdown"),
            daily_loss_percentage=_percent(self.daily_loss, "daily-loss"),
            max_daily_trades=self.max_daily_trades,
        )


class sentences:
    """Turns what people can get wrong into one sentence on stderr and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        known = (
            PriceFileError,
            CalendarFileError,
            InvalidParameters,
            UnknownStrategy,
            SignalMissing,
            OSError,
        )
        if isinstance(error, known):
            wrong(str(error))


def wrong(sentence: str) -> NoReturn:
    typer.echo(f"titan trading: {sentence}", err=True)
    raise typer.Exit(2)


def _strategy(name: str, parameters: str, signals: Path | None) -> Strategy[Any]:
    try:
        raw = json.loads(parameters)
    except json.JSONDecodeError as error:
        wrong(f"--parameters is not JSON: {error}")
    if not isinstance(raw, dict):
        wrong('--parameters must be a JSON object such as {"fast": 10}')
    chosen = build(strategy_named(name), raw)
    if isinstance(chosen, MlSignal):
        if signals is None:
            wrong("ml_signal on a file needs --signals FILE with time,signal; a signal is never made up")
        chosen.signals = _signals(signals)
    return chosen


def _signals(path: Path) -> KnownSignals:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if not {"time", "signal"} <= set(reader.fieldnames or ()):
            raise PriceFileError(f"{path.name} needs the columns time and signal")
        try:
            return KnownSignals(
                {instant_of([row["time"]]): float(row["signal"]) if row["signal"] else None for row in reader}
            )
        except ValueError as error:
            raise PriceFileError(f"{path.name}, line {reader.line_num}: {error}") from None


def _amount(text: str, option: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        wrong(f"--{option} must be a number that is not negative, not {text}")
    return value


def _percent(text: str | None, option: str) -> Decimal | None:
    return None if text is None else _step(text, option)


def _step(text: str, option: str) -> Decimal:
    value = _amount(text, option)
    if not value:
        wrong(f"--{option} must be above zero")
    return value


def _pauses(calendar: Path | None, before: int, after: int) -> Pauses:
    if calendar is None:
        return NO_PAUSES
    events = read_events(calendar)
    policy = PausePolicy({Importance.HIGH: Around(before, after)})
    # A file is all the calendar there is; what it does not name did not happen.
    return pauses(events, policy, known_from=-(2**62), known_until=2**62)


def _run(series: PriceSeries, **settings: Any) -> tuple[Backtest, float]:
    # Two live objects a candle make the collector walk everything again and again; nothing here is cyclic.
    gc.disable()
    try:
        before = process_time()
        result = backtest(series.candles, **settings)
        return result, process_time() - before
    finally:
        gc.enable()


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done / total:4.0%} of {total} candles", nl=done == total, err=True)


def _write_fills(path: Path, fills: list[Fill]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("index", "time", "side", "purpose", "price", "quantity", "fee", "profit"))
        for fill in fills:
            time = instant(fill.time).strftime("%Y-%m-%dT%H:%M:%SZ")
            numbers = (plain(value) for value in (fill.price, fill.quantity, fill.fee, fill.profit))
            writer.writerow((fill.index, time, fill.side, fill.purpose, *numbers))


def _json(done: Done) -> str:
    denied = sum(order.state == "denied" for order in done.result.batch.orders.values())
    speed = len(done.series.candles) / max(done.seconds, 1e-9)
    about = {
        "strategy": done.strategy.name,
        "parameters": done.strategy.parameters.model_dump(mode="json"),
        "symbol": done.series.symbol,
        "timeframe": done.timeframe.value,
    }
    took = {"denied": denied, "cpu_seconds": round(done.seconds, 6), "candles_per_cpu_second": round(speed)}
    return json.dumps(about | done.result.report.as_json() | took)


def _table(figures: dict[str, Any]) -> str:
    lines = []
    for name, value in figures.items():
        if name not in ("basis", "fills_sha256"):
            text = "-" if value is None else f"{value:,.4f}" if isinstance(value, float) else str(value)
            lines.append(f"{name.replace('_', ' '):<28}{text:>22}")
    return "\n".join([*lines, "", f"fills sha256 {figures['fills_sha256']}", figures["basis"]])
