"""Scheduler's HTTP shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field

from scheduler.models import CalendarSource, EconomicEvent, EconomicEventRevision, JobRun, PlatformLog, ScheduledJob
from scheduler.rules.calendar_rows import FIGURES
from shared_models.clock import rfc3339


class Strict(Schema):
    """Input without room for fields that nobody reads: a misspelt one must not go unnoticed."""

    model_config = ConfigDict(extra="forbid")


class EventQuestion(Schema):
    """The filters of the calendar, as text: scheduler reads them itself, so that a bad one is answered with 400."""

    country: str = ""
    currency: str = ""
    importance: str = ""
    source: str = ""
    q: str = ""
    date: str = ""
    first: str = Field(default="", alias="from")
    last: str = Field(default="", alias="to")
    timezone: str = ""


class LogQuestion(Schema):
    """Which lines of the platform's log are wanted."""

    level: str = ""
    service: str = ""
    q: str = ""
    trace_id: str = ""
    first: AwareDatetime | None = Field(default=None, alias="from")
    last: AwareDatetime | None = Field(default=None, alias="to")


class PreviewQuestion(Schema):
    """How many of the next instants are wanted."""

    count: int = Field(default=10, ge=1, le=100)


class SourceIn(Strict):
    """A source of events; `path` names a file below the data directory's `calendars` that the crawl reads."""

    name: str = Field(max_length=100)
    kind: str
    timezone: str = "UTC"
    country: str = Field(default="", max_length=2)
    currency: str = Field(default="", max_length=3)
    importance: str = "low"
    path: str = Field(default="", max_length=200)
    enabled: bool = True


class ImportIn(Schema):
    """The form beside an uploaded file; a source that is not known yet is made."""

    source: str = Field(max_length=100)
    kind: str = "csv"
    timezone: str = "UTC"
    country: str = Field(default="", max_length=2)
    currency: str = Field(default="", max_length=3)
    importance: str = "low"
    allow_fewer: bool = False


class JobIn(Strict):
    """A job to make; `trigger` is plain cron as text, or an object with APScheduler's names."""

    name: str = Field(max_length=200)
    topic: str = Field(max_length=200)
    trigger: str | dict[str, Any]
    timezone: str = "UTC"
    payload: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True
    misfire_grace_seconds: int = 60
    coalesce: str = "latest"
    catch_up_window_seconds: int | None = None
    jitter_seconds: int = 0


class JobChange(Strict):
    """What is to change about a job; what is left out stays."""

    name: str | None = Field(default=None, max_length=200)
    topic: str | None = Field(default=None, max_length=200)
    trigger: str | dict[str, Any] | None = None
    timezone: str | None = None
    payload: dict[str, Any] | None = None
    enabled: bool | None = None
    misfire_grace_seconds: int | None = None
    coalesce: str | None = None
    catch_up_window_seconds: int | None = None
    jitter_seconds: int | None = None


def show_event(event: EconomicEvent, zone: ZoneInfo | None = None) -> dict[str, Any]:
    """An event; figures as published with the number beside them, and the time in `zone` when one was asked for."""
    shown: dict[str, Any] = {
        "id": str(event.pk),
        "version": event.version,
        "date": event.date.isoformat(),
        "time": event.time.isoformat() if event.time else None,
        "timezone": event.timezone,
        "starts_at": _moment(event.starts_at),
        "event_name": event.event_name,
        "country": event.country,
        "currency": event.currency,
        "importance": event.importance,
        "note": event.note,
        "source": event.source.name,
        "external_id": event.external_id,
    }
    for name in FIGURES:
        value = getattr(event, f"{name}_value")
        shown[name] = getattr(event, name)
        shown[f"{name}_value"] = None if value is None else f"{value.normalize():f}"
        shown[f"{name}_unit"] = getattr(event, f"{name}_unit")
    if zone is not None:
        shown["local"] = event.starts_at.astimezone(zone).isoformat() if event.starts_at else event.date.isoformat()
    return shown


def show_revision(revision: EconomicEventRevision) -> dict[str, Any]:
    """What one import changed."""
    return {
        "version": revision.version,
        "changed_at": rfc3339(revision.changed_at),
        "source": revision.source.name,
        "changes": {name: {"before": before, "after": after} for name, (before, after) in revision.changes.items()},
    }


def show_source(source: CalendarSource) -> dict[str, Any]:
    """A source and how fresh it is."""
    return {
        "id": str(source.pk),
        "name": source.name,
        "kind": source.kind,
        "timezone": source.timezone,
        "country": source.country,
        "currency": source.currency,
        "importance": source.importance,
        "path": source.path,
        "enabled": source.enabled,
        "events_read": source.events_read,
        "last_success_at": _moment(source.last_success_at),
        "last_attempt_at": _moment(source.last_attempt_at),
        "last_error": source.last_error,
    }


def show_job(job: ScheduledJob) -> dict[str, Any]:
    """A job."""
    return {
        "id": str(job.pk),
        "name": job.name,
        "owner_id": str(job.owner_id) if job.owner_id else None,
        "topic": job.topic,
        "trigger": job.trigger,
        "schedule": job.schedule,
        "timezone": job.timezone,
        "payload": job.payload,
        "enabled": job.enabled,
        "misfire_grace_seconds": job.misfire_grace_seconds,
        "coalesce": job.coalesce,
        "catch_up_window_seconds": job.catch_up_window_seconds,
        "jitter_seconds": job.jitter_seconds,
        "standard": job.standard,
        "next_run_at": _moment(job.next_run_at),
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(job.updated_at),
    }


def show_run(run: JobRun) -> dict[str, Any]:
    """What became of an instant of a job."""
    return {
        "id": str(run.pk),
        "job_id": str(run.job_id),
        "scheduled_for": rfc3339(run.scheduled_for),
        "fired_at": _moment(run.fired_at),
        "outcome": run.outcome,
        "requested_by": _id(run.requested_by),
        "attempt": run.attempt,
        "duration_seconds": run.duration.total_seconds() if run.duration is not None else None,
        "error": run.error,
        "result": run.result,
    }


def show_line(line: PlatformLog) -> dict[str, Any]:
    """A line of the platform's log."""
    return {
        "id": str(line.id),
        "timestamp": rfc3339(line.timestamp),
        "level": line.level,
        "service": line.service,
        "logger": line.logger,
        "main_module": line.main_module,
        "main_function": line.main_function,
        "message": line.message,
        "traceback": line.traceback,
        "host_name": line.host_name,
        "ip": line.ip,
        "trace_id": line.trace_id,
    }


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None
