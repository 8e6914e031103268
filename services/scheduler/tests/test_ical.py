"""iCalendar files: instants right on both sides of a change of clocks, and nothing guessed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.rules.calendar_ical import parse
from scheduler.rules.calendar_rows import BadCalendar, Defaults

NEW_YORK = Defaults(zone="America/New_York", country="US", currency="USD", importance="high")
EASTERN = """BEGIN:VTIMEZONE
TZID:US-Eastern
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
END:VTIMEZONE
"""


def ics(*events: str, head: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n{head}{body}END:VCALENDAR\n".encode()


def starts(*events: str, head: str = "") -> list[datetime | None]:
    return [row.starts_at for row in parse(ics(*events, head=head), NEW_YORK)]


def test_a_zone_that_the_file_defines_is_right_in_winter_and_in_summer():
    winter, summer = starts(
        "SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260114T083000",
        "SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260714T083000",
        head=EASTERN,
    )
    assert (winter, summer) == (datetime(2026, 1, 14, 13, 30, tzinfo=UTC), datetime(2026, 7, 14, 12, 30, tzinfo=UTC))


def test_the_zones_of_another_file_do_not_decide_about_this_one():
    starts("SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260114T083000", head=EASTERN)
    other = EASTERN.replace("-0500", "+0900").replace("-0400", "+1000")
    assert starts("SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260114T083000", head=other) == [
        datetime(2026, 1, 13, 23, 30, tzinfo=UTC)
    ]


def test_an_unknown_zone_is_an_error_with_its_line_even_after_a_file_that_defined_it():
    starts("SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260114T083000", head=EASTERN)
    with pytest.raises(BadCalendar, match="US-Eastern") as refused:
        starts("SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260114T083000")
    assert refused.value.line == 4


def test_utc_times_and_whole_days():
    rows = parse(ics("SUMMARY:GDP\nDTSTART:20260330T123000Z", "SUMMARY:Holiday\nDTSTART;VALUE=DATE:20260703"), NEW_YORK)
    assert (rows[0].date.isoformat(), rows[0].time.isoformat()) == ("2026-03-30", "08:30:00")
    assert (rows[1].date.isoformat(), rows[1].time) == ("2026-07-03", None)


def test_a_floating_time_is_the_calendars_own_zone_or_the_sources():
    event = "SUMMARY:CPI\nDTSTART:20260114T083000"
    assert starts(event) == [datetime(2026, 1, 14, 13, 30, tzinfo=UTC)]
    assert starts(event, head="X-WR-TIMEZONE:Europe/Berlin\n") == [datetime(2026, 1, 14, 7, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ("SUMMARY:no start", 9),
        ("SUMMARY:bad\nDTSTART:yesterday", 9),
        ("SUMMARY:often\nDTSTART:20260114T083000Z\nRRULE:FREQ=WEEKLY", 9),
        ("DTSTART:20260114T083000Z", 9),
        ("SUMMARY:x\nnonsense", 12),
        ("SUMMARY:x\nDTSTART:20260114T083000Z\nEND:VEVENT\nEND:VALARM", 14),
    ],
)
def test_a_half_broken_file_names_the_line(event, line):
    with pytest.raises(BadCalendar) as refused:
        parse(ics("SUMMARY:fine\nDTSTART:20260114T083000Z", event), NEW_YORK)
    assert refused.value.line == line


def test_a_file_that_is_cut_off_is_refused():
    with pytest.raises(BadCalendar, match="cut off"):
        parse(ics("SUMMARY:fine\nDTSTART:20260114T083000Z")[:-30], NEW_YORK)


WHOLE = ics(
    "SUMMARY:CPI\nDTSTART;TZID=US-Eastern:20260114T083000", "SUMMARY:GDP\nDTSTART:20260330T123000Z", head=EASTERN
)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, len(WHOLE) - 1), put=st.binary(max_size=4), cut=st.integers(0, 40))
def test_whatever_is_done_to_a_file_it_is_read_whole_or_refused(position, put, cut):
    damaged = WHOLE[:position] + put + WHOLE[position + cut :]
    try:
        rows = parse(damaged, NEW_YORK)
    except BadCalendar:
        return
    assert rows
    assert all(row.starts_at is None or row.starts_at.tzinfo is not None for row in rows)
