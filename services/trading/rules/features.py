"""The row a machine is asked about: a function of the last candles and of nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from trading.rules.candles import Candle

WINDOW = 61

RETURNS = (1, 2, 3, 5, 10, 20, 60)
AVERAGES = (5, 10, 20, 60)
VOLATILITIES = (5, 20, 60)
COLUMNS = (
    *(f"return_{n}" for n in RETURNS),
    *(f"close_to_sma_{n}" for n in AVERAGES),
    *(f"volatility_{n}" for n in VOLATILITIES),
    "range",
    "body",
    "gap",
    "volume_to_mean_20",
    "rsi_14",
    "atr_14",
    "macd_histogram",
    "weekday",
    "hour",
)


class FeatureRow(NamedTuple):
    """The values for the candle that opened at `time`, in the order of COLUMNS."""

    time: int
    values: tuple[float, ...]

    def named(self) -> dict[str, float]:
        return dict(zip(COLUMNS, self.values, strict=True))


class FeatureWindow:
    """The last candles of a series; batch and stream both pass here, so their rows are equal bit for bit."""

    def __init__(self, candles: Iterable[Candle] = ()) -> None:
        self._candles: deque[Candle] = deque(candles, maxlen=WINDOW)

    def add(self, candle: Candle) -> FeatureRow | None:
        """The row of `candle`; None while its past is too short."""
        self._candles.append(candle)
        return row_of(self._candles) if len(self._candles) == WINDOW else None


def rows(candles: Iterable[Candle]) -> Iterator[FeatureRow]:
    """The rows of all candles that have enough past, in one pass."""
    window = FeatureWindow()
    for candle in candles:
        row = window.add(candle)
        if row is not None:
            yield row


def row_of(candles: Sequence[Candle] | deque[Candle]) -> FeatureRow:
    """The row of the last of WINDOW candles."""
    # numpy and TA-Lib are 80 MB that processes without an asking bot never need.
    from trading.rules.feature_values import values_of

    return FeatureRow(candles[-1].time, values_of(candles))


def training_rows(candles: Sequence[Candle]) -> Iterator[tuple[FeatureRow, float]]:
    """Rows with what a trade decided on them would have returned: from the next open to the one after it."""
    window = FeatureWindow()
    for position, candle in enumerate(candles[:-2]):
        row = window.add(candle)
        if row is not None:
            entered, left = candles[position + 1].open, candles[position + 2].open
            yield row, float(left / entered - 1)
