"""A broker in memory with Kafka's shape (partitions by key, groups, offsets), for tests and for trying things out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from zlib import crc32

from event_bus.broker import BrokerUnavailable, Consumer, Message, Producer, Record

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

    async def consumer(self, *, group: str, topics: Sequence[str]) -> Consumer:
        """The group's one member: this adapter does not share partitions out."""
        self.must_be_up()
        return MemoryConsumer(self, group, topics)


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
    """Reads from the group's committed offsets on."""

    def __init__(self, broker: MemoryBroker, group: str, topics: Sequence[str]) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._next: dict[tuple[str, int], int] = {}

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records after what was polled last; waits up to `timeout` seconds for some."""
        self._broker.must_be_up()
        found = self._take(limit)
        if not found:
            self._broker.arrived.clear()
            try:
                await asyncio.wait_for(self._broker.arrived.wait(), timeout)
            except TimeoutError:
                return []
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
        return self._next.get((topic, partition), self._broker.committed[self._group, topic, partition])

    async def commit(self) -> None:
        """Remember the positions for the group."""
        for (topic, partition), offset in self._next.items():
            self._broker.committed[self._group, topic, partition] = offset

    async def rewind(self) -> None:
        """Go back to the group's committed offsets."""
        self._next.clear()

    async def close(self) -> None:
        """Nothing to let go of."""
