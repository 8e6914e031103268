"""Sources of the calendar, and importing files; for operators, since everybody's bots follow the calendar."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from ninja import File, Form, Router
from ninja.files import UploadedFile

from scheduler import commands, queries, schemas
from scheduler.api.scopes import READ, WRITE
from service_base.api import Request

router = Router(tags=["calendar"], auth=READ)


@router.get("/sources")
async def sources(request: Request) -> dict[str, Any]:
    """Where events come from, and how fresh each source is."""

    def read() -> list[dict[str, Any]]:
        return [schemas.show_source(source) for source in queries.sources()]

    return {"items": await sync_to_async(read)(), "next_cursor": None}


@router.post("/sources", auth=WRITE)
async def save_source(request: Request, body: schemas.SourceIn) -> dict[str, Any]:
    """Make a source, or change the one of that name; operators only."""
    request.auth.must_be_operator()
    return schemas.show_source(await sync_to_async(commands.save_source)(**body.dict()))


@router.post("/sources/import", auth=WRITE)
async def import_file(request: Request, body: Form[schemas.ImportIn], file: File[UploadedFile]) -> dict[str, Any]:
    """Import a CSV or iCalendar file into a source, all of it or nothing; operators only."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        settings = body.dict(include={"timezone", "country", "currency", "importance"}, exclude_unset=True)
        done = commands.import_file(
            name=body.source,
            kind=body.kind,
            content=file.read(commands.MOST_BYTES + 1),
            allow_fewer=body.allow_fewer,
            **settings,
        )
        return {"source": body.source, **done.as_json()}

    return await sync_to_async(work)()
