"""How one column is spread: boxes, letter values, densities, bins."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ml.graphs.material import Floats

WHISKER = 1.5
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Box:
    """Tukey's box: quartiles, whiskers to the furthest value within 1.5 times their distance, the rest outliers."""

    count: int
    mean: float
    least: float
    low: float
    q1: float
    median: float
    q3: float
    high: float
    most: float
    outliers: Floats


def box(values: Floats) -> Box:
    """The box of at least one value."""
    ordered = np.sort(values)
    q1, median, q3 = (float(value) for value in np.quantile(ordered, (0.25, 0.5, 0.75)))
    reach = WHISKER * (q3 - q1)
    first = int(np.searchsorted(ordered, q1 - reach, side="left"))
    last = int(np.searchsorted(ordered, q3 + reach, side="right"))
    outliers = np.concatenate([ordered[:first], ordered[last:]])
    # Between two values the quartile may lie beyond all that are within reach; a whisker never points inwards.
    low, high = min(q1, float(ordered[first])), max(q3, float(ordered[last - 1]))
    mean, least, most = float(ordered.mean()), float(ordered[0]), float(ordered[-1])
    return Box(len(ordered), mean, least, low, q1, median, q3, high, most, outliers)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter value: between `low` and `high` lies all but `tail` of the lines at each end."""

    name: str
    tail: float
    low: float
    high: float


def letter_values(values: Floats) -> list[Letter]:
    """Letter values from the fourths outwards, as deep as the 95 % intervals of the next would not overlap them.

    Depth after Hofmann, Wickham and Kafadar, "Letter-value plots: boxplots for large data" (2017).
    """
    depth = max(2, int(math.log2(len(values))) - int(math.log2(2 * _Z**2)) + 1)
    tails = [0.5**place for place in range(2, depth + 1)]
    ordered = np.sort(values)
    lows = np.quantile(ordered, tails)
    highs = np.quantile(ordered, [1 - tail for tail in tails])
    letters = "FEDCBAZYXWVUTSRQPONMLKJIHG"
    return [
        Letter(letters[place % len(letters)], tail, float(low), float(high))
        for place, (tail, low, high) in enumerate(zip(tails, lows, highs, strict=True))
    ]


def bandwidth(values: Floats) -> float:
    """Silverman's rule, which a few far values do not blow up; above nothing even where all values are the same."""
    q1, q3 = np.quantile(values, (0.25, 0.75))
    spread = min(x for x in (float(values.std()), float(q3 - q1) / 1.349) if x > 0) if values.std() > 0 else 0.0
    return float(max(0.9 * spread * len(values) ** -0.2, 1e-9 * max(1.0, abs(float(values[0])))))


def density(
    values: Floats, *, points: int = 96, low: float | None = None, high: float | None = None
) -> tuple[Floats, Floats]:
    """(places, density) of a Gaussian kernel, cut at the least and the greatest value, under which no value lies."""
    width = bandwidth(values)
    first = float(values.min()) if low is None else low
    last = float(values.max()) if high is None else high
    if last <= first:
        first, last = first - 3 * width, last + 3 * width
    # Counted on a fine grid first: the cost then hangs on the grid and not on the lines.
    edges = np.linspace(first, last, 1025)
    counts, _ = np.histogram(np.clip(values, first, last), edges)
    middles = (edges[:-1] + edges[1:]) / 2
    places = np.linspace(first, last, points)
    kernel = np.exp(-0.5 * ((places[:, None] - middles[None, :]) / max(width, middles[1] - middles[0])) ** 2)
    found = kernel @ counts.astype(np.float64)
    area = float(np.trapezoid(found, places))
    return places, found / area if area > 0 else found


def bin_edges(values: Floats, *, least: int = 10, most: int = 60) -> Floats:
    """Edges of equal bins, as many as Freedman and Diaconis take, within bounds."""
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return (
            np.array([low - 0.5, low + 0.5]) if low == 0 else np.array(sorted((low - abs(low) / 2, low + abs(low) / 2)))
        )
    q1, q3 = np.quantile(values, (0.25, 0.75))
    step = 2 * float(q3 - q1) * len(values) ** (-1 / 3)
    count = int(min(most, max(least, math.ceil((high - low) / step)))) if step > 0 else least
    return np.linspace(low, high, count + 1)
