"""One thread that does all database work of a loop, because its locks and its transactions belong to one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


class DatabaseThread:
    """Runs functions one after the other on a connection of its own."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """`function(*args)` on the thread. Never cancelled in between: a half-heard answer is worse than a late one."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    async def disconnect(self) -> None:
        """Close its connections, and with them whatever their sessions hold; the next `run` opens others."""
        await self.run(connections.close_all)

    async def close(self) -> None:
        """Disconnect and end the thread."""
        await self.disconnect()
        self._pool.shutdown(wait=False)
