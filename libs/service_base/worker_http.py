"""The worker's own HTTP: `GET /healthz`, `/readyz` and `/metrics`, answered inside its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service_base.addresses import worker_port_of
from service_base.env import env
from service_base.reachability import broker_answers

log = structlog.get_logger("titan.worker")
TAKEN_SECONDS = 5.0
PROBE_SECONDS = 3.0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker, which stops all of its parts."""
        yield


class WorkerHttp:
    """Serves the three addresses on the worker's port for as long as `run` runs."""

    def __init__(self, context: str, *, port: int | None = None) -> None:
        self.has_begun = False
        self._context = context
        self._port = port

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. While another worker of this machine has the port, wait for it to become free."""
        from event_bus.pausing import pause

        port = self._port if self._port is not None else worker_port_of(self._context)
        told = False
        while not stop.is_set():
            try:
                listening = socket.create_server((env().host, port), family=_family(env().host))
            except OSError as error:
                if not told:
                    log.warning("worker.http_port_taken", port=port, error=error.strerror)
                told = True
                await pause(stop, TAKEN_SECONDS)
                continue
            await self._serve(listening, stop)

    async def _serve(self, listening: socket.socket, stop: asyncio.Event) -> None:
        config = uvicorn.Config(
            self, lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.should_exit = True
        await serving

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, as ASGI."""
        status, kind, body = await self._answer(scope["path"])
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest()
        if path == "/healthz":
            return _json(200, {"status": "ok", "service": self._context})
        if path == "/readyz":
            missing = await self._missing()
            status = "not ready" if missing else "ready"
            return _json(503 if missing else 200, {"status": status, "service": self._context, "missing": missing})
        return _json(404, {"title": "Not found", "status": 404, "detail": "Here are /healthz, /readyz and /metrics."})

    async def _missing(self) -> list[str]:
        """What keeps this worker from its work: the database at its schema, the broker, its own beginning."""
        database, broker = await asyncio.gather(asyncio.to_thread(_database), _broker())
        found = [*database, *broker]
        return found or ([] if self.has_begun else ["has not begun yet"])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def _broker() -> list[str]:
    bootstrap = env().kafka_bootstrap
    return [] if await broker_answers(bootstrap, seconds=PROBE_SECONDS) else [f"no Kafka broker answers at {bootstrap}"]


def _database() -> list[str]:
    from django.db import connections

    from service_base.health import lacking_databases

    try:
        return lacking_databases()
    finally:
        connections.close_all()


def _json(status: int, body: dict[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(body).encode()
