"""The errors of answers, in NumPy: the same as the compiled ones, for watching and for evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.learning.network.shape import Head

Floats = NDArray[np.float32]
LEAST_PROBABILITY = 1e-7


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    result: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def label_errors(probabilities: NDArray[np.floating], codes: NDArray[np.intp], loss: str) -> NDArray[np.float64]:
    """The error of each row's probabilities when the true label is `codes`."""
    if loss == "brier":
        hot = np.eye(probabilities.shape[1])[codes]
        return np.asarray(((probabilities - hot) ** 2).sum(axis=1))
    true = probabilities[np.arange(len(codes)), codes]
    return np.asarray(-np.log(np.clip(true, LEAST_PROBABILITY, 1.0)), dtype=np.float64)


def number_errors(answers: NDArray[np.floating], true: NDArray[np.floating], loss: str) -> NDArray[np.float64]:
    off = np.asarray(answers, dtype=np.float64) - true
    return np.abs(off) if loss == "mae" else off**2


def mean_loss(answers: Floats, y: Floats, head: Head) -> float:
    """The mean error of a network's answers, as it is trained to lower it."""
    if head.is_label:
        return float(label_errors(softmax(answers), y.astype(np.intp), head.loss).mean())
    return float(number_errors(answers[:, 0], y, head.loss).mean())
