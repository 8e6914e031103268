"""Prices, what work would cost, the quotes that were given and the holds on them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Router

from billing import commands, queries, schemas
from billing.models import PriceList
from billing.rules.pricing import money_in
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import NotFound
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["prices"], auth=Bearer("billing:read"))


@router.get("/prices", auth=None)
async def prices(request: HttpRequest) -> dict[str, Any]:
    """The price list that new quotes use; open to everybody."""
    return schemas.show_prices(await sync_to_async(queries.current_prices)())


@router.get("/prices/versions", auth=None)
async def versions(request: HttpRequest, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """All price lists, newest first."""
    return await sync_to_async(as_page)(PriceList.objects.all(), schemas.show_prices, cursor=cursor, limit=limit)


@router.post("/prices", auth=Bearer("billing:write"), response={201: dict[str, Any]})
async def publish(request: Request, body: schemas.PricesIn) -> HttpResponse:
    """Publish the next version; quotes already given keep theirs. Operators only."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        return schemas.show_prices(commands.publish_prices(**_prices(body), by=request.auth.id))

    return await answer_once(request, body, work, status=201)


@router.post("/quotes")
async def estimate(request: Request, body: schemas.QuoteIn) -> dict[str, Any]:
    """What work would cost now and which of the caller's money would pay it. Reserves nothing, so it takes no key."""
    found = await sync_to_async(queries.estimate)(request.auth.id, **body.dict())
    return schemas.show_estimate(found)


@router.get("/quotes")
async def quotes(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The quotes that the caller's work was given, newest first."""
    mine = queries.quotes_of(request.auth.id)
    return await sync_to_async(as_page)(mine, schemas.show_quote, cursor=cursor, limit=limit)


@router.get("/quotes/{quote_id}")
async def quote(request: Request, quote_id: UUID) -> dict[str, Any]:
    """One of the caller's quotes."""
    found = await sync_to_async(queries.quotes_of(request.auth.id).filter(pk=quote_id).first)()
    if found is None:
        raise NotFound("There is no such quote, or it is not yours.")
    return schemas.show_quote(found)


@router.get("/holds")
async def holds(
    request: Request, open_only: bool = False, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """The caller's holds, newest first."""
    mine = queries.holds_of(request.auth.id, open_only=open_only)
    return await sync_to_async(as_page)(mine, schemas.show_hold, cursor=cursor, limit=limit)


@router.get("/holds/{hold_id}")
async def hold(request: Request, hold_id: UUID) -> dict[str, Any]:
    """One of the caller's holds."""

    def read() -> dict[str, Any]:
        found = queries.holds_of(request.auth.id).filter(pk=hold_id).first()
        if found is None:
            raise NotFound("There is no such hold, or it is not yours.")
        return schemas.show_hold(found)

    return await sync_to_async(read)()


def _prices(body: schemas.PricesIn) -> dict[str, Any]:
    amounts = {
        name: money_in(getattr(body, name), field=name, zero_fits=True)
        for name in ("training_cell_eaml", "solving_line_eaml", "usd_per_eaml")
    }
    factors = {
        level: money_in(factor, field="level_factors", zero_fits=True) for level, factor in body.level_factors.items()
    }
    return amounts | {
        "level_factors": factors,
        "marketplace_fee_basis_points": body.marketplace_fee_basis_points,
    }
