"""Live dashboards: a run's log over a websocket, each line once and in order, or a plain word that some are missing."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path

from service_base.callers import Caller
from service_base.errors import NotFound
from service_base.sockets import NOT_FOUND, TOO_SLOW, UNAUTHENTICATED, caller_in
from trading import queries, schemas
from trading.engine.notices import group_of
from trading.models import BotRun

log = structlog.get_logger("titan.dashboard")
POLL_SECONDS = 1.0
RESUME_SECONDS = 10.0
SEND_SECONDS = 5.0
RECHECK_SECONDS = 30.0
LINES_AT_ONCE = 200
# Further behind than this a viewer gets the newest lines and is told so, instead of waiting for all of them.
MOST_BEHIND = 5_000
SNAPSHOT = 200
BAD_MESSAGE = 4400


class RunDashboard(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`ws/v1/runs/{id}`.

    The viewer's first message is `{"after": <offset of the last line it has, or -1>}`. Then come `lines` (each with
    its offset, no offset twice, none left out), `snapshot` (too far behind: `recovered` is false, the newest lines
    only) and `run` (the run as it stands). Everything is read from the database; a notice of the channel layer only
    says that it is time to look, so a lost one costs a second.
    """

    async def connect(self) -> None:
        """Let the run's owner in; anybody else hears the same as for a run that does not exist."""
        self.follower: asyncio.Task[None] | None = None
        self.resume: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.wake = asyncio.Event()
        await self.accept()
        caller = await caller_in(self.scope)
        if caller is None:
            await self.close(code=UNAUTHENTICATED)
            return
        try:
            self.run = await sync_to_async(queries.run_for)(caller.id, self._run_id())
        except NotFound:
            await self.close(code=NOT_FOUND)
            return
        await self._join()
        self.follower = asyncio.create_task(self._follow(caller))

    async def disconnect(self, code: int) -> None:
        """Stop looking."""
        if self.follower is not None:
            self.follower.cancel()
            with suppress(asyncio.CancelledError):
                await self.follower
        if hasattr(self, "run"):
            with suppress(OSError, ConnectionError, TimeoutError):
                await self.channel_layer.group_discard(group_of(self.run.pk), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The viewer's first message; later ones change nothing."""
        if self.resume.done():
            return
        try:
            after = int(json.loads(text_data or "")["after"])
        except (ValueError, KeyError, TypeError):
            await self.close(code=BAD_MESSAGE)
            return
        self.resume.set_result(max(-1, after))

    async def run_changed(self, message: dict[str, Any]) -> None:
        """A notice: look now."""
        self.wake.set()

    # -- following the run -----------------------------------------------------------------------------------

    async def _follow(self, caller: Caller) -> None:
        try:
            async with asyncio.timeout(RESUME_SECONDS):
                offset = await self.resume
            await self._keep_up(offset)
        except TimeoutError:
            await self._leave(TOO_SLOW if self.resume.done() else BAD_MESSAGE)
        except NotFound:
            await self._leave(NOT_FOUND)

    async def _keep_up(self, offset: int) -> None:
        shown: dict[str, Any] | None = None
        checked_at = asyncio.get_running_loop().time()
        while True:
            self.wake.clear()
            offset = await self._catch_up(offset)
            state = schemas.show_state(self.run)
            if state != shown:
                await self._say({"type": "run", "offset": offset, "run": state})
                shown = state
            with suppress(TimeoutError):
                # `asyncio.wait_for` would swallow a cancellation that comes as it is done, and this go on for ever.
                async with asyncio.timeout(POLL_SECONDS):
                    await self.wake.wait()
            now = asyncio.get_running_loop().time()
            if now - checked_at > RECHECK_SECONDS:
                checked_at = now
                if await caller_in(self.scope) is None:
                    await self._leave(UNAUTHENTICATED)
                    return

    async def _catch_up(self, offset: int) -> int:
        """Send every line after `offset`; gives the offset of the last line sent."""
        self.run = await sync_to_async(_fresh)(self.run)
        if offset >= self.run.log_offset:
            # It has seen lines that this run does not have: another database, or one restored from a copy.
            return await self._snapshot()
        if self.run.log_offset - 1 - offset > MOST_BEHIND:
            return await self._snapshot()
        while offset < self.run.log_offset - 1:
            lines = await sync_to_async(queries.lines_after)(self.run, offset, limit=LINES_AT_ONCE)
            if not lines or lines[0].offset != offset + 1:
                return await self._snapshot()
            offset = lines[-1].offset
            shown = [schemas.show_line(line) for line in lines]
            await self._say({"type": "lines", "offset": offset, "recovered": True, "lines": shown})
        return offset

    async def _snapshot(self) -> int:
        lines = await sync_to_async(queries.newest_lines)(self.run, limit=SNAPSHOT)
        offset = lines[-1].offset if lines else -1
        shown = [schemas.show_line(line) for line in lines]
        await self._say({"type": "snapshot", "offset": offset, "recovered": False, "lines": shown})
        return offset

    async def _say(self, message: dict[str, Any]) -> None:
        # The socket's buffer is bounded: a reader who takes nothing for this long would hold its lines in memory.
        async with asyncio.timeout(SEND_SECONDS):
            await self.send(text_data=json.dumps(message))

    async def _leave(self, code: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self.close(code=code)

    async def _join(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self.channel_layer.group_add(group_of(self.run.pk), self.channel_name)
        except (OSError, ConnectionError, TimeoutError) as error:
            log.warning("dashboard.no_notices", error=str(error))

    def _run_id(self) -> UUID:
        found: UUID = self.scope["url_route"]["kwargs"]["run_id"]
        return found


def _fresh(run: BotRun) -> BotRun:
    return queries.run_for(run.user_id, run.pk)


websocket_urlpatterns = [path("ws/v1/runs/<uuid:run_id>", RunDashboard.as_asgi())]
