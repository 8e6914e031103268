"""Means with their intervals, and the straight line through points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ml.graphs.material import Codes, Floats


@dataclass(frozen=True, slots=True)
class Means:
    """By group: how many lines, their mean, and the bounds in which it lies at 95 %; NaN where a group has too few."""

    count: Floats
    mean: Floats
    low: Floats
    high: Floats


def means(values: Floats, codes: Codes, groups: int) -> Means:
    """The mean of each group with Student's interval."""
    from scipy.special import stdtrit

    count = np.bincount(codes, minlength=groups).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(codes, weights=values, minlength=groups) / count
        # Squares of what is left over the mean: squares of the values would lose their last digits.
        rest = np.bincount(codes, weights=(values - mean[codes]) ** 2, minlength=groups)
        reach = stdtrit(np.maximum(count - 1, 1), 0.975) * np.sqrt(rest / (count - 1) / count)
    reach[count < 2] = np.nan
    return Means(count, mean, mean - reach, mean + reach)


def span_of(every: Floats, bounds: Floats) -> tuple[float, float]:
    """A span with all means, and all bounds but the few that groups of two or three lines stretch out of sight."""
    bounds = bounds[~np.isnan(bounds)]
    inner = np.quantile(bounds, (0.05, 0.95)) if len(bounds) else every
    return float(min(every.min(), inner.min())), float(max(every.max(), inner.max()))


@dataclass(frozen=True, slots=True)
class Regression:
    """An ordinary least-squares line. `p` is how often chance alone would give such a slope."""

    count: int
    slope: float
    intercept: float
    r: float
    p: float
    slope_error: float
    middle: float
    sum_of_squares: float
    residual: float
    t: float

    def line(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """(y, low, high) along x: the band in which the line lies at 95 %."""
        y = self.intercept + self.slope * x
        reach = self.t * self.residual * np.sqrt(1 / self.count + (x - self.middle) ** 2 / self.sum_of_squares)
        return y, y - reach, y + reach


def regression(x: Floats, y: Floats) -> Regression | None:
    """The line through the points; None for fewer than three, or where all x are the same."""
    from scipy.special import stdtr, stdtrit

    count = len(x)
    if count < 3:
        return None
    middle, height = float(x.mean()), float(y.mean())
    sxx, syy = float(((x - middle) ** 2).sum()), float(((y - height) ** 2).sum())
    if sxx <= 0 or not math.isfinite(sxx):
        return None
    sxy = float(((x - middle) * (y - height)).sum())
    slope = sxy / sxx
    r = sxy / math.sqrt(sxx * syy) if syy > 0 else 0.0
    residual = math.sqrt(max(0.0, syy - slope * sxy) / (count - 2))
    error = residual / math.sqrt(sxx)
    p = 2 * float(stdtr(count - 2, -abs(slope / error))) if error > 0 else 0.0
    t = float(stdtrit(count - 2, 0.975))
    return Regression(count, slope, height - slope * middle, r, p, error, middle, sxx, residual, t)


def correlation(x: Floats, y: Floats) -> float | None:
    """Pearson's; None where one of them does not vary."""
    if len(x) < 3:
        return None
    across, upwards = x - x.mean(), y - y.mean()
    size = math.sqrt(float((across**2).sum()) * float((upwards**2).sum()))
    return float((across * upwards).sum()) / size if size > 0 and math.isfinite(size) else None
