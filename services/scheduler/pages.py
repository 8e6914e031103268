"""Scheduler's pages: the calendar, an event with its history, jobs and what became of them, the platform's log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_POST

from scheduler import clock, commands, feed, queries
from scheduler.models import LEVELS, EconomicEvent, JobRun, ScheduledJob
from scheduler.rules import triggers, zones
from scheduler.rules.asking import EventFilter
from scheduler.rules.calendar_rows import FIGURES, IMPORTANCES
from scheduler.rules.catchup import FAILED
from service_base.addresses import url_of
from service_base.errors import BadInput, Refusal
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from shared_models.clock import utc_now

EVENTS_A_PAGE = 100
JOBS_A_PAGE = 100
_NEVER = datetime.max.replace(tzinfo=UTC)
_FILTERS = ("country", "importance", "currency", "source", "q", "date", "from", "to", "timezone")


@signed_in
async def calendar(request: PageRequest) -> HttpResponse:
    """The calendar by day; without days in the address it begins today, or shows the latest where nothing comes."""
    asked = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    form = {name: asked.get(name, "") for name in _FILTERS}
    context: dict[str, Any] = {"asked": form, "importances": IMPORTANCES}
    context |= {"filtered": bool(asked), "narrowed": bool(asked.keys() - {"q", "importance"})}
    try:
        wanted = EventFilter.read(asked)
    except Refusal as refusal:
        return await show(request, "scheduler/calendar.html", context | {"refusal": refusal}, status=refusal.status)
    read = sync_to_async(_calendar)
    return await show(request, "scheduler/calendar.html", context | await read(request, wanted, asked))


@require_POST
@signed_in
async def import_file(request: PageRequest) -> HttpResponse:
    """Import the chosen file; a refusal names the line and nothing is changed."""
    request.caller.must_be_operator()
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise BadInput("Choose a file.", field="file")
    name = request.POST.get("source", "")
    kind = "ical" if (file.name or "").lower().endswith(".ics") else "csv"
    zone = request.POST.get("timezone", "").strip()
    settings: dict[str, Any] = {"timezone": zone} if zone else {}

    def work() -> commands.Imported:
        return commands.import_file(name=name, kind=kind, content=file.read(commands.MOST_BYTES + 1), **settings)

    done = await sync_to_async(work)()
    messages.success(request, f"{done.read} events read: {done.new} new, {done.changed} changed.")
    return _to("/")


@signed_in
async def countdown(request: PageRequest) -> HttpResponse:
    """The next event of high importance, as the calendar page asks for it anew."""
    return await show(request, "scheduler/countdown.html", await sync_to_async(_countdown)())


@signed_in
async def event(request: PageRequest, event_id: str) -> HttpResponse:
    """An event with its figures and what imports changed about it."""

    def read() -> dict[str, Any]:
        found = queries.event(event_id)
        return {
            "event": found,
            "figures": [(name, getattr(found, name)) for name in FIGURES],
            "revisions": list(found.revisions.select_related("source").order_by("-version")),
            "seconds_left": _seconds_left(found),
        }

    return await show(request, "scheduler/event.html", await sync_to_async(read)())


@signed_in
async def jobs(request: PageRequest) -> HttpResponse:
    """The person's jobs, operators see all: those that failed first, then by their next time."""

    def read() -> dict[str, Any]:
        found, following = page_of(queries.jobs(request.caller), cursor=request.GET.get("cursor"), limit=JOBS_A_PAGE)
        outcomes = queries.last_outcomes(found)
        found.sort(key=lambda job: (not _failed(outcomes[job.pk]), job.next_run_at or _NEVER, job.name))
        return {"jobs": [(job, outcomes[job.pk]) for job in found], "more": _address({}, following)}

    return await show(request, "scheduler/jobs.html", await sync_to_async(read)())


@require_POST
@signed_in
async def make_job(request: PageRequest) -> HttpResponse:
    """Make a job from the form: plain cron in a zone."""
    form = {name: request.POST.get(name, "").strip() for name in ("name", "topic", "trigger", "timezone")}
    form["timezone"] = form["timezone"] or "UTC"

    def work() -> ScheduledJob:
        return commands.create_job(
            caller=request.caller,
            name=form["name"],
            topic=form["topic"],
            trigger=form["trigger"],
            timezone=form["timezone"],
        )

    made = await sync_to_async(work)()
    messages.success(request, f"The job {made.name} is made.")
    return _to(f"/jobs/{made.pk}")


@signed_in
async def job(request: PageRequest, job_id: str) -> HttpResponse:
    """A job: when it fires next, what became of the last instants."""

    def read() -> dict[str, Any]:
        found = queries.job(request.caller, job_id)
        where = zones.zone(found.timezone)
        coming = triggers.preview(found.when, clock.database_now(), 5) if found.enabled else []
        return {
            "job": found,
            "coming": [(at, at.astimezone(where)) for at in coming],
            "runs": list(queries.runs(found).order_by("-scheduled_for")[:50]),
        }

    return await show(request, "scheduler/job.html", await sync_to_async(read)())


@require_POST
@signed_in
async def change_job(request: PageRequest, job_id: str, change: str) -> HttpResponse:
    """Pause, resume, fire or delete a job."""
    said, target = await sync_to_async(_changed)(request, job_id, change)
    messages.success(request, said)
    return _to(target)


@signed_in
async def logs(request: PageRequest) -> HttpResponse:
    """The platform's log, for operators."""
    request.caller.must_be_operator()
    fields = ("level", "service", "q", "trace_id")
    asked = {name: request.GET.get(name, "").replace("\0", "").strip() for name in fields}

    def read() -> dict[str, Any]:
        found = queries.log_lines(
            level=asked["level"], service=asked["service"], search=asked["q"], trace_id=asked["trace_id"]
        )
        lines, following = page_of(found, cursor=request.GET.get("cursor"), limit=EVENTS_A_PAGE, field="id")
        return {"lines": lines, "older": _address(asked, following)}

    context = {"asked": asked, "levels": LEVELS, **await sync_to_async(read)()}
    return await show(request, "scheduler/logs.html", context)


def _calendar(request: PageRequest, wanted: EventFilter, asked: dict[str, str]) -> dict[str, Any]:
    found = queries.events(wanted)
    cursor = request.GET.get("cursor")
    open_ended = not cursor and wanted.first_day is None and wanted.last_day is None
    coming = found.filter(date__gte=utc_now().date()) if open_ended else found
    past = open_ended and not coming.exists()
    if past:
        # Nothing is known to come: the latest days say more than an empty page.
        rows = list(found.order_by("-place")[:EVENTS_A_PAGE])[::-1]
        following = None
    else:
        rows, following = page_of(coming, cursor=cursor, limit=EVENTS_A_PAGE, field="place", newest_first=False)
    first, last = queries.calendar_span()
    shown = _Shown(wanted)
    return {
        "days": [(day, list(events)) for day, events in groupby(rows, key=shown.day)],
        "past": past and bool(rows),
        "later": _address(asked, following),
        "countries": queries.countries(),
        "sources": list(queries.sources()),
        "first_day": first,
        "last_day": last,
        "zone": wanted.zone,
        "shown": shown,
        "feed": _feed_address(request, asked),
        **_countdown(),
    }


def _failed(runs: list[JobRun]) -> bool:
    return bool(runs) and runs[-1].outcome == FAILED


class _Shown:
    """On which day an event is listed: the published one, or that of the zone that was asked for."""

    def __init__(self, wanted: EventFilter) -> None:
        self._zone = wanted.zone

    def day(self, event: EconomicEvent) -> Any:
        """The day; also gives the event its clock time for the template."""
        local = event.starts_at.astimezone(self._zone) if event.starts_at and self._zone else None
        event.clock = local.time() if local else event.time  # type: ignore[attr-defined]
        return local.date() if local else event.date


def _countdown() -> dict[str, Any]:
    upcoming = queries.next_event(EventFilter(importances=("high",)), utc_now())
    return {"upcoming": upcoming, "upcoming_seconds": _seconds_left(upcoming) if upcoming else None}


def _seconds_left(found: EconomicEvent) -> int | None:
    left = (found.starts_at - utc_now()).total_seconds() if found.starts_at else -1
    return int(left) if left > 0 else None


def _feed_address(request: PageRequest, asked: dict[str, str]) -> str:
    query = urlencode({**asked, "feed": feed.key_for(request.caller.id)})
    return f"{url_of('scheduler')}/api/v1/events.ics?{query}"


def _address(asked: dict[str, str], cursor: str | None) -> str | None:
    return f"?{urlencode({**{n: v for n, v in asked.items() if v}, 'cursor': cursor})}" if cursor else None


def _changed(request: PageRequest, job_id: str, change: str) -> tuple[str, str]:
    found = queries.job(request.caller, job_id)
    page = f"/jobs/{found.pk}"
    if change == "delete":
        commands.delete_job(job=found)
        return f"The job {found.name} is deleted.", "/jobs"
    return _CHANGES[change](request, found), page


def _run_now(request: PageRequest, found: ScheduledJob) -> str:
    commands.run_now(job=found, requested_by=request.caller.id)
    return f"{found.name} was fired."


def _pause(request: PageRequest, found: ScheduledJob) -> str:
    commands.pause_job(job=found)
    return f"{found.name} is paused; what falls into the pause is not caught up."


def _resume(request: PageRequest, found: ScheduledJob) -> str:
    commands.resume_job(job=found)
    return f"{found.name} fires again from its next time on."


_CHANGES: dict[str, Callable[[PageRequest, ScheduledJob], str]] = {
    "run-now": _run_now,
    "pause": _pause,
    "resume": _resume,
}


def _to(page: str) -> HttpResponse:
    return HttpResponseRedirect(f"{url_of('scheduler')}{page}")


def _change(name: str) -> Any:
    async def view(request: HttpRequest, job_id: str) -> HttpResponseBase:
        return await change_job(request, job_id, name)

    return path(f"jobs/<uuid:job_id>/{name}", view, name=f"job-{name}")


urlpatterns = [
    path("", calendar, name="calendar"),
    path("import", import_file, name="import"),
    path("countdown", countdown, name="countdown"),
    path("events/<uuid:event_id>", event, name="event"),
    path("jobs", jobs, name="jobs"),
    path("jobs/new", make_job, name="make-job"),
    path("jobs/<uuid:job_id>", job, name="job"),
    *(_change(name) for name in ("run-now", "pause", "resume", "delete")),
    path("logs", logs, name="logs"),
]
