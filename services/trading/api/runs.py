"""Runs: how they stand, what they did, and stopping, pausing, resuming them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from ninja import Router

from service_base.api import Request
from service_base.pagination import as_page
from trading import commands, queries, schemas
from trading.api.chronological import page
from trading.api.scopes import READ, WRITE
from trading.models import Fill, Order

router = Router(tags=["runs"])
MOST_LINES = 1_000
MOST_POINTS = 4_000


@router.get("/runs", auth=READ)
async def runs(
    request: Request, status: str | None = None, cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """The caller's runs, newest first."""
    mine = queries.runs_of(request.auth.id)
    found = mine.filter(status=status) if status else mine
    return await sync_to_async(as_page)(found, schemas.show_run, cursor=cursor, limit=limit)


@router.get("/runs/{run_id}", auth=READ)
async def run(request: Request, run_id: UUID) -> dict[str, Any]:
    """One of the caller's runs, with its position."""

    def read() -> dict[str, Any]:
        found = queries.run_for(request.auth.id, run_id)
        return schemas.show_run(found) | {"position": schemas.show_position(found)}

    return await sync_to_async(read)()


@router.post("/runs/{run_id}/stop", auth=WRITE)
async def stop(request: Request, run_id: UUID) -> dict[str, Any]:
    """Ask for the run's end; its engine ends it after the candle in hand."""
    stopped = await sync_to_async(commands.stop_run)(run_id=run_id, user_id=request.auth.id)
    return schemas.show_run(stopped)


@router.post("/runs/{run_id}/pause", auth=WRITE)
async def pause(request: Request, run_id: UUID) -> dict[str, Any]:
    """Let no candle pass until it is resumed; the position stays."""
    paused = await sync_to_async(commands.pause_run)(run_id=run_id, user_id=request.auth.id)
    return schemas.show_run(paused)


@router.post("/runs/{run_id}/resume", auth=WRITE)
async def resume(request: Request, run_id: UUID) -> dict[str, Any]:
    """Go on from the candle after the last one seen."""
    resumed = await sync_to_async(commands.resume_run)(run_id=run_id, user_id=request.auth.id)
    return schemas.show_run(resumed)


@router.get("/runs/{run_id}/logs", auth=READ)
async def logs(request: Request, run_id: UUID, after: int = -1, limit: int = 200) -> dict[str, Any]:
    """Log lines that follow the offset `after`, oldest first; -1 begins at the first."""

    def read() -> dict[str, Any]:
        found = queries.run_for(request.auth.id, run_id)
        lines = queries.lines_after(found, after, limit=max(1, min(limit, MOST_LINES)))
        following = str(lines[-1].offset) if lines and lines[-1].offset < found.log_offset - 1 else None
        return {"items": list(map(schemas.show_line, lines)), "next_cursor": following, "end": found.log_offset}

    return await sync_to_async(read)()


@router.get("/runs/{run_id}/orders", auth=READ)
async def orders(request: Request, run_id: UUID, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """What the run ordered, and why some of it was denied."""

    def read() -> dict[str, Any]:
        found = Order.objects.filter(run=queries.run_for(request.auth.id, run_id))
        return page(found, schemas.show_order, cursor=cursor, limit=limit)

    return await sync_to_async(read)()


@router.get("/runs/{run_id}/fills", auth=READ)
async def fills(request: Request, run_id: UUID, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """What the run got."""

    def read() -> dict[str, Any]:
        found = Fill.objects.filter(run=queries.run_for(request.auth.id, run_id))
        return page(found, schemas.show_fill, cursor=cursor, limit=limit)

    return await sync_to_async(read)()


@router.get("/runs/{run_id}/equity", auth=READ)
async def equity(request: Request, run_id: UUID, points: int = 400) -> dict[str, Any]:
    """The run's equity, thinned evenly to at most `points`."""

    def read() -> dict[str, Any]:
        found = queries.run_for(request.auth.id, run_id)
        rows = queries.equity_of(found.pk, points=max(2, min(points, MOST_POINTS)))
        return {"items": list(map(schemas.show_equity, rows)), "next_cursor": None}

    return await sync_to_async(read)()
