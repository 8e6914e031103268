"""What every broker of ours promises, the embedded one and Apache Kafka alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, UnknownTopicOrPartitionError
from brokers import (
    EVERY_BROKER,
    PARTITIONS,
    TOPIC,
    Start,
    cluster,
    forgotten,
    found,
    made,
    partitions,
    produced,
    removed,
    setting,
)
from test_embedded import kill_everything_of

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("start", EVERY_BROKER)
def test_what_was_acknowledged_survives_kill_minus_nine_at_the_same_offsets(start: Start, tmp_path: Path) -> None:
    where: dict[int, tuple[int, int]] = {}
    for life in range(2):
        with start(tmp_path) as bootstrap:
            asyncio.run(made(bootstrap))
            where |= asyncio.run(produced(bootstrap, range(life * 100, life * 100 + 100)))
            kill_everything_of(tmp_path)

    with start(tmp_path) as bootstrap:
        assert asyncio.run(found(bootstrap)) == where


@pytest.mark.parametrize("start", EVERY_BROKER)
def test_a_topic_made_right_before_kill_minus_nine_keeps_its_partitions(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as bootstrap:
        asyncio.run(made(bootstrap))
        kill_everything_of(tmp_path)

    with start(tmp_path) as bootstrap:
        assert asyncio.run(partitions(bootstrap)) == 6


@pytest.mark.parametrize("start", EVERY_BROKER)
def test_a_topic_removed_and_made_again_right_before_kill_minus_nine_has_only_its_new_records(
    start: Start, tmp_path: Path
) -> None:
    async def story(bootstrap: str) -> dict[int, tuple[int, int]]:
        await made(bootstrap)
        await produced(bootstrap, range(100))
        await asyncio.sleep(1.5)  # the embedded broker has saved them by now
        await removed(bootstrap)
        await made(bootstrap)
        return await produced(bootstrap, range(100, 150))

    with start(tmp_path) as bootstrap:
        where = asyncio.run(story(bootstrap))
        kill_everything_of(tmp_path)

    with start(tmp_path) as bootstrap:
        assert asyncio.run(found(bootstrap)) == where


@pytest.mark.parametrize("start", EVERY_BROKER)
def test_a_cluster_keeps_its_id_and_another_directory_has_another(start: Start, tmp_path: Path) -> None:
    def seen_in(directory: str) -> str:
        (tmp_path / directory).mkdir(exist_ok=True)
        with start(tmp_path / directory) as bootstrap:
            return asyncio.run(cluster(bootstrap))

    first = seen_in("one")

    assert seen_in("one") == first
    assert seen_in("two") != first


@pytest.fixture(scope="module", params=EVERY_BROKER)
def bootstrap(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with request.param(tmp_path_factory.mktemp("broker")) as address:
        asyncio.run(made(address))
        asyncio.run(produced(address, range(70)))
        yield address


async def first_offset_after_seeking_to(offset: int, bootstrap: str, partition: TopicPartition = PARTITIONS[0]) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20_000)
    await consumer.start()
    try:
        consumer.assign([partition])
        consumer.seek(partition, offset)
        async with asyncio.timeout(15):  # an error does not wait for records
            return int((await consumer.getone()).offset)
    finally:
        await consumer.stop()


async def test_a_consumer_that_seeks_beyond_the_end_begins_at_the_earliest(bootstrap: str) -> None:
    assert await first_offset_after_seeking_to(10**6, bootstrap) == 0


async def test_a_consumer_that_seeks_before_the_start_begins_at_the_earliest(bootstrap: str) -> None:
    await forgotten(bootstrap, PARTITIONS[1], before=2)
    assert await first_offset_after_seeking_to(1, bootstrap, PARTITIONS[1]) == 2


async def test_records_are_kept_for_a_week_which_inboxes_outlast(bootstrap: str) -> None:
    assert await setting(bootstrap, "retention.ms") == str(7 * 24 * 3600 * 1000)


async def test_a_misspelt_topic_is_an_error_and_no_new_topic(bootstrap: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, request_timeout_ms=1000)
    await producer.start()
    try:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("titan.misspelt.v1", b"lost?")
        assert "titan.misspelt.v1" not in (await producer.client.fetch_all_metadata()).topics()
    finally:
        await producer.stop()


async def test_a_record_beyond_the_brokers_limit_is_refused_at_once(bootstrap: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=10_000_000)
    await producer.start()
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(TOPIC, b"x" * 5_000_000)
    finally:
        await producer.stop()
