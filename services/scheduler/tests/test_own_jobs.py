"""Scheduler's own jobs: the crawl that reads source files again, and forgetting; their outcomes stand with the run."""

from datetime import UTC, datetime, timedelta

import pytest

from event_bus.testing import deliver, said
from scheduler import commands
from scheduler.models import CalendarSource, EconomicEvent, JobRun, PlatformLog, ScheduledJob
from scheduler.tests.conftest import FOMC, csv
from service_base.env import env
from shared_models.clock import utc_now
from shared_models.events import scheduler
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])


@pytest.fixture
def folder():
    """The data directory's calendars."""
    found = env().data_dir / "calendars"
    found.mkdir(parents=True, exist_ok=True)
    yield found
    for file in found.iterdir():
        file.unlink()


def fire(topic):
    """Fire the standard job of that topic and hand its event to scheduler, twice, as Kafka may."""
    commands.ensure_standard_jobs()
    run = commands.run_now(job=ScheduledJob.objects.get(topic=topic), requested_by=new_id())
    (event,) = said(scheduler.JobDue)
    for _ in range(2):
        deliver(event, event_id=run.pk)
    run.refresh_from_db()
    return run


def test_the_crawl_imports_the_files_of_its_sources_and_notes_what_it_did(folder):
    (folder / "fomc.csv").write_bytes(FOMC.read_bytes())
    commands.save_source(name="Federal Reserve", kind="csv", path="fomc.csv")
    run = fire("calendar.crawl")
    assert (run.outcome, run.attempt) == ("succeeded", 1)
    assert run.result == {"sources": {"Federal Reserve": {"read": 40, "new": 40, "changed": 0, "unchanged": 0}}}
    assert EconomicEvent.objects.count() == 40


def test_one_source_that_fails_neither_stops_nor_erases_another(folder):
    (folder / "good.csv").write_bytes(FOMC.read_bytes())
    (folder / "bad.csv").write_bytes(csv("2026-13-01,,,Bad,US,USD,low,,,,"))
    for name, path in [("A broken one", "bad.csv"), ("A lost one", "lost.csv"), ("Good", "good.csv")]:
        commands.save_source(name=name, kind="csv", path=path)
    run = fire("calendar.crawl")
    assert run.outcome == "failed"
    assert "A broken one: Line 2" in run.error
    assert "A lost one: No such file" in run.error
    assert EconomicEvent.objects.count() == 40
    assert CalendarSource.objects.get(name="Good").last_success_at == run.fired_at


def test_a_source_that_is_off_or_has_no_file_is_left_alone(folder):
    commands.save_source(name="Off", kind="csv", path="missing.csv", enabled=False)
    commands.save_source(name="By hand", kind="csv")
    assert fire("calendar.crawl").outcome == "succeeded"


def test_forgetting_deletes_what_is_old_and_nothing_else():
    def line(age):
        moment = utc_now() - age
        PlatformLog.objects.create(
            id=new_id(), timestamp=moment, level="ERROR", service="ml", logger="titan", message="x"
        )

    line(timedelta(days=29))
    line(timedelta(days=31))
    run = fire("scheduler.retention")
    assert run.result["log_lines"] == 1
    assert PlatformLog.objects.count() == 1


def test_a_topic_of_somebody_else_is_not_scheduler_s_business(caller):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    commands.create_job(
        caller=caller("olga", operator=True), name="Other", topic="other.thing", trigger={"minutes": 1}, now=now
    )
    commands.fire_due(now=now + timedelta(minutes=1))
    (event,) = said(scheduler.JobDue)
    deliver(event, event_id=JobRun.objects.get().pk)
    assert JobRun.objects.get().outcome == "fired"
