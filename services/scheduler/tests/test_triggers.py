"""When a job fires: APScheduler's names, plain cron, and both days on which the clocks change."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.rules.cron import BadTrigger
from scheduler.rules.triggers import in_words, normalised, preview, read
from scheduler.rules.zones import UnknownZone, exists

NOW = datetime(2026, 1, 15, tzinfo=UTC)
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
)


def instants(spec, zone="UTC", count=3, after=NOW):
    return preview(read(normalised(spec, zone=zone, now=after), zone=zone), after, count)


def local(spec, zone, count=3, after=NOW):
    return [at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") for at in instants(spec, zone, count, after)]


def test_the_last_day_of_the_month_in_both_spellings():
    expected = ["2026-01-31 23:00:00", "2026-02-28 23:00:00", "2026-03-31 23:00:00"]
    assert local({"day": "last", "hour": 23}, "Europe/Berlin") == expected
    assert local("0 23 L * *", "Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("fields", "plain"),
    [
        ({"day_of_week": "mon-fri", "hour": 9, "minute": 30}, "30 9 * * 1-5"),
        ({"day_of_week": 6, "hour": 0}, "0 0 * * 0"),
        ({"day": "2nd fri", "hour": 8}, "0 8 * * 5#2"),
        ({"day": "last sun"}, "0 0 * * 0L"),
        ({"minute": "*/15"}, "*/15 * * * *"),
        ({"month": "jan,jul", "day": 1}, "0 0 1 1,7 *"),
        ({"month": 3}, "0 0 1 3 *"),
        ({"hour": "8-18/5"}, "0 8,13,18 * * *"),
    ],
)
def test_apschedulers_fields_mean_what_plain_cron_means(fields, plain):
    assert instants(fields, count=20) == instants(plain, count=20)


def test_seconds_of_a_matching_minute_each_fire():
    after = NOW.replace(second=20)
    assert local({"minute": 0, "second": "15,45"}, "UTC", after=after)[0] == "2026-01-15 00:00:45"


@pytest.mark.parametrize(
    "wrong",
    [
        "0 23 * *",
        "61 * * * *",
        "0 0 30 2 *",
        {"hour": 24},
        {"hour": "9-5"},
        {"day": 1, "day_of_week": "mon"},
        {"week": 3},
        {"hours": 0},
        {"minutes": -5},
        {"run_date": "2020-01-01T00:00:00"},
        {"run_date": "tomorrow"},
        {"type": "moon"},
        {},
    ],
)
def test_a_trigger_that_cannot_be_read_or_never_fires_is_refused(wrong):
    with pytest.raises(BadTrigger):
        normalised(wrong, zone="UTC", now=NOW)


def test_an_unknown_zone_is_refused():
    with pytest.raises(UnknownZone):
        normalised("0 0 * * *", zone="../../etc/passwd", now=NOW)


def test_an_interval_keeps_its_rhythm_whenever_it_is_asked():
    trigger = read(normalised({"minutes": 90}, zone="UTC", now=NOW), zone="UTC")
    late = NOW + timedelta(days=400, seconds=17)
    assert (preview(trigger, late, 1)[0] - NOW) % timedelta(minutes=90) == timedelta()


def test_a_date_without_an_offset_is_wall_clock_in_the_jobs_zone():
    assert instants({"run_date": "2026-07-01T10:00:00"}, "America/New_York") == [datetime(2026, 7, 1, 14, tzinfo=UTC)]


def test_start_and_end_bound_a_trigger():
    spec = {"hour": 12, "start_date": "2026-02-01T00:00:00", "end_date": "2026-02-02T12:00:00"}
    assert local(spec, "UTC", count=9) == ["2026-02-01 12:00:00", "2026-02-02 12:00:00"]


def test_a_schedule_reads_as_words():
    assert (
        in_words(normalised({"day": "last", "hour": 23}, zone="UTC", now=NOW))
        == "at 23:00 on the last day of every month"
    )
    assert in_words(normalised({"hours": 1, "minutes": 30}, zone="UTC", now=NOW)) == "every 1 hour 30 minutes"


def test_half_past_two_on_the_lost_hour_fires_once_at_the_next_time_that_exists():
    found = local("30 2 * * *", "America/New_York", after=datetime(2026, 3, 7, 12, tzinfo=UTC))
    assert found == ["2026-03-08 03:00:00", "2026-03-09 02:30:00", "2026-03-10 02:30:00"]


def test_half_past_one_on_the_doubled_hour_fires_once_at_the_first():
    found = instants("30 1 * * *", "America/New_York", after=datetime(2026, 10, 31, 12, tzinfo=UTC))
    assert found[:2] == [datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 2, 6, 30, tzinfo=UTC)]


def test_asked_again_within_the_doubled_hour_it_does_not_go_back():
    within = datetime(2026, 11, 1, 6, 15, tzinfo=UTC)  # 01:15 for the second time
    assert instants("30 1 * * *", "America/New_York", after=within)[0] == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


def first_valid(day: date, clock: time, where: ZoneInfo) -> datetime:
    """The oracle: the wall-clock time itself, at its first showing, or the next minute that exists."""
    wall = datetime.combine(day, clock)
    while not exists(wall.date(), wall.time(), where):
        wall += timedelta(minutes=1)
    return wall.replace(tzinfo=where).astimezone(UTC)


clocks = st.times().map(lambda t: t.replace(second=0, microsecond=0))
days = st.dates(date(2005, 1, 1), date(2035, 12, 1))


@settings(max_examples=300, deadline=None)
@given(zone=st.sampled_from(ZONES), first=days, clock=clocks)
@example(zone="America/New_York", first=date(2026, 3, 7), clock=time(2, 30))
@example(zone="Australia/Lord_Howe", first=date(2026, 10, 3), clock=time(2, 15))
@example(zone="Africa/Cairo", first=date(2026, 4, 23), clock=time(0, 0))
@example(zone="Pacific/Apia", first=date(2011, 12, 28), clock=time(2, 30))
@example(zone="America/Scoresbysund", first=date(2024, 3, 29), clock=time(23, 30))
def test_a_daily_job_fires_once_for_every_day_in_every_zone(zone, first, clock):
    where = ZoneInfo(zone)
    trigger = read({"type": "cron", "hour": clock.hour, "minute": clock.minute}, zone=zone)
    start = datetime.combine(first, time(), where).astimezone(UTC) - timedelta(seconds=1)
    wanted = sorted({first_valid(first + timedelta(days=n), clock, where) for n in range(8)})
    found = preview(trigger, start, len(wanted))
    assert found == [at for at in wanted if at > start][: len(found)]
    assert len(found) >= len(wanted) - 1


@settings(max_examples=150, deadline=None)
@given(zone=st.sampled_from(ZONES), first=days, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_asking_anew_after_each_firing_gives_the_same_instants_as_asking_once(zone, first, hour, minute):
    trigger = read({"type": "cron", "expression": f"{minute} {hour} * * *"}, zone=zone)
    start = datetime.combine(first, time(), UTC)
    once = preview(trigger, start, 6)
    anew, last = [], start
    for _ in once:
        last = preview(trigger, last, 1)[0]
        anew.append(last)
    assert anew == once
    assert all(earlier < later for earlier, later in itertools.pairwise(once))
