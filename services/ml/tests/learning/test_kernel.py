"""The kernel machine: honest out of fold, and served as it was learnt."""

from __future__ import annotations

import numpy as np
import pytest

from ml.learning import kernel
from ml.learning.blend import Blend
from ml.learning.encoding.encoder import Encoder
from ml.learning.graph import Part, ServedKernel, build_graph
from ml.learning.kernel import FittedKernel, fit_kernel
from ml.learning.linear import Linear
from ml.learning.network.fold import Fold
from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head
from ml.learning.solver import Solver

RNG = np.random.default_rng(6)
LINES = 900
X = RNG.normal(size=(LINES, 3)).astype(np.float32)
CURVE = (np.sin(2 * X[:, 0]) * X[:, 1]).astype(np.float32)
FOLDS = [Fold(np.flatnonzero(np.arange(LINES) % 3 != k), np.flatnonzero(np.arange(LINES) % 3 == k)) for k in range(3)]
NUMBER = Head(1, "mse")


def fitted(y: np.ndarray, head: Head = NUMBER) -> FittedKernel:
    return fit_kernel(X, y, FOLDS, head, seed=1, compared=2)


def in_classes(width: int) -> np.ndarray:
    return np.digitize(CURVE, np.quantile(CURVE, np.linspace(0, 1, width + 1)[1:-1])).astype(np.float32)


def test_it_learns_what_bends() -> None:
    true = CURVE[np.concatenate([fold.watch for fold in FOLDS])]
    assert np.mean((fitted(CURVE).watched[:, 0] - true) ** 2) < 0.02 * true.var()


def test_what_a_fold_is_watched_on_says_nothing_to_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it otherwise, the machine would be taken for what it remembers."""
    # One of each, so that watched lines choose nothing either.
    monkeypatch.setattr(kernel, "SHARPNESS", (1.2,))
    monkeypatch.setattr(kernel, "PENALTIES", (0.01,))
    first = FOLDS[0].watch
    turned = CURVE.copy()
    turned[first] += RNG.normal(size=first.size).astype(np.float32)
    before, after = (fitted(y).watched for y in (CURVE, turned))
    np.testing.assert_allclose(before[: first.size], after[: first.size], atol=1e-3)
    assert np.abs(before[first.size :] - after[first.size :]).max() > 0.1


def test_far_behind_it_is_not_learnt_any_further() -> None:
    found = fit_kernel(X, CURVE, FOLDS, NUMBER, seed=1, compared=2, most_error=1e-9)
    assert found.model is None
    assert [own[0] for own in found.best_of_each] == list(kernel.SHARPNESS)
    assert min(own[2] for own in found.best_of_each) == min(found.tried.values())
    assert len(found.tried) == len(kernel.SHARPNESS) * len(kernel.PENALTIES)


def test_of_many_lines_a_part_chooses_and_all_are_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MOST_SCREENED", 300)
    found, true = fitted(CURVE), CURVE[np.concatenate([fold.watch for fold in FOLDS])]
    assert found.model is not None
    assert len(found.model.centers) == LINES
    assert np.mean((found.watched[:, 0] - true) ** 2) < 0.02 * true.var()


def test_out_of_time_the_first_sharpness_does() -> None:
    found = fit_kernel(X, CURVE, FOLDS, NUMBER, seed=1, compared=2, go_on=lambda: False)
    assert len({sharpness for sharpness, _ in found.tried}) == 1


@pytest.mark.parametrize("width", [1, 2, 4])
def test_it_is_served_as_it_was_learnt(width: int) -> None:
    head = Head(width, "crossentropy" if width > 1 else "mse")
    model = fitted(CURVE if width == 1 else in_classes(width), head).model
    columns, wide = np.array([1, 2, 4]), np.zeros((LINES, 6), np.float32)
    wide[:, columns] = X
    wide[:, 0] = 9.0
    assert model is not None
    served = ServedKernel("kernel", 1.0, 1.5, model.tensors(columns, 6), model.sharpness)
    nothing = Linear(np.zeros((6, width)), np.zeros(width))
    part = Part(head, (served,), nothing, np.zeros(width), Blend(1.0, 0.0, 0.0, {}))
    raw = model.answers(X)
    answers = Solver(Encoder((), ()), build_graph([part], 6)).answers(wide)
    np.testing.assert_allclose(answers, softmax(raw / 1.5) if width > 1 else raw, atol=2e-3)
