"""Builds the small markets that the trading tests tell their stories in."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from trading.rules.book import Book
from trading.rules.candles import Candle, Timeframe
from trading.rules.engine import Engine
from trading.rules.market import Side
from trading.rules.orders import Intent
from trading.rules.strategies.base import Context, Parameters, Strategy

RUN = UUID("01890000-0000-7000-8000-000000000001")
HOUR = 3600
START = 1_600_000_000 // 86_400 * 86_400


def candle(
    number: int,
    close: str | Decimal,
    *,
    open: str | None = None,
    high: str | None = None,
    low: str | None = None,
    volume: str = "1000",
    step: int = HOUR,
) -> Candle:
    """Candle `number` of a series; what is not said follows from its close."""
    last = Decimal(close)
    first = Decimal(open) if open is not None else last
    top = Decimal(high) if high is not None else max(first, last)
    bottom = Decimal(low) if low is not None else min(first, last)
    return Candle(START + number * step, first, top, bottom, last, Decimal(volume))


def closing(*closes: str) -> list[Candle]:
    """Candles that open where the one before closed."""
    opens = (closes[0], *closes)
    return [candle(n, close, open=opens[n]) for n, close in enumerate(closes)]


def wandering(count: int, seed: int = 7, *, step: int = HOUR) -> list[Candle]:
    """A random walk in cents."""
    rng, price, found = Random(seed), Decimal("100.00"), []
    for n in range(count):
        opened = price
        price = max(Decimal("1.00"), price + Decimal(rng.randint(-150, 150)) / 100)
        spike = Decimal(rng.randint(0, 60)) / 100
        found.append(
            Candle(
                START + n * step,
                opened,
                max(opened, price) + spike,
                max(Decimal("0.5"), min(opened, price) - spike),
                price,
                Decimal(rng.randint(1, 5000)),
            )
        )
    return found


class Scripted(Strategy[Parameters]):
    """Does what it was told at each candle."""

    name, title, summary, parameters_type = "scripted", "Scripted", "", Parameters

    def __init__(self, script: dict[int, Intent]) -> None:
        super().__init__(Parameters())
        self.script = script

    def on_candle(self, context: Context) -> Intent | None:
        return self.script.get(context.index)

    def memory(self) -> dict[str, Any]:
        return {}

    def recall(self, memory: dict[str, Any]) -> None:
        pass


def buy(quantity: str | None = "1", **more: Any) -> Intent:
    return Intent(Side.BUY, "told to", quantity=None if quantity is None else Decimal(quantity), **more)


def sell() -> Intent:
    return Intent(Side.SELL, "told to")


def engine(script: dict[int, Intent], *, cash: str = "1000", **settings: Any) -> Engine:
    settings.setdefault("timeframe", Timeframe.H1)
    return Engine(run_id=RUN, strategy=Scripted(script), book=Book(cash=Decimal(cash)), **settings)


def lived(engine: Engine, candles: Iterable[Candle] | Sequence[Candle]) -> Engine:
    for one in candles:
        engine.step(one)
    return engine
