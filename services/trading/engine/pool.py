"""Claims runs, drives each on a thread of its own, and keeps their leases alive."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from uuid import UUID, uuid4

import structlog
from django.db import Error, connections

from event_bus.pausing import pause
from service_base.worker import stop_on_signals
from trading import commands
from trading.commands import Lease
from trading.commands.leases import BEAT_SECONDS
from trading.engine.driver import drive
from trading.engine.notices import Notices

log = structlog.get_logger("titan.engine")
T = TypeVar("T")
MOST_RUNS = 12
CLAIM_SECONDS = 0.5


class Pool:
    """One engine process. What it holds survives neither its death nor the loss of a lease: others take over."""

    def __init__(self, *, most: int = MOST_RUNS) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._most = most
        self._held: dict[UUID, tuple[Lease, threading.Event]] = {}
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="run")
        # Beats must not wait behind runs that fill the pool.
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="lease")

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work until asked to stop; then let go of every run, so that another engine takes it at once."""
        stop = stop or stop_on_signals()
        notices = Notices(asyncio.get_running_loop())
        log.info("engine.ready", owner=self.owner)
        beat_at = 0.0
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                if loop.time() >= beat_at:
                    await self._on_clerk(self._beat)
                    beat_at = loop.time() + BEAT_SECONDS
                for lease in await self._on_clerk(self._claim):
                    self._start(lease, notices)
            except Error as error:
                log.warning("engine.database_unavailable", error=str(error))
                await self._on_clerk(connections.close_all)
            await pause(stop, CLAIM_SECONDS)
        await self._let_go()
        await notices.close()

    def _claim(self) -> list[Lease]:
        room = self._most - len(self._held)
        return commands.claim(owner=self.owner, limit=room) if room > 0 else []

    def _beat(self) -> None:
        """Renew what is held; a run that is no longer ours is told so."""
        held = dict(self._held)
        ours = commands.renew(owner=self.owner, leases=[lease for lease, _ in held.values()]) if held else set()
        for run_id, (_, cancel) in held.items():
            if run_id not in ours:
                cancel.set()

    def _start(self, lease: Lease, notices: Notices) -> None:
        cancel = threading.Event()
        self._held[lease.run_id] = (lease, cancel)
        self._threads.submit(self._drive, lease, cancel, notices)

    def _drive(self, lease: Lease, cancel: threading.Event, notices: Notices) -> None:
        try:
            drive(lease, cancel=cancel, notify=notices.changed)
        finally:
            with suppress(Error):  # then the lease runs out by itself
                commands.release(lease=lease)
            connections.close_all()
            self._held.pop(lease.run_id, None)

    async def _let_go(self) -> None:
        for _, cancel in list(self._held.values()):
            cancel.set()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, lambda: self._threads.shutdown(wait=True))
        await self._on_clerk(connections.close_all)
        self._clerk.shutdown(wait=False)

    async def _on_clerk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._clerk, work)
