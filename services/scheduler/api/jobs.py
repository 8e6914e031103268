"""Jobs: making and changing one's own, what comes next, what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Query, Router, Status

from scheduler import clock, commands, queries, schemas
from scheduler.api.scopes import READ, WRITE
from scheduler.models import ScheduledJob
from scheduler.rules import triggers, zones
from service_base.api import Request
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page
from shared_models.clock import rfc3339

router = Router(tags=["jobs"], auth=READ)


@router.get("/jobs")
async def jobs(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's jobs; operators see all."""
    return await sync_to_async(as_page)(queries.jobs(request.auth), schemas.show_job, cursor=cursor, limit=limit)


@router.post("/jobs", auth=WRITE, response={201: dict[str, Any]})
async def create(request: Request, body: schemas.JobIn) -> HttpResponse:
    """Make a job; it fires from its next instant on."""

    def work() -> dict[str, Any]:
        return schemas.show_job(commands.create_job(caller=request.auth, **body.dict()))

    return await answer_once(request, body, work, status=201)


@router.get("/jobs/{uuid:job_id}")
async def job(request: Request, job_id: UUID) -> dict[str, Any]:
    """One job."""
    return schemas.show_job(await sync_to_async(queries.job)(request.auth, job_id))


@router.patch("/jobs/{uuid:job_id}", auth=WRITE)
async def update(request: Request, job_id: UUID, body: schemas.JobChange) -> dict[str, Any]:
    """Change a job; what is left out stays."""

    def work() -> dict[str, Any]:
        found = queries.job(request.auth, job_id)
        changes = body.dict(exclude_unset=True)
        return schemas.show_job(commands.update_job(job=found, caller=request.auth, **changes))

    return await sync_to_async(work)()


@router.delete("/jobs/{uuid:job_id}", auth=WRITE, response={204: None})
async def delete(request: Request, job_id: UUID) -> Status[None]:
    """Delete a job and its history."""

    def work() -> None:
        commands.delete_job(job=queries.job(request.auth, job_id))

    await sync_to_async(work)()
    return Status(204, None)


@router.post("/jobs/{uuid:job_id}/pause", auth=WRITE)
async def pause(request: Request, job_id: UUID) -> dict[str, Any]:
    """The job fires no more until it is resumed."""
    return schemas.show_job(await sync_to_async(lambda: commands.pause_job(job=_job(request, job_id)))())


@router.post("/jobs/{uuid:job_id}/resume", auth=WRITE)
async def resume(request: Request, job_id: UUID) -> dict[str, Any]:
    """The job fires from its next instant on."""
    return schemas.show_job(await sync_to_async(lambda: commands.resume_job(job=_job(request, job_id)))())


@router.post("/jobs/{uuid:job_id}/run-now", auth=WRITE, response={201: dict[str, Any]})
async def run_now(request: Request, job_id: UUID) -> HttpResponse:
    """Fire the job once more, now; with an Idempotency-Key at most once for that key."""

    def work() -> dict[str, Any]:
        return schemas.show_run(commands.run_now(job=_job(request, job_id), requested_by=request.auth.id))

    return await answer_once(request, None, work, status=201)


@router.get("/jobs/{uuid:job_id}/runs")
async def runs(request: Request, job_id: UUID, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """What became of the job's instants, newest first."""

    def read() -> dict[str, Any]:
        found = queries.runs(_job(request, job_id))
        return as_page(found, schemas.show_run, cursor=cursor, limit=limit, field="scheduled_for")

    return await sync_to_async(read)()


@router.get("/jobs/{uuid:job_id}/next")
async def coming(request: Request, job_id: UUID, asked: Query[schemas.PreviewQuestion]) -> dict[str, Any]:
    """The next instants of the job, in UTC and on the clocks of its zone; also of a paused one, were it resumed."""
    found = await sync_to_async(_job)(request, job_id)
    where = zones.zone(found.timezone)
    instants = await sync_to_async(_preview)(found, asked.count)
    return {"items": [{"at": rfc3339(at), "local": at.astimezone(where).isoformat()} for at in instants]}


def _job(request: Request, job_id: UUID) -> ScheduledJob:
    return queries.job(request.auth, job_id)


def _preview(found: ScheduledJob, count: int) -> list[Any]:
    return triggers.preview(found.when, clock.database_now(), count)
