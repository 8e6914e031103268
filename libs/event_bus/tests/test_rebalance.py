"""A rebalance that has no end holds nobody up: its member gives up, and whoever comes next has the partitions."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest

from event_bus import kafka_consumer
from event_bus.broker import BrokerUnavailable, Consumer, Message
from event_bus.fences import Fence
from event_bus.kafka import KafkaBroker
from event_bus.kafka_consumer import KafkaConsumer
from event_bus.topics import ensure_topics


async def no_fences(cluster: str) -> dict[tuple[str, int], Fence]:
    return {}


async def values(consumer: Consumer, number: int) -> list[bytes]:
    """The next so many records."""
    found: list[bytes] = []
    async with asyncio.timeout(30):
        while len(found) < number:
            found += [record.value for record in await consumer.poll(timeout=0.2, limit=100)]
            await consumer.commit()
    return found


async def rebalance_without_end(consumer: KafkaConsumer) -> None:
    """The client's coordinator is asked to join again and does not get to it; its heart beats on."""
    coordinator = consumer._client._coordinator
    prepare = coordinator._on_join_prepare

    async def stand(previous: Any) -> None:
        await prepare(previous)
        await asyncio.Event().wait()

    coordinator._on_join_prepare = stand
    coordinator.request_rejoin()
    async with asyncio.timeout(10):
        while not consumer._client._subscription.reassignment_in_progress:
            await asyncio.sleep(0.02)


@pytest.fixture
async def told(kafka_bootstrap: str) -> tuple[KafkaBroker, str]:
    """A topic with three records, and a broker to read it from."""
    topic = f"rebalance.{uuid4().hex}"
    await ensure_topics(kafka_bootstrap, [topic], partitions=3)
    broker = KafkaBroker(kafka_bootstrap, client_id="test", session_seconds=6)
    producer = await broker.producer()
    await producer.send([Message(topic, f"k{n}".encode(), str(n).encode(), []) for n in range(3)])
    await producer.close()
    return broker, topic


async def member_of(broker: KafkaBroker, topic: str, group: str) -> KafkaConsumer:
    made = await broker.consumer(group=group, topics=[topic], fences=no_fences)
    assert isinstance(made, KafkaConsumer)
    return made


async def test_a_poll_during_a_rebalance_returns_in_its_time(told: tuple[KafkaBroker, str]) -> None:
    broker, topic = told
    member = await member_of(broker, topic, f"titan.{uuid4().hex}")
    assert sorted(await values(member, 3)) == [b"0", b"1", b"2"]
    await rebalance_without_end(member)
    began = monotonic()
    assert await member.poll(timeout=0.2, limit=100) == []
    assert monotonic() - began < 10
    assert await member.lag() == {}
    await member.close()


async def test_a_member_whose_rebalance_does_not_end_gives_up_and_the_next_one_has_its_partitions(
    told: tuple[KafkaBroker, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, topic = told
    group = f"titan.{uuid4().hex}"
    member = await member_of(broker, topic, group)
    assert len(await values(member, 3)) == 3
    await rebalance_without_end(member)
    monkeypatch.setattr(kafka_consumer, "REBALANCE_SECONDS", 0.5)
    with pytest.raises(BrokerUnavailable, match="a rebalance has not ended"):
        while True:
            await member.poll(timeout=0.2, limit=100)
    await member.close()

    monkeypatch.undo()
    producer = await broker.producer()
    await producer.send([Message(topic, b"k0", b"3", [])])
    await producer.close()
    successor = await member_of(broker, topic, group)
    assert await values(successor, 1) == [b"3"]
    await successor.close()
