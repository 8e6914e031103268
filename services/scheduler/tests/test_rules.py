"""Small decisions: figures beside their text, jitter, names of topics."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.rules.catchup import COALESCE, Policy, decide, jitter_of
from scheduler.rules.figures import figure
from scheduler.rules.jobs import checked_topic
from service_base.errors import BadInput

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("6.00%", "6.00", "%"),
        ("-0.1%", "-0.1", "%"),
        ("\u22120.1%", "-0.1", "%"),
        ("231K", "231000", ""),
        ("$5.2B", "5200000000", "USD"),
        ("1,234,567", "1234567", ""),
        ("5 BPS", "5", "BPS"),
        (".5", "0.5", ""),
    ],
)
def test_a_figure_with_one_number_is_that_number_and_its_unit(text, value, unit):
    assert (figure(text).value, figure(text).unit) == (Decimal(value), unit)


@pytest.mark.parametrize("text", ["", "n/a", "4.1|2.5", "<0.1%", "12-15", "1,23", "9" * 20])
def test_a_figure_that_is_not_one_number_stays_text(text):
    assert figure(text).value is None


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_figures(text):
    figure(text)


@given(
    lates=st.lists(st.integers(0, 10_000), min_size=1, max_size=50, unique=True),
    coalesce=st.sampled_from(COALESCE),
    grace=st.integers(0, 10_000),
    window=st.none() | st.integers(0, 10_000),
    more=st.booleans(),
)
def test_every_due_instant_gets_exactly_one_decision(lates, coalesce, grace, window, more):
    due = sorted(NOW - timedelta(seconds=late) for late in lates)
    limit = None if window is None else timedelta(seconds=window)
    decisions = decide(due, policy=Policy(coalesce, timedelta(seconds=grace), limit), now=NOW, more=more)
    assert [decision.scheduled_for for decision in decisions] == due
    late_ones = [d for d in decisions if NOW - d.scheduled_for > timedelta(seconds=grace)]
    assert all(d.fires for d in decisions if d not in late_ones)
    assert sum(d.fires for d in late_ones) <= {"skip": 0, "latest": 1, "all": len(late_ones)}[coalesce]


def test_jitter_is_the_same_for_every_replica_and_within_its_bound():
    # Always the same job: of a million jitters, fifty of a job drawn anew are all different only nearly always.
    job, most = UUID(int=7), timedelta(seconds=30)
    spread = {jitter_of(job, NOW + timedelta(hours=hour), most) for hour in range(50)}
    assert jitter_of(job, NOW, most) == jitter_of(job, NOW, most)
    assert len(spread) == 50
    assert min(spread) >= timedelta()
    assert max(spread) < most


@pytest.mark.parametrize("topic", ["", "Machine.retrain", "a b", ".x", "x.", "x" * 101])
def test_a_topic_is_words_joined_by_dots(topic):
    with pytest.raises(BadInput):
        checked_topic(topic, is_operator=True)
