"""What only the embedded broker behind its gate has to prove; `test_brokers` has what it shares with Apache Kafka."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from brokers import PARTITIONS, found, made, produced
from test_embedded import kill_everything_of

from titan import process
from titan.embedded import kafka_wire
from titan.embedded.kafka import kafka


def test_without_its_journal_the_broker_would_have_lost_them(tmp_path: Path) -> None:
    # It saves about once a second, and may just have done so: then there is nothing to lose this time. Each attempt
    # begins at another part of its second, or a machine of just that pace would meet the same moment each time.
    assert any(_kept_without_journal(tmp_path / str(attempt), after=attempt / 6) < 100 for attempt in range(6))


def _kept_without_journal(place: Path, *, after: float) -> int:
    place.mkdir()
    with kafka(place) as bootstrap:
        asyncio.run(made(bootstrap))
        time.sleep(after)
        asyncio.run(produced(bootstrap, range(100)))
        kill_everything_of(place)
    for journal in (place / "kafka").glob("journal.*"):
        journal.unlink()

    with kafka(place) as bootstrap:
        asyncio.run(made(bootstrap))
        return len(asyncio.run(found(bootstrap)))


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
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=30_000)
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
        assert time.monotonic() - began < 15.0

    with_consumer(topic, story)


@pytest.mark.parametrize("version", [4, 5, 7, 11])
@pytest.mark.parametrize(("error", "records", "is_news"), [(1, b"", True), (0, b"batch", True), (0, b"", False)])
def test_a_fetch_that_has_an_error_to_tell_waits_no_more_than_one_with_records(
    version: int, error: int, records: bytes, is_news: bool
) -> None:
    answer = struct.pack("!ii", 7, 0) + (struct.pack("!hi", 0, 0) if version >= 7 else b"")
    answer += struct.pack("!ih1si", 1, 1, b"t", 1) + struct.pack("!ihqq", 0, error, 10, 10)
    answer += (struct.pack("!q", 0) if version >= 5 else b"") + struct.pack("!i", 0)
    answer += (struct.pack("!i", -1) if version >= 11 else b"") + struct.pack("!i", len(records)) + records

    assert kafka_wire.has_records(version, answer) is is_news


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
