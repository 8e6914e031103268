"""What chance alone makes of calibration is what drawing every line's truth anew makes of it."""

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
