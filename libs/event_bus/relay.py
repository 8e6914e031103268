"""The relay: one leader a service reads the outbox in order, sends, waits for acknowledgement, deletes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from zlib import crc32

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F

from event_bus import metrics
from event_bus.broker import Broker, BrokerUnavailable, Message, Producer
from event_bus.envelope import to_headers
from event_bus.models import OutboxEvent, PublishedCount
from event_bus.pausing import pause
from shared_models.clock import utc_now

log = structlog.get_logger("titan.relay")

T = TypeVar("T")

BATCH = 500
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.25
IDLE_AFTER_SECONDS = 5.0
FOLLOWER_SECONDS = 1.0
LONGEST_BACKOFF = 10.0


class Relay:
    """Sends what the outbox holds, in order, for as long as `run` runs.

    Only the holder of the session lock reads, so two relays never reorder a key. Rows are deleted after the
    acknowledgement: a crash in between sends them again under the same id, which every inbox recognises.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._producer: Producer | None = None
        # All database work happens on one thread, because the lock belongs to one connection.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay")
        self._last_sent = utc_now()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; every error of broker or database is survived with a growing pause."""
        backoff = 0.2
        while not stop.is_set():
            try:
                seconds = await self.step()
                backoff = 0.2
            except BrokerUnavailable as error:
                log.warning("relay.broker_unavailable", error=str(error), retry_seconds=backoff)
                await self._drop_producer()
                seconds, backoff = backoff, min(backoff * 2, LONGEST_BACKOFF)
            except (DatabaseError, InterfaceError) as error:
                log.warning("relay.database_unavailable", error=str(error), retry_seconds=backoff)
                await self._in_thread(disconnect)
                seconds, backoff = backoff, min(backoff * 2, LONGEST_BACKOFF)
            await pause(stop, seconds)
        await self.close()

    async def step(self) -> float:
        """Send one batch if this relay leads; the seconds to wait before the next step."""
        rows = await self._in_thread(_next_batch)
        if rows is None:
            return FOLLOWER_SECONDS
        if not rows:
            idle = (utc_now() - self._last_sent).total_seconds()
            return IDLE_SECONDS if idle > IDLE_AFTER_SECONDS else BUSY_SECONDS
        if self._producer is None:
            self._producer = await self._broker.producer()
        await self._producer.send([_message(row) for row in rows])
        await self._in_thread(_forget, rows)
        self._last_sent = utc_now()
        return 0.0 if len(rows) == BATCH else BUSY_SECONDS

    async def close(self) -> None:
        """Give up leadership and the broker connection."""
        await self._drop_producer()
        await self._in_thread(disconnect)
        self._thread.shutdown(wait=False)

    async def _drop_producer(self) -> None:
        # After an error an idempotent producer may be wedged for ever; only a new one is trusted.
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close()

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _next_batch() -> list[OutboxEvent] | None:
    """The oldest rows, or None when another relay leads."""
    if not _leads():
        return None
    rows = list(OutboxEvent.objects.order_by("seq")[:BATCH])
    metrics.outbox_oldest.set((utc_now() - rows[0].occurred_at).total_seconds() if rows else 0)
    return rows


def _leads() -> bool:
    key = crc32(f"titan.relay.{settings.TITAN_CONTEXT}".encode())
    with connection.cursor() as cursor:
        # Taking a lock one already holds would count up, so first ask whether this session has it.
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            " AND objid = %s::bigint::oid AND classid = 0) OR pg_try_advisory_lock(%s)",
            [key, key],
        )
        return bool(cursor.fetchone()[0])


def _forget(rows: list[OutboxEvent]) -> None:
    with transaction.atomic():
        OutboxEvent.objects.filter(seq__in=[row.seq for row in rows]).delete()
        for type_, count in Counter(row.type for row in rows).items():
            metrics.sent.labels(type_).inc(count)
            PublishedCount.objects.get_or_create(type=type_)
            PublishedCount.objects.filter(type=type_).update(count=F("count") + count)


def disconnect() -> None:
    """Close this thread's connection; `connection.close` itself would be looked up on the caller's thread."""
    connection.close()


def _message(row: OutboxEvent) -> Message:
    return Message(row.topic, row.key.encode(), row.payload.encode(), to_headers(row))
