"""The platform's log, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from ninja import Query, Router
from pydantic import AwareDatetime

from scheduler import queries, schemas
from scheduler.api.scopes import READ
from service_base.api import Request
from service_base.pagination import as_page

router = Router(tags=["platform log"], auth=READ)


@router.get("/logs")
async def logs(
    request: Request,
    level: str = "",
    service: str = "",
    q: str = "",
    trace_id: str = "",
    first: AwareDatetime | None = Query(None, alias="from"),
    last: AwareDatetime | None = Query(None, alias="to"),
    cursor: str | None = None,
    limit: int = 100,
) -> dict[str, Any]:
    """Warnings and errors of all processes, newest first; operators only."""
    request.auth.must_be_operator()
    bounds: dict[str, datetime | None] = {"first": first, "last": last}

    def read() -> dict[str, Any]:
        found = queries.log_lines(level=level.upper(), service=service, search=q, trace_id=trace_id, **bounds)
        return as_page(found, schemas.show_line, cursor=cursor, limit=limit, field="id")

    return await sync_to_async(read)()
