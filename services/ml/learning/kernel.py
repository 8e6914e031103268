"""A kernel machine beside networks and trees: what lines near a row were, told by bells of one width around some lines.

Ridge regression on the bells (Nyström's way) and on the columns themselves: smooth where trees have steps, and without
anything that chance decides, as networks have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.blend import temperature_of
from ml.learning.network.fold import Fold
from ml.learning.network.losses import label_errors, number_errors, softmax
from ml.learning.network.shape import Head

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Rows = NDArray[np.intp]
MOST_CENTERS = 1000
# Beyond, products would take minutes, and distances say little.
MOST_COLUMNS = 400
# Of more lines a regular part is learnt from, and a smaller one chooses the sharpness, with half of the centers.
MOST_LINES = 50_000
MOST_SCREENED = 8000
BLOCK = 2048
# Bells narrower than the usual distance of two lines by these factors; penalties as shares of the lines of a center.
SHARPNESS = (0.3, 0.6, 1.2, 2.4)
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
# Ridge tells labels between 0 and 1: as logits that is too unsure for any temperature.
STRETCH = 8.0


@dataclass(frozen=True, slots=True)
class Kernel:
    """`bells @ weights + x @ linear + intercept`, for a label as logits; `centers` has a row for each bell."""

    centers: Singles
    sharpness: float
    weights: Floats
    linear: Floats
    intercept: Floats

    def answers(self, x: Singles) -> Floats:
        """`x` holds the columns that `centers` has."""
        return _answers([self], x)[0]

    def tensors(self, columns: Rows, width: int) -> dict[str, Singles]:
        """For rows of `width` columns, of which it sees `columns`: centers and linear weights elsewhere are 0."""
        centers = np.zeros((len(self.centers), width), np.float32)
        linear = np.zeros((width, self.linear.shape[1]), np.float32)
        seen = np.zeros(width, np.float32)
        centers[:, columns], linear[columns], seen[columns] = self.centers, self.linear, 1.0
        weights, intercept = (part.astype(np.float32) for part in (self.weights, self.intercept))
        return {"centers": centers, "seen": seen, "weights": weights, "linear": linear, "intercept": intercept}


@dataclass(frozen=True, slots=True)
class FittedKernel:
    """Learnt from all lines, None where it is too far behind; `watched` is what each fold's own says of the lines it is
    watched on, `tried` the error out of fold by sharpness and penalty."""

    model: Kernel | None
    watched: Floats
    tried: dict[tuple[float, float], float]

    @property
    def best_of_each(self) -> list[tuple[float, float, float]]:
        """Each sharpness tried, with its best penalty and the error of that."""
        best: dict[float, tuple[float, float]] = {}
        for (sharpness, penalty), error in self.tried.items():
            best[sharpness] = min(best.get(sharpness, (error, penalty)), (error, penalty))
        return [(sharpness, penalty, error) for sharpness, (error, penalty) in best.items()]


def fit_kernel(
    x: Singles,
    y: Singles,
    folds: Sequence[Fold],
    head: Head,
    *,
    seed: int,
    compared: int,
    most_error: float = np.inf,
    go_on: Callable[[], bool] = lambda: True,
) -> FittedKernel:
    """`x` has the columns of all lines that do not differ between folds; the first `compared` folds choose sharpness
    and penalty, of which more are tried while there is time to `go_on`."""
    lines = np.unique(np.concatenate([rows for fold in folds for rows in (fold.learn, fold.watch)]))
    rng = np.random.default_rng([seed, 29])
    centers = x[np.sort(rng.choice(lines, min(MOST_CENTERS, lines.size), replace=False))]
    usual = _usual_distance(x[rng.choice(lines, min(500, lines.size), replace=False)])
    are_many = lines.size > MOST_SCREENED
    found: dict[float, _Sums] = {}
    tried: dict[tuple[float, float], float] = {}
    for factor in SHARPNESS:
        if found and not go_on():
            break
        own = centers[::2] if are_many else centers
        found[factor] = _Sums.of(x, y, folds, head, own, factor / usual, most=MOST_SCREENED)
        tried |= found[factor].errors(x, y, folds[:compared], head, factor)
    factor = min(tried, key=tried.__getitem__)[0]
    if min(tried.values()) > most_error:
        return FittedKernel(None, np.zeros((0, head.width)), tried)
    sums = found[factor]
    if are_many:
        sums = _Sums.of(x, y, folds, head, centers, factor / usual, most=MOST_LINES)
        tried |= sums.errors(x, y, folds[:compared], head, factor)
    penalty = min(PENALTIES, key=lambda p: tried[factor, p])
    watched = np.concatenate([sums.without(k, penalty).answers(x[fold.watch]) for k, fold in enumerate(folds)])
    return FittedKernel(sums.without(None, penalty), watched, tried)


@dataclass(frozen=True, slots=True)
class _Sums:
    """The products of one sharpness, of all lines and of each fold's watched ones: any fold's model is a difference."""

    centers: Singles
    sharpness: float
    whole: tuple[Floats, Floats]
    of_folds: list[tuple[Singles, Singles]]
    lines: int

    @classmethod
    def of(
        cls, x: Singles, y: Singles, folds: Sequence[Fold], head: Head, centers: Singles, sharpness: float, *, most: int
    ) -> _Sums:
        every = [fold.watch for fold in folds]
        rest = np.setdiff1d(np.concatenate([fold.learn for fold in folds]), np.concatenate(every))
        step = -(-(sum(rows.size for rows in every) + rest.size) // most)
        watched, rest = [rows[::step] for rows in every], rest[::step]
        gram, told = _products(x, y, rest, head, centers, sharpness)
        of_folds = []
        for rows in watched:
            own = _products(x, y, rows, head, centers, sharpness)
            gram, told = gram + own[0], told + own[1]
            of_folds.append((own[0].astype(np.float32), own[1].astype(np.float32)))
        taken = sum(rows.size for rows in watched) + rest.size
        return cls(centers, sharpness, (gram, told), of_folds, taken)

    def without(self, fold: int | None, penalty: float) -> Kernel:
        """Learnt from all lines but the watched ones of a fold."""
        gram, told = self.whole
        if fold is not None:
            gram, told = gram - self.of_folds[fold][0], told - self.of_folds[fold][1]
        bells = len(self.centers)
        held = np.full(len(gram), 1.0)
        held[:bells] = penalty * self.lines / bells + 1e-3
        held[-1] = 1e-6
        table: Floats = np.linalg.solve(gram + np.diag(held), told).astype(np.float64, copy=False)
        return Kernel(self.centers, self.sharpness, table[:bells], table[bells:-1], table[-1])

    def errors(
        self, x: Singles, y: Singles, folds: Sequence[Fold], head: Head, factor: float
    ) -> dict[tuple[float, float], float]:
        """By factor and penalty, out of fold, of labels as calibrated."""
        said = [_answers([self.without(k, p) for p in PENALTIES], x[fold.watch]) for k, fold in enumerate(folds)]
        true = y[np.concatenate([fold.watch for fold in folds])]
        return {
            (factor, penalty): _error(np.concatenate(answers), true, head)
            for penalty, answers in zip(PENALTIES, zip(*said, strict=True), strict=True)
        }


def _error(answers: Floats, true: Singles, head: Head) -> float:
    if not head.is_label:
        return float(number_errors(answers[:, 0], true, head.loss).mean())
    codes = true.astype(np.intp)
    return float(label_errors(softmax(answers / temperature_of(answers, codes)), codes, head.loss).mean())


def _answers(kernels: Sequence[Kernel], x: Singles) -> list[Floats]:
    """What each says of the lines; their bells are the same, and worked out once."""
    one = kernels[0]
    tables = np.concatenate([np.vstack([own.weights, own.linear, own.intercept]) for own in kernels], axis=1)
    blocks = _blocks(x, np.arange(len(x)), one.centers, one.sharpness)
    return np.split(np.concatenate([block.astype(np.float64) @ tables for _, block in blocks]), len(kernels), axis=1)


def _products(
    x: Singles, y: Singles, rows: Rows, head: Head, centers: Singles, sharpness: float
) -> tuple[Floats, Floats]:
    width = len(centers) + x.shape[1] + 1
    gram, told = np.zeros((width, width)), np.zeros((width, head.width))
    for own, block in _blocks(x, rows, centers, sharpness):
        out = np.eye(head.width, dtype=np.float32)[y[own].astype(np.intp)] * STRETCH if head.is_label else y[own, None]
        gram += block.T @ block
        told += block.T @ out
    return gram, told


def _blocks(x: Singles, rows: Rows, centers: Singles, sharpness: float) -> Iterator[tuple[Rows, Singles]]:
    """Some lines at a time: their bells, their columns, and 1; each made in its place, since passes over them are what
    takes the time."""
    near, far = 2 * sharpness * centers.T, sharpness * (centers**2).sum(axis=1)
    for start in range(0, rows.size, BLOCK):
        own = rows[start : start + BLOCK]
        seen = x[own]
        block = np.empty((own.size, len(centers) + x.shape[1] + 1), np.float32)
        bells = np.matmul(seen, near, out=block[:, : len(centers)])
        bells -= sharpness * (seen**2).sum(axis=1)[:, None]
        bells -= far
        np.exp(np.minimum(bells, 0, out=bells), out=bells)
        block[:, len(centers) : -1], block[:, -1] = seen, 1
        yield own, block


def _usual_distance(x: Singles) -> float:
    return float(np.median(_distances(x, x)[np.triu_indices(len(x), 1)])) or 1.0


def _distances(a: Singles, b: Singles) -> Singles:
    """Squared, of each line of `a` to each of `b`."""
    found: Singles = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    return np.maximum(found, 0, out=found)
