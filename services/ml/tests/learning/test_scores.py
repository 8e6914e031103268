"""Scores are what their definitions say, and what chance makes of them is what drawing lines anew makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.learning import scores


def sure(lines: int, seed: int = 1) -> NDArray[np.float64]:
    """Answers of two labels, more often sure than not."""
    first = np.random.default_rng(seed).beta(0.6, 0.4, lines)
    return np.stack([first, 1 - first], axis=1)


def judged(p: NDArray[np.float64]) -> dict[str, Any]:
    found: dict[str, Any] = scores.calibration(p, np.zeros(len(p), np.intp))
    return found


@pytest.mark.parametrize("lines", [36, 400])
def test_chance_is_what_exactly_calibrated_answers_show(lines: int) -> None:
    p, rng = sure(lines), np.random.default_rng(7)
    drawn = [(rng.random(lines) < p[:, 1]).astype(np.intp) for _ in range(2000)]
    errors = [scores.calibration(p, codes)["expected_calibration_error"] for codes in drawn]
    chance = judged(p)["by_chance"]
    assert chance["mean"] == pytest.approx(np.mean(errors), rel=0.06)
    assert chance["most"] == pytest.approx(np.quantile(errors, 0.95), rel=0.08)


def test_the_same_answers_have_the_same_chance_whatever_is_true() -> None:
    p = sure(36)
    assert judged(p)["by_chance"] == scores.calibration(p, np.ones(36, np.intp))["by_chance"]


def test_of_a_few_dozen_lines_chance_shows_several_hundredths_and_of_many_next_to_nothing() -> None:
    assert judged(sure(36))["by_chance"]["mean"] > 0.03
    assert judged(sure(20_000))["by_chance"]["most"] < 0.01


def test_answers_that_are_wholly_sure_leave_nothing_to_chance() -> None:
    p = np.stack([np.ones(50, np.float32), np.zeros(50, np.float32)], axis=1)
    assert judged(p)["by_chance"] == {"mean": 0.0, "most": 0.0}


def test_the_error_is_the_distance_of_certainty_and_truth_by_bins() -> None:
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.65, 0.35]])
    found: dict[str, Any] = scores.calibration(p, np.array([0, 0, 0, 1]))
    assert found["expected_calibration_error"] == pytest.approx((0.05 + 0.15) / 2)


def test_auc_is_the_share_of_pairs_in_order_on_whichever_lines() -> None:
    rng = np.random.default_rng(5)
    certain, codes = rng.integers(0, 12, 300) / 12, rng.integers(0, 2, 300)
    measure = scores.label_measure(np.stack([1 - certain, certain], axis=1), codes)
    for rows in (np.arange(300), rng.integers(0, 300, 300), np.arange(40)):
        above, below = certain[rows][codes[rows] == 1], certain[rows][codes[rows] == 0]
        gap = above[:, None] - below
        assert measure.of(rows) == pytest.approx(((gap > 0) + (gap == 0) / 2).mean())


def test_lines_of_one_label_only_have_nothing_in_order() -> None:
    certain = np.linspace(0, 1, 20)
    measure = scores.label_measure(np.stack([1 - certain, certain], axis=1), np.arange(20) % 2)
    assert measure.name == "auc"
    assert measure.of(np.arange(0, 20, 2)) == 0.5


def test_a_lead_on_the_same_lines_is_clear_where_the_scores_alone_would_not_tell() -> None:
    rng = np.random.default_rng(3)
    true = rng.standard_t(3, 2000)  # a few lines that nobody foresees
    known = 0.4 * rng.normal(size=2000)
    true += known
    own, other = scores.number_measure(known, true), scores.number_measure(np.zeros(2000), true)
    low, high = scores.interval_of(own, seed=0)
    assert low < other.score.value < high
    ahead = scores.lead_of(own, other, seed=0)
    assert 0 < ahead[0] < other.score.value - own.score.value < ahead[1]
    assert scores.lead_of(other, own, seed=0) == pytest.approx((-ahead[1], -ahead[0]), abs=2e-3)


def test_more_is_ahead_where_higher_is_better_and_none_is_ahead_of_itself() -> None:
    rng = np.random.default_rng(9)
    codes = rng.integers(0, 2, 500)
    sharp, dull = (np.clip(0.5 + by * (codes - 0.5) + 0.2 * rng.normal(size=500), 0, 1) for by in (0.6, 0.2))
    own, other = (scores.label_measure(np.stack([1 - p, p], axis=1), codes) for p in (sharp, dull))
    assert scores.lead_of(own, other, seed=0)[0] > 0
    assert scores.lead_of(own, own, seed=0) == (0.0, 0.0)
