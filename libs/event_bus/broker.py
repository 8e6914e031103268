"""What the bus needs of a broker; Kafka and the in-memory adapter both are one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from event_bus.fences import Fence


class Message(NamedTuple):
    """A record to send."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Record(NamedTuple):
    """A record that was received."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


# Where a consumer's effects end on the named cluster, by (topic, partition).
Fences = Callable[[str], "Awaitable[dict[tuple[str, int], Fence]]"]


class BrokerUnavailable(ConnectionError):
    """The broker cannot be reached, or did not answer within the bound; `acknowledged` are the messages it did take."""

    def __init__(self, reason: str, acknowledged: Sequence[int] = ()) -> None:
        super().__init__(reason)
        self.acknowledged = acknowledged


class Producer(Protocol):
    """Sends batches; after any error it must be closed and made anew."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Return when all messages are acknowledged, in order per key. Raises BrokerUnavailable."""

    async def close(self) -> None:
        """Let go within a bounded time."""


class Consumer(Protocol):
    """Receives batches for one consumer group, each partition from its fence on."""

    cluster: str

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records in partition order; empty after `timeout` seconds without any."""

    async def commit(self) -> None:
        """Everything polled so far is done: let the broker know, now or soon. Losing this only causes redelivery."""

    def rewind(self) -> None:
        """Forget what was polled and not committed; the next poll begins at the fences again."""

    async def lag(self) -> dict[str, int]:
        """Records that wait in the partitions held here, by topic. Raises BrokerUnavailable."""

    async def close(self) -> None:
        """Leave the group within a bounded time."""


class Broker(Protocol):
    """Makes producers and consumers."""

    async def producer(self) -> Producer:
        """A started producer."""

    async def consumer(self, *, group: str, topics: Sequence[str], fences: Fences) -> Consumer:
        """A started member of `group` reading `topics` from the beginning where there is neither fence nor commit."""
