"""The row a machine is asked about: a function of the last candles and of nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from trading.rules.candles import Candle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
    import numpy as np  # 90 MB with TA-Lib, which only processes that make rows should hold

    table = np.array([candle[1:] for candle in candles], dtype=np.float64)
    opens, highs, lows, closes, volumes = (np.ascontiguousarray(column) for column in table.T)
    last = candles[-1]
    values = (
        *_returns(closes),
        *_trend(closes),
        *_shape(opens, highs, lows, closes),
        _share(volumes[-1], float(volumes[-20:].mean())),
        *_oscillators(highs, lows, closes),
        float((last.time // 86_400 + 3) % 7),
        float(last.time % 86_400 // 3600),
    )
    return FeatureRow(last.time, tuple(float(value) for value in values))


def training_rows(candles: Sequence[Candle]) -> Iterator[tuple[FeatureRow, float]]:
    """Rows with what a trade decided on them would have returned: from the next open to the one after it."""
    window = FeatureWindow()
    for position, candle in enumerate(candles[:-2]):
        row = window.add(candle)
        if row is not None:
            entered, left = candles[position + 1].open, candles[position + 2].open
            yield row, float(left / entered - 1)


def _returns(closes: Floats) -> Iterator[float]:
    for n in RETURNS:
        yield closes[-1] / closes[-1 - n] - 1


def _trend(closes: Floats) -> Iterator[float]:
    for n in AVERAGES:
        yield closes[-1] / closes[-n:].mean() - 1
    import numpy as np

    steps = np.diff(np.log(closes))
    for n in VOLATILITIES:
        yield float(steps[-n:].std())


def _shape(opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> Iterator[float]:
    yield (highs[-1] - lows[-1]) / closes[-1]
    yield (closes[-1] - opens[-1]) / opens[-1]
    yield opens[-1] / closes[-2] - 1


def _oscillators(highs: Floats, lows: Floats, closes: Floats) -> Iterator[float]:
    import talib

    yield talib.RSI(closes, 14)[-1]
    yield talib.ATR(highs, lows, closes, 14)[-1] / closes[-1]
    yield talib.MACD(closes, 12, 26, 9)[2][-1] / closes[-1]


def _share(value: float, mean: float) -> float:
    return value / mean if mean > 0 else 1.0
