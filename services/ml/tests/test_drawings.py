"""What is drawn of a machine holds every figure, has round axes, and no style."""

import re

import pytest

from ml.templatetags.ml import truth_chart
from service_base.formats import Formats

PLAIN = {"formats": Formats(decimal_separator=".")}
SURE = [{"lines": 40, "said": 0.55, "was": 0.5}, {"lines": 160, "said": 0.93, "was": 0.97}]
FAR = [
    {"lines": 10, "said": -3.0, "was": -2.0, "low": -9.0, "high": 4.0},
    {"lines": 10, "said": 12.0, "was": 11.0, "low": 2.0, "high": 21.0},
]


def test_each_group_is_a_point_and_is_said_in_words():
    drawn = truth_chart(PLAIN, SURE, "How sure", "said", "was", shares=True)
    assert drawn.count("<circle") == 2
    assert 'aria-label="How sure: said 55 %, was 50 %; said 93 %, was 97 %"' in drawn
    assert "style" not in drawn


@pytest.mark.parametrize(("bins", "ends"), [(SURE, ("50 %", "100 %")), (FAR, ("−10", "25"))])
def test_axes_begin_and_end_at_round_values(bins, ends):
    drawn = truth_chart(PLAIN, bins, "x", "said", "was", shares=bins is SURE)
    ticks = re.findall(r'<text class="middle"[^>]*>([^<]+)<', drawn)
    assert (ticks[0], ticks[-2]) == ends


def test_what_was_answered_right_lies_on_the_diagonal():
    x, y = re.findall(r'c[xy]="([\d.]+)"', truth_chart(PLAIN, [{"lines": 1, "said": 2, "was": 2}], "x", "a", "b"))
    left, bottom, right, top = re.findall(
        r'class="agreed" d="M(\d+) (\d+)L(\d+) (\d+)"', truth_chart(PLAIN, SURE, "x", "a", "b")
    )[0]
    across = (float(x) - float(left)) / (float(right) - float(left))
    assert across == pytest.approx((float(bottom) - float(y)) / (float(bottom) - float(top)), abs=0.01)


def test_a_band_is_drawn_where_there_is_one():
    assert 'class="band"' in truth_chart(PLAIN, FAR, "x", "said", "was")
    assert 'class="band"' not in truth_chart(PLAIN, SURE, "x", "said", "was")


@pytest.mark.parametrize("value", [0.0, 5.0, 1e-12, -1e12])
def test_one_value_alone_is_drawn_too(value):
    assert "<circle" in truth_chart(PLAIN, [{"lines": 1, "said": value, "was": value}], "x", "said", "was")


def test_without_groups_nothing_is_drawn():
    assert truth_chart(PLAIN, [], "x", "said", "was") == ""
