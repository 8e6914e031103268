"""Work: starting, watching, cancelling, downloading."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from ninja import Router

from ml import commands, queries, schemas
from ml.models import Machine, Work
from ml.rules.access import Right
from ml.rules.work import WorkState
from ml.store import place
from service_base.api import Request
from service_base.auth import Bearer
from service_base.downloads import file_download
from service_base.errors import NotFound
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["work"])
READ, TRAIN = Bearer("ml:read"), Bearer("ml:train")


@router.post("/machines/{machine_id}/works", auth=TRAIN, response={201: dict[str, Any]})
async def start(request: Request, machine_id: UUID, body: schemas.WorkIn) -> HttpResponse:
    """Ask for a training, or for the solving of the lines appended for it; it starts once its funds are held."""

    def work() -> dict[str, Any]:
        right = Right.CHANGE if body.kind == "training" else Right.SOLVE
        machine = queries.machine_for(request.auth, machine_id, right)
        asked = _training(request, machine, body) if body.kind == "training" else _solving(request, machine, body)
        return schemas.show_work(asked)

    return await answer_once(request, body, work, status=201)


def _training(request: Request, machine: Machine, body: schemas.WorkIn) -> Work:
    level = body.level or machine.machine_level
    offer = queries.offer(machine, level)
    return commands.request_training(
        machine_id=machine.pk,
        by=request.auth.user,
        level=level,
        estimated_seconds=offer.seconds,
        quoted_eaml=offer.price_eaml,
        time_limit=body.time_limit,
    )


def _solving(request: Request, machine: Machine, body: schemas.WorkIn) -> Work:
    if Right.SEE not in queries.rights_of(request.auth, machine):
        raise NotFound("There is no such machine, or it is not yours.")
    return commands.request_solving(machine_id=machine.pk, by=request.auth.user, answers=body.answers)


@router.get("/machines/{machine_id}/works", auth=READ)
async def works_of_machine(
    request: Request, machine_id: UUID, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """The machine's work, newest first."""

    def read() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.SEE)
        rows = queries.visible_works(request.auth).filter(machine=machine)
        return as_page(rows, schemas.show_work, cursor=cursor, limit=limit)

    return await sync_to_async(read)()


@router.get("/works", auth=READ)
async def works(
    request: Request, cursor: str | None = None, limit: int = 50, state: WorkState | None = None
) -> dict[str, Any]:
    """All work on the caller's machines, or what is in one state, newest first."""
    rows = queries.visible_works(request.auth)
    if state is not None:
        rows = rows.filter(state=state)
    return await sync_to_async(as_page)(rows, schemas.show_work, cursor=cursor, limit=limit)


@router.get("/works/{work_id}", auth=READ)
async def work(request: Request, work_id: UUID) -> dict[str, Any]:
    """One work with its progress: percent, rate, seconds left, losses."""

    def read() -> dict[str, Any]:
        found = queries.work_for(request.auth, work_id)
        return schemas.show_work(found, before=queries.place_in_queue(found), waits_because=queries.why_it_waits(found))

    return await sync_to_async(read)()


@router.post("/works/{work_id}/cancel", auth=TRAIN)
async def cancel(request: Request, work_id: UUID) -> HttpResponse:
    """End the work now; nothing is kept and nothing is charged."""

    def do() -> dict[str, Any]:
        found = queries.work_for(request.auth, work_id, Right.SOLVE)
        if found.is_work_training:
            queries.work_for(request.auth, work_id, Right.CHANGE)
        commands.cancel_work(work_id=found.pk)
        return schemas.show_work(queries.work_for(request.auth, work_id))

    return await answer_once(request, None, do)


@router.get("/works/{work_id}/result", auth=READ)
async def result(request: Request, work_id: UUID) -> StreamingHttpResponse:
    """The answers of a solving work, a line for each line solved, as the kind of file that was asked for."""
    found = await sync_to_async(queries.solved_work_for)(request.auth, work_id)
    return file_download(place(found.result_path), name=found.result_name, media_type=found.result_type)
