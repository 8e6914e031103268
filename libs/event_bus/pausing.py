"""Waiting that ends early when the process is asked to stop."""

from __future__ import annotations

import asyncio

# Retries begin at a fraction of a second and double up to this.
LONGEST_BACKOFF = 10.0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait `seconds`, or until `stop` is set, whichever comes first. Raises CancelledError if the task is to end."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        # `asyncio.wait_for` swallows what comes just as it is done, and libraries that use it with it.
        raise asyncio.CancelledError
    if seconds > 0:
        # asyncio.wait does not raise at the deadline, so nothing has to be caught here.
        waiting = asyncio.ensure_future(stop.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()
