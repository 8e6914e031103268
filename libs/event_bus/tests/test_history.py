"""A topic read whole, and again only what came since."""

from __future__ import annotations

from uuid import uuid4

from event_bus.broker import Message
from event_bus.history import History
from event_bus.kafka import KafkaBroker
from event_bus.topics import ensure_topics


async def test_a_topic_is_read_from_its_first_record_to_its_end_and_then_what_came_since(kafka_bootstrap: str) -> None:
    topic = f"history.{uuid4().hex}"
    await ensure_topics(kafka_bootstrap, [topic], partitions=3)
    producer = await KafkaBroker(kafka_bootstrap, client_id="test").producer()
    history = History(kafka_bootstrap, topic)
    assert await everything(history) == []

    await producer.send([Message(topic, f"k{n % 7}".encode(), str(n).encode(), []) for n in range(700)])
    assert sorted(await everything(history)) == list(range(700))
    await producer.send([Message(topic, b"k1", b"700", [])])
    assert await everything(history) == [700]
    await producer.close()


async def everything(history: History) -> list[int]:
    return [int(record.value) async for records in history.further() for record in records]
