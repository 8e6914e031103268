"""Solving rows at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from ml import commands, queries, schemas
from ml.asked_tables import MOST_LINES, AskedTable, read_table, table_of_rows, written
from ml.models import Machine
from ml.rules.access import Channel
from ml.rules.kinds import MEDIA_TYPES, Kind, answer_kind, body_kind
from service_base.api import Request
from service_base.auth import Bearer
from service_base.callers import Caller
from service_base.errors import BadInput, Refusal
from service_base.idempotency.answers import HEADER, answer_once
from service_base.problems import in_words
from service_base.standing import RememberingBearer
from shared_models.ids import derived_id, new_id
from shared_models.money import plain

router = Router(tags=["solving"])
# What comes with a few rows.
FEW_BYTES = 16 << 10
SOLVE = Bearer("ml:solve")
SOLVE_AT_ONCE = RememberingBearer("ml:solve", largest=FEW_BYTES)


_SHOWN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPES[Kind.JSON]: {"schema": schemas.SolveIn.model_json_schema()},
            MEDIA_TYPES[Kind.CSV]: {"schema": {"type": "string"}},
            MEDIA_TYPES[Kind.ARROW]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/machines/{machine_id}/solve", auth=SOLVE_AT_ONCE, response={200: dict[str, Any]}, openapi_extra=_SHOWN)
async def solve(request: Request, machine_id: UUID) -> HttpResponse:
    """Answer rows in their order: values, probabilities of labels, intervals of numbers, and what is odd about a row.

    Rows are JSON (up to 1,000), CSV or an uncompressed Arrow stream (up to 10,000); answers are what Accept asks for,
    else what the rows were. A table of answers has its price in the headers Titan-Price-Eaml and Titan-Price-Usd.

    The same Idempotency-Key is one charge and one answer. Somebody else's machine is found when it is on the market.
    Whoever asks too fast gets 429 with Retry-After: 400 requests or 40,000 lines a second and machine are fine.
    """
    if request.auth.standing is not None:
        if (answered := await _at_once(request, machine_id)) is not None:
            return answered
        request.auth = await SOLVE_AT_ONCE.again(request)
    body = body_kind(request.content_type)
    kind = answer_kind(request.headers.get("accept"), body)
    asked = _asked(request, body, kind)

    def work() -> dict[str, Any]:
        return _solve(request, queries.to_solve(request.auth, machine_id), asked, kind)

    show = None if kind is Kind.JSON else partial(_as_table, kind=kind)
    return await answer_once(request, asked.identity, work, show=show)


async def _at_once(request: Request, machine_id: UUID) -> HttpResponse | None:
    """The answer by what is remembered of the caller and the machine; None to look at the request anew."""
    try:
        body = body_kind(request.content_type)
        kind = answer_kind(request.headers.get("accept"), body)
        if body is not Kind.JSON or kind is not Kind.JSON:
            return None
        rows = _few_rows(request.body)
    except Refusal:
        return None
    if rows is None:
        return None
    return await commands.solve_at_once(
        caller=request.auth, machine_id=machine_id, rows=rows, usage_id=new_id(), show=_as_json
    )


def _few_rows(body: bytes) -> list[dict[str, Any]] | None:
    """What `_rows` gives, at a third of its cost; None for a body that it refuses."""
    try:
        found = from_json(body)
    except ValueError:
        return None
    rows = found.get("rows") if isinstance(found, dict) else None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def _as_json(machine: Machine, order: commands.Order, done: commands.Answered) -> HttpResponse:
    return HttpResponse(to_json(_shown(machine, order, done)), content_type=MEDIA_TYPES[Kind.JSON])


@dataclass(frozen=True, slots=True)
class _Asked:
    """The rows of a request, as they came; `identity` tells two requests apart."""

    identity: schemas.SolveIn | dict[str, Any]
    rows: list[dict[str, Any]] | None
    body: bytes
    kind: Kind


def _asked(request: Request, body: Kind, answer: Kind) -> _Asked:
    if body is Kind.JSON:
        found = _rows(request.body)
        identity = found if answer is Kind.JSON else {"rows": found.rows, "answer": answer}
        return _Asked(identity, found.rows, b"", body)
    digest = hashlib.sha256(request.body).hexdigest()
    return _Asked({"sha256": digest, "body": body, "answer": answer}, None, request.body, body)


def _rows(body: bytes) -> schemas.SolveIn:
    try:
        return schemas.SolveIn.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise BadInput(
                'The body is no JSON: send {"rows": [...]}, or say what it is in Content-Type.', field="body"
            ) from None
        place = ".".join(map(str, first["loc"])) or "body"
        raise BadInput(f"{place}: {in_words(first['msg'])}", field=place) from None


def _solve(request: Request, found: queries.ToSolve, asked: _Asked, kind: Kind) -> dict[str, Any]:
    key = request.headers.get(HEADER)
    if asked.rows is not None and kind is Kind.JSON:
        return answer(request.auth, found, asked.rows, key=key)
    if asked.rows is not None:
        commands.check_row_count(asked.rows)
        return _answer_table(request.auth, found, table_of_rows(asked.rows), key=key)
    table = read_table(asked.body, asked.kind, found.machine.mdc_columns_name_input)
    if kind is Kind.JSON:
        return answer(request.auth, found, table.rows(), key=key, decimal=table.decimal, most=MOST_LINES)
    return _answer_table(request.auth, found, table, key=key)


def answer(
    caller: Caller,
    found: queries.ToSolve,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str | None,
    decimal: str = "",
    most: int = 1000,
) -> dict[str, Any]:
    """Solve the rows, meter them, and show the answers."""
    machine, order = found.machine, order_of(caller, found)
    usage_id = _usage_id(caller, machine, key)
    done = commands.solve_rows(machine=machine, order=order, rows=rows, usage_id=usage_id, decimal=decimal, most=most)
    commands.remember_decision(caller, found, order)
    return _shown(machine, order, done)


def _shown(machine: Machine, order: commands.Order, done: commands.Answered) -> dict[str, Any]:
    return _facts(machine, order, done, len(done.results)) | {"results": done.results}


def _answer_table(caller: Caller, found: queries.ToSolve, table: AskedTable, *, key: str | None) -> dict[str, Any]:
    machine, order = found.machine, order_of(caller, found)
    done = commands.solve_table(
        machine=machine,
        order=order,
        columns=table.columns,
        lines=table.lines,
        usage_id=_usage_id(caller, machine, key),
        decimal=table.decimal,
    )
    return _facts(machine, order, done, done.lines) | {"columns": list(done.columns.items())}


def order_of(caller: Caller, found: queries.ToSolve) -> commands.Order:
    """Who asks, who pays, by which way, and what she can spend."""
    channel = queries.channel_of(caller, found.machine)
    if channel is Channel.MARKET:
        return commands.Order(caller.id, caller.id, channel, found.known_prices, found.of_caller)
    return commands.Order(caller.id, found.machine.owner_id, channel, found.known_prices, found.of_owner)


def _usage_id(caller: Caller, machine: Machine, key: str | None) -> UUID:
    return derived_id("ml.solve", caller.id, machine.pk, key) if key else new_id()


def _facts(machine: Machine, order: commands.Order, done: Any, lines: int) -> dict[str, Any]:
    return {
        "machine_id": str(machine.pk),
        "usage_id": str(done.usage_id),
        "channel": order.channel.value,
        "lines": lines,
        "price": {"eaml": plain(done.price_eaml), "usd": plain(done.price_usd)},
    }


def _as_table(found: dict[str, Any], *, kind: Kind) -> HttpResponse:
    # Kept as pairs: the stored answer to a key forgets the order of an object's names.
    shown = HttpResponse(written(dict(found["columns"]), kind), content_type=MEDIA_TYPES[kind])
    shown["Titan-Usage-Id"], shown["Titan-Channel"] = found["usage_id"], found["channel"]
    shown["Titan-Price-Eaml"], shown["Titan-Price-Usd"] = found["price"]["eaml"], found["price"]["usd"]
    return shown
