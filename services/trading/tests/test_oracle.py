"""The engine's fills equal those of an oracle that has no framework, on real and on random prices."""

import gzip
from decimal import Decimal
from importlib.resources import files
from io import BytesIO

import pytest

from trading.pricefiles import read_prices
from trading.rules.backtest import backtest
from trading.rules.candles import Candle, timeframe_of
from trading.rules.market import Costs, FillAt
from trading.rules.strategies import build, strategy_named
from trading.tests.oracle import sma_cross
from trading.tests.stories import RUN, wandering

FEE = Decimal("0.0002")
CASH = Decimal(10_000_000)


def stock(ticker: str) -> list[Candle]:
    packed = (files("bokeh_sampledata") / "_data" / "stocks.csv.gz").read_bytes()
    return read_prices(BytesIO(gzip.decompress(packed)), symbol=ticker).candles


def markets() -> dict[str, list[Candle]]:
    return {ticker: stock(ticker) for ticker in ("AAPL", "GOOG", "IBM", "MSFT", "FB")} | {"random": wandering(5000)}


@pytest.mark.parametrize("fill_at", list(FillAt))
@pytest.mark.parametrize("ticker", ["AAPL", "GOOG", "IBM", "MSFT", "FB", "random"])
def test_fills_and_final_equity_equal_the_oracle_to_the_last_digit(ticker: str, fill_at: FillAt) -> None:
    candles = markets()[ticker]
    timeframe = timeframe_of(candles)
    assert timeframe is not None
    result = backtest(
        candles,
        run_id=RUN,
        strategy=build(strategy_named("momentum"), {"fast": 10, "slow": 20, "quantity": "10"}),
        timeframe=timeframe,
        cash=CASH,
        costs=Costs(fee_rate=FEE, fill_at=fill_at),
    )
    digest, equity, count = sma_cross(
        candles,
        fast=10,
        slow=20,
        quantity=Decimal(10),
        fee_rate=FEE,
        cash=CASH,
        at_close=fill_at is FillAt.CLOSE,
    )
    figures = result.report
    assert (figures.fills_sha256, figures.final_equity, figures.fills) == (digest, equity, count)
    assert count > 5
