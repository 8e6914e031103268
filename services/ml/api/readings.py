"""Large uploads that are read as work: how far each is, what it became, and ending it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.urls import get_script_prefix
from ninja import Router

from ml import commands, queries, schemas
from service_base.api import Request
from service_base.auth import Bearer
from service_base.pagination import as_page

router = Router(tags=["readings"])
READ, TRAIN = Bearer("ml:read"), Bearer("ml:train")
ACCEPTED = 202


@router.get("/readings", auth=READ)
async def readings(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's large uploads, newest first."""
    mine = queries.readings_of(request.auth)
    return await sync_to_async(as_page)(mine, schemas.show_reading, cursor=cursor, limit=limit)


@router.get("/readings/{reading_id}", auth=READ)
async def reading(request: Request, reading_id: UUID) -> dict[str, Any]:
    """One upload: queued, running with percent and lines, succeeded with its machine, or failed with the reason."""
    return await sync_to_async(lambda: schemas.show_reading(queries.reading_for(request.auth, reading_id)))()


@router.post("/readings/{reading_id}/cancel", auth=TRAIN)
async def cancel(request: Request, reading_id: UUID) -> dict[str, Any]:
    """End it before it is read; nothing is kept."""

    def work() -> dict[str, Any]:
        found = queries.reading_for(request.auth, reading_id)
        return schemas.show_reading(commands.cancel_reading(reading_id=found.pk))

    return await sync_to_async(work)()


def located(answer: HttpResponse) -> HttpResponse:
    """The answer, saying where to look on when what was sent is read as work."""
    if answer.status_code == ACCEPTED:
        answer["Location"] = f"{get_script_prefix()}api/v1/readings/{json.loads(answer.content)['id']}"
    return answer
