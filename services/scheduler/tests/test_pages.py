"""Scheduler's pages, as a browser without JavaScript sees them."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from scheduler import commands
from scheduler.models import EconomicEvent, JobRun, ScheduledJob
from scheduler.tests.conftest import FOMC, csv
from service_base.addresses import url_of
from shared_models.clock import utc_now

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])


@pytest.fixture
def ada(person, browser_of):
    return browser_of(person("ada"))


@pytest.fixture
def olga(person, browser_of):
    return browser_of(person("olga", operator=True))


async def page(browser, path, status=200):
    answer = await browser.get(path)
    assert answer.status_code == status
    return answer.content.decode()


async def test_the_calendar_needs_a_sign_in():
    answer = await AsyncClient().get("/?country=US")
    assert answer["location"].startswith(f"{url_of('identity')}/continue?next=")


async def test_an_empty_calendar_says_what_would_be_here(ada):
    assert "The calendar is empty" in await page(ada, "/")


async def test_a_calendar_of_the_past_shows_its_latest_days_and_says_so(fomc, ada):
    found = await page(ada, "/")
    assert "Nothing is known to come" in found
    assert 'id="day-2008-12-16"' in found
    assert "14:15" in found
    assert "America/New_York" in found


async def test_the_next_event_of_high_importance_is_counted_down_to(source, ada):
    soon = (utc_now() + timedelta(days=3)).date()
    line = f"{soon},12:00,UTC,Rate decision,US,USD,high,,,,"
    await sync_to_async(commands.import_calendar)(source=source, content=csv(line))
    found = await page(ada, "/countdown")
    assert "US Rate decision" in found
    assert "2 d" in found or "3 d" in found


async def test_filters_are_in_the_address_and_in_the_form(fomc, ada):
    found = await page(ada, "/?country=US&from=2008-10-01&to=2008-10-31&timezone=Asia/Tokyo")
    assert 'id="day-2008-10-30"' in found  # 14:15 in New York on the 29th
    assert 'id="day-2008-10-08"' in found  # a whole day stays where it is
    assert 'value="2008-10-01"' in found


async def test_a_bad_filter_keeps_the_input_and_names_it(ada):
    found = await page(ada, "/?from=yesterday&q=cpi", status=400)
    assert "yesterday is no date" in found
    assert 'value="cpi"' in found


async def test_an_event_shows_its_history(source, ada):
    line = "2026-03-11,08:30,,CPI m/m,US,USD,high,,0.3%,,"
    await sync_to_async(commands.import_calendar)(source=source, content=csv(line))
    await sync_to_async(commands.import_calendar)(source=source, content=csv(line.replace("high,,", "high,0.4%,")))
    event = await EconomicEvent.objects.aget()
    assert "actual: <del>empty</del> → 0.4%" in await page(ada, f"/events/{event.pk}")


async def test_an_operator_imports_a_file_from_the_page(olga):
    file = SimpleUploadedFile("fomc.csv", FOMC.read_bytes())
    answer = await olga.post("/import", {"file": file, "source": "Federal Reserve", "timezone": ""})
    assert answer.status_code == 302
    assert "40 events read: 40 new, 0 changed." in await page(olga, "/")


async def test_a_broken_file_is_refused_with_its_line(olga):
    file = SimpleUploadedFile("bad.csv", csv("2026-13-01,,,Bad,US,USD,low,,,,"))
    answer = await olga.post("/import", {"file": file, "source": "Desk", "timezone": "UTC"})
    assert answer.status_code == 422
    assert b"Line 2" in answer.content


async def test_only_operators_may_import(ada):
    file = SimpleUploadedFile("fomc.csv", FOMC.read_bytes())
    assert (await ada.post("/import", {"file": file, "source": "Desk"})).status_code == 403


async def test_a_job_is_made_fired_paused_and_deleted_by_its_buttons(ada):
    form = {"name": "Retrain", "topic": "machine.retrain", "trigger": "0 23 L * *", "timezone": "Europe/Berlin"}
    await ada.post("/jobs/new", form)
    job = await ScheduledJob.objects.aget()
    for change in ("run-now", "pause"):
        assert (await ada.post(f"/jobs/{job.pk}/{change}")).status_code == 302
    found = await page(ada, f"/jobs/{job.pk}")
    assert "paused" in found
    assert "fired" in found
    assert await JobRun.objects.acount() == 1
    await ada.post(f"/jobs/{job.pk}/resume")
    assert "CE" in await page(ada, f"/jobs/{job.pk}")
    await ada.post(f"/jobs/{job.pk}/delete")
    assert "You have no jobs" in await page(ada, "/jobs")


async def test_somebody_elses_job_is_not_found(olga, ada):
    await sync_to_async(commands.ensure_standard_jobs)()
    crawl = await ScheduledJob.objects.aget(topic="calendar.crawl")
    assert "Monthly calendar crawl" in await page(olga, "/jobs")
    await page(ada, f"/jobs/{crawl.pk}", status=404)
    assert (await ada.post(f"/jobs/{crawl.pk}/run-now")).status_code == 404


async def test_the_platforms_log_is_for_operators(olga, ada):
    assert "No line matches" in await page(olga, "/logs")
    await page(ada, "/logs", status=403)
