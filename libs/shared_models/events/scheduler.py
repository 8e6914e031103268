"""What scheduler says: jobs that came due and economic events that appeared, moved or were published."""

from datetime import date, time
from typing import Any, ClassVar, Literal
from uuid import UUID

from shared_models.events.contract import Event, Moment

Importance = Literal["low", "medium", "high"]


class JobDue(Event):
    """A job's time came. The event's id follows from job and instant, so a second firing is recognised."""

    TYPE: ClassVar = "titan.scheduler.job.due.v1"
    KEY: ClassVar = "job_id"

    job_id: UUID
    name: str
    topic: str
    scheduled_for: Moment
    fired_at: Moment
    payload: dict[str, Any]
    owner_id: UUID | None = None  # whose wish it is; None for the platform's own jobs


class EconomicEventChanged(Event):
    """An economic event as it is now. `date` and `time` are wall-clock in `timezone`, as the source publishes them.

    Without a time of day the event counts for that whole day there, and `starts_at`, its instant, is None.
    """

    TYPE: ClassVar = "titan.scheduler.event.changed.v1"
    KEY: ClassVar = "economic_event_id"

    economic_event_id: UUID
    version: int
    date: date
    time: time | None
    starts_at: Moment | None
    event_name: str
    country: str
    currency: str
    importance: Importance
    actual: str
    forecast: str
    previous: str
    revised: str
    source: str
    external_id: str
    timezone: str = "UTC"
