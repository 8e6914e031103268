"""A lead that chance explains is not called one."""

import pytest

from ml.rules.verdicts import verdict

CASES = [
    ((0.502, 0.43, 0.57), (0.5, 0.499), True, "Not clearly better"),
    ((0.90, 0.88, 0.92), (0.5, 0.85), True, "and than a linear"),
    ((0.86, 0.84, 0.88), (0.5, 0.85), True, "no more than chance"),
    ((0.84, 0.82, 0.86), (0.5, 0.85), True, "does as well"),
    ((4.2, 4.0, 4.3), (4.5, 4.4), False, "and than a linear"),
    ((4.2, 4.0, 4.6), (4.5, 4.4), False, "Not clearly better"),
    ((0.6, None, None), (0.5, 0.55), True, "and than a linear"),
]


@pytest.mark.parametrize(("score", "baselines", "up", "said"), CASES)
def test_the_words_fit_the_figures(score, baselines, up, said):
    value, low, high = score
    constant, linear = baselines
    assert said in verdict(value=value, low=low, high=high, constant=constant, linear=linear, up=up)


BESIDE_TREES = [
    ((0.90, 0.88, 0.92), 0.86, True, "a linear model and LightGBM."),
    ((0.90, 0.88, 0.92), 0.89, True, "ahead of LightGBM by no more than chance"),
    ((0.90, 0.88, 0.92), 0.91, True, "but LightGBM does as well."),
    ((0.90, 0.88, 0.92), 0.93, True, "but LightGBM does better."),
    ((4.2, 4.1, 4.3), 4.0, False, "but LightGBM does better."),
    ((4.2, 4.1, 4.3), 4.5, False, "a linear model and LightGBM."),
]


@pytest.mark.parametrize(("score", "boosted", "up", "said"), BESIDE_TREES)
def test_boosted_trees_are_a_baseline_too(score, boosted, up, said):
    value, low, high = score
    constant, linear = (0.5, 0.7) if up else (9.0, 8.0)
    told = verdict(value=value, low=low, high=high, constant=constant, linear=linear, boosted=boosted, up=up)
    assert said in told
