"""How much a request may carry: what is beyond is refused before it comes in, or as soon as it shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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


def bounded(scope: Scope, receive: Receive, *, largest: int) -> Receive:
    """What gives the body, no more than `largest` bytes of it. Raises TooLarge for a body that says it has more.

    Whoever says the length sends no more than that; only a body in chunks of unknown number has to be counted.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            must_fit(int(value), largest)
        elif name == b"transfer-encoding":
            return _counted(receive, largest)
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


async def refuse(scope: Scope, send: Send, refusal: Refusal, *, is_api: bool) -> None:
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
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})


def _page(path: str, refusal: Refusal) -> HttpResponse:
    from django.shortcuts import render

    request = HttpRequest()
    request.path = request.path_info = path
    context = {"heading": refusal.title, "detail": refusal.detail}
    return render(request, "titan/message.html", context, status=refusal.status)
