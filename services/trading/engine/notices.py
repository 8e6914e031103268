"""Tells open dashboards that a run changed; only a hint, since they look by themselves once a second anyway."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from channels.layers import get_channel_layer

log = structlog.get_logger("titan.engine")


def group_of(run_id: UUID) -> str:
    """The channel group of a run's dashboards."""
    return f"run.{run_id}"


class Notices:
    """Sends from the loop it was made in, on behalf of threads; never waits and never fails a step."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._layer = get_channel_layer()
        self._waiting: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def changed(self, run_id: UUID) -> None:
        """The run changed; called from any thread."""
        if self._layer is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._soon, run_id)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    def _soon(self, run_id: UUID) -> None:
        # Many steps may pass before one notice is out; one is enough for all of them.
        if run_id not in self._waiting:
            self._waiting.add(run_id)
            task = self._loop.create_task(self._send(run_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, run_id: UUID) -> None:
        self._waiting.discard(run_id)
        try:
            async with asyncio.timeout(1):
                await self._layer.group_send(group_of(run_id), {"type": "run.changed"})
        except (OSError, TimeoutError, ConnectionError) as error:
            log.debug("notice.lost", run=str(run_id), error=str(error))
