"""A broker in memory with Kafka's shape (partitions by key, groups, offsets), for tests and for trying things out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from zlib import crc32

from event_bus.broker import BrokerUnavailable, Consumer, Fences, Message, Producer, Record
from event_bus.fences import Fence
from event_bus.pausing import pause

PARTITIONS = 6


class MemoryBroker:
    """Keeps every record of every topic; `down` makes it refuse, as a stopped broker would."""

    def __init__(self) -> None:
        self.logs: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.committed: dict[tuple[str, str, int], int] = defaultdict(int)
        self.arrived = asyncio.Event()
        self.down = False

    def must_be_up(self) -> None:
        """Raise BrokerUnavailable while `down`."""
        if self.down:
            raise BrokerUnavailable("the in-memory broker is down")

    def store(self, message: Message) -> None:
        """Append one message to its key's partition."""
        partition = crc32(message.key) % PARTITIONS
        log = self.logs[message.topic, partition]
        log.append(Record(message.topic, partition, len(log), message.key, message.value, message.headers))

    async def producer(self) -> Producer:
        """A producer of this broker."""
        self.must_be_up()
        return MemoryProducer(self)

    async def consumer(self, *, group: str, topics: Sequence[str], fences: Fences) -> Consumer:
        """The group's one member: this adapter does not share partitions out."""
        self.must_be_up()
        return MemoryConsumer(self, group, topics, fences)


class MemoryProducer:
    """Appends at once."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def send(self, messages: Sequence[Message]) -> None:
        """Append all messages in order. Raises BrokerUnavailable."""
        self._broker.must_be_up()
        for message in messages:
            self._broker.store(message)
        self._broker.arrived.set()

    async def close(self) -> None:
        """Nothing to let go of."""


class MemoryConsumer:
    """Reads from the fences on, or where there is none from the group's committed offsets."""

    cluster = "memory"

    def __init__(self, broker: MemoryBroker, group: str, topics: Sequence[str], fences: Fences) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._fences = fences
        self._begin: dict[tuple[str, int], Fence] | None = None
        self._next: dict[tuple[str, int], int] = {}

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records after what was polled last; waits up to `timeout` seconds for some."""
        self._broker.must_be_up()
        if self._begin is None:
            self._begin = await self._fences(self.cluster)
        found = self._take(limit)
        if not found:
            self._broker.arrived.clear()
            await pause(self._broker.arrived, timeout)
            found = self._take(limit)
        return found

    def _take(self, limit: int) -> list[Record]:
        taken: list[Record] = []
        for (topic, partition), log in sorted(self._broker.logs.items()):
            if topic in self._topics and len(taken) < limit:
                start = self._position(topic, partition)
                batch = log[start : start + limit - len(taken)]
                self._next[topic, partition] = start + len(batch)
                taken.extend(batch)
        return taken

    def _position(self, topic: str, partition: int) -> int:
        if (topic, partition) in self._next:
            return self._next[topic, partition]
        if not self._begin:
            return self._broker.committed[self._group, topic, partition]
        fence = self._begin.get((topic, partition))
        return fence.next_offset if fence else 0

    async def commit(self) -> None:
        """Remember the positions for the group."""
        for (topic, partition), offset in self._next.items():
            self._broker.committed[self._group, topic, partition] = offset

    def rewind(self) -> None:
        """Begin at the fences again."""
        self._next.clear()
        self._begin = None

    async def lag(self) -> dict[str, int]:
        """Records after the positions, by topic. Raises BrokerUnavailable."""
        self._broker.must_be_up()
        found: dict[str, int] = {}
        for (topic, partition), log in self._broker.logs.items():
            if topic in self._topics:
                found[topic] = found.get(topic, 0) + len(log) - self._position(topic, partition)
        return found

    async def close(self) -> None:
        """Nothing to let go of."""
