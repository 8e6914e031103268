"""The platform's log, for operators."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from ninja import Query, Router

from scheduler import queries, schemas
from scheduler.api.scopes import READ
from service_base.api import Request
from service_base.pagination import as_page

router = Router(tags=["platform log"], auth=READ)


@router.get("/logs")
async def logs(
    request: Request, asked: Query[schemas.LogQuestion], cursor: str | None = None, limit: int = 100
) -> dict[str, Any]:
    """Warnings and errors of all processes, newest first; operators only."""
    request.auth.must_be_operator()

    def read() -> dict[str, Any]:
        found = queries.log_lines(
            level=asked.level.upper(),
            service=asked.service,
            search=asked.q,
            trace_id=asked.trace_id,
            first=asked.first,
            last=asked.last,
        )
        return as_page(found, schemas.show_line, cursor=cursor, limit=limit, field="id")

    return await sync_to_async(read)()
