"""Jobs: making, changing, pausing and deleting them; and the ones that every installation has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from scheduler.clock import database_now
from scheduler.commands.firing import plan_next
from scheduler.models import ScheduledJob
from scheduler.rules import jobs as rules
from scheduler.rules import triggers, zones
from scheduler.rules.catchup import Policy
from service_base.callers import Caller
from service_base.errors import Conflict
from shared_models.ids import derived_id

CHANGEABLE = (
    "name",
    "topic",
    "trigger",
    "timezone",
    "payload",
    "misfire_grace_seconds",
    "coalesce",
    "catch_up_window_seconds",
    "jitter_seconds",
)
# So many instants show how close together a job's firings can be.
LOOK_AHEAD = 100
_SECONDS = ("misfire_grace_seconds", "catch_up_window_seconds", "jitter_seconds")


@transaction.atomic
def create_job(
    *,
    caller: Caller,
    name: str,
    topic: str,
    trigger: str | dict[str, Any],
    timezone: str = "UTC",
    enabled: bool = True,
    now: datetime | None = None,
    **options: Any,
) -> ScheduledJob:
    """A job of the caller that fires from its next instant on.

    `options` are payload, misfire_grace_seconds, coalesce, catch_up_window_seconds and jitter_seconds.
    Raises BadTrigger, UnknownZone, BadInput, NotAllowed, and Conflict for a name that she has already.
    """
    owned = ScheduledJob.objects.filter(owner_id=caller.id)
    if owned.count() >= rules.MOST_JOBS_A_PERSON:
        raise Conflict(f"You have {rules.MOST_JOBS_A_PERSON} jobs; delete one first.")
    job = ScheduledJob(owner_id=caller.id, enabled=enabled)
    _change(job, caller, {"name": name, "topic": topic, "trigger": trigger, "timezone": timezone, **options}, now)
    return _saved(job)


@transaction.atomic
def update_job(*, job: ScheduledJob, caller: Caller, now: datetime | None = None, **changes: Any) -> ScheduledJob:
    """Change some of CHANGEABLE, or `enabled`; a new time counts from now on. Raises as create_job does."""
    locked = _locked(job)
    enabled = changes.pop("enabled", None)
    if enabled is not None:
        locked.enabled = enabled
    _change(locked, caller, changes, now, replan=enabled is not None)
    return _saved(locked)


@transaction.atomic
def pause_job(*, job: ScheduledJob) -> ScheduledJob:
    """The job fires no more until it is resumed; what falls into the pause is not caught up. Pausing twice is once."""
    locked = _locked(job)
    locked.enabled = False
    plan_next(locked, database_now())
    locked.save()
    return locked


@transaction.atomic
def resume_job(*, job: ScheduledJob, now: datetime | None = None) -> ScheduledJob:
    """The job fires from its next instant on; one that is not paused stays as it is."""
    locked = _locked(job)
    if not locked.enabled:
        locked.enabled = True
        plan_next(locked, now or database_now())
        locked.save()
    return locked


@transaction.atomic
def delete_job(*, job: ScheduledJob) -> None:
    """The job and its runs are gone. Raises StandardJob for one that the platform needs."""
    locked = _locked(job)
    if locked.standard:
        raise rules.StandardJob(f"{locked.name} cannot be deleted; pause it instead.")
    locked.delete()


@transaction.atomic
def ensure_standard_jobs() -> None:
    """Every standard job is there; those that are stay as operators have set them. Any number of processes may call."""
    now = database_now()
    for standard in rules.STANDARD_JOBS:
        job = ScheduledJob(
            id=_standard_id(standard.name),
            name=standard.name,
            topic=standard.topic,
            trigger=triggers.normalised(standard.trigger, zone="UTC", now=now),
            coalesce=standard.coalesce,
            payload=standard.payload,
            standard=True,
        )
        plan_next(job, now)
        ScheduledJob.objects.bulk_create([job], ignore_conflicts=True)


def _standard_id(name: str) -> UUID:
    return derived_id("scheduler.standard-job", name)


def _locked(job: ScheduledJob) -> ScheduledJob:
    return ScheduledJob.objects.select_for_update(of=("self",)).get(pk=job.pk)


def _change(
    job: ScheduledJob, caller: Caller, changes: dict[str, Any], now: datetime | None, *, replan: bool = False
) -> None:
    unknown = changes.keys() - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"a job has no {min(unknown)}")
    moment = now or database_now()
    for name, value in changes.items():
        setattr(job, name, _checked(name, value, caller))
    if changes.keys() & {"trigger", "timezone"}:
        zones.zone(job.timezone)
        job.trigger = triggers.normalised(job.trigger, zone=job.timezone, now=moment)
        coming = triggers.preview(job.when, moment, LOOK_AHEAD)
        rules.must_not_flood(coming, is_operator=_may_all(caller))
    if replan or changes.keys() & {"trigger", "timezone", "jitter_seconds"}:
        plan_next(job, moment)


def _checked(name: str, value: Any, caller: Caller) -> Any:
    match name:
        case "name":
            return rules.checked_name(value)
        case "topic":
            return rules.checked_topic(value, is_operator=_may_all(caller))
        case "payload":
            return rules.checked_payload(value)
        case "coalesce":
            return Policy(value, misfire_grace=timedelta(), window=None).coalesce
        case _ if name in _SECONDS and value is not None:
            return rules.checked_seconds(value, name=name)
    return value


def _may_all(caller: Caller) -> bool:
    return caller.is_operator and caller.scopes is None


def _saved(job: ScheduledJob) -> ScheduledJob:
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError:
        raise Conflict(f"There is a job called {job.name} already.", field="name") from None
    return job
