"""An answer without any framework: what the server alone costs."""

from __future__ import annotations

from typing import Any

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"11")]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Say the same to everybody."""
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"ok":true}'})
