"""Routes that do what services' routes do: know the caller, write once, wait, stream, take files, fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router, Schema

from event_bus import tracing
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


# What the routes below did, for tests to look at and to steer them by.
happened: list[str] = []
gate = threading.Event()


@router.get("/trace", auth=None)
async def trace(request: HttpRequest) -> dict[str, Any]:
    """The trace as the view and as its thread see it, and the thread."""
    there, thread = await sync_to_async(lambda: (tracing.current_traceparent(), threading.current_thread().name))()
    return {"here": tracing.current_traceparent(), "there": there, "thread": thread}


@router.get("/backend", auth=None)
async def backend(request: HttpRequest) -> dict[str, int]:
    """The database connection that this request's thread uses."""

    def pid() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    return {"pid": await sync_to_async(pid)()}


@router.get("/waits", auth=None)
async def waits(request: HttpRequest, name: str) -> dict[str, str]:
    """Waits on its thread until the gate opens."""

    def wait() -> str:
        happened.append(name)
        gate.wait(10)
        return threading.current_thread().name

    return {"thread": await sync_to_async(wait)()}


@router.post("/written/{name}", auth=None)
async def write_and_wait(request: HttpRequest, name: str, keep: bool) -> dict[str, Any]:
    """Writes in a transaction, says what it sees of others' when the gate opens, and keeps it or not."""

    def work() -> list[str]:
        with transaction.atomic():
            PublishedCount.objects.create(type=name)
            happened.append(name)
            gate.wait(10)
            seen = sorted(PublishedCount.objects.values_list("type", flat=True))
            if not keep:
                raise ZeroDivisionError
            return seen

    return {"seen": await sync_to_async(work)()}


@router.get("/long", auth=None)
async def long(request: HttpRequest) -> dict[str, bool]:
    """Takes until its client goes."""
    happened.append("began")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        happened.append("cancelled")
        raise
    return {"ok": True}


@router.get("/stream", auth=None)
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Streams, on its thread's behalf, until its client goes."""
    before = await sync_to_async(lambda: threading.current_thread().name)()

    async def parts() -> AsyncIterator[str]:
        try:
            yield f"{before} "
            yield await sync_to_async(lambda: threading.current_thread().name)()
            while True:
                await asyncio.sleep(0.01)
                yield "."
        finally:
            happened.append("ended")

    return StreamingHttpResponse(parts(), content_type="text/plain")


@router.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    """The size of a file sent as the body."""

    def size() -> int:
        return sum(len(part) for part in iter(lambda: request.read(1 << 16), b""))

    return {"size": await sync_to_async(size)()}


@router.post("/training/upload", auth=Bearer("ml:train"))
async def upload_to_train(request: Request) -> dict[str, int]:
    """The same, for those who may."""
    return await upload(request)


@router.post("/report", auth=None)
async def report(request: HttpRequest) -> dict[str, int]:
    """The size of what anybody may send."""
    return {"size": len(request.body)}


@router.post("/form")
async def form(request: Request) -> dict[str, Any]:
    """The size of a file sent in a form."""
    return {"size": await sync_to_async(lambda: getattr(request.FILES["file"], "size", None))()}
