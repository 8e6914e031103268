"""The HTTP side: filters, refusals, whose jobs are whose, the feed."""

import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient
from icalendar import Calendar

from scheduler import commands, feed
from scheduler.models import EconomicEvent, PlatformLog
from scheduler.tests.conftest import FOMC, csv
from shared_models.clock import utc_now
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])
JOB = {
    "name": "Retrain",
    "topic": "machine.retrain",
    "trigger": {"day": "last", "hour": 23},
    "timezone": "Europe/Berlin",
}


@pytest.fixture
def ada(person, client_of):
    return client_of(person("ada"))


@pytest.fixture
def olga(person, client_of):
    return client_of(person("olga", operator=True))


async def send(client, method, path, body=None, **headers):
    call = getattr(client, method)
    return await call(f"/api/v1{path}", json.dumps(body or {}), content_type="application/json", headers=headers)


async def names(client, query=""):
    answer = await client.get(f"/api/v1/events{query}")
    assert answer.status_code == 200, answer.content
    return [f"{item['date']} {item['event_name']}" for item in answer.json()["items"]]


class TestCalendar:
    async def test_a_day_of_a_country_as_the_first_calendar_asked_for_it(self, fomc, ada):
        assert await names(ada, "?country=US&date=2008-01-22") == ["2008-01-22 Federal Funds Target Rate"]
        assert await names(ada, "?country=GB&date=2008-01-22") == []

    async def test_days_are_bounded_on_both_sides(self, fomc, ada):
        found = await names(ada, "?from=2007-09-18&to=2007-12-11")
        assert [name[:10] for name in found] == ["2007-09-18", "2007-10-31", "2007-12-11"]

    async def test_the_other_filters(self, source, ada):
        lines = ["2026-03-11,08:30,,CPI m/m,US,USD,high,,,,", "2026-03-11,10:00,,Bank Holiday,GB,GBP,low,,,,"]
        await sync_to_async(commands.import_calendar)(source=source, content=csv(*lines))
        for query in ("?importance=high", "?currency=usd", "?q=cpi", "?country=US,FR", "?source=Desk&q=CPI"):
            assert await names(ada, query) == ["2026-03-11 CPI m/m"], query
        assert len(await names(ada, "?importance=high,low")) == 2

    async def test_with_a_zone_days_are_that_zones_and_whole_days_do_not_shift(self, source, ada):
        lines = ["2026-03-11,20:30,,Late,US,USD,high,,,,", "2026-03-11,,,Holiday,US,USD,low,,,,"]
        await sync_to_async(commands.import_calendar)(source=source, content=csv(*lines))
        assert await names(ada, "?date=2026-03-12&timezone=Asia/Tokyo") == ["2026-03-11 Late"]
        assert await names(ada, "?date=2026-03-11&timezone=Asia/Tokyo") == ["2026-03-11 Holiday"]
        (late,) = (await ada.get("/api/v1/events?q=late&timezone=Asia/Tokyo")).json()["items"]
        assert late["local"] == "2026-03-12T09:30:00+09:00"

    async def test_pages_together_are_the_whole_list(self, fomc, ada):
        found, cursor = [], ""
        while cursor is not None:
            page = (await ada.get(f"/api/v1/events?limit=7&cursor={cursor}")).json()
            found += [item["date"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert found == sorted(found)
        assert len(found) == 40

    @pytest.mark.parametrize(
        "query",
        [
            "date=garbage",
            "from=2026-02-30",
            "to=1.2.2026",
            "timezone=Mars/Olympus",
            "importance=urgent",
            "date=0000-01-01",
            "q=%00",
        ],
    )
    async def test_a_filter_that_cannot_be_read_is_a_problem_naming_it(self, ada, query):
        answer = await ada.get(f"/api/v1/events?{query}")
        assert answer.status_code == 400
        assert answer["content-type"] == "application/problem+json"
        assert answer.json()["errors"][0]["field"] == query.split("=")[0]

    async def test_an_event_shows_what_imports_changed(self, source, ada):
        line = "2026-03-11,08:30,,CPI m/m,US,USD,high,,0.3%,,"
        await sync_to_async(commands.import_calendar)(source=source, content=csv(line))
        await sync_to_async(commands.import_calendar)(source=source, content=csv(line.replace("high,,", "high,0.4%,")))
        event = await EconomicEvent.objects.aget()
        shown = (await ada.get(f"/api/v1/events/{event.pk}")).json()
        assert (shown["actual"], shown["actual_value"], shown["actual_unit"]) == ("0.4%", "0.4", "%")
        assert shown["revisions"][0]["changes"] == {"actual": {"before": "", "after": "0.4%"}}

    async def test_an_event_that_is_not_there_is_not_found(self, ada):
        assert (await ada.get(f"/api/v1/events/{new_id()}")).status_code == 404

    async def test_the_next_event_says_how_long_until_then(self, source, ada):
        soon = (utc_now() + timedelta(days=2)).date()
        lines = [f"{soon},12:00,UTC,Rate decision,US,USD,high,,,,", f"{soon},11:00,UTC,Speech,US,USD,low,,,,"]
        await sync_to_async(commands.import_calendar)(source=source, content=csv(*lines))
        found = (await ada.get("/api/v1/events/next?importance=high")).json()
        assert found["event_name"] == "Rate decision"
        assert 0 < found["starts_in_seconds"] <= 3 * 86_400
        assert (await ada.get("/api/v1/events/next?country=FR")).status_code == 404


class TestFeed:
    async def test_the_feed_reads_back_as_the_same_events(self, fomc, ada):
        answer = await ada.get("/api/v1/events.ics?from=2008-10-01&to=2008-12-31")
        assert answer["content-type"].startswith("text/calendar")
        found = {event["UID"]: event["DTSTART"].dt for event in Calendar.from_ical(answer.content).walk("VEVENT")}
        events = EconomicEvent.objects.filter(date__gte="2008-10-01")
        assert found == {f"{event.pk}@titan": event.starts_at or event.date async for event in events}
        assert len(found) == 3

    async def test_the_address_from_the_page_opens_the_feed_and_nothing_else(self, fomc, person):
        user = await sync_to_async(person)("ada")
        key = feed.key_for(user.pk)
        assert (await AsyncClient().get("/api/v1/events.ics", {"feed": key})).status_code == 200
        assert (await AsyncClient().get("/api/v1/events", {"feed": key})).status_code == 401
        assert (await AsyncClient().get("/api/v1/events.ics", {"feed": key[:-1] + "x"})).status_code == 401


class TestImport:
    async def upload(self, client, content, **fields):
        file = SimpleUploadedFile("calendar.csv", content, content_type="text/csv")
        return await client.post("/api/v1/sources/import", {"file": file, "source": "Federal Reserve", **fields})

    async def test_an_operator_uploads_a_file_and_hears_what_it_did(self, olga):
        answer = await self.upload(olga, FOMC.read_bytes())
        assert answer.json() == {"source": "Federal Reserve", "read": 40, "new": 40, "changed": 0, "unchanged": 0}
        again = await self.upload(olga, FOMC.read_bytes())
        assert again.json()["unchanged"] == 40

    async def test_a_half_broken_file_is_a_problem_with_the_line_and_leaves_no_source_behind(self, olga):
        answer = await self.upload(
            olga, csv("2026-03-11,08:30,,CPI,US,USD,high,,,,", "2026-13-01,,,Bad,US,USD,low,,,,")
        )
        assert (answer.status_code, answer.json()["line"]) == (422, "3")
        assert (await olga.get("/api/v1/sources")).json()["items"] == []

    @pytest.mark.parametrize(
        "wrong",
        [{"importance": "huge"}, {"country": "us"}, {"timezone": "Mars/Olympus"}, {"kind": "pdf"}, {"name": "\0"}],
    )
    async def test_a_source_that_cannot_be_is_refused_and_not_kept(self, olga, wrong):
        answer = await send(olga, "post", "/sources", {"name": "Desk", "kind": "csv"} | wrong)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == next(iter(wrong))
        assert (await olga.get("/api/v1/sources")).json()["items"] == []

    async def test_others_may_not_import(self, ada):
        assert (await self.upload(ada, FOMC.read_bytes())).status_code == 403

    async def test_a_path_out_of_the_data_directory_is_refused(self, olga):
        body = {"name": "Passwords", "kind": "csv", "path": "../../../etc/passwd"}
        assert (await send(olga, "post", "/sources", body)).status_code == 422


class TestJobs:
    async def test_a_job_is_made_read_changed_and_deleted(self, ada):
        made = (await send(ada, "post", "/jobs", JOB)).json()
        path = f"/jobs/{made['id']}"
        assert made["trigger"] == {"type": "cron", "day": "last", "hour": 23}
        changed = await send(ada, "patch", path, {"trigger": "0 6 * * *", "enabled": False})
        assert changed.json()["next_run_at"] is None
        assert (await send(ada, "post", f"{path}/resume")).json()["next_run_at"] is not None
        assert (await send(ada, "delete", path)).status_code == 204
        assert (await ada.get(f"/api/v1{path}")).status_code == 404

    async def test_the_next_times_are_shown_in_utc_and_on_the_jobs_own_clock(self, ada):
        made = (await send(ada, "post", "/jobs", JOB)).json()
        coming = (await ada.get(f"/api/v1/jobs/{made['id']}/next?count=3")).json()["items"]
        assert len(coming) == 3
        assert all("T23:00:00+0" in item["local"] for item in coming)

    async def test_running_now_twice_under_one_key_fires_once(self, ada):
        made = (await send(ada, "post", "/jobs", JOB)).json()
        path = f"/jobs/{made['id']}"
        first = await send(ada, "post", f"{path}/run-now", **{"idempotency-key": "one"})
        again = await send(ada, "post", f"{path}/run-now", **{"idempotency-key": "one"})
        assert first.json() == again.json()
        runs = (await ada.get(f"/api/v1{path}/runs")).json()["items"]
        assert [run["outcome"] for run in runs] == ["fired"]

    async def test_somebody_elses_job_is_not_found_whatever_is_asked(self, ada, person, client_of):
        made = (await send(ada, "post", "/jobs", JOB)).json()
        eve = await sync_to_async(lambda: client_of(person("eve")))()
        path = f"/jobs/{made['id']}"
        for method, tail in [("get", ""), ("get", "/runs"), ("get", "/next"), ("post", "/run-now"), ("post", "/pause")]:
            call = eve.get(f"/api/v1{path}{tail}") if method == "get" else send(eve, "post", path + tail)
            assert (await call).status_code == 404, tail
        assert (await send(eve, "patch", path, {"name": "Mine"})).status_code == 404
        assert (await send(eve, "delete", path)).status_code == 404
        assert (await eve.get("/api/v1/jobs")).json()["items"] == []

    async def test_an_operator_sees_all_jobs(self, ada, olga):
        await send(ada, "post", "/jobs", JOB)
        assert len((await olga.get("/api/v1/jobs")).json()["items"]) == 1

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"trigger": "61 * * * *"}, 422),
            ({"timezone": "Mars/Olympus"}, 422),
            ({"topic": "calendar.crawl"}, 403),
            ({"topic": "Not A Topic"}, 422),
            ({"trigger": {"seconds": 1}}, 422),
            ({"coalesce": "some"}, 422),
            ({"jitter_seconds": -1}, 422),
            ({"colour": "red"}, 422),
            ({"name": " "}, 422),
            ({"name": "a\0b"}, 422),
            ({"payload": {"text": "\0"}}, 422),
        ],
    )
    async def test_a_job_that_cannot_be_is_refused(self, ada, change, status):
        answer = await send(ada, "post", "/jobs", JOB | change)
        assert answer.status_code == status, answer.content
        assert answer["content-type"] == "application/problem+json"

    async def test_a_name_is_used_once(self, ada):
        await send(ada, "post", "/jobs", JOB)
        assert (await send(ada, "post", "/jobs", JOB)).status_code == 409

    async def test_the_platforms_own_jobs_cannot_be_deleted(self, olga):
        await sync_to_async(commands.ensure_standard_jobs)()
        (crawl, *_) = (await olga.get("/api/v1/jobs")).json()["items"]
        answer = await send(olga, "delete", f"/jobs/{crawl['id']}")
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "standard-job")


class TestLogs:
    @pytest.fixture
    def lines(self, db):
        for service, level in [("ml", "ERROR"), ("billing", "WARNING"), ("ml", "WARNING")]:
            PlatformLog.objects.create(
                id=new_id(),
                timestamp=utc_now(),
                level=level,
                service=service,
                logger="titan",
                message=f"{service} says",
            )

    @pytest.mark.parametrize(("query", "count"), [("", 3), ("?level=error", 1), ("?service=ml", 2), ("?q=billing", 1)])
    async def test_operators_search_the_log(self, lines, olga, query, count):
        assert len((await olga.get(f"/api/v1/logs{query}")).json()["items"]) == count

    async def test_others_may_not_see_it(self, lines, ada):
        assert (await ada.get("/api/v1/logs")).status_code == 403


@pytest.mark.parametrize("path", ["events", "events/next", "events.ics", "sources", "jobs", "logs"])
async def test_without_a_token_every_route_says_so(path):
    assert (await AsyncClient().get(f"/api/v1/{path}")).status_code == 401


async def test_the_parked_events_of_every_service_are_not_mistaken_for_an_event(olga):
    assert (await olga.get("/api/v1/events/parked")).status_code == 200
