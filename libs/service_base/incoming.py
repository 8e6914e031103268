"""How large bodies come in: the beginning of anybody's, the rest of known callers' only, and few of each at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.http import HttpRequest

from service_base.bodies import LENGTH, Message, Receive, Scope
from service_base.callers import Caller
from service_base.errors import Refusal, TooFast
from service_base.object_store import TooLarge, full_said

# What anybody may send: forms, questions and what payment providers report are a few KiB.
FREE = 64 << 10
# So many bodies that are spooled to the disk may one person have in a web process.
MOST_AT_ONCE = 4
AGAIN_SECONDS = 5
_KEY = "titan.incoming"

Spool = Callable[[Receive], Awaitable[Any]]


class NotSignedIn(Refusal):
    """Somebody unknown sends more than anybody may."""

    status = 401
    slug = "unauthenticated"
    title = "Sign in first"


class Uploads:
    """How many spooled bodies each person has here. For one event loop only, so nothing needs a lock."""

    def __init__(self) -> None:
        self._counts: Counter[UUID] = Counter()

    def begin(self, person_id: UUID, length: int | None) -> Callable[[], None]:
        """Count a body of that length (None: it does not say) until what is returned is called. Raises TooFast."""
        if length is not None and length <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            return _nothing
        if self._counts[person_id] >= MOST_AT_ONCE:
            raise TooFast(
                f"You have {MOST_AT_ONCE} uploads in progress: send this one when one of them has ended.",
                retry_after=AGAIN_SECONDS,
            )
        self._counts[person_id] += 1
        return lambda: self._end(person_id)

    def _end(self, person_id: UUID) -> None:
        self._counts[person_id] -= 1
        if not self._counts[person_id]:
            del self._counts[person_id]


class Incoming:
    """A body of which at most the beginning was taken; what authenticates its sender lets the rest come in.

    `begins` is called when it begins to, `taken` when it is here, `gone` when its client went before.
    """

    def __init__(self, scope: Scope, receive: Receive, begun: list[Message], *, spool: Spool, uploads: Uploads) -> None:
        self.begins: Callable[[], None] = _nothing
        self.taken: Callable[[], None] = _nothing
        self.gone: Callable[[], None] = _nothing
        self._receive, self._begun, self._spool = receive, begun, spool
        self._length: int | None = scope[LENGTH]
        self._uploads = uploads
        scope[_KEY] = self
        self._file: BinaryIO | None = None
        self._end: Callable[[], None] = _nothing

    @property
    def is_here(self) -> bool:
        """Whether all of it came in."""
        return self._file is not None

    async def take(self, caller: Caller) -> None:
        """Have the rest come in. Raises TooLarge, StoreFull, TooFast; ends a request whose client has gone."""
        if self._file is not None:
            return
        self._end = self._uploads.begin(caller.id, self._length)
        self.begins()
        try:
            with full_said():
                self._file = await self._spool(self._next)
        except RequestAborted:
            self.gone()
            raise asyncio.CancelledError from None
        self.taken()

    async def _next(self) -> Message:
        return self._begun.pop(0) if self._begun else await self._receive()

    def read(self, size: int = -1) -> bytes:
        """A part of it. Raises TooLarge at an address for everybody, where no sender was asked for."""
        return self._here().read(size)

    def readline(self, size: int = -1) -> bytes:
        """Its next line, as `read`."""
        return self._here().readline(size)

    def _here(self) -> BinaryIO:
        if self._file is None:
            raise TooLarge(f"What is sent to this address has at most {FREE >> 10} KiB.", field="body")
        return self._file

    def close(self) -> None:
        """Forget it; whoever sent it may send another."""
        if self._file is not None:
            self._file.close()
        self._end()
        self._end = _nothing


async def let_in(request: HttpRequest, caller: Caller) -> None:
    """Take the rest of the request's body, if there is any: its sender is known and may do what is asked for."""
    incoming = getattr(request, "scope", {}).get(_KEY)
    if incoming is not None:
        await incoming.take(caller)


def _nothing() -> None:
    pass
