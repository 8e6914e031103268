"""What scheduler says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from event_bus import publishes
from event_bus.outbox import append_all
from scheduler.models import EconomicEvent, ScheduledJob
from shared_models.events import scheduler

PUBLISHES = publishes(scheduler.JobDue, scheduler.EconomicEventChanged)


class Due(Protocol):
    """A run that came due; its event has the run's id."""

    @property
    def pk(self) -> UUID: ...
    @property
    def job(self) -> ScheduledJob: ...
    @property
    def scheduled_for(self) -> datetime: ...


def jobs_due(runs: Sequence[Due], *, at: datetime) -> None:
    """These runs came due; their jobs' rows are locked by the caller."""
    append_all([(_job_due(run.job, run.scheduled_for, at), run.pk) for run in runs], occurred_at=at)


def events_changed(events: Sequence[EconomicEvent]) -> None:
    """The events as they are now."""
    append_all([(_event_changed(event), None) for event in events])


def _job_due(job: ScheduledJob, scheduled_for: datetime, at: datetime) -> scheduler.JobDue:
    return scheduler.JobDue(
        job_id=job.pk,
        name=job.name,
        topic=job.topic,
        scheduled_for=scheduled_for,
        fired_at=at,
        payload=job.payload,
        owner_id=job.owner_id,
    )


def _event_changed(event: EconomicEvent) -> scheduler.EconomicEventChanged:
    return scheduler.EconomicEventChanged(
        economic_event_id=event.pk,
        version=event.version,
        date=event.date,
        time=event.time,
        timezone=event.timezone,
        starts_at=event.starts_at,
        event_name=event.event_name,
        country=event.country,
        currency=event.currency,
        importance=event.importance,
        actual=event.actual,
        forecast=event.forecast,
        previous=event.previous,
        revised=event.revised,
        source=event.source.name,
        external_id=event.external_id or "",
    )
