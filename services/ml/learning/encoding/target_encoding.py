"""What the outputs were, on average, for each label of a column; and how frequent the label is.

A line must not learn from an average that holds its own output, and what a fold's member is watched on must not be in
any average that the member learnt from: else those lines are answered better than any new one. So there are averages
for each fold beside those that are served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Lines that a fold's member learns from are parted so often; each sees the averages of the other parts.
PARTS = 5
# A label's own average counts as much as the overall one when it was seen so often; within these bounds as the outputs
# say.
LEAST_DRAWN, MOST_DRAWN = 0.5, 100.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TargetEncoding:
    """`rows[p]` are the learnt numbers of place p; `out_of_fold` those of the learning lines, from other folds.

    `of_folds[k]` are those of the learning lines as the member of fold k sees them: without any output of fold k.
    """

    rows: tuple[tuple[float, ...], ...]
    out_of_fold: NDArray[np.float32] | None
    of_folds: NDArray[np.float32] | None = None

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
        averages = [_Averages(places, size, target, folds) for target in targets.T]
        rows = np.stack([frequency, *(own.whole() for own in averages)], axis=1)
        said = frequency[places]
        of_folds = [
            np.stack([said, *(own.of_fold(fold) for own in averages)], axis=1).astype(np.float32)
            for fold in range(int(folds.max()) + 1)
        ]
        return cls(
            tuple(tuple(float(value) for value in row) for row in rows),
            np.stack([said, *(own.out_of_fold() for own in averages)], axis=1).astype(np.float32),
            np.stack(of_folds),
        )


class _Averages:
    """The averages of one target, from sums over folds and parts of them."""

    def __init__(self, places: NDArray[np.int64], size: int, target: Floats, folds: NDArray[np.int8]) -> None:
        known = ~np.isnan(target)
        self.places, self.folds = places, folds
        self.parts = np.random.default_rng(places.size).permutation(places.size) % PARTS
        cube = (int(folds.max()) + 1, PARTS, size)
        cells = np.ravel_multi_index((folds, self.parts, places), cube)
        weighed = np.where(known, target, 0.0)
        self.sums, squares, self.counts = (
            np.bincount(cells, weights=weights, minlength=np.prod(cube)).reshape(cube)
            for weights in (weighed, weighed**2, known)
        )
        self.mean = self.sums.sum() / max(self.counts.sum(), 1)
        sums, counts = self.sums.sum(axis=(0, 1)), self.counts.sum(axis=(0, 1))
        drawn = _drawn(sums, squares.sum(axis=(0, 1)), counts)
        self.all = _smooth(sums, counts, drawn)
        # From a share of the lines there are that many fewer of each place, and they are drawn that much less: else
        # averages would lie farther from the mean when served than any that was learnt from.
        rest = 1 - 1 / len(self.sums)
        self.without_fold = _smooth(sums - self.sums.sum(axis=1), counts - self.counts.sum(axis=1), drawn * rest)
        self.drawn_in_parts = drawn * rest * (1 - 1 / PARTS)
        off = (self.all - self.mean) ** 2
        # In units of how much it tells the labels apart, so that the network need not stretch it.
        self.spread = (float(np.sqrt(np.average(off, weights=counts))) if counts.sum() else 0.0) or 1.0

    def whole(self) -> Floats:
        """Of each place, from all lines: what is served."""
        return self._scaled(self.all)

    def out_of_fold(self) -> Floats:
        """Of each line, from the lines of all other folds."""
        return self._scaled(self.without_fold[self.folds, self.places])

    def of_fold(self, fold: int) -> Floats:
        """Of each line, without fold `fold`; its other lines are without those of their own part as well."""
        rest = np.arange(len(self.sums)) != fold
        sums, counts = self.sums[rest].sum(axis=0), self.counts[rest].sum(axis=0)
        others = _smooth(sums.sum(axis=0) - sums, counts.sum(axis=0) - counts, self.drawn_in_parts)
        watched = self.without_fold[fold, self.places]
        return self._scaled(np.where(self.folds == fold, watched, others[self.parts, self.places]))

    def _scaled(self, averages: Floats) -> Floats:
        return np.asarray(np.clip((averages - self.mean) / self.spread, -5.0, 5.0))


def _smooth(sums: Floats, counts: Floats, drawn: float) -> Floats:
    """Averages by place (the last axis), few lines drawn to the mean of all of them."""
    mean = sums.sum(axis=-1, keepdims=True) / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return np.asarray((sums + drawn * mean) / (counts + drawn))


def _drawn(sums: Floats, squares: Floats, counts: Floats) -> float:
    """How many lines the mean of all counts as, beside those of a place: the variance within places over that between
    them (one-way analysis of variance, method of moments). One number for all folds, or their averages would not be as
    strong as those that are served; it tells nothing of a line."""
    lines, places = counts.sum(), np.count_nonzero(counts)
    if places < 2 or lines <= places:
        return MOST_DRAWN
    means = sums / np.maximum(counts, 1)
    within = (squares - sums * means).sum() / (lines - places)
    usual_lines = (lines - (counts**2).sum() / lines) / (places - 1)
    between = ((counts * (means - sums.sum() / lines) ** 2).sum() / (places - 1) - within) / usual_lines
    return float(np.clip(within / max(between, 1e-12), LEAST_DRAWN, MOST_DRAWN))
