"""The consumer loop: poll, commit effects, commit offsets; survive what passes, stop on what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from event_bus.apply import TRANSIENT, Outcome, apply_batch, reason_of
from event_bus.broker import Broker, BrokerUnavailable, Consumer, Record
from event_bus.pausing import pause
from event_bus.relay import LONGEST_BACKOFF, disconnect

log = structlog.get_logger("titan.consumer")

POLL_SECONDS = 0.5
BATCH = 500
# A bad deployment must not pour the topic into the parking table.
BREAKER_CONSECUTIVE = 20


class BreakerOpen(RuntimeError):
    """Too many events in a row had to be parked: the fault is here, not in the events."""


class ConsumerLoop:
    """Applies events of `topics` for one consumer group until stopped.

    Effects and inbox rows commit first, offsets after: whatever happens in between, an event is applied once.
    """

    def __init__(self, broker: Broker, *, group: str, topics: Sequence[str]) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._client: Consumer | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consumer")
        self._parked_in_a_row = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. Raises BreakerOpen, which ends the process so that somebody looks."""
        backoff = 0.2
        try:
            while not stop.is_set():
                try:
                    await self.step()
                    backoff = 0.2
                except (BrokerUnavailable, *TRANSIENT) as error:
                    log.warning("consumer.retry", error=reason_of(error), retry_seconds=backoff)
                    await self._recover(error)
                    await pause(stop, backoff)
                    backoff = min(backoff * 2, LONGEST_BACKOFF)
        finally:
            await self.close()

    async def step(self) -> Outcome:
        """One poll and its effects; the offsets are committed only after the effects are."""
        if self._client is None:
            self._client = await self._broker.consumer(group=self._group, topics=self._topics)
        records = await self._client.poll(timeout=POLL_SECONDS, limit=BATCH)
        if not records:
            return Outcome()
        outcome = await self._in_thread(records)
        await self._client.commit()
        self._watch(outcome)
        return outcome

    async def close(self) -> None:
        """Leave the group and close the database connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None
        await asyncio.get_running_loop().run_in_executor(self._thread, disconnect)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, records: Sequence[Record]) -> Outcome:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, apply_batch, self._group, records)

    async def _recover(self, error: Exception) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, disconnect)
        if self._client is None:
            return
        if isinstance(error, BrokerUnavailable):
            await self._client.close()
            self._client = None
        else:
            await self._client.rewind()

    def _watch(self, outcome: Outcome) -> None:
        self._parked_in_a_row = self._parked_in_a_row + outcome.parked if not outcome.handled else 0
        if self._parked_in_a_row > BREAKER_CONSECUTIVE:
            raise BreakerOpen(
                f"{self._parked_in_a_row} events in a row were parked; fix the handler, then `titan replay`"
            )
