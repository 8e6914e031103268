"""What a network's answers mean: labels with calibrated probabilities, numbers with an interval."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelOutput:
    """One of `labels`; `temperature` was fitted on lines the members had not learnt from."""

    column: str
    labels: tuple[str, ...]
    temperature: float = 1.0

    @property
    def width(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class NumberOutput:
    """A number: the network answers in standard deviations from the mean; answers stay within what was learnt.

    `intervals` are (up to this answer, add for low, add for high): how far off the answers were on lines not learnt
    from, so that nine in ten true values fall between.
    """

    column: str
    mean: float
    std: float
    low: float
    high: float
    intervals: tuple[tuple[float, float, float], ...] = ()
    coverage: float = 0.9

    @property
    def width(self) -> int:
        return 1

    def value(self, answer: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(answer * self.std + self.mean, self.low, self.high)

    def interval(self, value: float) -> tuple[float, float] | None:
        if not self.intervals:
            return None
        i = min(bisect_left([upto for upto, _, _ in self.intervals], value), len(self.intervals) - 1)
        return value + self.intervals[i][1], value + self.intervals[i][2]

    def bounds(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        if not self.intervals:
            return None
        table = np.array(self.intervals)
        places = np.minimum(np.searchsorted(table[:, 0], values), len(table) - 1)
        return values + table[places, 1], values + table[places, 2]


Output = LabelOutput | NumberOutput


def spans(outputs: tuple[Output, ...]) -> list[tuple[int, int]]:
    """Where each output lies in the network's answer."""
    found, start = [], 0
    for output in outputs:
        found.append((start, start + output.width))
        start += output.width
    return found
