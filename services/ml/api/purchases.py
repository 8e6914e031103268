"""Purchases: another person's lines, a copy of her machine, news for that copy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from ninja import Router

from ml import commands, queries, schemas
from ml.rules.access import Right
from ml.store import place
from service_base.api import Request
from service_base.auth import Bearer
from service_base.downloads import CSV, file_download
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["purchases"])
READ, TRAIN = Bearer("ml:read"), Bearer("ml:train")


@router.post("/market/{machine_id}/purchases", auth=TRAIN, response={201: dict[str, Any]})
async def buy(request: Request, machine_id: UUID, body: schemas.PurchaseIn) -> HttpResponse:
    """Ask for lines, a copy, or news for a copy; delivered once billing holds the price, charged when delivered."""

    def work() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.LIST)
        asked = commands.request_purchase(machine_id=machine.pk, buyer=request.auth.user, **body.dict())
        return schemas.show_purchase(asked)

    return await answer_once(request, body, work, status=201)


@router.get("/purchases", auth=READ)
async def purchases(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """What the caller bought or is buying, newest first."""
    mine = queries.purchases_of(request.auth)
    return await sync_to_async(as_page)(mine, schemas.show_purchase, cursor=cursor, limit=limit)


@router.get("/purchases/{purchase_id}", auth=READ)
async def purchase(request: Request, purchase_id: UUID) -> dict[str, Any]:
    """One purchase with its progress."""
    return await sync_to_async(lambda: schemas.show_purchase(queries.purchase_for(request.auth, purchase_id)))()


@router.post("/purchases/{purchase_id}/cancel", auth=TRAIN)
async def cancel(request: Request, purchase_id: UUID) -> dict[str, Any]:
    """End it before it is delivered; nothing is charged."""

    def work() -> dict[str, Any]:
        found = queries.purchase_for(request.auth, purchase_id)
        return schemas.show_purchase(commands.cancel_purchase(purchase_id=found.pk))

    return await sync_to_async(work)()


@router.get("/purchases/{purchase_id}/lines.csv", auth=READ)
async def lines(request: Request, purchase_id: UUID) -> StreamingHttpResponse:
    """The lines that were bought; a text that a spreadsheet would run as a formula has an apostrophe before it."""
    found = await sync_to_async(queries.bought_lines)(request.auth, purchase_id)
    return file_download(place(found.result_path), name=f"bought-{found.pk}.csv", media_type=CSV)
