"""A websocket client that speaks ASGI to the application directly; Channels' own one would need a web server."""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

# How long an answer is waited for that always comes: on a busy machine it takes its time.
PATIENCE = 30


class Socket(ApplicationCommunicator):
    """One connection of one viewer."""

    def __init__(self, application: Any, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers, "subprotocols": []}
        super().__init__(application, scope)

    async def connect(self) -> bool:
        """Whether the connection was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(timeout=PATIENCE))["type"] == "websocket.accept"

    async def say(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def resume(self, after: int) -> None:
        await self.say(json.dumps({"after": after}))

    async def heard(self) -> dict[str, Any]:
        """The next message."""
        found: dict[str, Any] = json.loads((await self.receive_output(timeout=PATIENCE))["text"])
        return found

    async def closed_with(self) -> int:
        """The code the other side closed with, after whatever it said before."""
        while True:
            message = await self.receive_output(timeout=PATIENCE)
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=PATIENCE)
