"""Asks the web process's HTTP application as a server would, one request a call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from service_base.handler import ByPath


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    # Bytes of the request that were taken, until the answer began and in all; and whether it ended.
    taken_before: int = 0
    taken: int = 0
    ended: bool = False

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Asking:
    """A client of one application; `gone` makes it hang up. While it `stalls` the last part of a body never comes."""

    def __init__(self, application: ByPath, headers: dict[str, str] | None = None) -> None:
        self.application = application
        self.headers = headers or {}
        self.gone = asyncio.Event()
        self.stalls, self.stalled = False, 0

    async def __call__(
        self,
        method: str,
        path: str,
        *bodies: bytes,
        headers: dict[str, str] | None = None,
        answer: Answer | None = None,
    ) -> Answer:
        """Ask; a body may come in several messages. `answer` can be watched while it grows."""
        answer = answer or Answer()
        given = {"host": "localhost", "content-type": "application/json"} | self.headers | (headers or {})
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
                answer.taken_before = answer.taken
            else:
                answer.ended = not message.get("more_body")
            answer.body += message.get("body", b"")

        incoming = self._incoming(bodies or (b"",), answer)
        await self.application(scope, lambda: anext(incoming), send)  # type: ignore[arg-type]
        return answer

    async def _incoming(self, bodies: tuple[bytes, ...], answer: Answer) -> AsyncIterator[dict[str, Any]]:
        stalls = self.stalls
        for number, body in enumerate(bodies, 1):
            answer.taken += len(body)
            yield {"type": "http.request", "body": body, "more_body": stalls or number < len(bodies)}
        self.stalled += stalls
        await self.gone.wait()
        while True:
            yield {"type": "http.disconnect"}
