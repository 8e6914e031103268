"""The baseline of boosted trees: LightGBM as it comes, on the same lines, as people would try it themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ml.learning.material import Material
from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head
from ml.learning.trees.grow import Cut, answers_of, objective_of
from ml.learning.trees.settings import are_there

# LightGBM's own default.
ROUNDS = 100
# Lines times columns times trees that a baseline may take: two or three seconds.
MOST_WORK = 400_000_000
LEAST_LINES = 2000
# Each round grows a tree for each label: beyond, a baseline would take longer than the networks.
MOST_CLASSES = 20
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


def boosted_baseline(
    material: Material,
    i: int,
    rows: Rows,
    *,
    seed: int,
    until: float | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Floats | None:
    """Answers to `rows` for output i; None where LightGBM is not, or did not come to its end.

    Numbers and moments are given as they are, labels and texts as categories. Of very many lines it learns a regular
    part; an output with very many labels has none.
    """
    y, head = material.targets.y[:, i], material.targets.heads[i]
    if head.width > MOST_CLASSES or not are_there(head.width):
        return None
    known = material.learning[~np.isnan(y[material.learning])]
    learn = known[:: _step(known.size, len(material.inputs), head)]
    cut = Cut(until, should_stop)
    raw = _raw(material, y, head, learn, rows, seed, cut)
    if cut.was_cut:
        return None
    answers = answers_of(raw, head)
    return softmax(answers) if head.is_label else answers


def _step(lines: int, columns: int, head: Head) -> int:
    trees = ROUNDS * (head.width if head.width > 2 else 1)
    most = max(LEAST_LINES, MOST_WORK // (trees * max(columns, 1)))
    return -(-lines // most)


def _raw(
    material: Material, y: NDArray[np.float32], head: Head, learn: Rows, rows: Rows, seed: int, cut: Cut
) -> Floats:
    import lightgbm

    categories = [place for place, name in enumerate(material.inputs) if name in material.loaded.labels]
    parameters = {**objective_of(head), "seed": seed, "verbosity": -1, "num_threads": 1, "deterministic": True}
    data = lightgbm.Dataset(_columns(material, learn), y[learn], categorical_feature=categories, params=parameters)
    booster = lightgbm.train({**parameters, "force_row_wise": True}, data, num_boost_round=ROUNDS, callbacks=[cut])
    return np.asarray(booster.predict(_columns(material, rows), raw_score=True), dtype=np.float64)


def _columns(material: Material, rows: Rows) -> Floats:
    """The inputs as they were read: numbers with their gaps, and categories by number, -1 where one is missing."""
    found = np.empty((rows.size, len(material.inputs)))
    for place, name in enumerate(material.inputs):
        label = material.loaded.labels.get(name)
        found[:, place] = material.loaded.numbers[name][rows] if label is None else label.codes[rows]
    return found
