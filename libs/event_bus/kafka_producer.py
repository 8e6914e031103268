"""Sending to Kafka in batches that are built here: a future for each record would cost more than the record."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from event_bus.broker import BrokerUnavailable, Message

SEND_SECONDS = 10


class KafkaProducer:
    """Sends many messages, then waits once."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def send(self, messages: Sequence[Message]) -> None:
        """Return when all are acknowledged. Raises BrokerUnavailable; then close this producer and make another."""
        acknowledged: list[int] = []
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(SEND_SECONDS):
                sent = await self._hand_over(messages)
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
        _, late = await asyncio.wait([future for future, _ in sent], timeout=SEND_SECONDS)
        for future, places in sent:
            if future in late:
                failure = TimeoutError(f"no acknowledgement within {SEND_SECONDS} s")
            elif (refused := future.exception()) is not None:
                failure = refused
            else:
                acknowledged.extend(places)
        if failure is not None:
            raise BrokerUnavailable(f"{type(failure).__name__}: {failure}", acknowledged) from failure

    async def close(self) -> None:
        """Stop within bounds."""
        from event_bus.kafka import stop

        await stop(self._client)

    async def _hand_over(self, messages: Sequence[Message]) -> list[tuple[asyncio.Future[Any], list[int]]]:
        """Each partition's messages in their order, and for each batch which of them it holds."""
        sent: list[tuple[asyncio.Future[Any], list[int]]] = []
        for (topic, partition), places in (await self._by_partition(messages)).items():
            batch = self._client.create_batch()
            held: list[int] = []
            for place in places:
                if not self._append(batch, messages[place]):
                    sent.append((await self._client.send_batch(batch, topic, partition=partition), held))
                    batch, held = self._client.create_batch(), []
                    self._append(batch, messages[place])
                held.append(place)
            sent.append((await self._client.send_batch(batch, topic, partition=partition), held))
        return sent

    async def _by_partition(self, messages: Sequence[Message]) -> dict[tuple[str, int], list[int]]:
        counts: dict[str, int] = {}
        found: dict[tuple[str, int], list[int]] = defaultdict(list)
        for place, message in enumerate(messages):
            if message.topic not in counts:
                counts[message.topic] = len(await self._client.partitions_for(message.topic))
            found[message.topic, _hash(message.key) % counts[message.topic]].append(place)
        return found

    def _append(self, batch: Any, message: Message) -> bool:
        return batch.append(key=message.key, value=message.value, timestamp=None, headers=message.headers) is not None


@lru_cache(maxsize=65_536)
def _hash(key: bytes) -> int:
    """As Kafka's own clients choose the partition, so that any producer of a key agrees with us."""
    return int(murmur2(key)) & 0x7FFFFFFF
