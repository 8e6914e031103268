"""Firing: due instants become runs and events in one transaction, on the database's clock, by many replicas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from scheduler import publishes
from scheduler.clock import database_now
from scheduler.commands import metrics
from scheduler.models import JobRun, ScheduledJob
from scheduler.rules.catchup import FIRED, SKIPPED, Decision, decide, jitter_of
from shared_models.clock import rfc3339
from shared_models.ids import derived_id

log = structlog.get_logger("scheduler.firing")

JOBS_AT_ONCE = 100
INSTANTS_A_JOB = 500
_ENTER_RUNS = (
    "INSERT INTO job_run (id, job_id, scheduled_for, fired_at, outcome, attempt, error, result)"
    " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::text[],"
    " %s::int[], %s::text[], %s::jsonb[])"
    " ON CONFLICT DO NOTHING RETURNING id"
)


@transaction.atomic
def fire_due(*, now: datetime | None = None) -> int:
    """Announce what is due, and return how many instants were dealt with; call again while there are some.

    The run rows, the outbox rows and each job's next time commit together or not at all. Replicas skip each other's
    jobs, and one run an instant is a constraint: an instant fires once, however many call this and wherever one dies.
    """
    moment = now or database_now()
    due = ScheduledJob.objects.select_for_update(skip_locked=True, of=("self",)).filter(due_at__lte=moment)
    jobs = list(due.order_by("due_at")[:JOBS_AT_ONCE])
    fired: list[tuple[ScheduledJob, JobRun]] = []
    runs: list[JobRun] = []
    for job in jobs:
        for decision in _advance(job, moment):
            run = _run(job, decision, moment)
            runs.append(run)
            if decision.fires:
                fired.append((job, run))
    new = _enter(runs)
    publishes.jobs_due([(job, run) for job, run in fired if run.pk in new], at=moment)
    ScheduledJob.objects.bulk_update(jobs, ["next_run_at", "due_at"])
    _tell(fired, runs, moment)
    return len(runs)


@transaction.atomic
def run_now(*, job: ScheduledJob, requested_by: UUID) -> JobRun:
    """Fire the job once more, at this instant, whatever its trigger says; its next time stays as it is."""
    locked = ScheduledJob.objects.select_for_update(of=("self",)).get(pk=job.pk)
    moment = database_now()
    run = _run(locked, Decision(moment), moment)
    run.requested_by = requested_by
    run.save(force_insert=True)
    publishes.jobs_due([(locked, run)], at=moment)
    return run


def plan_next(job: ScheduledJob, after: datetime) -> None:
    """Set the job's next instant after `after`; none while it is paused."""
    _set_next(job, next(iter(job.when.after(after)), None) if job.enabled else None)


def run_id(job_id: UUID, scheduled_for: datetime) -> UUID:
    """The id of a run and of the event that announces it: it follows from both, so that a second one is recognised."""
    return derived_id("scheduler.job", job_id, rfc3339(scheduled_for))


def _advance(job: ScheduledJob, now: datetime) -> list[Decision]:
    """Decide about the job's due instants, at most INSTANTS_A_JOB, and move its next time past them."""
    assert job.next_run_at is not None
    coming = chain([job.next_run_at], job.when.after(job.next_run_at))
    due: list[datetime] = []
    following: datetime | None = None
    for instant in islice(coming, INSTANTS_A_JOB + 1):
        if len(due) == INSTANTS_A_JOB or instant + jitter_of(job.pk, instant, job.jitter) > now:
            following = instant
            break
        due.append(instant)
    _set_next(job, following)
    more = job.due_at is not None and job.due_at <= now
    return decide(due, policy=job.policy, now=now, more=more)


def _set_next(job: ScheduledJob, instant: datetime | None) -> None:
    job.next_run_at = instant
    job.due_at = None if instant is None else instant + jitter_of(job.pk, instant, job.jitter)


def _run(job: ScheduledJob, decision: Decision, now: datetime) -> JobRun:
    return JobRun(
        id=run_id(job.pk, decision.scheduled_for),
        job=job,
        scheduled_for=decision.scheduled_for,
        fired_at=now if decision.fires else None,
        outcome=FIRED if decision.fires else SKIPPED,
        error=decision.reason,
    )


def _enter(runs: Sequence[JobRun]) -> set[UUID]:
    """Insert the runs; the ids of those that were not there yet."""
    if not runs:
        return set()
    columns: list[list[Any]] = [
        [run.pk for run in runs],
        [run.job_id for run in runs],
        [run.scheduled_for for run in runs],
        [run.fired_at for run in runs],
        [run.outcome for run in runs],
        [0 for _ in runs],
        [run.error for run in runs],
        ["{}" for _ in runs],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ENTER_RUNS, columns)
        return {row[0] for row in cursor.fetchall()}


def _tell(fired: Sequence[tuple[ScheduledJob, JobRun]], runs: Sequence[JobRun], now: datetime) -> None:
    for _, run in fired:
        metrics.lag_seconds.observe(max(timedelta(), now - run.scheduled_for).total_seconds())
    metrics.fired.inc(len(fired))
    metrics.skipped.inc(len(runs) - len(fired))
    if len(runs) > len(fired):
        log.warning("jobs.skipped", skipped=len(runs) - len(fired), fired=len(fired))
