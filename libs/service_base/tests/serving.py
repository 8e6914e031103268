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

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Asking:
    """A client of one application; `gone` makes it hang up."""

    def __init__(self, application: ByPath, headers: dict[str, str] | None = None) -> None:
        self.application = application
        self.headers = headers or {}
        self.gone = asyncio.Event()

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
            answer.body += message.get("body", b"")

        incoming = self._incoming(bodies or (b"",))
        await self.application(scope, lambda: anext(incoming), send)  # type: ignore[arg-type]
        return answer

    async def _incoming(self, bodies: tuple[bytes, ...]) -> AsyncIterator[dict[str, Any]]:
        for number, body in enumerate(bodies, 1):
            yield {"type": "http.request", "body": body, "more_body": number < len(bodies)}
        await self.gone.wait()
        while True:
            yield {"type": "http.disconnect"}
