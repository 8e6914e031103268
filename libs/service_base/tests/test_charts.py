"""Drawings have round axes around all that is drawn, gaps where nothing is known, and neither script nor style."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_base.axes import MOST_STEPS, axis_over
from service_base.formats import Formats
from service_base.templatetags.charts import bar_chart, line_chart

PLAIN = {"formats": Formats(decimal_separator=".")}
values = st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 6)), min_size=1, max_size=30)


@given(values)
def test_an_axis_holds_all_values_between_few_round_ticks_that_read_differently(known):
    axis = axis_over(known)
    slack = 1e-9 * (abs(axis.low) + axis.step)
    assert axis.low - slack <= min(known)
    assert max(known) <= axis.high + slack
    assert 1 <= axis.steps <= MOST_STEPS + 2
    shown = [f"{tick:.{axis.places}f}" for tick in axis.ticks()]
    assert len(set(shown)) == len(shown)
    assert "-0" not in {text.rstrip("0").rstrip(".") for text in shown}


@pytest.mark.parametrize(
    ("known", "ticks"),
    [
        ((9665.7, 10_000), [9600, 9700, 9800, 9900, 10_000]),
        ((0, 3.92), [0, 1, 2, 3, 4]),
        ((0.35, 1.54), [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6]),
        ((5, 5), [5, 6]),
    ],
)
def test_ticks_are_what_a_person_would_draw(known, ticks):
    assert axis_over(known).ticks() == pytest.approx(ticks)


def _all(pattern, drawn):
    return re.findall(pattern, drawn)


def test_each_figure_at_the_left_has_its_line_at_equal_distances():
    drawn = line_chart(PLAIN, [[1.0, 3.0]], "Loss")
    figures = _all(r"<li>([^<]+)</li>", drawn.partition("<svg")[0])
    lines = [float(y) for y in _all(r'class="rule" d="M0 ([\d.]+)H', drawn)]
    assert figures == ["3.0", "2.5", "2.0", "1.5", "1.0"]
    assert sorted(lines) == [0, 40, 80, 120, 160]
    assert "style" not in drawn


def test_a_line_has_a_gap_where_nothing_is_known_and_keeps_its_places():
    (path,) = _all(r'class="line line-1" d="([^"]+)"', line_chart(PLAIN, [[0.0, None, 1.0, 1.0, None, 0.5]], "x"))
    assert path == "M0.0,160.0h4 M256.0,0.0 L384.0,0.0 M640.0,80.0h4"


def _marks(drawn):
    return _all(r"<li>([^<]+)</li>", drawn.partition("</svg>")[2])


def test_below_stand_the_first_the_middle_and_the_last_place():
    assert _marks(line_chart(PLAIN, [[1, 2, 3]], "Loss", "", [0, 500, 1000], "steps")) == [
        "0",
        "500",
        "1\u202f000 steps",
    ]
    morning = datetime(2026, 3, 1, 6, tzinfo=UTC)
    hours = [morning + timedelta(hours=n) for n in range(5)]
    assert _marks(line_chart(PLAIN, [[1] * 5], "x", "", hours)) == ["06:00", "08:00", "10:00"]
    days = [morning + timedelta(days=n) for n in range(2)]
    assert _marks(line_chart(PLAIN, [[1, 2]], "x", "", days)) == ["01/03/2026", "02/03/2026"]
    assert _marks(line_chart(PLAIN, [[1, 2]], "x")) == []


def test_bars_stand_on_nothing_and_are_as_high_as_the_axis_says():
    days = [date(2026, 3, day) for day in (1, 2, 3)]
    chart = {
        "labels": days,
        "names": ["a", "b"],
        "stacks": [[Decimal(1), Decimal(3)], [Decimal(0)] * 2, [Decimal(2), Decimal(-1)]],
    }
    drawn = bar_chart(PLAIN, chart, "Cost by day", "USD")
    assert _all(r'class="bar-(\d)"[^>]*y="([\d.]+)" height="([\d.]+)"', drawn) == [
        ("1", "120.00", "40.00"),
        ("2", "0.00", "120.00"),
        ("1", "80.00", "80.00"),
    ]
    assert "highest 4 USD on 01/03/2026" in drawn


def test_what_has_no_values_says_so():
    assert "nothing to draw yet" in line_chart(PLAIN, [[None, None], []], "Loss")
    assert "nothing to draw yet" in bar_chart(PLAIN, {"labels": [], "names": [], "stacks": []}, "Cost")
