"""Routes beside solving: one that does nothing, and one that does all that solving does but solve."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async

from ml import queries
from ml.api import router
from ml.api.solving import SOLVE, SOLVE_AT_ONCE, order_of
from ml.commands import solving, solving_at_once
from ml.commands.solving import price_of
from service_base.api import Request
from service_base.reading import write
from shared_models.clock import utc_now
from shared_models.ids import new_id


@router.post("/bench/empty", auth=SOLVE)
async def empty(request: Request) -> dict[str, Any]:
    """What it costs to know who asks."""
    return {"id": str(request.auth.id)}


@router.post("/bench/meter/{machine_id}", auth=SOLVE_AT_ONCE)
async def meter(request: Request, machine_id: UUID) -> dict[str, Any]:
    """What it costs to prove that a line may be solved and to say that it was."""
    assert request.auth.standing is not None
    decision = solving_at_once._decisions[(request.auth.standing, machine_id)]
    offer = decision.offer(1)
    assert await write(solving_at_once._METER, [*offer.metering.usage(new_id(), utc_now()), *offer.proof])
    return {"lines": 1}


@router.post("/bench/thread/{machine_id}", auth=SOLVE)
async def thread(request: Request, machine_id: UUID) -> dict[str, Any]:
    """The same where nothing is remembered: the machine is looked up, and a thread writes."""

    def work() -> dict[str, Any]:
        found = queries.to_solve(request.auth, machine_id)
        order = order_of(request.auth, found)
        price_of(found.machine, order, 1)
        solving._meter(found.machine, order, new_id(), 1, utc_now())
        return {"lines": 1}

    return await sync_to_async(work)()
