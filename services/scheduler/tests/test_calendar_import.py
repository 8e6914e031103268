"""Importing: only what changed is written and told; a file that does not fit changes nothing."""

from decimal import Decimal

import pytest
from django.db import connection

from event_bus.testing import said
from scheduler import commands
from scheduler.models import EconomicEvent
from scheduler.rules.calendar_rows import BadCalendar, FeedShrunk
from scheduler.tests.conftest import FOMC, csv
from shared_models.events import scheduler

pytestmark = pytest.mark.django_db

CPI = "2026-03-11,08:30,,CPI m/m,US,USD,high,,0.3%,0.2%,cpi-2026-02"
PAYROLLS = "2026-03-06,08:30,,Non-Farm Payrolls,US,USD,high,,180K,151K,nfp-2026-02"


def stamps():
    """The transaction that last wrote each event's row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, version FROM economic_event ORDER BY id")
        return cursor.fetchall()


def test_the_calendar_that_comes_with_titan_has_all_forty_changes(fomc):
    assert EconomicEvent.objects.count() == 40
    assert len(said(scheduler.EconomicEventChanged)) == 40


def test_a_time_of_day_becomes_an_instant_in_its_zone(fomc):
    event = EconomicEvent.objects.get(date="2008-12-16")
    assert event.starts_at.isoformat() == "2008-12-16T19:15:00+00:00"
    assert (event.actual, event.actual_value, event.actual_unit) == ("0.25%", Decimal("0.25"), "%")


def test_an_empty_time_is_a_whole_day_without_an_instant(fomc):
    event = EconomicEvent.objects.get(date="2001-01-03")
    assert event.time is None
    assert event.starts_at is None


def test_importing_the_same_file_again_writes_no_event_and_says_nothing(fomc):
    before, told = stamps(), len(said(scheduler.EconomicEventChanged))
    done = commands.import_calendar(source=fomc, content=FOMC.read_bytes())
    assert done == commands.Imported(read=40, new=0, changed=0, unchanged=40)
    assert stamps() == before
    assert len(said(scheduler.EconomicEventChanged)) == told


def test_a_figure_that_appears_is_one_revision_and_one_event(source):
    commands.import_calendar(source=source, content=csv(CPI, PAYROLLS))
    done = commands.import_calendar(source=source, content=csv(CPI.replace(",high,,", ",high,0.4%,"), PAYROLLS))
    assert (done.changed, done.unchanged) == (1, 1)
    told = said(scheduler.EconomicEventChanged)[-1]
    assert (told.actual, told.version, told.timezone) == ("0.4%", 2, "America/New_York")
    revision = EconomicEvent.objects.get(event_name="CPI m/m").revisions.get()
    assert revision.changes == {"actual": ["", "0.4%"]}


def test_a_reschedule_moves_the_event_instead_of_doubling_it(source):
    commands.import_calendar(source=source, content=csv(CPI))
    before = EconomicEvent.objects.get()
    commands.import_calendar(source=source, content=csv(CPI.replace("2026-03-11,08:30", "2026-03-13,10:00")))
    after = EconomicEvent.objects.get()
    assert after.pk == before.pk
    assert after.starts_at.isoformat() == "2026-03-13T14:00:00+00:00"


def test_events_of_a_series_may_take_each_others_places_in_one_import(source):
    first, second = CPI, CPI.replace("2026-03-11", "2026-04-10").replace("cpi-2026-02", "cpi-2026-03")
    commands.import_calendar(source=source, content=csv(first, second))
    swapped = csv(first.replace("2026-03-11", "2026-04-10"), second.replace("2026-04-10", "2026-03-11"))
    assert commands.import_calendar(source=source, content=swapped).changed == 2
    assert str(EconomicEvent.objects.get(external_id="cpi-2026-02").date) == "2026-04-10"


def test_moving_onto_an_event_that_stays_is_refused(source):
    other = "2026-03-13,08:30,,CPI m/m,US,USD,high,,,,cpi-other"
    commands.import_calendar(source=source, content=csv(CPI, other))
    moved = csv(CPI.replace("2026-03-11", "2026-03-13"))
    with pytest.raises(BadCalendar, match="moves onto another"):
        commands.import_calendar(source=source, content=moved)


def test_the_same_name_at_the_same_instant_in_two_countries_is_two_events(source):
    commands.import_calendar(source=source, content=csv(CPI, CPI.replace(",US,USD,", ",GB,GBP,").replace("cpi", "gb")))
    assert EconomicEvent.objects.count() == 2


def test_all_day_events_without_a_time_are_not_doubled(source):
    holiday = "2026-07-03,,,Bank Holiday,US,USD,low,,,,"
    for _ in range(2):
        commands.import_calendar(source=source, content=csv(holiday))
    assert EconomicEvent.objects.count() == 1


def test_an_empty_figure_never_erases_a_published_one(source):
    commands.import_calendar(source=source, content=csv(CPI.replace(",high,,", ",high,0.4%,")))
    assert commands.import_calendar(source=source, content=csv(CPI)).changed == 0
    assert EconomicEvent.objects.get().actual == "0.4%"


def test_another_source_fills_in_what_is_open_and_overwrites_nothing(source):
    commands.import_calendar(source=source, content=csv(CPI))
    guest = commands.save_source(name="Guest", kind="csv", timezone="America/New_York")
    theirs = csv("2026-03-11,08:30,,CPI m/m,US,USD,low,0.4%,0.9%,0.2%,theirs")
    commands.import_calendar(source=guest, content=theirs)
    event = EconomicEvent.objects.get()
    assert (event.actual, event.forecast, event.importance, event.source) == ("0.4%", "0.3%", "high", source)


BROKEN = {
    "2026-02-30,08:30,,Impossible,US,USD,high,,,,": "no date",
    "2026-03-11,8.30am,,CPI,US,USD,high,,,,": "no time of day",
    "2026-03-11,08:30,Mars/Olympus,CPI,US,USD,high,,,,": "no IANA time zone",
    "2026-03-08,02:30,America/New_York,Lost hour,US,USD,high,,,,": "does not exist",
    "2026-03-11,08:30,,CPI,USA,USD,high,,,,": "two-letter",
    "2026-03-11,08:30,,CPI,US,USD,urgent,,,,": "importance",
    "2026-03-11,08:30,,,US,USD,high,,,,": "event_name",
    "2026-03-11,08:30,,CPI,US,USD,high": "7 cells",
    '2026-03-11,08:30,,"CPI,US,USD,high,,,,': "cannot be read",
    "2026-03-06,08:30,,Non-Farm Payrolls,US,USD,high,,,,": "same event as in line 2",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_half_broken_file_names_the_line_and_imports_nothing(source, line):
    with pytest.raises(BadCalendar, match=BROKEN[line]) as refused:
        commands.import_calendar(source=source, content=csv(PAYROLLS, "", line))
    assert refused.value.line == 4
    assert not EconomicEvent.objects.exists()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"date,event_name\n", 1),
        (b"date,event_name,colour\n2026-01-01,New Year,red\n", 1),
        (b"date,event_name,country\n2026-01-01,New Year,US\n2026-01-02,B\xe9b\xe9,FR\n", 3),
        (b"date,event_name,country\n2026-01-01,New\0Year,US\n", 2),
        (b"\x89PNG\r\n\x1a\n\0\0\0", 1),
    ],
)
def test_a_file_that_is_no_calendar_is_refused_with_its_line(source, content, line):
    with pytest.raises(BadCalendar) as refused:
        commands.import_calendar(source=source, content=content)
    assert refused.value.line == line


def test_a_source_that_lost_most_of_its_events_is_refused_unless_that_is_meant(source):
    days = [CPI.replace("2026-03-11", f"2026-03-{day}").replace("cpi-2026", f"cpi-{day}") for day in range(10, 20)]
    commands.import_calendar(source=source, content=csv(*days))
    with pytest.raises(FeedShrunk):
        commands.import_calendar(source=source, content=csv(*days[:4]))
    assert commands.import_calendar(source=source, content=csv(*days[:4]), allow_fewer=True).unchanged == 4
    assert EconomicEvent.objects.count() == 10
