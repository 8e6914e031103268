"""What is made of the members out of fold: temperature, shares of learners, linear and constant, intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.learning.ensemble import mixed, rounded
from ml.learning.network.losses import LEAST_PROBABILITY, label_errors, number_errors, softmax
from ml.learning.network.shape import Head

Floats = NDArray[np.float64]
TEMPERATURES = np.concatenate([np.linspace(0.5, 1.5, 41), np.linspace(1.6, 5.0, 18)])
# Below so many lines a temperature under 1 (more certain than the network says) is chance.
LINES_FOR_CERTAINTY = 1000
GRID = 0.05
LEAST_SHARE = 0.02
# That the inputs say nothing at all has to be shown by the lines: certainty is lost with each part of the constant.
CONSTANT_DOUBT = 20.0
COVERAGE = 0.9
LINES_PER_INTERVAL = 200
MOST_INTERVALS = 10


@dataclass(frozen=True, slots=True)
class Blend:
    """Shares (they sum to 1) and the error each part and the blend had out of fold."""

    learners: float
    linear: float
    constant: float
    errors: dict[str, float]


def blend_labels(learners: Floats, linear: Floats, constant: Floats, codes: NDArray[np.intp], head: Head) -> Blend:
    """From out-of-fold probabilities of the learners, logits of the linear model, and the constant's probabilities."""
    parts = [learners, softmax(linear), np.broadcast_to(constant, learners.shape)]
    lines = len(codes)
    shares, errors = _shares(parts, lambda p: float(label_errors(p, codes, head.loss).mean()), lambda e: -lines * e)
    return Blend(*shares, errors)


def blend_numbers(answers: Floats, linear: Floats, true: Floats, head: Head) -> Blend:
    """The constant of a number is its mean, which is 0 in standard deviations."""
    parts = [answers, linear, np.zeros_like(answers)]
    # The log likelihood of errors that are normal (or Laplace, for mae) with the spread they have.
    lines = len(true) / (1 if head.loss == "mae" else 2)
    shares, errors = _shares(
        parts,
        lambda a: float(number_errors(a, true, head.loss).mean()),
        lambda e: -lines * float(np.log(max(e, 1e-12))),
    )
    return Blend(*shares, errors)


def temperature_of(logits: Floats, codes: NDArray[np.intp]) -> float:
    """What out-of-fold logits are divided by, so that they are as certain as they are right.

    By the rule of succession: the next line may be the first that they are wrong about. Where they were right about
    all, any certainty would do, and the most would be taken. The error has one valley, whose floor is found by halving.
    """
    choices = TEMPERATURES if len(codes) >= LINES_FOR_CERTAINTY else TEMPERATURES[TEMPERATURES >= 1.0]
    wrong = 1 / (len(codes) + 2)
    error = cache(lambda place: expected_error(logits / choices[place], codes, wrong))
    low, high = 0, len(choices) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if error(middle) <= error(middle + 1) else (middle + 1, high)
    return float(choices[low])


def expected_error(logits: Floats, codes: NDArray[np.intp], wrong: float) -> float:
    """The mean cross entropy where each line has, with a chance of `wrong`, one of the other labels."""
    below = logits - logits.max(axis=1, keepdims=True)
    errors = np.minimum(np.log(np.exp(below).sum(axis=1, keepdims=True)) - below, -np.log(LEAST_PROBABILITY))
    right = errors[np.arange(len(codes)), codes]
    others = (errors.sum(axis=1) - right) / (logits.shape[1] - 1)
    return float(((1 - wrong) * right + wrong * others).mean())


def _shares(
    parts: Sequence[Floats], error: Callable[[Floats], float], evidence: Callable[[float], float]
) -> tuple[tuple[float, float, float], dict[str, float]]:
    """The mean of all shares on a grid, each weighed by how likely it makes the lines.

    With many lines that is the best share; with few, the lines cannot tell near ones apart and neither do we.
    """
    steps = round(1 / GRID)
    grid = np.array([(steps - j - k, j, k) for j in range(steps + 1) for k in range(steps + 1 - j)]) * GRID
    errors = np.array([error(mixed(parts, shares)) for shares in grid])
    likely = np.array([evidence(value) for value in errors]) - CONSTANT_DOUBT * grid[:, 2]
    weights = np.exp(likely - likely.max())
    mean = (weights[:, None] * grid).sum(axis=0) / weights.sum()
    mean[mean < LEAST_SHARE] = 0.0
    learners, linear, constant = rounded(mean / mean.sum())
    shares = (learners, linear, constant)
    names = ("learners", "linear", "constant")
    alone = {name: error(part) for name, part in zip(names, parts, strict=True)}
    return shares, {**alone, "blend": error(mixed(parts, np.array(shares)))}


def intervals(values: Floats, true: Floats) -> tuple[tuple[float, float, float], ...]:
    """(up to this value, add for low, add for high) from out-of-fold answers, in as many parts as the lines allow."""
    off = true - values
    count = max(1, min(MOST_INTERVALS, len(values) // LINES_PER_INTERVAL))
    edges = np.quantile(values, np.linspace(0, 1, count + 1)[1:])
    places = np.minimum(np.searchsorted(edges, values), count - 1)
    found = []
    for i, edge in enumerate(edges):
        part = off[places == i] if (places == i).sum() >= 20 else off
        # One line more than there is: the next one may be farther off than all so far.
        inside = min(1.0, np.ceil((len(part) + 1) * (1 + COVERAGE) / 2) / len(part))
        low, high = np.quantile(part, (1 - inside, inside))
        found.append((float(edge), float(low), float(high)))
    return tuple(found)
