"""What a test itself does at the broker: make the topic, ask how far the group is, send records a second time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from event_bus.topics import ensure_topics

PARTITIONS = 6


def make_topic(bootstrap: str, topic: str, *, partitions: int = PARTITIONS) -> None:
    """Make the topic as the platform does at its start."""
    asyncio.run(ensure_topics(bootstrap, [topic], partitions=partitions))


def ends(bootstrap: str, topic: str) -> int:
    """How many records the topic has got in all."""
    return asyncio.run(_ends(bootstrap, topic))


def lag(bootstrap: str, topic: str, group: str) -> int:
    """How many records the group has yet to commit."""
    committed, end = asyncio.run(_standing(bootstrap, topic, group))
    return sum(end) - sum(committed)


def committed(bootstrap: str, topic: str, group: str) -> list[int]:
    """The group's committed offset of each partition."""
    return asyncio.run(_standing(bootstrap, topic, group))[0]


def retention_days(bootstrap: str, topic: str) -> float:
    """For how long the broker keeps what is in the topic."""
    return asyncio.run(_retention_days(bootstrap, topic))


async def _retention_days(bootstrap: str, topic: str) -> float:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    values = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    return int(values["retention.ms"]) / 86_400_000


async def _ends(bootstrap: str, topic: str) -> int:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as reader:
        return sum((await reader.end_offsets(await _places(reader, topic))).values())


async def _standing(bootstrap: str, topic: str, group: str) -> tuple[list[int], list[int]]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False) as reader:
        places = await _places(reader, topic)
        reader.assign(places)
        end = await reader.end_offsets(places)
        return [await reader.committed(place) or 0 for place in places], [end[place] for place in places]


async def _places(reader: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    partitions = None
    while not partitions:
        await reader._client.force_metadata_update()
        reader._client.add_topic(topic)
        partitions = reader.partitions_for_topic(topic)
    return [TopicPartition(topic, number) for number in sorted(partitions)]


class Duplicator:
    """Sends a share of the topic's records a second time under the same id, as a repeating producer would."""

    def __init__(self, bootstrap: str, topic: str, *, one_in: int) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._one_in = one_in
        self.sent = self.seen = 0
        self._late: list[Any] = []
        self._is_late = itertools.cycle((False, True))

    async def run(self, events: int) -> None:
        """Read until `events` different events were seen; repeat each `one_in`-th, every other of them at once."""
        seen: set[bytes] = set()
        reader = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
        async with reader, AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all") as writer:
            reader.assign(await _places(reader, self._topic))
            while len(seen) < events:
                found = await reader.getmany(timeout_ms=200, max_records=500)
                again = [record for batch in found.values() for record in batch if self._is_wanted(record, seen)]
                # However few come at once: a repetition in its original's batch is no second effect even without inbox.
                late = [next(self._is_late) for _ in again]
                self._late += itertools.compress(again, late)
                await self._send(writer, [record for record, later in zip(again, late, strict=True) if not later])
                self.seen = len(seen)

    async def repeat_late(self) -> None:
        """Repeat those that `run` has kept back."""
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all") as writer:
            await self._send(writer, self._late)

    async def _send(self, writer: AIOKafkaProducer, records: list[Any]) -> None:
        acks = [await writer.send(self._topic, key=r.key, value=r.value, headers=list(r.headers)) for r in records]
        await asyncio.gather(*acks)
        self.sent += len(acks)

    def _is_wanted(self, record: Any, seen: set[bytes]) -> bool:
        id_ = dict(record.headers)["ce_id"]
        if id_ in seen:
            return False
        seen.add(id_)
        return crc32(id_) % self._one_in == 0


@contextmanager
def beside(work: Coroutine[Any, Any, object]) -> Iterator[None]:
    """Run `work` on a loop and thread of its own while the block runs; a failing block ends it."""
    with ThreadPoolExecutor(1) as pool:
        loop = asyncio.new_event_loop()
        task = loop.create_task(work)
        done = pool.submit(loop.run_until_complete, task)
        try:
            yield
        except BaseException:
            loop.call_soon_threadsafe(task.cancel)
            raise
        done.result(60)
        loop.close()
