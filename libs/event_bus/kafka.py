"""Kafka through aiokafka, with the bounds that aiokafka itself lacks. The only module that imports it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from event_bus.broker import BrokerUnavailable, Consumer, Message, Producer, Record

SEND_SECONDS = 10
STOP_SECONDS = 3
START_SECONDS = 20


class KafkaBroker:
    """A Kafka cluster at `bootstrap` (`host:port`, comma-separated)."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self.bootstrap = bootstrap
        self.client_id = client_id

    async def producer(self) -> Producer:
        """A started idempotent producer. Raises BrokerUnavailable."""
        client = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            client_id=self.client_id,
            enable_idempotence=True,
            acks="all",
            max_batch_size=262_144,
            request_timeout_ms=10_000,
            retry_backoff_ms=200,
        )
        await _start(client)
        return KafkaProducer(client)

    async def consumer(self, *, group: str, topics: Sequence[str]) -> Consumer:
        """A started group member. Raises BrokerUnavailable."""
        client = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=self.bootstrap,
            client_id=self.client_id,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=30_000,
            heartbeat_interval_ms=3_000,
            max_partition_fetch_bytes=1_048_576,
            metadata_max_age_ms=30_000,
        )
        await _start(client)
        return KafkaConsumer(client)


class KafkaProducer:
    """Many sends, then one wait: per-record waiting is fifteen times slower."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def send(self, messages: Sequence[Message]) -> None:
        """Return when all are acknowledged. Raises BrokerUnavailable; then close this producer and make another."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                acks = [
                    await self._client.send(m.topic, value=m.value, key=m.key, headers=list(m.headers))
                    for m in messages
                ]
                await asyncio.gather(*acks)
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Stop; an idempotent producer without a broker would wait for ever, so the wait is cut."""
        await _stop(self._client)


class KafkaConsumer:
    """Polls across all its partitions and commits only those it still owns."""

    def __init__(self, client: AIOKafkaConsumer) -> None:
        self._client = client
        self._next: dict[TopicPartition, int] = {}

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records in partition order; empty after `timeout` seconds. Raises BrokerUnavailable."""
        try:
            batches = await self._client.getmany(timeout_ms=int(timeout * 1000), max_records=limit)
        except KafkaError as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
        records: list[Record] = []
        for partition, batch in batches.items():
            self._next[partition] = batch[-1].offset + 1
            records.extend(
                Record(r.topic, r.partition, r.offset, r.key or b"", r.value or b"", r.headers) for r in batch
            )
        return records

    async def commit(self) -> None:
        """Commit what was polled of the partitions still owned; a lost partition's new owner redoes it, harmlessly."""
        owned = self._client.assignment()
        offsets = {partition: offset for partition, offset in self._next.items() if partition in owned}
        self._next.clear()
        if not offsets:
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._client.commit(offsets)
        except (CommitFailedError, IllegalStateError, KafkaError, TimeoutError):
            # The inbox makes the redelivery harmless, so a failed commit is not worth stopping for.
            return

    async def rewind(self) -> None:
        """Seek back to the last commit of each owned partition."""
        self._next.clear()
        for partition in self._client.assignment():
            committed = await self._client.committed(partition)
            if committed is None:
                await self._client.seek_to_beginning(partition)
            else:
                self._client.seek(partition, committed)

    async def close(self) -> None:
        """Leave the group within a bounded time."""
        await _stop(self._client)


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            await client.start()
    except (KafkaError, TimeoutError, OSError) as error:
        await _stop(client)
        raise BrokerUnavailable(f"no Kafka broker answers: {type(error).__name__}: {error}") from error


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    stopping = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait({stopping}, timeout=STOP_SECONDS)
    if not done:
        stopping.cancel()
