"""What is made of the members out of fold: temperature, shares of network, linear and constant, intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.network.losses import label_errors, number_errors, softmax
from ml.learning.network.shape import Head

Floats = NDArray[np.float64]
TEMPERATURES = np.concatenate([np.linspace(0.5, 1.5, 41), np.linspace(1.6, 5.0, 18)])
# Below so many lines a temperature under 1 (more certain than the network says) is chance.
LINES_FOR_CERTAINTY = 1000
GRID = 0.05
COVERAGE = 0.9
LINES_PER_INTERVAL = 200
MOST_INTERVALS = 10


@dataclass(frozen=True, slots=True)
class Blend:
    """Shares (they sum to 1) and the error each part and the blend had out of fold."""

    network: float
    linear: float
    constant: float
    temperature: float
    errors: dict[str, float]


def blend_labels(logits: Floats, linear: Floats, constant: Floats, codes: NDArray[np.intp], head: Head) -> Blend:
    """From out-of-fold logits of the network and of the linear model, and the constant's probabilities."""
    temperature = _temperature(logits, codes)
    parts = [softmax(logits / temperature), softmax(linear), np.broadcast_to(constant, logits.shape)]
    shares, errors = _best(parts, lambda p: float(label_errors(p, codes, head.loss).mean()))
    return Blend(*shares, temperature, errors)


def blend_numbers(answers: Floats, linear: Floats, true: Floats, head: Head) -> Blend:
    """The constant of a number is its mean, which is 0 in standard deviations."""
    parts = [answers, linear, np.zeros_like(answers)]
    shares, errors = _best(parts, lambda a: float(number_errors(a, true, head.loss).mean()))
    return Blend(*shares, 1.0, errors)


def _temperature(logits: Floats, codes: NDArray[np.intp]) -> float:
    choices = TEMPERATURES if len(codes) >= LINES_FOR_CERTAINTY else TEMPERATURES[TEMPERATURES >= 1.0]
    errors = [label_errors(softmax(logits / t), codes, "crossentropy").mean() for t in choices]
    return float(choices[int(np.argmin(errors))])


def _best(parts, error):  # type: ignore[no-untyped-def]
    """The shares on a grid with the least error; the network keeps what makes no difference."""
    names = ("network", "linear", "constant")
    errors = {name: error(part) for name, part in zip(names, parts, strict=True)}
    steps = round(1 / GRID)
    best, least = (1.0, 0.0, 0.0), errors["network"] * (1 - 1e-4)
    for j in range(steps + 1):
        for k in range(steps + 1 - j):
            shares = ((steps - j - k) * GRID, j * GRID, k * GRID)
            found = error(sum(share * part for share, part in zip(shares, parts, strict=True)))
            if found < least:
                best, least = shares, found
    return best, {**errors, "blend": least}


def intervals(values: Floats, true: Floats) -> tuple[tuple[float, float, float], ...]:
    """(up to this value, add for low, add for high) from out-of-fold answers, in as many parts as the lines allow."""
    off = true - values
    count = max(1, min(MOST_INTERVALS, len(values) // LINES_PER_INTERVAL))
    edges = np.quantile(values, np.linspace(0, 1, count + 1)[1:])
    places = np.minimum(np.searchsorted(edges, values), count - 1)
    # One more line than there is: the next one may be farther off than all so far.
    found = []
    for i, edge in enumerate(edges):
        part = off[places == i] if (places == i).sum() >= 20 else off
        margin = (1 - COVERAGE) / 2 * (1 - 1 / len(part))
        low, high = np.quantile(part, (margin, 1 - margin))
        found.append((float(edge), float(low), float(high)))
    return tuple(found)
