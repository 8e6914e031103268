"""A machine's lines: what they are, appending more, solving a file of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router

from ml import commands, queries, schemas
from ml.api.readings import ACCEPTED, located
from ml.jobs.protocol import Hear
from ml.models import DataLine, Machine
from ml.rules.access import Right
from ml.store import Received, discard
from ml.uploads import FILE_BODY, TakesLong, Upload, impatient, receive_upload
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import BadInput
from service_base.idempotency.answers import answer_once

router = Router(tags=["lines"])
READ, TRAIN, SOLVE = Bearer("ml:read"), Bearer("ml:train"), Bearer("ml:solve")
FILE_TAKEN = {201: dict[str, Any], ACCEPTED: dict[str, Any]}


@router.get("/machines/{machine_id}/lines", auth=READ)
async def lines(request: Request, machine_id: UUID) -> dict[str, Any]:
    """The stretches of lines, their first rows, and the lines that were set aside with the reason."""

    def read() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.SEE)
        return {
            "learning_lines": machine.learning_lines,
            "evaluation_lines": machine.evaluation_lines,
            "items": [schemas.show_lines(line) for line in machine.data_lines.order_by("sequence")],
            "next_cursor": None,
        }

    return await sync_to_async(read)()


@router.post("/machines/{machine_id}/lines", auth=TRAIN, response={201: dict[str, Any]})
async def append_rows(request: Request, machine_id: UUID, body: schemas.RowsIn) -> HttpResponse:
    """Append rows for learning or for solving; each needs all inputs, for learning the outputs too."""

    def work() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.APPEND)
        return schemas.show_lines(_append_rows(machine, body))

    return await answer_once(request, body, work, status=201)


@router.post("/machines/{machine_id}/lines/file", auth=TRAIN, response=FILE_TAKEN, openapi_extra=FILE_BODY)
async def append_file(request: Request, machine_id: UUID, purpose: str = "learning") -> HttpResponse:
    """Append the lines of a file (body, or a form's `file`) for learning or for solving.

    A file from 8 MiB on is read as work: the answer is 202 with that reading, and `Location` says where it is.
    """
    if purpose not in ("learning", "solving"):
        raise BadInput("The purpose is learning or solving.", field="purpose")
    machine = await sync_to_async(queries.machine_for)(request.auth, machine_id, Right.APPEND)
    upload = await sync_to_async(receive_upload)(request)

    def work() -> dict[str, Any]:
        return schemas.show_lines(_append(machine, upload.received, purpose, hear=impatient()))

    try:
        if not upload.is_large:
            with suppress(TakesLong):
                return await answer_once(request, upload.identity, work, status=201)
        return await _read_later(request, machine, upload, purpose)
    finally:
        discard(upload.received)


@router.post("/machines/{machine_id}/solve-file", auth=SOLVE, response=FILE_TAKEN, openapi_extra=FILE_BODY)
async def solve_file(request: Request, machine_id: UUID, answers: str = "csv") -> HttpResponse:
    """Solve the lines of a file (body, or a form's `file`) as work; its answers are a file of the kind asked to
    download: csv, parquet or arrow.

    A file from 8 MiB on is read as work first: the answer is 202 with that reading, which names the work at its end.
    """
    commands.check_answers(answers)
    machine = await sync_to_async(queries.machine_for)(request.auth, machine_id, Right.APPEND)
    upload = await sync_to_async(receive_upload)(request)

    def work() -> dict[str, Any]:
        line = _append(machine, upload.received, "solving", hear=impatient())
        by = request.auth.user
        asked = commands.request_solving(machine_id=machine.pk, by=by, data_line_ids=[line.pk], answers=answers)
        return schemas.show_work(asked)

    try:
        if not upload.is_large:
            with suppress(TakesLong):
                return await answer_once(request, upload.identity, work, status=201)
        return await _read_later(request, machine, upload, "answers", answers)
    finally:
        discard(upload.received)


async def _read_later(
    request: Request, machine: Machine, upload: Upload, purpose: str, answers: str = "csv"
) -> HttpResponse:
    def work() -> dict[str, Any]:
        by = request.auth.user
        reading = commands.append_by_work(machine, upload.received, purpose, by=by, answers=answers)
        return schemas.show_reading(reading)

    return located(await answer_once(request, upload.identity, work, status=ACCEPTED))


def _append_rows(machine: Machine, body: schemas.RowsIn) -> DataLine:
    commands.check_rows(machine, body.rows, purpose=body.purpose)
    received = commands.received_rows(body.rows)
    try:
        return _append(machine, received, body.purpose, "jsonl")
    finally:
        discard(received)


def _append(
    machine: Machine, received: Received, purpose: str, file_format: str = "", hear: Hear | None = None
) -> DataLine:
    return commands.append_lines(
        machine_id=machine.pk, received=received, purpose=purpose, file_format=file_format, hear=hear
    )
