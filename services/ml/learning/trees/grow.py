"""Grows trees with LightGBM on one thread, the same for a seed, watched on the lines they do not learn from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.checkpoints import NOTHING_KEPT, Part
from ml.learning.network.fold import Fold
from ml.learning.network.shape import Head
from ml.learning.trees.settings import TreeSettings, fitted_to

PATIENCE = 40


@dataclass(frozen=True, slots=True)
class Grown:
    """One booster: its text, what it says of the lines it was watched on, and its error there."""

    text: str
    watched: NDArray[np.float64]
    rounds: int
    error: float
    was_cut: bool


def grow(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    fold: Fold,
    head: Head,
    settings: TreeSettings,
    *,
    seed: int,
    deadline: float | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    kept: Part = NOTHING_KEPT,
) -> Grown:
    """`x` holds the trees' columns of all lines. Answers are logits of labels, and numbers as they are in `y`.

    What `kept` holds was grown before and is not grown again.
    """
    if (found := _grown_before(kept, fold)) is not None:
        return found
    grown = _grow(x, y, fold, head, settings, seed, Cut(deadline, should_stop))
    notes = {"rounds": grown.rounds, "error": grown.error, "was_cut": grown.was_cut}
    tensors: dict[str, NDArray[Any]] = {"watched": grown.watched, "text": np.frombuffer(grown.text.encode(), np.uint8)}
    kept.write(notes, tensors, is_whole=not grown.was_cut)
    return grown


def _grown_before(kept: Part, fold: Fold) -> Grown | None:
    found = kept.read()
    if found is None or len(found.tensors["watched"]) != fold.watch.size:
        return None
    text = found.tensors["text"].tobytes().decode()
    return Grown(text, found.tensors["watched"], found.notes["rounds"], found.notes["error"], found.notes["was_cut"])


def _grow(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    fold: Fold,
    head: Head,
    settings: TreeSettings,
    seed: int,
    cut: Cut,
) -> Grown:
    import lightgbm

    sizes = fitted_to(settings, lines=fold.learn.size, classes=head.width)
    learn = lightgbm.Dataset(fold.rows(x, fold.learn), y[fold.learn], params=_DATASET, free_raw_data=True)
    watched = fold.rows(x, fold.watch)
    watch = lightgbm.Dataset(watched, y[fold.watch], reference=learn, params=_DATASET)
    booster = lightgbm.train(
        {**_parameters(sizes, head), "seed": seed, **_DATASET},
        learn,
        num_boost_round=sizes.rounds,
        valid_sets=[watch],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False), cut],
    )
    rounds = booster.best_iteration or booster.current_iteration()
    raw = np.asarray(booster.predict(watched, raw_score=True, num_iteration=rounds), dtype=np.float64)
    error = next(iter(booster.best_score["valid_0"].values()))
    text = booster.model_to_string(num_iteration=rounds)
    return Grown(text, answers_of(raw, head), rounds, float(error), cut.was_cut)


_DATASET: dict[str, Any] = {"verbosity": -1, "max_bin": 255, "feature_pre_filter": False}


def _parameters(settings: TreeSettings, head: Head) -> dict[str, Any]:
    return {
        **objective_of(head),
        "learning_rate": settings.rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.least_lines,
        "feature_fraction": settings.columns,
        "bagging_fraction": settings.lines,
        "bagging_freq": 1,
        "lambda_l2": settings.penalty,
        "extra_trees": settings.thresholds_by_chance,
        "use_missing": False,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
    }


def objective_of(head: Head) -> dict[str, Any]:
    if not head.is_label:
        name = "regression_l1" if head.loss == "mae" else "regression"
        return {"objective": name, "metric": "l1" if head.loss == "mae" else "l2"}
    if head.width == 2:
        return {"objective": "binary", "metric": "binary_logloss"}
    return {"objective": "multiclass", "metric": "multi_logloss", "num_class": head.width}


def answers_of(raw: NDArray[np.float64], head: Head) -> NDArray[np.float64]:
    if raw.ndim > 1:
        return raw
    return np.stack([np.zeros_like(raw), raw], axis=1) if head.is_label else raw[:, None]


@dataclass(eq=False)
class Cut:
    """Ends the growing when the time is over or somebody asks; what has grown so far is kept."""

    deadline: float | None
    should_stop: Callable[[], bool]
    was_cut: bool = False
    order: int = 40
    before_iteration: bool = False

    def __call__(self, env: Any) -> None:
        import lightgbm

        if self.should_stop() or (self.deadline is not None and time.monotonic() >= self.deadline):
            self.was_cut = True
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)
