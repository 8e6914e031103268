"""Axes of drawings: round values at equal distances around what is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

# So many distances between ticks at most, before the ends are made round.
MOST_STEPS = 6
_PARTS = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Ticks from `low` on, `step` apart; the last one is `high`. `places` are the decimals that tell them apart."""

    low: float
    step: float
    steps: int
    places: int

    @property
    def high(self) -> float:
        return self.low + self.steps * self.step

    def ticks(self) -> list[float]:
        """From the lowest to the highest; never a negative zero."""
        return [round(self.low + place * self.step, self.places) + 0.0 for place in range(self.steps + 1)]

    def share(self, value: float) -> float:
        """How far along: 0 at the lowest tick, 1 at the highest."""
        return (value - self.low) / (self.steps * self.step)


def axis_over(values: Iterable[float]) -> Axis:
    """The axis from at or below the least of `values` to at or above the greatest; there has to be one."""
    known = list(values)
    low, high = min(known), max(known)
    span = (high - low) or abs(high) or 1.0
    exponent = floor(log10(span))
    part = next(part for part in _PARTS if span / (part * 10.0**exponent) <= MOST_STEPS)
    step = part * 10.0**exponent
    first = floor(low / step) * step
    return Axis(first, step, max(1, -floor(-(high - first) / step)), _places(part, exponent))


def _places(part: float, exponent: int) -> int:
    digits = {0.1: 1, 0.2: 1, 0.25: 2, 0.5: 1}.get(part, 0)
    return max(0, digits - exponent)
