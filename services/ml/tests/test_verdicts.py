"""A lead that chance explains is not called one."""

import pytest

from ml.queries.figures import scores_of_card
from ml.rules.verdicts import Lead, verdict

CLEAR, SLIGHT, NONE, BEHIND = Lead(0.4, 0.3, 0.5), Lead(0.1, -0.1, 0.3), Lead(-0.1, -0.3, 0.1), Lead(-0.4, -0.5, -0.3)

CASES = [
    (SLIGHT, CLEAR, None, "Not clearly better"),
    (BEHIND, CLEAR, CLEAR, "Not clearly better"),
    (CLEAR, SLIGHT, None, "ahead of a linear model by no more than chance"),
    (CLEAR, NONE, CLEAR, "but a linear model does as well"),
    (CLEAR, CLEAR, None, "and than a linear model."),
    (CLEAR, CLEAR, CLEAR, "a linear model and LightGBM."),
    (CLEAR, CLEAR, SLIGHT, "ahead of LightGBM by no more than chance"),
    (CLEAR, CLEAR, NONE, "but LightGBM does as well."),
    (CLEAR, CLEAR, BEHIND, "but LightGBM does better."),
]


@pytest.mark.parametrize(("constant", "linear", "boosted", "said"), CASES)
def test_the_words_fit_the_leads(constant, linear, boosted, said):
    assert said in verdict(constant=constant, linear=linear, boosted=boosted)


def _card(up, value, interval, **baselines):
    detail = {
        "score": {"name": "auc" if up else "rmse", "value": value, "higher_is_better": up, "interval": interval},
        "baselines": {},
        "beats_constant": True,
        "beats_linear": True,
    }
    for name, (score, lead) in baselines.items():
        detail["baselines"][name] = {"score": {"value": score}} | ({"lead": lead} if lead else {})
    return {"metrics": {"outputs": {"y": detail}}}


def test_the_card_says_how_far_ahead_it_was_on_the_same_lines():
    card = _card(
        False, 4.2, [3.9, 4.6], constant=(4.5, [0.2, 0.5]), linear=(4.4, [0.1, 0.4]), boosted=(4.1, [-0.2, 0.1])
    )
    (score,) = scores_of_card(card)
    assert "but LightGBM does as well" in score.verdict


def test_a_card_of_before_is_judged_by_the_interval_of_its_score():
    for up, value, interval, constant, linear, said in (
        (True, 0.90, [0.88, 0.92], 0.5, 0.85, "and than a linear"),
        (True, 0.86, [0.84, 0.88], 0.5, 0.85, "no more than chance"),
        (True, 0.502, [0.43, 0.57], 0.5, 0.499, "Not clearly better"),
        (False, 4.2, [4.0, 4.3], 4.5, 4.4, "and than a linear"),
        (False, 4.2, [4.0, 4.6], 4.5, 4.4, "Not clearly better"),
        (True, 0.6, None, 0.5, 0.55, "and than a linear"),
    ):
        (score,) = scores_of_card(_card(up, value, interval, constant=(constant, None), linear=(linear, None)))
        assert said in score.verdict
