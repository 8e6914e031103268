"""The consumer loop: poll, commit effects, commit offsets; survive what passes, stop on what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic

import structlog

from event_bus import fences, metrics, parking
from event_bus.apply import TRANSIENT, Applier, Outcome, reason_of
from event_bus.breaker import Breaker
from event_bus.broker import Broker, BrokerUnavailable, Consumer, Record
from event_bus.database_thread import DatabaseThread
from event_bus.fences import Fence
from event_bus.pausing import LONGEST_BACKOFF, pause
from event_bus.watchdog import Watchdog

log = structlog.get_logger("titan.consumer")

POLL_SECONDS = 0.5
# A batch should take about this long: long enough to share a commit, short enough to hand over and to stop.
BATCH_SECONDS = 2.0
SMALLEST_BATCH, LARGEST_BATCH = 20, 2000
LAG_EVERY_SECONDS = 5.0
STUCK_SECONDS = 60.0


class Stuck(RuntimeError):
    """Records wait, yet the client delivers none: only a new process helps (aiokafka #1154 and its kin)."""


class ConsumerLoop:
    """Applies events of `topics` for one consumer group until stopped.

    Effects, inbox rows and fences commit first, offsets after: whatever happens in between, an event is applied once.
    """

    def __init__(self, broker: Broker, *, group: str, topics: Sequence[str], watchdog: Watchdog | None = None) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._watchdog = watchdog or Watchdog()
        self._client: Consumer | None = None
        self._database = DatabaseThread("consumer")
        self._breaker = Breaker()
        self._batch = 500
        self._last_records = self._last_lag = monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. Raises BreakerOpen or Stuck, which end the process so that somebody looks."""
        backoff = 0.2
        try:
            while not stop.is_set():
                self._watchdog.beat("consumer")
                try:
                    await self.step()
                    backoff = 0.2
                except (BrokerUnavailable, *TRANSIENT) as error:
                    log.warning("consumer.retry", error=reason_of(error), retry_seconds=backoff)
                    await self._recover(error)
                    await pause(stop, backoff)
                    backoff = min(backoff * 2, LONGEST_BACKOFF)
        finally:
            self._watchdog.forget("consumer")
            await self.close()

    async def step(self) -> Outcome:
        """One poll and its effects; the offsets are committed only after the effects are."""
        if self._client is None:
            self._breaker.remember(await self._database.run(parking.lately, self._group))
            self._client = await self._broker.consumer(group=self._group, topics=self._topics, fences=self._fences)
            self._last_records = monotonic()
        records = await self._client.poll(timeout=POLL_SECONDS, limit=self._batch)
        outcome = await self._apply(records, self._client.cluster) if records else Outcome()
        await self._client.commit()
        if monotonic() - self._last_lag >= LAG_EVERY_SECONDS:
            await self._measure_lag(self._client)
        return outcome

    async def close(self) -> None:
        """Leave the group and close the database connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        await self._database.close()

    async def _apply(self, records: Sequence[Record], cluster: str) -> Outcome:
        started = self._last_records = monotonic()
        outcome = await self._database.run(Applier(self._group, cluster, self._breaker).apply, records)
        each = (monotonic() - started) / len(records)
        self._batch = max(SMALLEST_BATCH, min(LARGEST_BATCH, int(BATCH_SECONDS / each)))
        return outcome

    async def _fences(self, cluster: str) -> dict[tuple[str, int], Fence]:
        return await self._database.run(fences.all_of, self._group, cluster)

    async def _measure_lag(self, client: Consumer) -> None:
        self._last_lag = monotonic()
        lag = await client.lag()
        for topic in self._topics:
            metrics.lag.labels(topic).set(lag.get(topic, 0))
        if not sum(lag.values()):
            metrics.lag_seconds.set(0)
            self._last_records = monotonic()
        elif monotonic() - self._last_records > STUCK_SECONDS:
            raise Stuck(f"{sum(lag.values())} records wait, but none came for {STUCK_SECONDS:.0f} s")

    async def _recover(self, error: Exception) -> None:
        self._last_records = monotonic()
        await self._database.disconnect()
        if self._client is None:
            return
        if isinstance(error, BrokerUnavailable):
            client, self._client = self._client, None
            await client.close()
        else:
            self._client.rewind()
