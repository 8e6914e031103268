"""Firing: due instants become runs and events in one transaction, on the database's clock, by many replicas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from scheduler import publishes
from scheduler.clock import database_now
from scheduler.commands import metrics
from scheduler.models import JobRun, ScheduledJob
from scheduler.rules.catchup import FIRED, SKIPPED, Decision, decide, jitter_of
from service_base.errors import BadInput
from shared_models.clock import rfc3339
from shared_models.ids import derived_id

log = structlog.get_logger("scheduler.firing")

JOBS_AT_ONCE = 100
INSTANTS_A_JOB = 500
_ENTER_RUNS = (
    "INSERT INTO job_run (id, job_id, scheduled_for, fired_at, outcome, error, attempt, result)"
    " SELECT id, job_id, scheduled_for, fired_at, outcome, error, 0, '{}'"
    " FROM json_to_recordset(%s::json) AS run(id uuid, job_id uuid, scheduled_for timestamptz,"
    " fired_at timestamptz, outcome text, error text)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_MOVE_ON = (
    "UPDATE scheduled_job SET next_run_at = moved.next_run_at, due_at = moved.due_at, enabled = moved.enabled"
    " FROM json_to_recordset(%s::json) AS moved(id uuid, next_run_at timestamptz, due_at timestamptz, enabled boolean)"
    " WHERE scheduled_job.id = moved.id"
)


class Run(NamedTuple):
    """An instant of a job with its decision, as it is entered; `JobRun` is the row that this becomes."""

    pk: UUID
    job: ScheduledJob
    scheduled_for: datetime
    reason: str


@transaction.atomic
def fire_due(*, now: datetime | None = None) -> int:
    """Announce what is due, and return how many instants were dealt with; call again while there are some.

    The run rows, the outbox rows and each job's next time commit together or not at all. Replicas skip each other's
    jobs, and one run an instant is a constraint: an instant fires once, however many call this and wherever one dies.
    """
    moment = now or database_now()
    due = ScheduledJob.objects.select_for_update(skip_locked=True, of=("self",)).filter(due_at__lte=moment)
    jobs = list(due.order_by("due_at")[:JOBS_AT_ONCE])
    runs = [
        Run(run_id(job.pk, decision.scheduled_for), job, decision.scheduled_for, decision.reason)
        for job in jobs
        for decision in _advance(job, moment)
    ]
    new = _enter(runs, moment)
    fired = [run for run in runs if not run.reason and run.pk in new]
    publishes.jobs_due(fired, at=moment)
    _move_on(jobs)
    _tell(fired, len(runs), moment)
    return max(len(runs), len(jobs))


@transaction.atomic
def run_now(*, job: ScheduledJob, requested_by: UUID) -> JobRun:
    """Fire the job once more, at this instant, whatever its trigger says; its next time stays as it is."""
    locked = ScheduledJob.objects.select_for_update(of=("self",)).get(pk=job.pk)
    moment = database_now()
    run = JobRun.objects.create(
        id=run_id(locked.pk, moment),
        job=locked,
        scheduled_for=moment,
        fired_at=moment,
        outcome=FIRED,
        requested_by=requested_by,
    )
    publishes.jobs_due([Run(run.pk, locked, moment, "")], at=moment)
    return run


def plan_next(job: ScheduledJob, after: datetime) -> None:
    """Set the job's next instant after `after`; none while it is paused."""
    _set_next(job, next(iter(job.when.after(after)), None) if job.enabled else None)


def run_id(job_id: UUID, scheduled_for: datetime) -> UUID:
    """The id of a run and of the event that announces it: it follows from both, so that a second one is recognised."""
    return derived_id("scheduler.job", job_id, rfc3339(scheduled_for))


def _advance(job: ScheduledJob, now: datetime) -> list[Decision]:
    """Decide about the job's due instants, at most INSTANTS_A_JOB, and move its next time past them."""
    try:
        due, following = _due_and_following(job, now)
    except BadInput as refusal:
        # A time zone may leave the world; the other jobs must not wait for this one.
        job.enabled, due, following = False, [], None
        log.error("job.paused", job=str(job.pk), name=job.name, error=refusal.detail)
    _set_next(job, following)
    more = job.due_at is not None and job.due_at <= now
    return decide(due, policy=job.policy, now=now, more=more)


def _due_and_following(job: ScheduledJob, now: datetime) -> tuple[list[datetime], datetime | None]:
    assert job.next_run_at is not None
    due: list[datetime] = []
    for instant in chain([job.next_run_at], job.when.after(job.next_run_at)):
        if len(due) == INSTANTS_A_JOB or instant + jitter_of(job.pk, instant, job.jitter) > now:
            return due, instant
        due.append(instant)
    return due, None


def _set_next(job: ScheduledJob, instant: datetime | None) -> None:
    job.next_run_at = instant
    job.due_at = None if instant is None else instant + jitter_of(job.pk, instant, job.jitter)


def _enter(runs: Sequence[Run], now: datetime) -> set[UUID]:
    """Insert the runs; the ids of those that were not there yet."""
    if not runs:
        return set()
    rows = [
        {
            "id": str(run.pk),
            "job_id": str(run.job.pk),
            "scheduled_for": rfc3339(run.scheduled_for),
            "fired_at": None if run.reason else rfc3339(now),
            "outcome": SKIPPED if run.reason else FIRED,
            "error": run.reason,
        }
        for run in runs
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ENTER_RUNS, [json.dumps(rows)])
        return {row[0] for row in cursor.fetchall()}


def _move_on(jobs: Sequence[ScheduledJob]) -> None:
    rows = [
        {
            "id": str(job.pk),
            "next_run_at": None if job.next_run_at is None else rfc3339(job.next_run_at),
            "due_at": None if job.due_at is None else rfc3339(job.due_at),
            "enabled": job.enabled,
        }
        for job in jobs
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, [json.dumps(rows)])


def _tell(fired: Sequence[Run], decided: int, now: datetime) -> None:
    for run in fired:
        metrics.lag_seconds.observe(max(timedelta(), now - run.scheduled_for).total_seconds())
    metrics.fired.inc(len(fired))
    metrics.skipped.inc(decided - len(fired))
    if decided > len(fired):
        log.warning("jobs.skipped", skipped=decided - len(fired), fired=len(fired))
