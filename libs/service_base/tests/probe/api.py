"""Two routes: one says who is calling, one writes once."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Router, Schema

from event_bus.models import PublishedCount
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import FundsShort, Unavailable
from service_base.idempotency.answers import answer_once

router = Router()


class Amount(Schema):
    """What to write."""

    amount: int


@router.get("/who")
async def who(request: Request) -> dict[str, Any]:
    """The caller's id and scopes."""
    scopes = request.auth.scopes
    return {"id": str(request.auth.id), "scopes": sorted(scopes) if scopes is not None else None}


@router.get("/solving", auth=Bearer("ml:solve"))
async def solving(request: Request) -> dict[str, bool]:
    """Needs a scope."""
    return {"ok": True}


@router.get("/broken")
async def broken(request: Request) -> None:
    """Fails in a way nobody foresaw."""
    raise ZeroDivisionError


@router.post("/write")
async def write(request: Request, body: Amount) -> HttpResponse:
    """Counts one up; refuses negative amounts, and is not available for 503 of anything until some was counted."""

    def work() -> dict[str, int]:
        if body.amount == 503 and not PublishedCount.objects.exists():
            raise Unavailable("Come back later.")
        if body.amount < 0:
            raise FundsShort("There is not that much.", field="amount", missing=-body.amount)
        row, _ = PublishedCount.objects.get_or_create(type="written")
        row.count += body.amount
        row.save()
        return {"count": row.count}

    return await answer_once(request, body, work, status=201)
