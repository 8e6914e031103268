"""Exchanges, symbols, strategies, and the machines a bot may ask."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router

from service_base.api import Request
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page
from trading import commands, queries, schemas
from trading.api.scopes import READ, WRITE
from trading.models import Exchange
from trading.rules.strategies import STRATEGIES

router = Router(tags=["market"])


@router.get("/exchanges", auth=READ)
async def exchanges(request: Request) -> dict[str, Any]:
    """The exchanges there are; TITAN itself is one, whose keys let a bot ask a machine."""
    rows = await sync_to_async(lambda: list(Exchange.objects.order_by("name")))()
    return {"items": [schemas.show_exchange(row) for row in rows], "next_cursor": None}


@router.get("/strategies", auth=READ)
async def strategies(request: Request) -> dict[str, Any]:
    """The strategies of this version, each with the JSON schema of its parameters."""
    items = [
        {
            "name": kind.name,
            "title": kind.title,
            "summary": kind.summary,
            "parameters": kind.parameters_type.model_json_schema(),
        }
        for kind in STRATEGIES.values()
    ]
    return {"items": items, "next_cursor": None}


@router.get("/machines", auth=READ)
async def machines(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's trained machines, as ml told of them."""
    mine = queries.machines_of(request.auth.id)
    return await sync_to_async(as_page)(mine, schemas.show_machine, cursor=cursor, limit=limit)


@router.post("/symbols", auth=WRITE, response={201: dict[str, Any]})
async def create(request: Request, body: schemas.SymbolIn) -> HttpResponse:
    """Make a symbol that only the caller sees."""

    def work() -> dict[str, Any]:
        return schemas.show_symbol(commands.create_symbol(owner_id=request.auth.id, **body.dict()))

    return await answer_once(request, body, work, status=201)


@router.get("/symbols", auth=READ)
async def symbols(
    request: Request, ticker: str | None = None, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """The symbols the caller may use."""
    rows = queries.symbols_of(request.auth.id)
    found = rows.filter(ticker__iexact=ticker) if ticker else rows
    return await sync_to_async(as_page)(found, schemas.show_symbol, cursor=cursor, limit=limit)


@router.get("/symbols/{symbol_id}", auth=READ)
async def symbol(request: Request, symbol_id: UUID) -> dict[str, Any]:
    """A symbol and what is stored of its prices."""

    def read() -> dict[str, Any]:
        found = queries.symbol_for(request.auth.id, symbol_id)
        return schemas.show_symbol(found) | {"prices": list(map(schemas.show_range, queries.stored_ranges(found)))}

    return await sync_to_async(read)()
