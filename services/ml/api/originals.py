"""The two calls of the original client, by machine name: `do-predict` and `save-lines`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Router

from ml import commands, queries, schemas
from ml.api.solving import answer
from ml.models import Machine
from ml.rules.access import Right
from ml.store import discard
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import BadInput, NotFound
from service_base.idempotency.answers import HEADER, answer_once

router = Router(tags=["original calls"])
TRAIN, SOLVE = Bearer("ml:train"), Bearer("ml:solve")


@router.post("/do-predict", auth=SOLVE, response={200: dict[str, Any]})
async def do_predict(request: Request, body: schemas.PredictIn) -> HttpResponse:
    """Solve rows with one of the caller's machines, found by its name; answers the output columns of each row."""
    key = request.headers.get(HEADER)
    rows = body.data if isinstance(body.data, list) else [body.data]

    def work() -> dict[str, Any]:
        machine = _machine(request, body.machine_name, Right.SOLVE)
        if machine is None:
            raise NotFound(f"You have no machine called {body.machine_name!r}.")
        done = answer(request.auth, queries.to_solve(request.auth, machine.pk), rows, key=key)
        return done | {"data": [result["values"] for result in done["results"]]}

    return await answer_once(request, body, work)


@router.post("/save-lines", auth=TRAIN, response={200: dict[str, Any]})
async def save_lines(request: Request, body: schemas.SaveLinesIn) -> HttpResponse:
    """Append lines to learn from; makes the machine when there is none of that name and its outputs are given."""
    if body.is_rescaling_numeric_output:
        raise BadInput(
            "Outputs are learnt as they are given: rescale them before they are sent, and leave this out.",
            field="is_rescaling_numeric_output",
        )

    def work() -> dict[str, Any]:
        machine = _machine(request, body.machine_name, Right.APPEND)
        if machine is None:
            machine = _create(request, body)
        else:
            _append(machine, body)
        return {
            "machine_id": str(machine.pk),
            "machine_name": machine.machine_name,
            "lines": len(body.user_experiences),
        }

    return await answer_once(request, body, work)


def _append(machine: Machine, body: schemas.SaveLinesIn) -> None:
    commands.check_rows(machine, body.user_experiences, purpose="learning")
    received = commands.received_rows(body.user_experiences)
    try:
        commands.append_lines(machine_id=machine.pk, received=received, purpose="learning", file_format="jsonl")
    finally:
        discard(received)


def _create(request: Request, body: schemas.SaveLinesIn) -> Machine:
    if not body.output_columns:
        raise BadInput(
            f"There is no machine called {body.machine_name!r}; give output_columns to make it.", field="output_columns"
        )
    received = commands.received_rows(body.user_experiences, name=f"{body.machine_name[:200]}.jsonl")
    try:
        reading = commands.read_upload(received, file_format="jsonl", outputs=body.output_columns)
        wanted = {*(body.input_columns or reading["names"]), *body.output_columns}
        return commands.create_machine(
            owner=request.auth.user,
            received=received,
            reading=reading,
            name=body.machine_name,
            level=body.machine_level,
            ignore=[name for name in reading["names"] if name not in wanted],
        )
    finally:
        discard(received)


def _machine(request: Request, name: str, right: Right) -> Machine | None:
    return queries.machine_called(request.auth, name, right)
