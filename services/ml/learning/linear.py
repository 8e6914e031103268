"""The linear model beside every network: ridge for numbers, logistic regression for labels; baseline and member."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head

# The same penalty as scikit-learn's defaults: on the sum of squared weights, not on the intercept.
PENALTY = 1.0
MOST_LINES = 50_000


@dataclass(frozen=True, slots=True)
class Linear:
    """`x @ weights + intercept`, for a label as logits."""

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]

    def answers(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = x.astype(np.float64) @ self.weights + self.intercept
        return result


def fit_linear(x: NDArray[np.float32], y: NDArray[np.float32], head: Head) -> Linear:
    """Fit one output on lines where it is known; of very many lines a regular part."""
    if len(x) > MOST_LINES:
        step = -(-len(x) // MOST_LINES)
        x, y = x[::step], y[::step]
    wide = x.astype(np.float64)
    return _logistic(wide, y.astype(np.intp), head.width) if head.is_label else _ridge(wide, y.astype(np.float64))


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> Linear:
    center, mean = x.mean(axis=0), y.mean()
    held = x - center
    weights = np.linalg.solve(held.T @ held + PENALTY * np.eye(x.shape[1]), held.T @ (y - mean))
    return Linear(weights[:, None], np.array([mean - center @ weights]))


def _logistic(x: NDArray[np.float64], codes: NDArray[np.intp], classes: int) -> Linear:
    from scipy.optimize import minimize

    columns = x.shape[1]
    hot = np.eye(classes)[codes]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        table = flat.reshape(columns + 1, classes)
        logits = x @ table[:-1] + table[-1]
        p = softmax(logits)
        shifted = logits - logits.max(axis=1, keepdims=True)
        errors = np.log(np.exp(shifted).sum(axis=1)) - (shifted * hot).sum(axis=1)
        off = (p - hot) / len(x)
        decay = PENALTY / len(x)
        gradient = np.concatenate([x.T @ off + decay * table[:-1], off.sum(axis=0)[None]])
        return float(errors.mean() + 0.5 * decay * (table[:-1] ** 2).sum()), gradient.ravel()

    start = np.zeros((columns + 1, classes))
    start[-1] = np.log((hot.sum(axis=0) + 0.5) / (len(x) + 0.5 * classes))
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    table = found.x.reshape(columns + 1, classes)
    return Linear(table[:-1], table[-1])
