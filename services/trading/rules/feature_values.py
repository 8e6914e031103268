"""Computes the values of a feature row, in the order of its columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from trading.rules.candles import Candle
from trading.rules.features import AVERAGES, RETURNS, VOLATILITIES
from trading.rules.ta_lib import talib

Floats = NDArray[np.float64]


def values_of(candles: Sequence[Candle] | deque[Candle]) -> tuple[float, ...]:
    """The values for the last of `candles`; they depend on these candles and on nothing else."""
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
    return tuple(float(value) for value in values)


def _returns(closes: Floats) -> Iterator[float]:
    for n in RETURNS:
        yield closes[-1] / closes[-1 - n] - 1


def _trend(closes: Floats) -> Iterator[float]:
    for n in AVERAGES:
        yield closes[-1] / closes[-n:].mean() - 1
    steps = np.diff(np.log(closes))
    for n in VOLATILITIES:
        yield float(steps[-n:].std())


def _shape(opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> Iterator[float]:
    yield (highs[-1] - lows[-1]) / closes[-1]
    yield (closes[-1] - opens[-1]) / opens[-1]
    yield opens[-1] / closes[-2] - 1


def _oscillators(highs: Floats, lows: Floats, closes: Floats) -> Iterator[float]:
    yield talib.RSI(closes, 14)[-1]
    yield talib.ATR(highs, lows, closes, 14)[-1] / closes[-1]
    yield talib.MACD(closes, 12, 26, 9)[2][-1] / closes[-1]


def _share(value: float, mean: float) -> float:
    return value / mean if mean > 0 else 1.0
