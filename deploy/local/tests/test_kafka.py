"""The embedded broker behind its gate, spoken to by aiokafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from test_embedded import kill_everything_of

from event_bus.topics import ensure_topics
from titan import process
from titan.embedded.kafka import kafka

TOPIC = "titan.test.v1"
PARTITIONS = [TopicPartition(TOPIC, number) for number in range(6)]


async def made(bootstrap: str) -> None:
    await ensure_topics(bootstrap, [TOPIC], partitions=6)


async def produced(bootstrap: str, numbers: range) -> dict[int, tuple[int, int]]:
    """Where each number went: partition and offset, as acknowledged."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        sent = {n: await producer.send(TOPIC, b"%d" % n, key=b"%d" % (n % 7)) for n in numbers}
        return {n: ((ack := await future).partition, ack.offset) for n, future in sent.items()}
    finally:
        await producer.stop()


async def found(bootstrap: str) -> dict[int, tuple[int, int]]:
    """Where each number is."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(PARTITIONS)
        ends = await consumer.end_offsets(PARTITIONS)
        await consumer.seek_to_beginning(*PARTITIONS)
        seen: dict[int, tuple[int, int]] = {}
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for part, records in (await consumer.getmany(timeout_ms=500)).items():
                seen |= {int(record.value): (part.partition, record.offset) for record in records}
        return seen
    finally:
        await consumer.stop()


def test_what_was_acknowledged_survives_kill_minus_nine_at_the_same_offsets(tmp_path: Path) -> None:
    where: dict[int, tuple[int, int]] = {}
    for life in range(3):
        with kafka(tmp_path) as bootstrap:
            asyncio.run(made(bootstrap))
            where |= asyncio.run(produced(bootstrap, range(life * 100, life * 100 + 100)))
            kill_everything_of(tmp_path)

    with kafka(tmp_path) as bootstrap:
        assert asyncio.run(found(bootstrap)) == where


def test_without_its_journal_the_broker_would_have_lost_them(tmp_path: Path) -> None:
    with kafka(tmp_path) as bootstrap:
        asyncio.run(made(bootstrap))
        asyncio.run(produced(bootstrap, range(100)))
        kill_everything_of(tmp_path)
    for journal in (tmp_path / "kafka").glob("journal.*"):
        journal.unlink()

    with kafka(tmp_path) as bootstrap:
        asyncio.run(made(bootstrap))
        assert len(asyncio.run(found(bootstrap))) < 100


def test_a_topic_made_right_before_kill_minus_nine_keeps_its_partitions(tmp_path: Path) -> None:
    with kafka(tmp_path) as bootstrap:
        asyncio.run(made(bootstrap))
        kill_everything_of(tmp_path)

    with kafka(tmp_path) as bootstrap:
        assert asyncio.run(partitions(bootstrap)) == 6


async def partitions(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return len((await admin.describe_topics([TOPIC]))[0]["partitions"])
    finally:
        await admin.close()


def test_a_clean_stop_keeps_everything(tmp_path: Path) -> None:
    with kafka(tmp_path) as bootstrap:
        asyncio.run(made(bootstrap))
        where = asyncio.run(produced(bootstrap, range(100)))

    with kafka(tmp_path) as bootstrap:
        assert asyncio.run(found(bootstrap)) == where


@pytest.fixture(scope="module")
def topic(kafka_bootstrap: str) -> str:
    asyncio.run(made(kafka_bootstrap))
    return kafka_bootstrap


def with_consumer(bootstrap: str, story: Callable[[AIOKafkaConsumer], Awaitable[None]]) -> None:
    async def told() -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=5000)
        await consumer.start()
        try:
            consumer.assign(PARTITIONS)
            await consumer.seek_to_end(*PARTITIONS)
            await story(consumer)
        finally:
            await consumer.stop()

    asyncio.run(told())


def test_a_waiting_consumer_gets_a_new_record_at_once(topic: str) -> None:
    async def story(consumer: AIOKafkaConsumer) -> None:
        waiting = asyncio.create_task(consumer.getone())
        await asyncio.wait({waiting}, timeout=0.3)  # now its fetch waits at the broker
        began = time.monotonic()
        await produced(topic, range(1))
        await waiting
        assert time.monotonic() - began < 2.0

    with_consumer(topic, story)


def test_an_idle_consumer_costs_next_to_nothing(tmp_path: Path) -> None:
    async def story(consumer: AIOKafkaConsumer) -> None:
        before = processor_seconds(tmp_path)
        await consumer.getmany(timeout_ms=2000)
        assert processor_seconds(tmp_path) - before < 0.3

    with kafka(tmp_path) as bootstrap:
        asyncio.run(made(bootstrap))
        with_consumer(bootstrap, story)


def processor_seconds(home: Path) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in process.of_stack(home))
