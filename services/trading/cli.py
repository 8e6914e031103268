"""`titan trading`: backtests and feature tables from files, with no stack running."""

import csv
import gc
import json
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import process_time
from typing import Annotated, Any, NoReturn
from uuid import UUID, uuid5

import typer

from trading.calendarfiles import CalendarFileError, read_events
from trading.pricefiles import PriceFileError, PriceSeries, read_prices
from trading.rules.backtest import Backtest, backtest
from trading.rules.candles import Timeframe, timeframe_of
from trading.rules.limits import Limits
from trading.rules.market import Costs, FillAt, Instrument, plain
from trading.rules.orders import Fill
from trading.rules.pauses import NO_PAUSES, Around, Importance, PausePolicy, Pauses, pauses
from trading.rules.strategies import STRATEGIES, InvalidParameters, Strategy, build, strategy_named
from trading.rules.strategies.ml_signal import KnownSignals, MlSignal, SignalMissing
from trading.rules.strategies.registry import UnknownStrategy

app = typer.Typer(help="Backtests and feature tables from files of prices.", no_args_is_help=True)
FILE_RUN = UUID("7c1e9c55-6f2e-5d0a-9b1d-3f7a2c0d5e11")  # runs on files have no row; their order ids come from here

Amount = Annotated[str, typer.Option()]


@app.command("backtest")
def run_backtest(
    prices: Annotated[Path, typer.Option(help="CSV or Parquet file of candles.")],
    strategy: Annotated[str, typer.Option(help=f"One of {', '.join(STRATEGIES)}.")],
    parameters: Annotated[str, typer.Option(help="The strategy's parameters as JSON.")] = "{}",
    fee: Annotated[str, typer.Option(help="Share of each fill's value, 0.0002 is 0.02 %.")] = "0",
    mode: Annotated[str, typer.Option(help="event: the engine's own loop.")] = "event",
    symbol: Annotated[str | None, typer.Option(help="Which symbol of a file that holds several.")] = None,
    timeframe: Annotated[Timeframe | None, typer.Option(help="Only where it cannot be told from the file.")] = None,
    cash: Annotated[str, typer.Option(help="Starting cash in the quote currency.")] = "10000",
    fill: Annotated[FillAt, typer.Option(help="When an order decided at a close is filled.")] = FillAt.NEXT_OPEN,
    spread: Annotated[str, typer.Option(help="Share of the price between bid and ask.")] = "0",
    slippage: Annotated[str, typer.Option(help="Share of the price lost on each fill.")] = "0",
    tick: Annotated[str, typer.Option(help="Smallest step of a price.")] = "0.00000001",
    lot: Annotated[str, typer.Option(help="Smallest step of a quantity.")] = "0.00000001",
    minimum_notional: Annotated[str, typer.Option(help="Smallest value of an entry.")] = "0",
    risk: Annotated[str, typer.Option(help="Percent of equity an entry may lose when stopped out.")] = "1",
    stop_loss: Annotated[str | None, typer.Option(help="Percent below the average price.")] = None,
    take_profit: Annotated[str | None, typer.Option(help="Percent above the average price.")] = None,
    max_drawdown: Annotated[str | None, typer.Option(help="Percent from the peak that ends all trading.")] = None,
    daily_loss: Annotated[str | None, typer.Option(help="Percent lost in a UTC day that ends its entries.")] = None,
    max_daily_trades: Annotated[int | None, typer.Option(min=1, help="Entries in a UTC day.")] = None,
    calendar: Annotated[Path | None, typer.Option(help="CSV of events to stay out around.")] = None,
    pause_before: Annotated[int, typer.Option(min=0, help="Minutes before a high-importance event.")] = 1440,
    pause_after: Annotated[int, typer.Option(min=0, help="Minutes after it.")] = 60,
    signals: Annotated[Path | None, typer.Option(help="CSV of time,signal for ml_signal.")] = None,
    fills: Annotated[Path | None, typer.Option(help="Write every fill to this CSV file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output.")] = False,
) -> None:
    """Run a strategy over a file of candles, exactly as the service's engine does."""
    if mode != "event":
        _wrong(f"--mode {mode} is not there: this version backtests with --mode event only")
    with _sentences():
        series = read_prices(prices, symbol=symbol)
        chosen = _strategy(strategy, parameters, signals)
        rhythm = timeframe or timeframe_of(series.candles)
        if rhythm is None:
            _wrong("the timeframe cannot be told from the file; give --timeframe")
        costs = Costs(_amount(fee, "fee"), _amount(spread, "spread"), _amount(slippage, "slippage"), fill)
        limits = Limits(
            risk_percentage=_amount(risk, "risk"),
            stop_loss_percentage=_percent(stop_loss, "stop-loss"),
            take_profit_percentage=_percent(take_profit, "take-profit"),
            max_drawdown_percentage=_percent(max_drawdown, "max-drawdown"),
            daily_loss_percentage=_percent(daily_loss, "daily-loss"),
            max_daily_trades=max_daily_trades,
        )
        instrument = Instrument(_step(tick, "tick"), _step(lot, "lot"), _amount(minimum_notional, "minimum-notional"))
        result, seconds = _run(
            series,
            run_id=uuid5(FILE_RUN, f"{strategy}:{parameters}:{series.symbol}"),
            strategy=chosen,
            timeframe=rhythm,
            cash=_step(cash, "cash"),
            instrument=instrument,
            costs=costs,
            limits=limits,
            pauses=_pauses(calendar, pause_before, pause_after),
            progress=None if as_json else _progress,
        )
    if fills is not None:
        _write_fills(fills, result.batch.fills)
    _say(result, series, chosen, rhythm, seconds, as_json=as_json)


@app.command("features")
def export_features(
    prices: Annotated[Path, typer.Option(help="CSV or Parquet file of candles.")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    symbol: Annotated[str | None, typer.Option(help="Which symbol of a file that holds several.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First candle to write, 2008-01-01.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="First candle to leave out.")] = None,
) -> None:
    """Write the rows that ml_signal asks about, with what followed, as a table to train a machine on."""
    from trading.training import write_table

    with _sentences():
        series = read_prices(prices, symbol=symbol)
        with out.open("w", encoding="utf-8", newline="") as stream:
            count = write_table(stream, series.candles, since=since, until=until)
    print(f"{count} rows in {out}")


@app.command("strategies")
def list_strategies(
    as_json: Annotated[bool, typer.Option("--json", help="Schemas as JSON.")] = False,
) -> None:
    """The strategies and their parameters."""
    if as_json:
        print(json.dumps({name: kind.parameters_type.model_json_schema() for name, kind in STRATEGIES.items()}))
        return
    for name, kind in STRATEGIES.items():
        print(f"{name}: {kind.summary}")
        for field, spec in kind.parameters_type.model_fields.items():
            print(f"  {field} (default {spec.default}): {spec.description}")


class _sentences:
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
            _wrong(str(error))


def _wrong(sentence: str) -> NoReturn:
    print(f"titan trading: {sentence}", file=sys.stderr)
    raise typer.Exit(2)


def _strategy(name: str, parameters: str, signals: Path | None) -> Strategy[Any]:
    try:
        raw = json.loads(parameters)
    except json.JSONDecodeError as error:
        _wrong(f"--parameters is not JSON: {error}")
    if not isinstance(raw, dict):
        _wrong('--parameters must be a JSON object such as {"fast": 10}')
    chosen = build(strategy_named(name), raw)
    if isinstance(chosen, MlSignal):
        if signals is None:
            _wrong("ml_signal on a file needs --signals FILE with time,signal; a signal is never made up")
        chosen.signals = _signals(signals)
    return chosen


def _signals(path: Path) -> KnownSignals:
    from trading.pricefiles import instant_of

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
        _wrong(f"--{option} must be a number that is not negative, not {text}")
    return value


def _percent(text: str | None, option: str) -> Decimal | None:
    return None if text is None else _step(text, option)


def _step(text: str, option: str) -> Decimal:
    value = _amount(text, option)
    if not value:
        _wrong(f"--{option} must be above zero")
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
        print(f"\r{done / total:4.0%} of {total} candles", end="" if done < total else "\n", file=sys.stderr)


def _write_fills(path: Path, fills: list[Fill]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("index", "time", "side", "purpose", "price", "quantity", "fee", "profit"))
        for fill in fills:
            time = fill.time
            numbers = (plain(value) for value in (fill.price, fill.quantity, fill.fee, fill.profit))
            writer.writerow((fill.index, _iso(time), fill.side, fill.purpose, *numbers))


def _iso(time: int) -> str:
    from trading.rules.candles import instant

    return instant(time).strftime("%Y-%m-%dT%H:%M:%SZ")


def _say(
    result: Backtest,
    series: PriceSeries,
    strategy: Strategy[Any],
    timeframe: Timeframe,
    seconds: float,
    *,
    as_json: bool,
) -> None:
    figures = result.report.as_json()
    if as_json:
        speed = {
            "cpu_seconds": round(seconds, 6),
            "candles_per_cpu_second": round(len(series.candles) / max(seconds, 1e-9)),
        }
        about = {"strategy": strategy.name, "parameters": strategy.parameters.model_dump(mode="json")}
        notes = sum(1 for order in result.batch.orders.values() if order.state == "denied")
        print(
            json.dumps(
                {
                    **about,
                    "symbol": series.symbol,
                    "timeframe": timeframe,
                    **figures,
                    "denied": notes,
                    **speed,
                }
            )
        )
        return
    _table(figures, result.batch.trades)


def _table(figures: dict[str, Any], trades: list[Any]) -> None:
    say: Callable[[str, str], None] = lambda name, text: print(f"{name:<24}{text:>20}")  # noqa: E731
    for name, value in figures.items():
        if name in ("basis", "fills_sha256"):
            continue
        text = "-" if value is None else f"{value:,.4f}" if isinstance(value, float) else str(value)
        say(name.replace("_", " "), text)
    print(f"\nfills sha256 {figures['fills_sha256']}\n{figures['basis']}")
