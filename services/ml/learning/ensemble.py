"""Learners put together: shares chosen greedily by what they say of lines they had not learnt from.

What they say of labels is added, or multiplied: a mean of answers that are each as sure as they are right is less sure
than right, and learners that know different things are surer together than any alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.learning.network.losses import LEAST_PROBABILITY, label_errors, number_errors, softmax
from ml.learning.network.shape import Head

Floats = NDArray[np.float64]
Errors = Callable[[Floats], Floats]
REDRAWS = 12
ROUNDS = 24
MOST_LINES = 20_000
# Lines times labels of a redraw where every label has to be looked at.
MOST_ANSWERS = 200_000
LEAST_SHARE = 0.03


def put_together(answers: Sequence[Floats], true: Floats, head: Head, seed: int) -> tuple[list[float], bool]:
    """Shares, and whether what they say of labels is multiplied: where that errs less out of fold than adding it."""
    added = shares_of(answers, true, head, seed)
    if not head.is_label or len(answers) == 1:
        return added, False
    multiplied = shares_of(answers, true, head, seed, product=True)
    mean, product = (
        float(label_errors(mixture(answers, shares, product=way), true.astype(np.intp), head.loss).mean())
        for shares, way in ((added, False), (multiplied, True))
    )
    return (multiplied, True) if product < mean else (added, False)


def shares_of(answers: Sequence[Floats], true: Floats, head: Head, seed: int, *, product: bool = False) -> list[float]:
    """How much each learner counts; the shares sum to 1, and one that adds next to nothing gets none.

    `answers` are out of fold: probabilities of labels, numbers. The greedy choice is made anew on redrawn lines and
    averaged: with many lines all redraws agree, with few the shares spread as far as the lines cannot tell learners
    apart. The first learner alone is kept where the mixture is no better than it.
    """
    if len(answers) == 1:
        return [1.0]
    parts, errors = _logs(answers, true, head) if product else _parts(answers, true, head)
    rng = np.random.default_rng([seed, 23])
    lines = len(true)
    most = min(lines, MOST_LINES, MOST_ANSWERS // head.width) if product else min(lines, MOST_LINES)
    found = np.zeros(len(parts))
    for _ in range(REDRAWS):
        drawn = rng.integers(0, lines, most)
        found += _greedy([part[drawn] for part in parts], errors(drawn))
    shares = found / found.sum()
    shares[shares < LEAST_SHARE] = 0.0
    shares /= shares.sum()
    everything = errors(np.arange(lines))
    if everything(mixed(parts, shares)).mean() >= everything(parts[0]).mean():
        return [1.0] + [0.0] * (len(parts) - 1)
    return rounded(shares)


def mixture(answers: Sequence[Floats], shares: Sequence[float], *, product: bool = False) -> Floats:
    """A product is of each learner's probabilities to the power of its share, and sums to 1 again."""
    if not product:
        return mixed(answers, np.array(shares))
    return softmax(mixed([_log(part) for part in answers], np.array(shares)))


def mixed(parts: Sequence[Floats], shares: Floats) -> Floats:
    """The sum of the parts, each as far as its share."""
    return np.asarray(sum(share * part for share, part in zip(shares, parts, strict=True) if share))


def rounded(shares: Floats) -> list[float]:
    """Shares that sum to 1, to four digits; what rounding leaves over is the largest one's."""
    parts = [float(round(share, 4)) for share in shares]
    largest = int(np.argmax(parts))
    parts[largest] = round(parts[largest] + 1 - sum(parts), 4)
    return parts


def _greedy(parts: list[Floats], error: Errors) -> Floats:
    """Take the learner that helps most, again and again; the counts at the best moment."""
    counts = np.zeros(len(parts))
    together, best, best_counts = np.zeros_like(parts[0]), np.inf, counts
    for taken in range(1, ROUNDS + 1):
        tried = [float(error((together + part) / taken).mean()) for part in parts]
        chosen = int(np.argmin(tried))
        counts = counts + np.eye(len(parts))[chosen]
        together = together + parts[chosen]
        if tried[chosen] < best - 1e-9:
            best, best_counts = tried[chosen], counts
    shares: Floats = best_counts / best_counts.sum()
    return shares


def _parts(
    answers: Sequence[Floats], true: Floats, head: Head
) -> tuple[list[Floats], Callable[[NDArray[np.intp]], Errors]]:
    """What is mixed, and the error of a mixture on chosen lines; cross entropy needs the true label's column only."""
    if head.loss == "crossentropy":
        codes = true.astype(np.intp)
        rows = np.arange(len(codes))
        return [part[rows, codes] for part in answers], lambda drawn: _minus_log
    if head.is_label:
        codes = true.astype(np.intp)
        return list(answers), lambda drawn: lambda said: label_errors(said, codes[drawn], head.loss)
    return [part[:, 0] for part in answers], lambda drawn: lambda said: number_errors(said, true[drawn], head.loss)


def _logs(
    answers: Sequence[Floats], true: Floats, head: Head
) -> tuple[list[Floats], Callable[[NDArray[np.intp]], Errors]]:
    """What is added where probabilities are multiplied, and the error of a product on chosen lines; of cross entropy
    logarithms of the other labels' odds are enough."""
    codes = true.astype(np.intp)
    logs = [_log(part) for part in answers]
    if head.loss != "crossentropy":
        return logs, lambda drawn: lambda said: label_errors(softmax(said), codes[drawn], head.loss)
    others = np.arange(head.width) != codes[:, None]
    odds = [(part - part[~others][:, None])[others].reshape(len(codes), -1) for part in logs]
    return odds, lambda drawn: lambda said: np.log1p(np.exp(said) @ np.ones(said.shape[1]))


def _log(p: Floats) -> Floats:
    """Bounded, as it is served: no learner alone can rule a label out."""
    return np.asarray(np.log(np.maximum(p, LEAST_PROBABILITY)))


def _minus_log(p: Floats) -> Floats:
    return -_log(p)
