"""The trace that a piece of work belongs to, in W3C form, carried from a request through Kafka to its effects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from typing import Any

_WELL_FORMED = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_traceparent() -> str | None:
    """The traceparent of what is running now, if it has one."""
    return _traceparent.get()


def enter(traceparent: str | None) -> Token[str | None]:
    """Make `traceparent` current; a malformed one counts as none."""
    return _traceparent.set(traceparent if traceparent and _WELL_FORMED.match(traceparent) else None)


def leave(token: Token[str | None]) -> None:
    """Go back to what was current before `enter`."""
    _traceparent.reset(token)


@contextmanager
def span(name: str, traceparent: str | None) -> Iterator[None]:
    """Handle one event within the trace that it came with."""
    token = enter(traceparent)
    try:
        yield
    finally:
        leave(token)


def together(name: str, handler: Any, events: Any) -> AbstractContextManager[None]:
    """Call a handler with several events. As `span`, it is replaced where traces are exported."""
    return nullcontext()
