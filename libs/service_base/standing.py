"""Callers as this process last knew them, for requests whose one statement proves that nothing has changed since."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja.errors import AuthenticationError

from service_base.auth import Bearer, token_in
from service_base.callers import Caller
from service_base.idempotency.answers import HEADER
from service_base.reading import row

MOST_REMEMBERED = 2048
_ASK = "SELECT caller_standing(%s, %s, %s) AS seen"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller's rights hang on: while SQL's `caller_standing` still gives `seen`, she may what she might."""

    user_id: UUID
    kid: str | None
    key_hash: str | None
    seen: str


class RememberingBearer(Bearer):
    """As Bearer, but a small request without an Idempotency-Key may get its caller from memory, with her `standing`.

    Whoever uses this answers such a request only by a statement that compares the standing; for anything else, a
    refusal too, it asks `again`. Nobody is let in by memory alone.
    """

    def __init__(self, scope: str, *, largest: int) -> None:
        super().__init__(scope)
        self._largest = largest
        self._known: OrderedDict[str, Caller] = OrderedDict()

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """The caller, from memory if she is there."""
        if not self._may_be_remembered(request):
            return await super().authenticate(request, token)
        known = self._known.get(token)
        if known is None:
            return await self._meet(request, token)
        is_valid = token.startswith("tk_") or await token_in(token) is not None
        return known if is_valid else None

    async def again(self, request: HttpRequest) -> Caller:
        """The caller as she is now. Raises AuthenticationError when she is nobody any more."""
        token = request.headers["Authorization"].partition(" ")[2]
        self._known.pop(token, None)
        caller = await self._meet(request, token)
        if caller is None:
            raise AuthenticationError
        return caller

    def forget_all(self) -> None:
        """Remember nobody."""
        self._known.clear()

    async def _meet(self, request: HttpRequest, token: str) -> Caller | None:
        # The standing first: what changes before the caller is read makes it differ from the next one.
        standing = await _standing(token)
        caller = await super().authenticate(request, token)
        if caller is None or standing is None or standing.user_id != caller.id:
            return caller
        self._known[token] = replace(caller, standing=standing)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return self._known[token]

    def _may_be_remembered(self, request: HttpRequest) -> bool:
        length = request.META.get("CONTENT_LENGTH", "")
        return bool(length.isdigit() and int(length) <= self._largest) and HEADER not in request.headers


async def _standing(text: str) -> Standing | None:
    if text.startswith("tk_"):
        key_hash = hashlib.sha256(text.encode()).hexdigest()
        found: Any = await row("SELECT user_id FROM api_key_grant WHERE key_hash = %s", [key_hash])
        return await _seen(found.user_id, None, key_hash) if found else None
    token = await token_in(text)
    return await _seen(token.user_id, token.kid, None) if token else None


async def _seen(user_id: UUID, kid: str | None, key_hash: str | None) -> Standing | None:
    found = await row(_ASK, [user_id, kid, key_hash])
    return Standing(user_id, kid, key_hash, found.seen) if found and found.seen else None
