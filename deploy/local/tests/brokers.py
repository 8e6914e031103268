"""What tests say to a broker through aiokafka, and the brokers they say it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from event_bus.topics import ensure_topics
from titan.embedded import kafka_jars
from titan.embedded.apache_kafka import apache_kafka
from titan.embedded.kafka import kafka

TOPIC = "titan.test.v1"
PARTITIONS = [TopicPartition(TOPIC, number) for number in range(6)]
Start = Callable[[Path], AbstractContextManager[str]]

needs_apache = pytest.mark.skipif(bool(kafka_jars.missing()), reason=kafka_jars.missing())
EVERY_BROKER = [pytest.param(kafka, id="embedded"), pytest.param(apache_kafka, id="apache", marks=needs_apache)]


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


async def partitions(bootstrap: str) -> int:
    """How many partitions the topic has."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return len((await admin.describe_topics([TOPIC]))[0]["partitions"])
    finally:
        await admin.close()


async def removed(bootstrap: str) -> None:
    """Take the topic away; Apache Kafka says so a moment before it is true."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([TOPIC])
        while TOPIC in await admin.list_topics():
            await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def forgotten(bootstrap: str, partition: TopicPartition, *, before: int) -> None:
    """Let a partition begin at an offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records({partition: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def setting(bootstrap: str, name: str) -> str:
    """One of the topic's settings."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)])
        return str({entry[0]: entry[1] for entry in answers[0].resources[0][4]}[name])
    finally:
        await admin.close()


async def cluster(bootstrap: str) -> str:
    """The id of the cluster."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()
