"""Firing: once an instant, whoever fires, wherever one dies; every missed instant has its outcome."""

import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from threading import Thread

import pytest
from django.db import connection, connections

from event_bus.models import OutboxEvent
from event_bus.testing import said
from scheduler import commands
from scheduler.commands.firing import run_id
from scheduler.models import JobRun, ScheduledJob
from shared_models.events import scheduler

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def job(caller):
    """Makes jobs of one operator, as of START."""
    olga = caller("olga", operator=True)

    def make(name="every minute", trigger=None, *, now=START, **options):
        options.setdefault("topic", "test.topic")
        return commands.create_job(caller=olga, name=name, trigger=trigger or {"minutes": 1}, now=now, **options)

    return make


def fire_all(now=None):
    while commands.fire_due(now=now):
        pass


def outcomes(job):
    return list(JobRun.objects.filter(job=job).order_by("scheduled_for").values_list("outcome", flat=True))


@pytest.mark.django_db
class TestOneLoop:
    def test_a_due_job_has_its_run_its_event_and_its_next_time(self, job):
        made = job(payload={"page": 1})
        assert commands.fire_due(now=START + MINUTE) == 1
        run, event = JobRun.objects.get(), said(scheduler.JobDue)[0]
        assert (run.outcome, run.scheduled_for) == ("fired", START + MINUTE)
        assert (event.job_id, event.scheduled_for, event.payload) == (made.pk, START + MINUTE, {"page": 1})
        assert ScheduledJob.objects.get().next_run_at == START + 2 * MINUTE

    def test_the_event_has_the_id_that_follows_from_job_and_instant(self, job):
        made = job()
        commands.fire_due(now=START + MINUTE)
        assert OutboxEvent.objects.get().event_id == JobRun.objects.get().pk == run_id(made.pk, START + MINUTE)

    def test_nothing_fires_before_its_time(self, job):
        job()
        assert commands.fire_due(now=START + MINUTE - timedelta(microseconds=1)) == 0

    def test_the_time_is_the_databases_unless_it_is_given(self, job):
        job(trigger={"seconds": 1}, now=datetime.now(UTC) - timedelta(seconds=5))
        fire_all()
        assert JobRun.objects.count() >= 4

    def test_a_paused_job_does_not_fire_and_catches_nothing_up(self, job):
        made = job()
        commands.pause_job(job=made)
        assert commands.fire_due(now=START + 5 * MINUTE) == 0
        commands.resume_job(job=made, now=START + 10 * MINUTE)
        commands.fire_due(now=START + 11 * MINUTE)
        assert [run.scheduled_for for run in JobRun.objects.all()] == [START + 11 * MINUTE]

    def test_a_date_fires_once_and_then_the_job_has_no_time_left(self, job):
        made = job(trigger={"run_date": (START + MINUTE).isoformat()})
        fire_all(START + 10 * MINUTE)
        made.refresh_from_db()
        assert outcomes(made) == ["fired"]
        assert made.next_run_at is None

    def test_jitter_puts_a_firing_off_by_the_same_amount_for_every_replica(self, job):
        made = job(jitter_seconds=50)
        again = ScheduledJob.objects.get()
        assert timedelta() <= again.due_at - again.next_run_at <= timedelta(seconds=50)
        assert again.due_at == made.due_at
        assert commands.fire_due(now=again.due_at) == 1

    def test_running_now_leaves_the_next_time_as_it_is(self, job):
        made = job()
        commands.run_now(job=made, requested_by=made.owner_id)
        assert outcomes(made) == ["fired"]
        assert ScheduledJob.objects.get().next_run_at == START + MINUTE

    def test_a_job_whose_zone_left_the_world_is_paused_and_keeps_no_other_waiting(self, job):
        lost, made = job("lost", "* * * * *"), job()
        ScheduledJob.objects.filter(pk=lost.pk).update(timezone="Mars/Olympus")
        fire_all(START + MINUTE)
        lost.refresh_from_db()
        assert (lost.enabled, lost.due_at) == (False, None)
        assert outcomes(made) == ["fired"]


@pytest.mark.django_db
class TestCatchingUp:
    AFTER_AN_HOUR = START + timedelta(hours=1, seconds=30)

    def test_all_fires_every_missed_instant_in_order(self, job):
        made = job(coalesce="all")
        fire_all(self.AFTER_AN_HOUR)
        assert outcomes(made) == ["fired"] * 60
        told = [event.scheduled_for for event in said(scheduler.JobDue)]
        assert told == [START + n * MINUTE for n in range(1, 61)]

    def test_latest_fires_the_newest_and_records_the_others(self, job):
        made = job(coalesce="latest", misfire_grace_seconds=0)
        fire_all(self.AFTER_AN_HOUR)
        assert outcomes(made) == ["skipped"] * 59 + ["fired"]
        assert [event.scheduled_for for event in said(scheduler.JobDue)] == [START + timedelta(hours=1)]

    def test_skip_records_every_missed_instant_and_fires_none(self, job):
        made = job(coalesce="skip", misfire_grace_seconds=10)
        fire_all(self.AFTER_AN_HOUR)
        assert outcomes(made) == ["skipped"] * 60
        assert said(scheduler.JobDue) == []

    def test_an_instant_within_the_grace_fires_whatever_the_policy(self, job):
        made = job(coalesce="skip", misfire_grace_seconds=60)
        fire_all(self.AFTER_AN_HOUR)
        assert outcomes(made) == ["skipped"] * 59 + ["fired"]

    def test_the_window_bounds_how_far_back_is_caught_up(self, job):
        made = job(coalesce="all", catch_up_window_seconds=600)
        fire_all(self.AFTER_AN_HOUR)
        assert outcomes(made) == ["skipped"] * 50 + ["fired"] * 10

    def test_more_missed_instants_than_fit_into_one_transaction_are_all_there(self, job):
        made = job(trigger={"seconds": 1}, coalesce="latest", misfire_grace_seconds=0)
        fire_all(START + timedelta(seconds=1700))
        assert outcomes(made) == ["skipped"] * 1699 + ["fired"]


@pytest.mark.django_db
def test_standard_jobs_are_made_once_and_stay_as_operators_set_them(caller):
    commands.ensure_standard_jobs()
    crawl = ScheduledJob.objects.get(topic="calendar.crawl")
    assert (crawl.trigger["day"], crawl.trigger["hour"]) == ("last", 23)
    commands.update_job(job=crawl, caller=caller("olga", operator=True), timezone="Europe/Berlin")
    commands.ensure_standard_jobs()
    assert ScheduledJob.objects.get(topic="calendar.crawl").timezone == "Europe/Berlin"
    assert ScheduledJob.objects.filter(standard=True).count() == 2


@pytest.mark.django_db(transaction=True)
def test_loops_that_race_fire_every_instant_once(job):
    for number in range(20):
        job(f"job {number}", {"seconds": 1}, coalesce="all")
    end = START + timedelta(seconds=120)

    def loop():
        try:
            fire_all(end)
        finally:
            connections.close_all()

    loops = [Thread(target=loop) for _ in range(4)]
    for thread in loops:
        thread.start()
    for thread in loops:
        thread.join(60)
    fire_all(end)  # a loop ends when the others hold all that is due
    assert JobRun.objects.filter(outcome="fired").count() == OutboxEvent.objects.count() == 20 * 120
    assert gaps() == 0


@pytest.mark.django_db(transaction=True)
def test_replicas_killed_at_any_moment_leave_no_instant_doubled_and_none_missing(job):
    began = datetime.now(UTC)
    for number in range(50):
        job(f"job {number}", {"seconds": 1}, now=began, coalesce="all")
    for kill in range(15):
        replicas = [replica(), replica()]
        time.sleep(0.1 + 0.03 * kill)
        for process in replicas:
            process.kill()
            process.join(10)
    while others_at_work():  # the server lets go of a killed session's jobs a moment after the process has gone
        time.sleep(0.01)
    end = datetime.now(UTC)
    fire_all(end)
    fired = JobRun.objects.filter(outcome="fired").count()
    assert fired == OutboxEvent.objects.values("event_id").distinct().count()
    assert fired >= 50 * int((end - began).total_seconds() - 1)
    assert gaps() == 0


def replica():
    """A process that fires in the test's database until it is killed."""
    connections.close_all()  # a forked connection would be two processes' one
    process = get_context("fork").Process(target=fire_for_ever, daemon=True)
    process.start()
    return process


def fire_for_ever():
    while True:
        commands.fire_due()
        time.sleep(0.001)


def others_at_work():
    """How many other sessions are in a transaction on this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def gaps():
    """How many seconds between a job's first and last run have no run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(extract(epoch FROM last - first) + 1 - n), 0) FROM ("
            " SELECT min(scheduled_for) AS first, max(scheduled_for) AS last, count(*) AS n"
            " FROM job_run GROUP BY job_id) AS spans"
        )
        return int(cursor.fetchone()[0])
