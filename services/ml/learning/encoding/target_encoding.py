"""What the outputs were, on average, for each label of a column; and how frequent the label is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A label's own average counts as much as the overall one when it was seen so often.
SMOOTHING = 20.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TargetEncoding:
    """`rows[p]` are the learnt numbers of place p; `out_of_fold` those of the learning lines, from other folds."""

    rows: tuple[tuple[float, ...], ...]
    out_of_fold: NDArray[np.float32] | None

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @classmethod
    def fit(
        cls, places: NDArray[np.int64], size: int, targets: Floats | None, folds: NDArray[np.int8]
    ) -> TargetEncoding:
        """Without `targets` there is nothing to learn: one-hot says it all."""
        if targets is None:
            return cls(((),) * size, None)
        counts = np.bincount(places, minlength=size).astype(np.float64)
        frequency = np.log1p(counts) / np.log1p(places.size)
        columns, out_of_fold = [frequency], [frequency[places]]
        for target in targets.T:
            column, lines = _one_target(places, size, target, folds)
            columns.append(column)
            out_of_fold.append(lines)
        rows = np.stack(columns, axis=1)
        return cls(
            tuple(tuple(float(value) for value in row) for row in rows),
            np.stack(out_of_fold, axis=1).astype(np.float32),
        )


def _one_target(places: NDArray[np.int64], size: int, target: Floats, folds: NDArray[np.int8]) -> tuple[Floats, Floats]:
    known = ~np.isnan(target)
    value = np.where(known, target, 0.0)
    sums = np.bincount(places, weights=value, minlength=size)
    counts = np.bincount(places, weights=known, minlength=size)
    mean = value.sum() / max(known.sum(), 1)
    whole = (sums + SMOOTHING * mean) / (counts + SMOOTHING)
    lines = np.empty(places.size)
    for fold in np.unique(folds):
        inside = folds == fold
        fold_sums = np.bincount(places[inside], weights=value[inside], minlength=size)
        fold_counts = np.bincount(places[inside], weights=known[inside], minlength=size)
        rest = known.sum() - fold_counts.sum()
        rest_mean = (value.sum() - fold_sums.sum()) / max(rest, 1)
        others = (sums - fold_sums + SMOOTHING * rest_mean) / (counts - fold_counts + SMOOTHING)
        lines[inside] = others[places[inside]]
    # In units of how much it tells the labels apart, so that the network need not stretch it.
    spread = float(np.sqrt(np.average((whole - mean) ** 2, weights=counts))) if counts.sum() else 0.0
    spread = spread or 1.0
    return np.clip((whole - mean) / spread, -5.0, 5.0), np.clip((lines - mean) / spread, -5.0, 5.0)
