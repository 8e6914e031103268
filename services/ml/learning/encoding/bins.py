"""A number as a network likes it: robustly scaled, a flag when missing, and piecewise-linear bins."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from struct import Struct

import numpy as np
from numpy.typing import NDArray

MOST_BINS = 32
LINES_PER_BIN = 20
_float32 = Struct("f").pack


@dataclass(frozen=True, slots=True)
class Bins:
    """`edges` part the learnt values into about equally full bins; each gives how far the value went through it."""

    center: float
    scale: float
    low: float
    high: float
    edges: tuple[float, ...]
    flags_missing: bool
    # The least and the most that is no surprise, and that counts; for each bin, what comes before and after the part of
    # it that the value went through.
    _usual: tuple[float, float] = field(init=False, repr=False, compare=False)
    _held: tuple[float, float] = field(init=False, repr=False, compare=False)
    _around: list[tuple[bytes, bytes]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Frozen, so these are set past the dataclass once.
        flag, bins = _float32(0.0) * self.flags_missing, self.bin_count
        around = [(flag + _float32(1.0) * k, _float32(0.0) * (bins - k - 1)) for k in range(bins)]
        slack = (self.high - self.low) * 0.1
        object.__setattr__(self, "_usual", (self.low - slack, self.high + slack))
        object.__setattr__(self, "_held", (self.low - self._reach, self.high + self._reach))
        object.__setattr__(self, "_around", around)

    @classmethod
    def fit(cls, values: NDArray[np.float64], *, most_bins: int) -> Bins:
        """From learning values; NaN is missing. A column with nothing in it encodes as nothing."""
        present = values[~np.isnan(values)]
        flags = present.size < values.size
        if not present.size:
            return cls(0.0, 1.0, 0.0, 0.0, (), flags)
        q1, center, q3 = (float(q) for q in np.quantile(present, (0.25, 0.5, 0.75)))
        low, high = float(present.min()), float(present.max())
        scale = (q3 - q1) / 1.349 or float(present.std()) or 1.0
        bins = min(most_bins, MOST_BINS, present.size // LINES_PER_BIN)
        return cls(center, scale, low, high, _edges(present, bins), flags)

    @property
    def width(self) -> int:
        return 1 + self.flags_missing + self.bin_count

    @property
    def plain(self) -> list[bool]:
        """Which of the columns a linear model gets: all but the bins."""
        return [True] * (1 + self.flags_missing) + [False] * self.bin_count

    @property
    def bin_count(self) -> int:
        return max(0, len(self.edges) - 1)

    def row(self, value: float | None) -> bytes:
        """What `batch` makes of it, as it lies in memory."""
        if value is None:
            return _float32(0.0) + _float32(1.0) * self.flags_missing + _float32(0.0) * self.bin_count
        low, high = self._held
        value = low if value < low else high if value > high else value
        z = (value - self.center) / self.scale
        third = z / 3.0
        scaled = _float32(z / math.sqrt(1.0 + third * third))
        edges, around = self.edges, self._around
        k = bisect_right(edges, value) - 1
        if 0 <= k < len(around):
            before, after = around[k]
            return scaled + before + _float32((value - edges[k]) / (edges[k + 1] - edges[k])) + after
        return scaled + _float32(0.0) * self.flags_missing + _float32(float(k >= 0)) * len(around)

    def batch(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        missing = np.isnan(values)
        held = np.clip(np.where(missing, self.center, values), *self._held)
        z = (held - self.center) / self.scale
        third = z / 3.0
        edges, bins, first = np.array(self.edges, dtype=np.float64), self.bin_count, 1 + self.flags_missing
        reached = np.searchsorted(edges, held, side="right")
        reached[missing] = 0
        out = _passed(first, bins)[reached]
        out[:, 0] = np.where(missing, 0.0, z / np.sqrt(1.0 + third * third))
        if self.flags_missing:
            out[:, 1] = missing
        inside = np.flatnonzero((reached > 0) & (reached <= bins))
        k = reached[inside] - 1
        out[inside, first + k] = (held[inside] - edges[k]) / np.diff(edges)[k]
        return out

    def is_outside(self, value: float) -> bool:
        """Farther out than anything learnt from, by more than a tenth of the whole range."""
        low, high = self._usual
        return value < low or value > high

    def outside(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        low, high = self._usual
        return (values < low) | (values > high)

    @property
    def _reach(self) -> float:
        # A value far outside is treated as one just outside: nothing was learnt about how it goes on.
        return (self.high - self.low) or self.scale


@cache
def _passed(first: int, bins: int) -> NDArray[np.float32]:
    """Row k + 1 is what a value in bin k gives the bins before its own, 1 for each, behind `first` other columns."""
    return np.tri(bins + 2, first + bins, first - 2, dtype=np.float32) * (np.arange(first + bins) >= first)


def _edges(present: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    values, counts = np.unique(present, return_counts=True)
    if bins < 2 or values.size < 3:
        return ()
    if values.size <= bins + 1:
        return tuple(float(value) for value in values)
    # A value that fills several bins alone (often zero) is counted as one, so that the others keep theirs.
    weights = np.minimum(counts, present.size / bins)
    reached = np.cumsum(weights) / weights.sum()
    places = np.searchsorted(reached, np.linspace(0.0, 1.0, bins + 1))
    picked = np.unique(values[np.minimum(places, values.size - 1)])
    return tuple(float(edge) for edge in np.union1d(picked, values[[0, -1]]))


def floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    """None becomes NaN."""
    return np.array(values, dtype=np.float64)


def in_memory(values: Sequence[float]) -> bytes:
    """As float32 lie in memory."""
    return array("f", values).tobytes()
