"""Averages of outputs: no line sees its own, and no fold's member sees those of the lines it is watched on."""

from __future__ import annotations

import numpy as np
import pytest

from ml.learning.columns.infer import ColumnType
from ml.learning.encoding.fit import Encoded, fit_encoder
from ml.learning.encoding.target_encoding import TargetEncoding
from ml.learning.fitting import folds_of
from ml.learning.material import Material, read_material
from ml.learning.network.fold import Fold, Own
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Reporter
from ml.tests.learning.conftest import as_table, flats

RNG = np.random.default_rng(4)
LINES, PLACES = 600, 30
WHERE = RNG.integers(0, PLACES, LINES)
FOLDS = (np.arange(LINES) % 5).astype(np.int8)
CHANCE = RNG.normal(size=(LINES, 1))
OUTPUT = 3 * np.sin(WHERE)[:, None] + CHANCE


def fitted(output: np.ndarray) -> TargetEncoding:
    return TargetEncoding.fit(WHERE, PLACES, output, FOLDS)


@pytest.mark.parametrize("fold", [0, 3])
def test_a_folds_averages_know_nothing_of_the_outputs_it_is_watched_on(fold: int) -> None:
    """Were it otherwise, trees could tell the watched outputs from what the averages of other lines lack."""
    output = np.where(np.equal(FOLDS, fold)[:, None], OUTPUT + RNG.normal(size=(LINES, 1)), OUTPUT)
    before, after = (_unscaled(fitted(own)) for own in (OUTPUT, output))
    # How much places differ is told by all lines, as one number.
    np.testing.assert_allclose(before[fold], after[fold], atol=2e-3)
    other = (fold + 1) % 5
    assert np.abs(before[other] - after[other]).max() > 0.05


def _unscaled(encoding: TargetEncoding) -> np.ndarray:
    """By fold and line; the scale is that of the whole, which is one number for all."""
    assert encoding.of_folds is not None
    values = encoding.of_folds[:, :, 1]
    assert np.abs(values).max() < 5
    return np.asarray((values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True))


def test_no_line_that_is_learnt_from_sees_its_own_output() -> None:
    encoding = fitted(CHANCE)
    assert encoding.of_folds is not None
    assert encoding.out_of_fold is not None
    served = np.array(encoding.rows)[WHERE, 1]
    assert _together(served, np.arange(LINES)) > 0.15
    assert _together(encoding.out_of_fold[:, 1], np.arange(LINES)) < 0.05
    for fold, values in enumerate(encoding.of_folds):
        assert _together(values[:, 1], np.flatnonzero(fold != FOLDS)) < 0.05


def _together(averages: np.ndarray, lines: np.ndarray) -> float:
    return float(np.corrcoef(averages[lines], CHANCE[lines, 0])[0, 1])


def test_watched_lines_see_what_all_other_folds_say() -> None:
    said = fitted(OUTPUT)
    assert said.of_folds is not None
    assert said.out_of_fold is not None
    for fold in range(5):
        inside = fold == FOLDS
        np.testing.assert_allclose(said.of_folds[fold, inside], said.out_of_fold[inside], atol=1e-6)


@pytest.mark.parametrize("differ", [0.3, 1.0, 3.0])
def test_averages_are_as_strong_for_new_lines_as_for_those_learnt_from(differ: float) -> None:
    """Of a place of few lines more are known when serving than in any part of them."""
    rng = np.random.default_rng(11)
    order = rng.permutation(30_000)
    where, learnt, new = np.arange(30_000) % 4000, order[:24_000], order[24_000:]
    effects = differ * rng.normal(size=4000)[where]
    output, folds = (effects + rng.normal(size=30_000))[learnt, None], (np.arange(24_000) % 5).astype(np.int8)
    encoding = TargetEncoding.fit(where[learnt], 4000, output, folds)
    assert encoding.of_folds is not None
    assert encoding.out_of_fold is not None
    served = _strength(np.array(encoding.rows)[where[new], 1], effects[new])
    effects = effects[learnt]
    assert _strength(encoding.out_of_fold[:, 1], effects) == pytest.approx(served, rel=0.15)
    for fold, values in enumerate(encoding.of_folds):
        for lines in (folds == fold, folds != fold):
            assert _strength(values[lines, 1], effects[lines]) == pytest.approx(served, rel=0.15)


def _strength(averages: np.ndarray, effects: np.ndarray) -> float:
    return float(np.polyfit(effects, averages, 1)[0])


@pytest.mark.parametrize("differ", [0.2, 1.0, 5.0])
def test_how_far_averages_are_drawn_to_the_mean_follows_from_how_much_places_differ(differ: float) -> None:
    rng = np.random.default_rng(12)
    where = rng.integers(0, 1500, 12_000)
    output = differ * rng.normal(size=1500)[where] + rng.normal(size=12_000)
    output -= output.mean()
    encoding = TargetEncoding.fit(where, 1500, output[:, None], (np.arange(12_000) % 5).astype(np.int8))
    said = np.array(encoding.rows)[:, 1]
    best = np.bincount(where, output) / (np.bincount(where) + 1 / differ**2)
    assert np.corrcoef(said, best)[0, 1] > 0.999
    assert np.corrcoef(said, np.bincount(where, output) / (np.bincount(where) + 200))[0, 1] < 0.999


@pytest.fixture(scope="module")
def wide() -> tuple[Material, np.ndarray, Encoded]:
    """A column with more labels than get a column each."""
    rows = [{**row, "street": f"street {place}"} for row, place in zip(flats(600), WHERE, strict=True)]
    plan = TrainingPlan(("is_dear",), ignore=("price",), types={"street": ColumnType.LABEL})
    material = read_material(as_table(rows), plan, Reporter(lambda progress: None), lambda: False)
    folds = folds_of(material.targets, material.learning, 5, 0)
    return material, folds, fit_encoder(material, folds)


def test_every_fold_sees_all_averages_and_new_lines_as_they_are_served(
    wide: tuple[Material, np.ndarray, Encoded],
) -> None:
    material, folds, encoded = wide
    own = encoded.own(2)
    assert own is not None
    assert own.columns.tolist() == encoded.encoder.averages.tolist()
    np.testing.assert_array_equal(own.values[material.evaluation], encoded.x[np.ix_(material.evaluation, own.columns)])
    watched = material.learning[folds == 2]
    np.testing.assert_allclose(own.values[watched], encoded.x[np.ix_(watched, own.columns)], atol=1e-6)
    learnt = material.learning[folds != 2]
    assert (own.values[learnt] != encoded.x[np.ix_(learnt, own.columns)]).any()


def test_too_many_averages_are_shared_by_all_folds(
    wide: tuple[Material, np.ndarray, Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    material, folds, _ = wide
    monkeypatch.setattr("ml.learning.encoding.fit.MOST_OF_FOLDS", 10)
    assert fit_encoder(material, folds).own(0) is None


def test_a_fold_shows_its_own_columns_among_all_or_some() -> None:
    x = np.zeros((4, 5), np.float32)
    fold = Fold(np.arange(2), np.arange(2, 4), Own(np.array([1, 3]), np.arange(8, dtype=np.float32).reshape(4, 2)))
    assert fold.rows(x, np.array([3])).tolist() == [[0, 6, 0, 7, 0]]
    assert fold.among(np.array([0, 3, 4])).rows(x[:, [0, 3, 4]], np.array([2])).tolist() == [[0, 5, 0]]
    assert x.sum() == 0
    assert Fold(fold.learn, fold.watch).rows(x, np.array([0])).tolist() == [[0] * 5]
