"""Reading from Kafka: every partition from its fence on, and no commit of what is no longer ours."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from event_bus.broker import BrokerUnavailable, Fences, Record
from event_bus.envelope import id_in
from event_bus.fences import Fence

log = structlog.get_logger("titan.consumer")

ANSWER_SECONDS = 10
# The fences are the truth; Kafka's offsets are for whoever watches the lag, and for a database without fences. While
# records keep coming they are told as rarely as Kafka's own clients do: the embedded broker saves its log each time.
COMMIT_SECONDS, BUSY_COMMIT_SECONDS = 1.0, 5.0
# How long a rebalance waits for the batch in hand to commit.
FINISH_SECONDS = 20.0
# `getmany` waits for the end of a rebalance, however long: nobody would notice a loop that stands there. All members
# have joined again within a minute; a rebalance that lasts longer ends for a new client or not at all.
TURN_SECONDS, REBALANCE_SECONDS = 1.0, 90.0


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Polls across all its partitions and commits only those it still owns."""

    def __init__(self, client: AIOKafkaConsumer, fences: Fences) -> None:
        self._client = client
        self._fences = fences
        self._lined_up: set[TopicPartition] = set()
        self._expected: dict[TopicPartition, Fence] = {}
        self._polled: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}
        self._last_commit = 0.0
        self._last_answer = monotonic()
        self._idle = asyncio.Event()
        self._idle.set()
        self.cluster = ""

    async def ask_cluster(self) -> None:
        """Learn the cluster's id, by which fences are kept apart. Raises BrokerUnavailable."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                node = self._client._client.get_random_node()
                self.cluster = (await self._client._client.send(node, MetadataRequest([]))).cluster_id or ""
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records in partition order; empty after `timeout` seconds. Raises BrokerUnavailable."""
        try:
            # During a rebalance those held are the old ones: moved back, they would look as if much waited in them.
            if not self._client._subscription.reassignment_in_progress:
                await self._line_up()
            batches = await self._batches(timeout, limit)
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
        records: list[Record] = []
        for partition, batch in batches.items():
            # A partition that came during the poll has not been moved to its fence yet: the next poll does that.
            if partition in self._lined_up and (wanted := await self._past_the_fence(partition, as_records(batch))):
                records.extend(wanted)
                self._polled[partition] = batch[-1].offset + 1
        for partition in self._expected.keys() & self._lined_up & self._client.assignment():
            # It ends where its last handled record should lie: another topic, and nothing would come to tell by.
            if self._client.highwater(partition) == self._expected[partition].next_offset - 1:
                log.warning("consumer.topic_made_anew", **partition._asdict(), fence=self._expected.pop(partition)[0])
                await self._client.seek_to_beginning(partition)
        if records:
            self._idle.clear()
        return records

    async def _batches(self, timeout: float, limit: int) -> dict[TopicPartition, Sequence[Any]]:
        """What the client has for us; nothing during a rebalance. Raises TimeoutError when that has no end."""
        found: dict[TopicPartition, Sequence[Any]]
        try:
            async with asyncio.timeout(timeout + TURN_SECONDS):
                # It takes records out and waits no more, so that none are lost with a wait that is cut short.
                found = await self._client.getmany(timeout_ms=int(timeout * 1000), max_records=limit)
        except TimeoutError as error:
            if monotonic() - self._last_answer > REBALANCE_SECONDS:
                raise TimeoutError(f"a rebalance has not ended for {REBALANCE_SECONDS:.0f} s") from error
            return {}
        self._last_answer = monotonic()
        return found

    async def commit(self) -> None:
        """What was polled is done: tell the broker of the partitions still owned, once nothing came or in a while."""
        after = BUSY_COMMIT_SECONDS if self._polled else COMMIT_SECONDS
        self._done.update(self._polled)
        self._polled.clear()
        self._idle.set()
        if monotonic() - self._last_commit >= after:
            await self._commit()

    def rewind(self) -> None:
        """The next poll begins at the fences again."""
        self._polled.clear()
        self._lined_up = set()
        self._idle.set()

    async def lag(self) -> dict[str, int]:
        """Records that wait in the partitions held here, by topic. Raises BrokerUnavailable."""
        found = Counter[str]()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                owned = [partition for partition in self._client.assignment() if partition in self._lined_up]
                ends = await self._client.end_offsets(owned) if owned else {}
                for partition, end in ends.items():
                    found[partition.topic] += max(0, end - await self._client.position(partition))
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
        return found

    async def close(self) -> None:
        """Commit what is done and leave the group, within a bounded time."""
        from event_bus.kafka import stop

        await self._commit()
        await stop(self._client)

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Let the batch in hand commit before its partitions go to somebody else."""
        waiting = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait({waiting}, timeout=FINISH_SECONDS)
        waiting.cancel()
        await self._commit()
        self._done.clear()
        self._lined_up = set()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """The next poll moves them to their fences."""
        self._lined_up = set()

    async def _commit(self) -> None:
        self._done = {place: offset for place, offset in self._done.items() if place in self._client.assignment()}
        self._last_commit = monotonic()
        if not (offsets := dict(self._done)):
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._client.commit(offsets)
        except (KafkaError, TimeoutError, IllegalStateError) as error:
            # The fences hold, and the inbox makes redelivery harmless: a failed commit is not worth stopping for. It is
            # repeated, so that whoever watches the lag does not wait for the next event.
            log.info("consumer.commit_failed", error=f"{type(error).__name__}: {error}")
        else:
            self._done = {place: offset for place, offset in self._done.items() if offsets.get(place) != offset}

    async def _line_up(self) -> None:
        """Move newly assigned partitions to where this database's effects end."""
        lined_up = self._lined_up  # a rebalance meanwhile begins another set, in which nothing is lined up
        if not (new := self._client.assignment() - lined_up):
            return
        fences = await self._fences(self.cluster)
        for partition in new:
            try:
                await self._begin(partition, fences)
            except IllegalStateError:
                return  # it was taken away meanwhile; the next poll looks again
            lined_up.add(partition)

    async def _begin(self, partition: TopicPartition, fences: dict[tuple[str, int], Fence]) -> None:
        fence = fences.get((partition.topic, partition.partition))
        self._expected.pop(partition, None)
        async with asyncio.timeout(ANSWER_SECONDS):
            if fence is not None:
                # The last handled record is read once more: by its id we see whether this is still the same topic.
                self._client.seek(partition, max(0, fence.next_offset - 1))
                self._expected[partition] = fence
            elif not fences and (committed := await self._client.committed(partition)) is not None:
                # Only a database older than its first fence believes Kafka: with other fences, this one would be there.
                self._client.seek(partition, committed)
            else:
                await self._client.seek_to_beginning(partition)

    async def _past_the_fence(self, partition: TopicPartition, records: list[Record]) -> list[Record]:
        """The records that come after the fence; none, and back to the beginning, when the topic was made anew."""
        fence = self._expected.pop(partition, None)
        first = records[0]
        if fence is None:
            return records
        if first.offset == fence.next_offset - 1 and id_in(first.headers) == fence.event_id:
            self._done[partition] = fence.next_offset  # perhaps the broker was never told
            return records[1:]
        if first.offset >= fence.next_offset:
            if missing := first.offset - fence.next_offset:
                # The topic no longer keeps what was not handled in time; somebody has to know.
                log.error("consumer.gap", topic=first.topic, partition=first.partition, missing=missing)
            return records
        log.warning("consumer.topic_made_anew", topic=first.topic, partition=first.partition, fence=fence.next_offset)
        if first.offset == 0:
            return records
        await self._client.seek_to_beginning(partition)
        return []


def as_records(batch: Sequence[Any]) -> list[Record]:
    """aiokafka's records as the bus's own; what has no key or no body has an empty one."""
    return [Record(r.topic, r.partition, r.offset, r.key or b"", r.value or b"", r.headers) for r in batch]
