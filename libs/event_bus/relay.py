"""The relay: one leader a shard reads the outbox in order, sends, waits for acknowledgement, deletes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple

import structlog
from django.db import DatabaseError, InterfaceError, connection

from event_bus import metrics
from event_bus.broker import Broker, BrokerUnavailable, Message, Producer
from event_bus.database_thread import DatabaseThread
from event_bus.envelope import to_headers
from event_bus.leadership import Leadership
from event_bus.pausing import LONGEST_BACKOFF, pause
from event_bus.watchdog import Watchdog
from shared_models.clock import utc_now

log = structlog.get_logger("titan.relay")

# Of long bodies fewer are read at once: when the broker comes back after an hour, they are not all to lie in memory.
BATCH, MOST_BYTES = 2000, 32_000_000
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.25
IDLE_AFTER_SECONDS = 5.0
FOLLOWER_SECONDS = 1.0
DEPTH_EVERY_SECONDS = 5.0
# While whole batches come, reading goes on behind the last one instead of stepping over the rows it left dead, up to
# the newest row that was there at the front. Rows of transactions that committed late lie before that, so at least this
# often reading begins at the front; what was appended to their keys since then lies past that newest row.
FROM_THE_FRONT_SECONDS = 1.0
ENDLESS = 2**63 - 1
_READ = """
    SELECT seq, topic, key, type, event_id::text, headers ->> 'source', headers ->> 'traceparent', payload,
           to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), (SELECT max(seq) FROM outbox)
    FROM (SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS so_far FROM (
      SELECT * FROM outbox WHERE seq > %s AND seq <= %s AND (%s = 1 OR mod(hashtext(key)::bigint + 2147483648, %s) = %s)
      ORDER BY seq LIMIT %s) AS next) AS waiting WHERE so_far <= %s ORDER BY seq
"""
_FORGET = """
    WITH gone AS (DELETE FROM outbox USING json_to_recordset(%s::json) AS sent(seq bigint)
                  WHERE outbox.seq = sent.seq RETURNING outbox.type),
         told AS (SELECT type, count(*) AS number FROM gone GROUP BY type)
    INSERT INTO published_count (type, count) SELECT type, number FROM told ORDER BY type
    ON CONFLICT (type) DO UPDATE SET count = published_count.count + EXCLUDED.count
    RETURNING type, (SELECT number FROM told WHERE told.type = published_count.type)
"""
_DEPTH = "SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS waiting"


class Waiting(NamedTuple):
    """An outbox row as the relay needs it."""

    seq: int
    topic: str
    key: str
    type: str
    event_id: str
    source: str
    traceparent: str | None
    payload: str
    time: str
    newest: int

    def message(self) -> Message:
        """The row as it goes to the broker."""
        headers = to_headers(
            event_id=self.event_id,
            type_=self.type,
            key=self.key,
            source=self.source,
            time=self.time,
            traceparent=self.traceparent,
        )
        return Message(self.topic, self.key.encode(), self.payload.encode(), headers)


class Relay:
    """Sends what its share of the outbox holds, in order, for as long as `run` runs.

    Only the holder of the session locks reads, so two relays never reorder a key. Rows are deleted after the
    acknowledgement: a crash in between sends them again under the same id, which every inbox recognises.
    """

    def __init__(self, broker: Broker, shard: int = 0, shards: int = 1, watchdog: Watchdog | None = None) -> None:
        self._broker = broker
        self._producer: Producer | None = None
        self._database = DatabaseThread("relay")
        self._shard, self._share = shard, (shards, shards, shard)
        self._leadership = Leadership(shard, shards)
        self._watchdog = watchdog or Watchdog()
        self._behind, self._until = 0, ENDLESS
        self._last_front = self._last_depth = self._last_sent = monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; every error of broker or database is survived with a growing pause."""
        backoff = 0.2
        name = f"relay-{self._shard}"
        while not stop.is_set():
            self._watchdog.beat(name)
            try:
                seconds = await self.step()
                backoff = 0.2
            except BrokerUnavailable as error:
                log.warning("relay.broker_unavailable", error=str(error), retry_seconds=backoff)
                await self._drop_producer()
                seconds, backoff = backoff, min(backoff * 2, LONGEST_BACKOFF)
            except (DatabaseError, InterfaceError) as error:
                log.warning("relay.database_unavailable", error=str(error), retry_seconds=backoff)
                await self._database.disconnect()
                seconds, backoff = backoff, min(backoff * 2, LONGEST_BACKOFF)
            await pause(stop, seconds)
        self._watchdog.forget(name)
        await self.close()

    async def step(self) -> float:
        """Send one batch if this relay leads; the seconds to wait before the next step."""
        rows = await self._database.run(self._next_batch)
        if rows is None:
            return FOLLOWER_SECONDS
        if not rows:
            self._behind = 0
            return IDLE_SECONDS if monotonic() - self._last_sent > IDLE_AFTER_SECONDS else BUSY_SECONDS
        await self._send(rows)
        self._last_sent = monotonic()
        self._behind = rows[-1].seq if len(rows) == BATCH else 0
        return 0.0 if len(rows) == BATCH else BUSY_SECONDS

    async def close(self) -> None:
        """Give up leadership and the broker connection."""
        await self._drop_producer()
        await self._database.close()

    async def _send(self, rows: Sequence[Waiting]) -> None:
        if self._producer is None:
            self._producer = await self._broker.producer()
        try:
            await self._producer.send([row.message() for row in rows])
        except BrokerUnavailable as error:
            # Partitions that do answer go on; what they took is not sent again.
            self._behind = 0
            await self._database.run(_forget, [rows[place].seq for place in error.acknowledged])
            raise
        await self._database.run(_forget, [row.seq for row in rows])

    async def _drop_producer(self) -> None:
        # After an error an idempotent producer may be wedged for ever; only a new one is trusted.
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close()

    def _next_batch(self) -> list[Waiting] | None:
        """The oldest rows, or None when another relay leads."""
        leads = self._leadership.is_held()
        metrics.relay_leads.labels(str(self._shard)).set(leads)
        if not leads:
            return None
        if not self._behind or monotonic() - self._last_front >= FROM_THE_FRONT_SECONDS:
            self._behind, self._until, self._last_front = 0, ENDLESS, monotonic()
        with connection.cursor() as cursor:
            cursor.execute(_READ, [self._behind, self._until, *self._share, BATCH, MOST_BYTES])
            rows = [Waiting(*row) for row in cursor.fetchall()]
            self._measure_depth()
        if rows and not self._behind:
            self._until = rows[0].newest
        oldest = datetime.fromisoformat(rows[0].time) if rows else utc_now()
        metrics.outbox_oldest.set((utc_now() - oldest).total_seconds())
        return rows

    def _measure_depth(self) -> None:
        if monotonic() - self._last_depth >= DEPTH_EVERY_SECONDS:
            self._last_depth = monotonic()
            with connection.cursor() as cursor:
                cursor.execute(_DEPTH)
                metrics.outbox_waiting.set(cursor.fetchone()[0])


def _forget(sent: Sequence[int]) -> None:
    """Delete acknowledged rows and count them, both or neither; rows that another relay deleted are not counted."""
    if not sent:
        return
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [json.dumps([{"seq": seq} for seq in sent])])
        for type_, number in cursor.fetchall():
            metrics.sent.labels(type_).inc(number)
