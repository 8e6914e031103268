"""`titan trading`: backtests and feature tables from files, with no stack running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trading.filerun import Asked, sentences
from trading.pricefiles import read_prices
from trading.rules.candles import Timeframe
from trading.rules.market import FillAt
from trading.rules.strategies import STRATEGIES

app = typer.Typer(help="Backtests and feature tables from files of prices.", no_args_is_help=True)


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
    given = locals()
    with sentences():
        asked = Asked(**given)
        asked.tell(asked.run())


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

    with sentences():
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
