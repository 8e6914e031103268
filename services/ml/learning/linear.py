"""The linear model beside every network: ridge for numbers, logistic regression for labels; baseline and member."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    """L-BFGS on coordinates in which the columns are uncorrelated: an order of magnitude fewer steps."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    lines, columns = x.shape
    center = x.mean(axis=0)
    held = (x - center).astype(np.float32)
    decay = PENALTY / lines
    root = np.linalg.cholesky(held.T @ held / lines + (decay + 1e-6) * np.eye(columns)).T
    hot = np.eye(classes, dtype=np.float32)[codes]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        table = flat.reshape(columns + 1, classes)
        weights = solve_triangular(root, table[:-1])
        logits = held @ weights.astype(np.float32) + table[-1].astype(np.float32)
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        sums = p.sum(axis=1)
        p /= sums[:, None]
        errors = np.log(sums) - (logits * hot).sum(axis=1)
        off = (p - hot) / np.float32(lines)
        by_weight = solve_triangular(root, held.T @ off + decay * weights, trans="T")
        gradient = np.concatenate([by_weight, off.sum(axis=0)[None]])
        value = errors.mean(dtype=np.float64) + 0.5 * decay * (weights**2).sum()
        return float(value), gradient.ravel().astype(np.float64)

    start = np.zeros((columns + 1, classes))
    start[-1] = np.log((hot.sum(axis=0) + 0.5) / (lines + 0.5 * classes))
    # Single precision sees no smaller gain than this.
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100, "ftol": 1e-7})
    table = found.x.reshape(columns + 1, classes)
    weights = solve_triangular(root, table[:-1])
    return Linear(weights, table[-1] - center @ weights)
