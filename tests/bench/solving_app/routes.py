"""Routes beside solving: one that does nothing, and one that does all that solving does but solve."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async

from ml import queries
from ml.api import router
from ml.api.solving import SOLVE, order_of
from ml.commands import solving
from service_base.api import Request
from shared_models.clock import utc_now
from shared_models.ids import new_id


@router.post("/bench/empty", auth=SOLVE)
async def empty(request: Request) -> dict[str, Any]:
    """What it costs to know who asks."""
    return {"id": str(request.auth.id)}


@router.post("/bench/meter/{machine_id}", auth=SOLVE)
async def meter(request: Request, machine_id: UUID) -> dict[str, Any]:
    """What it costs to find the machine, to look at funds and to say that a line was solved."""

    def work() -> dict[str, Any]:
        found = queries.to_solve(request.auth, machine_id)
        order = order_of(request.auth, found)
        solving._price(found.machine, order, 1)
        solving._meter(found.machine, order, new_id(), 1, utc_now())
        return {"lines": 1}

    return await sync_to_async(work)()
