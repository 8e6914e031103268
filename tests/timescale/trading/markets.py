"""A symbol with minute candles, made by commands, and what coarser ones must be by the clock alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any

from shared_models.operations import Tier
from trading.rules.candles import Candle, Timeframe

# A Thursday before European clocks go forward; the walk's holes carry it over weeks, month ends and American DST.
BEGIN = datetime(2020, 3, 5, 22, 31, tzinfo=UTC)
COARSER = [one for one in Timeframe if one is not Timeframe.M1]


def minutes(first: datetime, count: int, *, seed: int = 1, every: int = 60, missing: float = 0.2) -> list[Candle]:
    """A random walk with holes: some candles are not there, and now and then a day or two is not."""
    rng, time, price, found = Random(seed), int(first.timestamp()), Decimal("100.00"), []
    while len(found) < count:
        time += every * (rng.randint(2_000, 4_000) if rng.random() < 0.01 else 1)
        if rng.random() < missing:
            continue
        opened, price = price, max(Decimal("1.00"), price + Decimal(rng.randint(-90, 90)) / 100)
        high, low = max(opened, price) + Decimal(rng.randint(0, 20)) / 100, min(opened, price) - Decimal("0.01")
        found.append(Candle(time, opened, high, low, price, Decimal(rng.randint(0, 10**9)) / 10**8))
    return found


def by_the_clock(candles: Iterable[Candle], timeframe: Timeframe) -> list[Candle]:
    """Coarser candles as a person would make them, from nothing but UTC's calendar."""
    return [
        Candle(
            opening,
            (parts := list(group))[0].open,
            max(one.high for one in parts),
            min(one.low for one in parts),
            parts[-1].close,
            sum((one.volume for one in parts), Decimal(0)),
        )
        for opening, group in groupby(candles, key=lambda one: _opening(one.opened_at, timeframe))
    ]


def _opening(moment: datetime, timeframe: Timeframe) -> int:
    day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if timeframe is Timeframe.W1:
        return int(day.timestamp()) - moment.weekday() * 86_400
    passed = int((moment - day).total_seconds())
    return int(day.timestamp()) + passed - passed % timeframe.seconds


class Market:
    """A symbol, what was loaded of it, and how it is read."""

    def __init__(self, tier: Tier, symbol: Any) -> None:
        self.tier, self.symbol = tier, symbol
        self.stored: dict[int, Candle] = {}

    def load(self, candles: list[Candle], *, timeframe: Timeframe = Timeframe.M1, source: str = "test") -> Any:
        """Load them as a person does."""
        from trading import commands
        from trading.pricefiles import PriceSeries

        owner = self.symbol.owner_id
        done = commands.ingest(
            symbol_id=self.symbol.pk,
            by=owner,
            series=PriceSeries("X", candles),
            timeframe=timeframe,
            source=source,
        )
        self.symbol.refresh_from_db()
        if source == self.symbol.price_source:
            self.stored |= {one.time: one for one in candles}
        return done

    def read(self, timeframe: Timeframe, **within: Any) -> list[Candle]:
        """What a reader gets."""
        from trading.queries import candles

        return candles(self.symbol, timeframe, **within)

    def expected(self, timeframe: Timeframe) -> list[Candle]:
        """What a reader must get."""
        return by_the_clock([self.stored[time] for time in sorted(self.stored)], timeframe)
