"""The market: machines that anybody may solve with, for a price a line, or whose lines and copies are sold."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from ninja import Router

from ml import commands, queries, schemas
from ml.rules.access import Right
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import NotFound
from service_base.pagination import page_of

router = Router(tags=["market"])
READ, TRAIN = Bearer("ml:read"), Bearer("ml:train")


@router.post("/machines/{machine_id}/publish", auth=TRAIN)
async def publish(request: Request, machine_id: UUID, body: schemas.PublishIn) -> dict[str, Any]:
    """Let anybody solve with the machine for a price a line in dollars."""

    def work() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.CHANGE)
        price = body.machine_api_solving_price_usd
        return schemas.show_machine(commands.publish_machine(machine_id=machine.pk, price_usd=price))

    return await sync_to_async(work)()


@router.delete("/machines/{machine_id}/publish", auth=TRAIN)
async def withdraw(request: Request, machine_id: UUID) -> dict[str, Any]:
    """Take the machine off the market."""

    def work() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.CHANGE)
        return schemas.show_machine(commands.withdraw_machine(machine_id=machine.pk))

    return await sync_to_async(work)()


@router.patch("/machines/{machine_id}/terms", auth=TRAIN)
async def terms(request: Request, machine_id: UUID, body: schemas.TermsIn) -> dict[str, Any]:
    """Sell the machine's lines, copies of it, or news for copies; purchases asked for before keep their price."""

    def work() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.CHANGE)
        given = body.dict(exclude_unset=True)
        return schemas.show_machine(commands.set_terms(machine_id=machine.pk, terms=given))

    return await sync_to_async(work)()


@router.get("/market", auth=READ)
async def listings(request: Request, cursor: str | None = None, limit: int = 50, q: str = "") -> dict[str, Any]:
    """Machines on the market, newest first: what they predict, how well beside the baselines, for how much."""

    def read() -> dict[str, Any]:
        rows = queries.market().filter(machine_name__icontains=q) if q else queries.market()
        found, following = page_of(rows, cursor=cursor, limit=limit)
        use = queries.use_of(machine.pk for machine in found)
        items = [
            schemas.show_listing(machine, queries.scores_of(machine), use.get(machine.pk, queries.Use()))
            for machine in found
        ]
        return {"items": items, "next_cursor": following}

    return await sync_to_async(read)()


@router.get("/market/{machine_id}", auth=READ)
async def listing(request: Request, machine_id: UUID) -> dict[str, Any]:
    """One machine on the market."""

    def read() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.LIST)
        if not machine.is_on_the_market:
            raise NotFound("This machine is not on the market.")
        use = queries.use_of([machine.pk]).get(machine.pk, queries.Use())
        return schemas.show_listing(machine, queries.scores_of(machine), use)

    return await sync_to_async(read)()
