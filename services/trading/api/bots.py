"""Bots: made, read, changed, deleted, and their runs started."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router, Status

from service_base.api import Request
from service_base.errors import BadInput
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page
from trading import commands, queries, schemas
from trading.api.scopes import READ, WRITE

router = Router(tags=["bots"])


@router.post("/bots", auth=WRITE, response={201: dict[str, Any]})
async def create(request: Request, body: schemas.BotIn) -> HttpResponse:
    """Make a bot."""

    def work() -> dict[str, Any]:
        given = body.dict(exclude={"pair", "symbol_id"}) | {"pauses": _pauses(body)}
        symbol_id = body.symbol_id or _named(request.auth.id, body.pair)
        return schemas.show_bot(commands.create_bot(user_id=request.auth.id, symbol_id=symbol_id, **given))

    return await answer_once(request, body, work, status=201)


@router.get("/bots", auth=READ)
async def bots(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's bots, newest first."""
    mine = queries.bots_of(request.auth.id)
    return await sync_to_async(as_page)(mine, schemas.show_bot, cursor=cursor, limit=limit)


@router.get("/bots/{bot_id}", auth=READ)
async def bot(request: Request, bot_id: UUID) -> dict[str, Any]:
    """One of the caller's bots."""
    return await sync_to_async(lambda: schemas.show_bot(queries.bot_for(request.auth.id, bot_id)))()


@router.patch("/bots/{bot_id}", auth=WRITE)
async def change(request: Request, bot_id: UUID, body: schemas.BotChange) -> dict[str, Any]:
    """Change what is given; a running bot is not changed."""

    def work() -> dict[str, Any]:
        given = body.dict(exclude_unset=True)
        if "pauses" in given:
            given["pauses"] = _pauses(body)
        return schemas.show_bot(commands.change_bot(user_id=request.auth.id, bot_id=bot_id, **given))

    return await sync_to_async(work)()


@router.delete("/bots/{bot_id}", auth=WRITE, response={204: None})
async def delete(request: Request, bot_id: UUID) -> Status[None]:
    """Delete a bot that is not running; its runs stay."""
    await sync_to_async(commands.delete_bot)(user_id=request.auth.id, bot_id=bot_id)
    return Status(204, None)


@router.post("/bots/{bot_id}/runs", auth=WRITE, response={201: dict[str, Any]})
async def start(request: Request, bot_id: UUID, body: schemas.RunIn) -> HttpResponse:
    """Start a run; an engine takes it within a second."""

    def work() -> dict[str, Any]:
        given = body.dict() | {"start": _aware(body.start), "end": _aware(body.end)}
        return schemas.show_run(commands.start_run(user_id=request.auth.id, bot_id=bot_id, **given))

    return await answer_once(request, body, work, status=201)


@router.get("/bots/{bot_id}/runs", auth=READ)
async def runs(request: Request, bot_id: UUID, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The runs of a bot, newest first."""

    def read() -> dict[str, Any]:
        found = queries.bot_for(request.auth.id, bot_id)
        return as_page(queries.runs_of(request.auth.id).filter(bot=found), schemas.show_run, cursor=cursor, limit=limit)

    return await sync_to_async(read)()


def _named(user_id: UUID, ticker: str | None) -> UUID:
    if not ticker:
        raise BadInput("Say which market: a pair, or a symbol_id.", field="pair")
    found = list(queries.symbols_of(user_id).filter(ticker__iexact=ticker)[:2])
    if not found:
        raise BadInput(f"You have no symbol {ticker}; make it first.", field="pair")
    if len(found) > 1:
        raise BadInput(f"{ticker} is traded at several exchanges; give the symbol_id.", field="pair")
    return found[0].pk


def _pauses(body: schemas.BotSettings) -> dict[str, Any]:
    return {importance.value: minutes.model_dump() for importance, minutes in body.pauses.items()}


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
