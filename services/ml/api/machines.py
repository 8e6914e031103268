"""Machines: uploading, reading, correcting, deleting."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse, JsonResponse
from ninja import Router, Status

from ml import commands, queries, schemas
from ml.api.readings import ACCEPTED, located
from ml.models import Machine
from ml.rules.access import Right
from ml.rules.readings import READ_AT_ONCE
from ml.store import discard
from ml.uploads import FILE_BODY, TakesLong, Upload, impatient, receive_upload
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import BadInput, NotFound
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["machines"])
READ, TRAIN = Bearer("ml:read"), Bearer("ml:train")


@router.post("/machines", auth=TRAIN, response={201: dict[str, Any], 202: dict[str, Any]}, openapi_extra=FILE_BODY)
async def create(request: Request) -> HttpResponse:
    """Make a machine of a CSV, TSV, Excel, Parquet or JSON lines file, sent as the body or as a form's `file`.

    A file from 8 MiB on, or one that takes long to read, is read as work: the answer is 202 with that reading, and
    `Location` says where it is.
    Fields (form or query): machine_name, machine_description, machine_level, machine_owner_team, outputs, ignore,
    types (JSON), dialect (JSON), parameter_nn_loss, parameter_nn_optimizer, parameter_nn_shape (JSON), file_name.
    """
    upload = await sync_to_async(receive_upload)(request)
    try:
        asked = _asked(request, upload)
        if not upload.is_large:
            with suppress(TakesLong):
                work = await sync_to_async(_creation)(request, upload, asked)
                return await answer_once(request, upload.identity, work, status=201)
        work = await sync_to_async(_reading)(request, upload, asked)
        return located(await answer_once(request, upload.identity, work, status=ACCEPTED))
    finally:
        discard(upload.received)


def _asked(request: Request, upload: Upload) -> commands.MachineAsked:
    team = upload.id("machine_owner_team")
    if team is not None and request.auth.teams.get(team) not in ("owner", "admin", "member"):
        raise NotFound("There is no such team, or you cannot give it machines.")
    return commands.MachineAsked(
        name=upload.text("machine_name"),
        description=upload.text("machine_description"),
        level=upload.number("machine_level", 1),
        team=str(team or ""),
        outputs=upload.names("outputs"),
        ignore=upload.names("ignore"),
        types=upload.mapping("types"),
        dialect=upload.mapping("dialect"),
        network=_network(upload),
    )


def _creation(request: Request, upload: Upload, asked: commands.MachineAsked) -> Callable[[], dict[str, Any]]:
    reading = commands.read_upload(upload.received, hear=impatient(), **asked.to_read)

    def work() -> dict[str, Any]:
        owner = request.auth.user
        machine = commands.create_machine(owner=owner, received=upload.received, reading=reading, **asked.to_create)
        return _shown(request, machine)

    return work


def _reading(request: Request, upload: Upload, asked: commands.MachineAsked) -> Callable[[], dict[str, Any]]:
    asked.check(upload.received)

    def work() -> dict[str, Any]:
        reading = commands.request_reading(
            by=request.auth.user, purpose="machine", received=upload.received, asked=asked.to_json()
        )
        return schemas.show_reading(reading)

    return work


def _network(upload: Upload) -> dict[str, Any]:
    given = {f"parameter_nn_{part}": upload.text(f"parameter_nn_{part}") for part in ("loss", "optimizer")}
    chosen: dict[str, Any] = {name: text for name, text in given.items() if text}
    return chosen | ({"parameter_nn_shape": shape} if (shape := upload.mapping("parameter_nn_shape")) else {})


@router.get("/machines", auth=READ)
async def machines(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's machines and those of her teams, newest first."""
    mine = queries.visible_machines(request.auth)
    return await sync_to_async(as_page)(mine, schemas.show_machine_briefly, cursor=cursor, limit=limit)


@router.get("/machines/{machine_id}", auth=READ)
async def machine(request: Request, machine_id: UUID) -> dict[str, Any]:
    """Everything about a machine."""
    return await sync_to_async(lambda: _shown(request, _machine(request, machine_id, Right.SEE)))()


@router.patch("/machines/{machine_id}", auth=TRAIN, response={200: dict[str, Any], ACCEPTED: dict[str, Any]})
async def change(request: Request, machine_id: UUID, body: schemas.MachineChange) -> HttpResponse | dict[str, Any]:
    """Rename, describe, give to a team, set network parameters, or the level until it is first trained.

    With another limit of lines the table is read anew; one from 8 MiB on is read as work, the rest being changed at
    once: the answer is 202 with that reading, and `Location` says where it is.
    """

    def work() -> HttpResponse | dict[str, Any]:
        given = body.dict(exclude_unset=True)
        # Only its owner gives a machine to a team or takes it back; an admin of the team changes the rest.
        machine = _machine(request, machine_id, Right.DELETE if "machine_owner_team" in given else Right.CHANGE)
        if body.machine_owner_team and request.auth.teams.get(body.machine_owner_team) not in ("owner", "admin"):
            raise NotFound("There is no such team, or you cannot give it machines.")
        return _changed(request, machine, body)

    return await sync_to_async(work)()


def _changed(request: Request, machine: Machine, body: schemas.MachineChange) -> HttpResponse | dict[str, Any]:
    limit = body.machine_data_lines_training_count_limit

    def change(*_: Any) -> Machine:
        return commands.change_machine(machine_id=machine.pk, **body.to_change)

    if limit is None:
        return _shown(request, change())
    if commands.size_of_lines(machine) < READ_AT_ONCE:
        with suppress(TakesLong):
            commands.correct_machine(machine_id=machine.pk, hear=impatient(), also=change, line_limit=limit)
            return _shown(request, Machine.objects.get(pk=machine.pk))
    reading = commands.correct_by_work(machine, by=request.auth.user, also=change, changes={"line_limit": limit})
    return located(JsonResponse(schemas.show_reading(reading), status=ACCEPTED))


@router.delete("/machines/{machine_id}", auth=TRAIN, response={204: None})
async def delete(request: Request, machine_id: UUID) -> Status[None]:
    """Delete the machine with its lines and model; what was charged stays in the ledger."""

    def work() -> None:
        commands.delete_machine(machine_id=_machine(request, machine_id, Right.DELETE).pk)

    await sync_to_async(work)()
    return Status(204, None)


@router.post("/machines/{machine_id}/copy", auth=TRAIN, response={201: dict[str, Any]})
async def copy(request: Request, machine_id: UUID, body: schemas.CopyIn) -> HttpResponse:
    """The owner's machine once more, not trained and at no charge: so the same table is trained at another level."""

    def work() -> dict[str, Any]:
        # Only its owner: what others of a team had copied would be hers all the same.
        machine = _machine(request, machine_id, Right.DELETE)
        found = commands.copy_machine(machine_id=machine.pk, name=body.machine_name, level=body.machine_level)
        return _shown(request, found)

    return await answer_once(request, body, work, status=201)


@router.get("/machines/{machine_id}/columns", auth=READ)
async def columns(request: Request, machine_id: UUID) -> dict[str, Any]:
    """Each column with its type, role, the reason, and what to know about it."""

    def read() -> dict[str, Any]:
        machine = _machine(request, machine_id, Right.SEE)
        return schemas.show_columns(machine, list(machine.data_lines.order_by("sequence")[:1]))

    return await sync_to_async(read)()


@router.patch("/machines/{machine_id}/columns", auth=TRAIN, response={200: dict[str, Any], ACCEPTED: dict[str, Any]})
async def correct(request: Request, machine_id: UUID, body: schemas.ColumnsIn) -> HttpResponse:
    """Correct types, roles or the text's dialect; the table is read anew.

    A table from 8 MiB on is read as work: the answer is 202 with that reading, and `Location` says where it is.
    """

    def work() -> HttpResponse:
        machine = _machine(request, machine_id, Right.CHANGE)
        if body.outputs == []:
            raise BadInput("Name at least one output: the column that is to be predicted.", field="outputs")
        if commands.size_of_lines(machine) < READ_AT_ONCE:
            with suppress(TakesLong):
                found = commands.correct_machine(machine_id=machine.pk, hear=impatient(), **body.dict())
                return JsonResponse(schemas.show_columns(found, list(found.data_lines.order_by("sequence")[:1])))
        reading = commands.correct_by_work(machine, by=request.auth.user, changes=body.dict())
        return located(JsonResponse(schemas.show_reading(reading), status=ACCEPTED))

    return await sync_to_async(work)()


@router.get("/machines/{machine_id}/quote", auth=READ)
async def quote(request: Request, machine_id: UUID) -> dict[str, Any]:
    """What training costs at each level and about how long it takes, before anything is asked for."""

    def read() -> dict[str, Any]:
        machine = _machine(request, machine_id, Right.SEE)
        return {
            "machine_id": str(machine.pk),
            "columns": machine.mdc_columns_total_count,
            "lines": machine.learning_lines + machine.evaluation_lines,
            "price_version": queries.prices().version,
            "levels": [schemas.show_offer(offer) for offer in queries.offers(machine)],
        }

    return await sync_to_async(read)()


@router.get("/machines/{machine_id}/drift", auth=READ)
async def drift(request: Request, machine_id: UUID) -> dict[str, Any]:
    """How far what the machine is asked has moved from what it learnt: by column, in the last week and over time.

    `psi` is the population stability index: below 0.1 as learnt, above 0.25 moved far. It is null before anything was
    solved with the model that the machine has now.
    """

    def read() -> dict[str, Any]:
        machine = _machine(request, machine_id, Right.SEE)
        found = queries.drift_of(machine)
        return {"machine_id": str(machine.pk), "drift": schemas.show_drift(found) if found else None}

    return await sync_to_async(read)()


@router.get("/machines/{machine_id}/card", auth=READ)
async def card(request: Request, machine_id: UUID) -> dict[str, Any]:
    """The model card: data, network, metrics beside baselines, calibration, importance, limits."""

    def read() -> dict[str, Any]:
        machine = _machine(request, machine_id, Right.LIST)
        if machine.training_nn_model is None:
            raise NotFound("The machine is not trained yet, so it has no card.")
        found = dict(machine.training_nn_model.card)
        if Right.SEE not in queries.rights_of(request.auth, machine):
            found.pop("learnt_shares", None)  # rare labels and quantiles are the owner's own
        return found

    return await sync_to_async(read)()


def _machine(request: Request, machine_id: UUID, right: Right) -> Machine:
    return queries.machine_for(request.auth, machine_id, right)


def _shown(request: Request, machine: Machine) -> dict[str, Any]:
    scores = [schemas.show_score(score) for score in queries.scores_of(machine)]
    return schemas.show_machine(machine, frozenset(queries.rights_of(request.auth, machine))) | {"scores": scores}
