"""Websocket authentication: the same tokens as everywhere, checked at connect."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

from service_base.auth import COOKIE, caller_of
from service_base.callers import Caller

# Own close codes, which the page acts on: 4401 means sign in again, 4404 means it is not yours.
UNAUTHENTICATED = 4401
NOT_FOUND = 4404
# 1013 asks the client to come back later; it then recovers by its last offset.
TOO_SLOW = 1013


async def caller_in(scope: dict[str, Any]) -> Caller | None:
    """The caller of a websocket, from its Authorization header or the access cookie; the Origin is checked before."""
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        token = cookie.value if cookie else ""
    return await caller_of(token) if token else None
