"""LightGBM as it comes stands beside every machine, where it is there and has time to grow."""

from __future__ import annotations

import numpy as np
import pytest

from ml.learning.learn import Trained
from ml.learning.material import Material, read_material
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Reporter
from ml.learning.trees import baseline
from ml.learning.trees.baseline import boosted_baseline
from ml.tests.learning.conftest import as_table, flats


@pytest.fixture(scope="module")
def material() -> Material:
    plan = TrainingPlan(("price", "is_dear"), seed=1)
    return read_material(as_table(flats(400)), plan, Reporter(lambda progress: None), lambda: False)


def test_it_answers_numbers_in_standard_deviations(material: Material) -> None:
    answers = boosted_baseline(material, 0, material.evaluation, seed=1)
    assert answers is not None
    assert answers.shape == (material.evaluation.size, 1)
    assert np.corrcoef(answers[:, 0], material.targets.y[material.evaluation, 0])[0, 1] > 0.9


def test_it_answers_labels_as_probabilities(material: Material) -> None:
    answers = boosted_baseline(material, 1, material.evaluation, seed=1)
    assert answers is not None
    assert np.allclose(answers.sum(axis=1), 1)
    assert (answers.argmax(axis=1) == material.targets.y[material.evaluation, 1]).mean() > 0.85


def test_it_is_the_same_for_a_seed(material: Material) -> None:
    first, second = (boosted_baseline(material, 0, material.evaluation, seed=1) for _ in range(2))
    assert np.array_equal(first, second)


def test_of_many_lines_it_learns_a_part(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = boosted_baseline(material, 0, material.evaluation, seed=1)
    monkeypatch.setattr(baseline, "MOST_WORK", 0)
    monkeypatch.setattr(baseline, "LEAST_LINES", 100)
    assert not np.array_equal(boosted_baseline(material, 0, material.evaluation, seed=1), whole)


def test_one_that_had_to_end_early_is_none(material: Material) -> None:
    assert boosted_baseline(material, 0, material.evaluation, seed=1, should_stop=lambda: True) is None


def test_without_lightgbm_there_is_none(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "are_there", lambda classes: False)
    assert boosted_baseline(material, 0, material.evaluation, seed=1) is None


def test_the_card_says_who_is_ahead(trained: Trained) -> None:
    detail = trained.card["metrics"]["outputs"]["is_dear"]
    is_ahead = detail["score"]["value"] > detail["baselines"]["boosted"]["score"]["value"]
    assert detail["beats_boosted"] == is_ahead
    assert any("LightGBM" in limit for limit in trained.card["limits"]) != (is_ahead or not detail["beats_linear"])
