"""Three routes: nothing to do, one row for a signed-in caller, and the same through the ORM on a thread."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Router

from service_base.api import Request
from service_base.errors import NotFound
from service_base.principals.models import KnownTeam
from service_base.reading import row

router = Router()


@router.get("/trivial", auth=None)
async def trivial(request: HttpRequest) -> dict[str, Any]:
    """What a request costs that asks for nothing."""
    return {"ok": True}


@router.get("/signed-in")
async def signed_in(request: Request) -> dict[str, Any]:
    """What it costs to know who asks."""
    return {"id": str(request.auth.id)}


@router.get("/rows/{row_id}")
async def one_row(request: Request, row_id: UUID) -> dict[str, Any]:
    """One row, read without a thread."""
    found = await row("SELECT id, name FROM known_team WHERE id = %s AND NOT deleted", [row_id])
    if found is None:
        raise NotFound("There is no such row.")
    return {"id": str(found.id), "name": found.name, "caller": str(request.auth.id)}


@router.get("/orm/{row_id}")
async def one_row_by_orm(request: Request, row_id: UUID) -> dict[str, Any]:
    """The same row through the ORM on a lent thread."""
    found = await sync_to_async(KnownTeam.objects.filter(pk=row_id, deleted=False).first)()
    if found is None:
        raise NotFound("There is no such row.")
    return {"id": str(found.pk), "name": found.name, "caller": str(request.auth.id)}
