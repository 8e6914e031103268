"""Pause windows: half open, merged, by importance and currency, all-day events, silence that is not calm."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.calendarfiles import CalendarFileError, read_events
from trading.rules.pauses import MINUTE, Around, Event, Importance, PausePolicy, pauses

NOON = 1_600_000_000


def at(minute: int, name: str = "CPI", *, currency: str = "USD", importance: Importance = Importance.HIGH) -> Event:
    return Event(name, currency, importance, NOON + minute * MINUTE, NOON + minute * MINUTE)


def windows(events: list[Event], before: int = 30, after: int = 15, **policy: object):
    rule = PausePolicy({Importance.HIGH: Around(before, after)}, **policy)  # type: ignore[arg-type]
    return pauses(events, rule, known_from=NOON - 10_000, known_until=NOON + 10_000)


def test_a_window_holds_its_start_and_not_its_end():
    found = windows([at(0)])
    inside = [found.at(NOON + offset) is not None for offset in (-1801, -1800, 0, 899, 900)]
    assert inside == [False, True, True, True, False]


def test_overlapping_and_touching_windows_become_one_that_names_both():
    (window,) = windows([at(45, "NFP"), at(0, "CPI")]).windows
    assert (window.start, window.end, window.names) == (NOON - 1800, NOON + 60 * MINUTE, ("CPI", "NFP"))


def test_events_of_other_importance_or_currency_are_not_paused_for():
    others = [at(0, importance=Importance.LOW), at(0, currency="JPY")]
    assert windows(others, currencies=frozenset({"USD"})).windows == []


def test_an_event_without_a_time_pauses_its_whole_day():
    day = Event("Unscheduled decision", "USD", Importance.HIGH, NOON, NOON + 86_400)
    found = windows([day])
    assert found.at(NOON + 86_400 + 899)
    assert not found.at(NOON + 86_400 + 900)


def test_outside_of_what_the_calendar_covers_nothing_is_known():
    found = windows([])
    assert [found.is_known(NOON + offset) for offset in (-10_001, 0, 10_000)] == [False, True, False]


def test_a_bot_that_pauses_for_nothing_needs_no_calendar():
    assert pauses([at(0)], PausePolicy(), known_from=None, known_until=None).is_known(NOON)


@given(st.lists(st.tuples(st.integers(-300, 300), st.integers(0, 90)), max_size=12), st.integers(-500, 500))
def test_merging_changes_no_instant(events, minute):
    listed = [Event("e", "USD", Importance.HIGH, NOON + m * MINUTE, NOON + (m + long) * MINUTE) for m, long in events]
    instant = NOON + minute * MINUTE
    expected = any(e.start - 30 * MINUTE <= instant < e.end + 15 * MINUTE for e in listed)
    assert (windows(listed).at(instant) is not None) is expected


def test_a_calendar_file_is_read_in_its_own_time_zone(tmp_path: Path):
    path = tmp_path / "calendar.csv"
    path.write_text(
        "date,time,timezone,event_name,currency,importance\n"
        "2001-01-31,14:15,America/New_York,Rate,USD,high\n2001-01-03,,America/New_York,Rate,USD,high\n"
    )
    timed, whole_day = read_events(path)
    assert (timed.start, timed.end) == (980_968_500, 980_968_500)
    assert whole_day.end - whole_day.start == 86_400


def test_a_calendar_file_that_is_wrong_names_the_line(tmp_path: Path):
    path = tmp_path / "calendar.csv"
    path.write_text("date,event_name,importance\n2001-01-31,Rate,high\n2001-13-31,Rate,high\n")
    with pytest.raises(CalendarFileError, match="line 3"):
        read_events(path)
