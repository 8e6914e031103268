"""Solving rows at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router

from ml import commands, queries, schemas
from ml.models import Machine
from ml.rules.access import Channel
from service_base.api import Request
from service_base.auth import Bearer
from service_base.callers import Caller
from service_base.idempotency.answers import HEADER, answer_once
from shared_models.ids import derived_id, new_id
from shared_models.money import plain

router = Router(tags=["solving"])
SOLVE = Bearer("ml:solve")


@router.post("/machines/{machine_id}/solve", auth=SOLVE, response={200: dict[str, Any]})
async def solve(request: Request, machine_id: UUID, body: schemas.SolveIn) -> HttpResponse:
    """Answer rows in their order: values, probabilities of labels, intervals of numbers, and what is odd about a row.

    The same Idempotency-Key is one charge and one answer. Somebody else's machine is found when it is on the market.
    """
    key = request.headers.get(HEADER)

    def work() -> dict[str, Any]:
        machine = queries.machine_to_solve(request.auth, machine_id)
        return answer(request.auth, machine, body.rows, key=key)

    return await answer_once(request, body, work)


def answer(caller: Caller, machine: Machine, rows: Sequence[Mapping[str, Any]], *, key: str | None) -> dict[str, Any]:
    """Solve the rows, meter them, and show the answers."""
    channel = queries.channel_of(caller, machine)
    payer_id = caller.id if channel is Channel.MARKET else machine.owner_id
    order = commands.Order(caller.id, payer_id, channel, queries.prices(), queries.available(payer_id))
    usage_id = derived_id("ml.solve", caller.id, machine.pk, key) if key else new_id()
    done = commands.solve_rows(machine=machine, order=order, rows=rows, usage_id=usage_id)
    return {
        "machine_id": str(machine.pk),
        "usage_id": str(done.usage_id),
        "channel": channel.value,
        "lines": len(done.results),
        "price": {"eaml": plain(done.price_eaml), "usd": plain(done.price_usd)},
        "results": done.results,
    }
