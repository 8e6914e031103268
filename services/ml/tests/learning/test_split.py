"""The learning/evaluation split."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml.learning.split import is_for_evaluation, is_in_sample


def test_the_split_is_the_same_for_ever() -> None:
    # Written down once: a machine's lines must not change sides with a new version.
    assert [line for line in range(1, 40) if is_for_evaluation(7, line)] == [2, 5, 18, 23, 27, 28, 32, 34, 39]


@given(st.integers(0, 50))
def test_about_one_line_in_five_is_for_evaluation(seed: int) -> None:
    share = sum(is_for_evaluation(seed, line) for line in range(4000)) / 4000
    assert 0.17 < share < 0.23


def test_a_sample_cuts_both_sides_of_the_split_alike() -> None:
    sample = [line for line in range(20_000) if is_in_sample(3, line, 0.25)]
    assert 0.22 < len(sample) / 20_000 < 0.28
    assert 0.17 < sum(is_for_evaluation(3, line) for line in sample) / len(sample) < 0.23
