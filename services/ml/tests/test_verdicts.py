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
