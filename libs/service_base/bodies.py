"""How much a request may carry: what is beyond is refused before it comes in, or as soon as it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse

from service_base import problems
from service_base.errors import Refusal
from service_base.object_store import must_fit

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Where the scope says how long the body is: 0 without one, None for chunks of unknown number.
LENGTH = "titan.length"
# Of a body that is not wanted, so much is still read while its sender may be about to read the answer.
LINGER_BYTES = 1 << 20
LINGER_SECONDS = 2.0


def bounded(scope: Scope, receive: Receive, *, largest: int) -> Receive:
    """What gives the body, no more than `largest` bytes of it. Raises TooLarge for a body that says it has more.

    Whoever says the length sends no more than that; only a body in chunks of unknown number has to be counted.
    """
    length = 0
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value)
            must_fit(length, largest)
        elif name == b"transfer-encoding":
            scope[LENGTH] = None
            return _counted(receive, largest)
    scope[LENGTH] = length
    return receive


def _counted(receive: Receive, largest: int) -> Receive:
    size = 0

    async def again() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        must_fit(size, largest)
        return message

    return again


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal, *, is_api: bool) -> None:
    """Answer a request whose body was not taken."""
    path = scope["path"]
    answer: HttpResponse
    if is_api:
        found = problems.response(problems.of_refusal(refusal, path))
        assert isinstance(found, JsonResponse)
        answer = found
    else:
        answer = await sync_to_async(_page)(path, refusal)
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in answer.items()]
    headers.append((b"Content-Length", str(len(answer.content)).encode()))
    await part(receive, send, {"status": answer.status_code, "headers": headers}, answer.content)


async def part(receive: Receive, send: Send, start: Message, content: bytes) -> None:
    """Answer while the body has not come in, and end the connection.

    A connection that is closed at once may take the answer away from a client that is still sending.
    """
    headers = [*start["headers"], (b"Connection", b"close")]
    await send({"type": "http.response.start", **start, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    with suppress(Refusal, TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await _linger(receive)
    await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    size = 0
    while size < LINGER_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return


def _page(path: str, refusal: Refusal) -> HttpResponse:
    from django.shortcuts import render

    request = HttpRequest()
    request.path = request.path_info = path
    context = {"heading": refusal.title, "detail": refusal.detail}
    answer = render(request, "titan/message.html", context, status=refusal.status)
    if "retry_after" in refusal.facts:
        answer["Retry-After"] = str(refusal.facts["retry_after"])
    return answer
