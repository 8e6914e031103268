"""The three embedded servers, for real, on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.consumer import AIOKafkaConsumer

from titan import process
from titan.embedded.kafka import kafka
from titan.embedded.postgres import postgres
from titan.embedded.valkey import valkey


def kill_everything_of(home: Path) -> None:
    for pid in process.of_stack(home):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.of_stack(home) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_postgres_keeps_committed_rows_across_kill_minus_nine(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        kill_everything_of(tmp_path)

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_postgres_starts_although_a_dead_server_left_the_pid_of_a_living_process(tmp_path: Path) -> None:
    with postgres(tmp_path):
        pass
    stale = tmp_path / "pg" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{tmp_path / 'pg'}\n0\n5432\n\n\n\n")

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_interrupted_first_start_of_postgres_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "pg.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_refuses_a_wrong_password(tmp_path: Path) -> None:
    with (
        postgres(tmp_path, password="right") as url,
        pytest.raises(psycopg.OperationalError, match="password"),
    ):
        psycopg.connect(url.replace("right", "wrong"))


def test_valkey_answers_and_leaves_nothing_running(tmp_path: Path) -> None:
    import valkey as client

    with valkey(tmp_path) as url:
        connection = client.Valkey.from_url(url)
        connection.set("a", "b")
        assert connection.get("a") == b"b"
        connection.close()
    assert process.of_stack(tmp_path) == []


def test_the_broker_keeps_saved_records_across_kill_minus_nine(tmp_path: Path) -> None:
    with kafka(tmp_path) as bootstrap:
        asyncio.run(produce(bootstrap, 100))
        wait_until_saved(tmp_path / "kafka" / "kafka.json", 100)
        kill_everything_of(tmp_path)

    with kafka(tmp_path) as bootstrap:
        assert asyncio.run(count(bootstrap)) == 100


def wait_until_saved(path: Path, records: int) -> None:
    deadline = time.monotonic() + 10
    while not path.exists() or saved_records(path) < records:
        assert time.monotonic() < deadline, "the broker never saved its log"
        time.sleep(0.05)


def saved_records(path: Path) -> int:
    topics = json.loads(path.read_text())["topics"]
    return sum(
        part["high_watermark"] for name, topic in topics if name == "titan.test.v1" for _, part in topic["partitions"]
    )


async def produce(bootstrap: str, records: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("titan.test.v1", 6, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    await asyncio.gather(*[await producer.send("titan.test.v1", b"%d" % n) for n in range(records)])
    await producer.stop()


async def count(bootstrap: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition("titan.test.v1", partition) for partition in range(6)])
    await consumer.stop()
    return sum(ends.values())
