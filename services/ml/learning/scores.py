"""How good answers are: loss, accuracy, the score that ranks models, calibration; nothing but NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.network.losses import label_errors, number_errors
from ml.learning.network.shape import Head

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
RESAMPLES = 100
RESAMPLED_LINES = 4000
CALIBRATION_BINS = 10
CHANCE_DRAWS = 1000
RESIDUAL_BINS = 12


@dataclass(frozen=True, slots=True)
class Score:
    """The number that ranks models on one output: auc for two labels, logloss for more, rmse for numbers."""

    name: str
    value: float
    higher_is_better: bool

    def beats(self, other: Score) -> bool:
        return self.value > other.value if self.higher_is_better else self.value < other.value

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "value": self.value, "higher_is_better": self.higher_is_better}


@dataclass(frozen=True, slots=True)
class Measure:
    """The score of one output's answers, on whichever of the `lines` it is asked for."""

    name: str
    higher_is_better: bool
    lines: int
    of: Callable[[Rows], float]

    @property
    def score(self) -> Score:
        """On all lines."""
        return Score(self.name, self.of(np.arange(self.lines)), self.higher_is_better)


def label_measure(p: NDArray[np.floating], codes: Rows) -> Measure:
    if p.shape[1] == 2 and len(np.unique(codes)) == 2:
        _, places = np.unique(p[:, 1], return_inverse=True)
        positive = codes == 1
        return Measure("auc", True, len(codes), lambda rows: _auc(places[rows], positive[rows]))
    errors = label_errors(p, codes, "crossentropy")
    return Measure("logloss", False, len(codes), lambda rows: float(errors[rows].mean()))


def number_measure(values: Floats, true: Floats) -> Measure:
    squares = (values - true) ** 2
    return Measure("rmse", False, len(true), lambda rows: float(np.sqrt(squares[rows].mean())))


def _auc(places: Rows, positive: NDArray[np.bool_]) -> float:
    """The chance that a positive line's place is above a negative one's; ties count half."""
    width = int(places.max()) + 1
    above, below = (np.bincount(places[side], minlength=width) for side in (positive, ~positive))
    pairs = int(above.sum()) * int(below.sum())
    return float(above @ (np.cumsum(below) - below / 2)) / pairs if pairs else 0.5


def interval_of(measure: Measure, seed: int) -> tuple[float, float]:
    """Where the score falls in 95 of 100 redraws of the lines."""
    return _spread(measure.of, measure.lines, seed)


def lead_of(own: Measure, other: Measure, seed: int) -> tuple[float, float]:
    """How far `own` is ahead of `other` in 95 of 100 redraws of the lines; below 0 it is behind.

    Both are redrawn together: a line that is hard for both says nothing of who is ahead.
    """
    sign = 1 if own.higher_is_better else -1
    return _spread(lambda rows: sign * (own.of(rows) - other.of(rows)), own.lines, seed)


def _spread(of: Callable[[Rows], float], lines: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng([seed, 17])
    size = min(lines, RESAMPLED_LINES)
    found = np.array([of(rng.integers(0, lines, size)) for _ in range(RESAMPLES)])
    center = of(np.arange(lines))
    # Fewer lines drawn than there are spread wider by the root of the ratio.
    shrink = np.sqrt(size / lines)
    low, high = np.quantile(found - found.mean(), (0.025, 0.975)) * shrink
    return float(center + low), float(center + high)


def mean_error(answers: NDArray[np.floating], y: NDArray[np.floating], head: Head) -> float:
    """The loss the network was trained on; for numbers in standard deviations."""
    if head.is_label:
        return float(label_errors(answers, y.astype(np.intp), head.loss).mean())
    return float(number_errors(answers[:, 0], y, head.loss).mean())


def accuracy(answers: NDArray[np.floating], y: NDArray[np.floating], head: Head, *, wrong_anyway: int = 0) -> float:
    """Share of labels hit, or share of a number's variance explained (never below 0).

    `wrong_anyway` are lines whose label was never learnt: they count as missed.
    """
    if head.is_label:
        return float((answers.argmax(axis=1) == y).sum() / max(len(y) + wrong_anyway, 1))
    spread = float(np.var(y))
    return max(0.0, 1.0 - float(np.mean((answers[:, 0] - y) ** 2)) / spread) if spread else 0.0


def calibration(p: NDArray[np.floating], codes: NDArray[np.intp]) -> dict[str, object]:
    """How far stated certainty is from how often it was right: expected calibration error and its bins.

    Beside it what chance alone makes of so many lines: the error of a model that is as sure and exactly as right as it
    says, on average and in 95 of 100 cases at most.
    """
    certain, right = p.max(axis=1), p.argmax(axis=1) == codes
    places = np.minimum((certain * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    error = 0.0
    for i in range(CALIBRATION_BINS):
        inside = places == i
        if inside.any():
            said, was = float(certain[inside].mean()), float(right[inside].mean())
            error += abs(said - was) * float(inside.mean())
            bins.append({"lines": int(inside.sum()), "said": said, "was": was})
    return {"expected_calibration_error": error, "by_chance": _by_chance(certain, places), "bins": bins}


def _by_chance(certain: NDArray[np.floating], places: NDArray[np.intp]) -> dict[str, float]:
    """Truth drawn anew as often as CHANCE_DRAWS, the same draws each time.

    Lines of a bin differ by a tenth at most, so their mean stands for them: what is drawn spreads up to 3 % too wide.
    """
    rng = np.random.default_rng(23)
    errors = np.zeros(CHANCE_DRAWS)
    for place in np.unique(places):
        inside = certain[places == place].astype(np.float64)
        said, lines = min(float(inside.mean()), 1.0), inside.size
        errors += np.abs(rng.binomial(lines, said, CHANCE_DRAWS) / lines - said) * lines / certain.size
    return {"mean": float(errors.mean()), "most": float(np.quantile(errors, 0.95))}


def confusion(p: NDArray[np.floating], codes: NDArray[np.intp], labels: tuple[str, ...]) -> dict[str, object]:
    """True labels down, answers across; of many labels the most frequent ones."""
    counts = np.bincount(codes, minlength=len(labels))
    shown = np.sort(np.argsort(-counts, kind="stable")[:20])
    answered = p.argmax(axis=1)
    matrix = [[int(((codes == i) & (answered == j)).sum()) for j in shown] for i in shown]
    return {"labels": [labels[i] for i in shown], "matrix": matrix}


def residuals(values: Floats, true: Floats, low: Floats | None, high: Floats | None) -> dict[str, object]:
    """How far off numbers were, and how often the interval held."""
    off = values - true
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    found: dict[str, object] = {
        "mean": float(off.mean()),
        "mean_absolute": float(np.abs(off).mean()),
        "r2": 1.0 - float((off**2).mean()) / (float(np.var(true)) or 1.0),
        "quantiles": {str(share): float(np.quantile(off, share)) for share in shares},
        "bins": _answered_beside_true(values, true),
    }
    if low is not None and high is not None:
        found["interval_held"] = float(((true >= low) & (true <= high)).mean())
    return found


def _answered_beside_true(values: Floats, true: Floats) -> list[dict[str, object]]:
    """Lines in groups of equal size by what was answered; in each where nine of ten true values lay."""
    order = np.argsort(values, kind="stable")
    groups = np.array_split(order, max(1, min(RESIDUAL_BINS, values.size // 10)))
    return [
        {
            "lines": int(rows.size),
            "said": float(values[rows].mean()),
            "was": float(np.median(true[rows])),
            "low": float(np.quantile(true[rows], 0.05)),
            "high": float(np.quantile(true[rows], 0.95)),
        }
        for rows in groups
    ]
