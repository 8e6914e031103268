"""Mean, spread and shape of a stream of numbers, exact for any length, with quantiles from a fixed reservoir."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RESERVOIR = 100_000


class StreamedNumbers:
    """Takes numbers batch by batch; what it knows does not depend on how they were cut into batches."""

    def __init__(self, most_kept: int = RESERVOIR) -> None:
        self.most_kept = most_kept
        self.count = 0
        self.least, self.largest = math.inf, -math.inf
        self._mean = self._m2 = self._m3 = self._m4 = 0.0
        self._kept: list[NDArray[np.float64]] = []
        self._kept_count = 0
        # Seeded: the same file gives the same quantiles.
        self._rng = np.random.default_rng(0)

    def add(self, numbers: NDArray[np.float64]) -> None:
        if not numbers.size:
            return
        self.least = min(self.least, float(numbers.min()))
        self.largest = max(self.largest, float(numbers.max()))
        self._merge(numbers)
        self._keep(numbers)

    def _merge(self, numbers: NDArray[np.float64]) -> None:
        """Pébay's pairwise update: central moments of two parts give those of the whole."""
        n_a, n_b = self.count, numbers.size
        n = n_a + n_b
        mean_b = float(numbers.mean())
        with np.errstate(over="ignore", invalid="ignore"):
            off = numbers - mean_b
            squared = off * off
            b2, b3, b4 = float(squared.sum()), float((squared * off).sum()), float((squared * squared).sum())
            d = mean_b - self._mean
            m2 = self._m2 + b2 + d * d * n_a * n_b / n
            m3 = (
                self._m3 + b3 + d**3 * n_a * n_b * (n_a - n_b) / n**2 + 3 * d * (n_a * b2 - n_b * self._m2) / n
                if abs(d) < 1e75
                else math.nan
            )
            m4 = (
                self._m4
                + b4
                + d**4 * n_a * n_b * (n_a * n_a - n_a * n_b + n_b * n_b) / n**3
                + 6 * d * d * (n_a * n_a * b2 + n_b * n_b * self._m2) / n**2
                + 4 * d * (n_a * b3 - n_b * self._m3) / n
                if abs(d) < 1e75
                else math.nan
            )
        self._mean += d * n_b / n
        self._m2, self._m3, self._m4, self.count = m2, m3, m4, n

    def _keep(self, numbers: NDArray[np.float64]) -> None:
        room = self.most_kept - self._kept_count
        if room > 0:
            self._kept.append(numbers[:room].copy())
            self._kept_count += self._kept[-1].size
        rest = numbers[max(room, 0) :]
        if rest.size:
            kept = self.kept()
            seen = self.count - rest.size + np.arange(1, rest.size + 1)
            places = (self._rng.random(rest.size) * seen).astype(np.int64)
            chosen = places < self.most_kept
            kept[places[chosen]] = rest[chosen]
            self._kept = [kept]

    def kept(self) -> NDArray[np.float64]:
        """All numbers while there are at most `most_kept`, a fair sample of them beyond."""
        if len(self._kept) != 1:
            self._kept = [np.concatenate(self._kept)] if self._kept else [np.empty(0)]
        return self._kept[0]

    def summary(self) -> dict[str, float | None]:
        if not self.count:
            return {}
        n, kept = self.count, self.kept()
        variance = self._m2 / (n - 1) if n > 1 else 0.0
        std_dev = math.sqrt(variance) if variance >= 0 and math.isfinite(variance) else math.nan
        spread = self._m2 / n
        has_shape = 1e-100 < spread < 1e100  # beyond, its powers are nothing or endless
        found: dict[str, float] = {
            "mean": self._mean,
            "std_dev": std_dev,
            "skewness": self._m3 / n / spread**1.5 if has_shape else 0.0,
            "kurtosis": self._m4 / n / spread**2 - 3 if has_shape else 0.0,
            "min": self.least,
            "max": self.largest,
            "sem": std_dev / math.sqrt(n),
        }
        for name, share in (
            ("quantile02", 0.2),
            ("quantile03", 0.3),
            ("quantile07", 0.7),
            ("quantile08", 0.8),
        ):
            found[name] = float(np.quantile(kept, share))
        found["median"] = float(np.median(kept))
        return {name: value if math.isfinite(value) else None for name, value in found.items()}
