"""What the bus needs of a broker; Kafka and the in-memory adapter both are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A record to send."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Record:
    """A record that was received."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class BrokerUnavailable(ConnectionError):
    """The broker cannot be reached, or did not answer within the bound."""


class Producer(Protocol):
    """Sends batches; after any error it must be closed and made anew."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Return when all messages are acknowledged, in order per key. Raises BrokerUnavailable."""

    async def close(self) -> None:
        """Let go within a bounded time."""


class Consumer(Protocol):
    """Receives batches for one consumer group."""

    async def poll(self, *, timeout: float, limit: int) -> Sequence[Record]:
        """Records in partition order; empty after `timeout` seconds without any."""

    async def commit(self) -> None:
        """Remember that everything polled so far is done; losing this only causes redelivery."""

    async def rewind(self) -> None:
        """Forget what was polled since the last commit, so that it is polled again."""

    async def close(self) -> None:
        """Leave the group within a bounded time."""


class Broker(Protocol):
    """Makes producers and consumers."""

    async def producer(self) -> Producer:
        """A started producer."""

    async def consumer(self, *, group: str, topics: Sequence[str]) -> Consumer:
        """A started member of `group` reading `topics` from the beginning where nothing was committed."""
