"""The doctor finds each trouble when it is there, in one sentence with the way out, and only then."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import crc32

import psycopg
import pytest

from event_bus.topics import PartitionState, ensure_topics
from service_base.sessions import SharedSession
from titan import state as states
from titan.configuration import Configuration
from titan.doctor import broker, bus, database, machine
from titan.doctor.finding import Finding, asked
from titan.embedded.postgres import postgres
from titan.provision import PARTITIONS, TOPICS
from titan.testing import scratch_directory


def only(findings: Any, name: str) -> Finding:
    """The finding with that name; whatever is wrong says in one sentence what to do."""
    found = [finding for finding in findings if finding.name == name]
    assert len(found) == 1, found
    assert "\n" not in found[0].detail
    assert found[0].ok or found[0].way_out
    return found[0]


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    chosen = Configuration(tmp_path / "titan")
    (chosen.data_dir / "run").mkdir(parents=True)
    return chosen


# The machine


def test_a_disk_that_is_nearly_full_is_found(configuration: Configuration, monkeypatch) -> None:
    full = SimpleNamespace(total=100 * 2**30, used=99 * 2**30 + 2**29, free=2**29)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    assert not only(machine.examine(configuration), "disk").ok


def test_a_data_directory_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = [f for f in machine.examine(Configuration(tmp_path / "file")) if f.name == "data directory"]
    assert not found[0].ok
    assert "TITAN_DATA_DIR" in found[0].detail


def test_files_of_another_postgresql_are_found(configuration: Configuration) -> None:
    (configuration.data_dir / "pg").mkdir()
    (configuration.data_dir / "pg" / "PG_VERSION").write_text("99\n")
    found = only(machine.examine(configuration), "PostgreSQL's files")
    assert not found.ok
    assert "made by PostgreSQL 99" in found.detail


@pytest.mark.parametrize(("made", "is_well"), [("0.1.0", True), ("0.2.0", False), ("0.10.0", False)])
def test_a_data_directory_of_a_newer_titan_is_found(configuration, monkeypatch, made: str, is_well: bool) -> None:
    states.note_maker(configuration.data_dir, made)
    monkeypatch.setattr(machine, "_own_version", lambda: "0.1.0")
    assert only(machine.examine(configuration), "data directory's maker").ok is is_well


def test_a_package_that_is_missing_is_found(configuration: Configuration, monkeypatch) -> None:
    monkeypatch.setattr(machine, "VERSIONED", ("no-such-package",))
    assert only(machine.examine(configuration), "packages").detail == "not installed: no-such-package"


@pytest.mark.parametrize(("apart", "is_well"), [(0.5, True), (-1.0, True), (7.0, False), (-7.0, False)])
def test_a_clock_that_goes_wrong_is_found(monkeypatch, apart: float, is_well: bool) -> None:
    monkeypatch.setattr(machine.time, "time", lambda: 1_000_000.0)
    assert machine.clock("clock of PostgreSQL", 1_000_000.0 + apart).ok is is_well


# PostgreSQL


@pytest.fixture
def own_database(postgres_url: str) -> Iterator[str]:
    """A database with a role of its own, and the bus's tables in it."""
    name = f"doctor_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'own'")
        server.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = urlsplit(postgres_url)._replace(path=f"/{name}")
    own = url._replace(netloc=f"{name}:own@{url.hostname}:{url.port}").geturl()
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute("CREATE TABLE outbox (occurred_at timestamptz)")
        connection.execute("CREATE TABLE parked_event (key text, type text, error text)")
    yield own
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.execute(f"DROP ROLE {name}")


@contextmanager
def held(url: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """A session that stays in its transaction after `statement`."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute(statement)
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def own_server() -> Iterator[str]:
    """A PostgreSQL that nobody else uses: of the session's, tests of other parts use the same one at once."""
    with scratch_directory() as home, postgres(home, durable=False) as url:
        yield url


def test_a_server_in_order_has_no_trouble(own_server: str) -> None:
    assert [f.name for f in database.examine_server(own_server) if not f.ok] == []


def test_a_database_that_is_away_is_one_finding() -> None:
    url = "postgresql://me@127.0.0.1:9/nowhere"
    found = asked("postgres", url, lambda: database.examine_server(url), "Look after it.")
    assert [(f.name, f.ok) for f in found] == [("postgres", False)]


def test_a_session_idle_in_its_transaction_is_found(own_server: str, monkeypatch) -> None:
    monkeypatch.setattr(database, "IDLE_SECONDS", 0.0)
    with held(own_server, "SELECT 1") as holder:
        found = only(database.examine_server(own_server), "idle transactions")
        assert not found.ok
        assert f"session {holder.info.backend_pid}" in found.detail


def test_a_snapshot_held_for_long_is_found(own_server: str, monkeypatch) -> None:
    monkeypatch.setattr(database, "SNAPSHOT_SECONDS", 0.0)
    with held(own_server, "SELECT count(*) FROM pg_class"):
        assert not only(database.examine_server(own_server), "oldest snapshot").ok


def test_a_postgresql_that_is_too_old_is_found(own_server: str, monkeypatch) -> None:
    monkeypatch.setattr(database, "OLDEST", 990_000)
    assert only(database.examine_server(own_server), "PostgreSQL's version").way_out.startswith("Use PostgreSQL 99")


def test_a_role_with_too_many_rights_is_found(own_database: str, postgres_url: str) -> None:
    assert only(database.examine_own(own_database, "ml"), "ml role").ok
    assert not only(database.examine_own(postgres_url, "ml"), "ml role").ok


def test_a_schema_that_other_code_made_is_found(own_database: str, postgres_url: str, monkeypatch) -> None:
    monkeypatch.setattr(database, "stamp_of", lambda service: "titan schema 2")
    name = urlsplit(own_database).path[1:]
    with psycopg.connect(postgres_url, autocommit=True) as server:
        for stamp, is_well in (("titan schema 1", False), ("titan schema 2", True)):
            server.execute(f"COMMENT ON DATABASE {name} IS '{stamp}'")
            assert only(database.examine_own(own_database, "ml"), "ml schema").ok is is_well


def test_a_pooler_in_front_is_found(own_database: str, monkeypatch) -> None:
    def refuse(connect: Any) -> None:
        raise SharedSession("The database URL is not direct.")

    assert only(database.examine_own(own_database, "ml"), "ml session locks").ok
    monkeypatch.setattr(database, "prove_direct", refuse)
    assert not only(database.examine_own(own_database, "ml"), "ml session locks").ok


# Kafka


def test_a_broker_that_is_away_is_one_finding() -> None:
    found = asked("kafka", "127.0.0.1:9", lambda: broker.examine("127.0.0.1:9"), "Look after it.")
    assert [(f.name, f.ok) for f in found] == [("kafka", False)]


def test_a_broker_that_takes_its_time_is_found(monkeypatch) -> None:
    async def well(bootstrap: str, names: Any) -> dict[str, list[PartitionState]]:
        return {}

    monkeypatch.setattr(broker, "describe_topics", well)
    monkeypatch.setattr(broker, "SLOW_SECONDS", 0.2)
    with slow_broker(0.3) as bootstrap:
        assert not only(broker.examine(bootstrap), "broker's answer").ok


@contextmanager
def slow_broker(seconds: float) -> Iterator[str]:
    """Something that answers as a broker does, only late."""
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(14)
        await asyncio.sleep(seconds)
        writer.write(b"\0\0\0\x06\0\0\0\x01\0\0")
        await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        address.append(":".join(map(str, server.sockets[0].getsockname())))
        ready.set()

    thread = threading.Thread(target=lambda: (loop.create_task(serve()), loop.run_forever()))
    thread.start()
    ready.wait(5)
    yield address[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.close()


def partitions(count: int = PARTITIONS, **of_the_last: int) -> list[PartitionState]:
    states = [{"number": n, "leader": 1, "replicas": 3, "in_sync": 3} for n in range(count)]
    states[-1] |= of_the_last
    return [PartitionState(**state) for state in states]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "is missing"),
        (partitions(3), "has 3 partitions instead of 6"),
        (partitions(leader=-1), "nobody leads partition 5"),
        (partitions(in_sync=2), "partition 5 has fewer copies"),
    ],
)
def test_a_topic_that_is_not_as_it_should_be_is_found(found: list[PartitionState], said: str) -> None:
    topics = {topic: partitions() for topic in TOPICS} | {TOPICS[0]: found}
    wrong = [finding for finding in broker.judge_topics(topics) if not finding.ok]
    assert [finding.name for finding in wrong] == [f"topic {TOPICS[0]}"]
    assert said in wrong[0].detail


def test_the_topics_of_a_real_broker_are_judged_as_they_are(kafka_bootstrap: str, monkeypatch) -> None:
    here, few, missing = (f"doctor.{uuid4().hex}" for _ in range(3))
    monkeypatch.setattr(broker, "TOPICS", (here, few, missing))
    monkeypatch.setattr(broker, "SLOW_SECONDS", 60.0)  # tests of other parts keep the same broker busy
    asyncio.run(ensure_topics(kafka_bootstrap, [here], partitions=PARTITIONS))
    asyncio.run(ensure_topics(kafka_bootstrap, [few], partitions=2))
    found = {finding.name: finding.detail for finding in broker.examine(kafka_bootstrap) if not finding.ok}
    assert found == {f"topic {few}": "has 2 partitions instead of 6", f"topic {missing}": "is missing"}


# The bus


def test_events_that_wait_for_long_without_a_relay_are_found(own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("INSERT INTO outbox VALUES (now() - interval '5 minutes')")
    found = only(bus.examine(own_database, "ml"), "ml outbox")
    assert not found.ok
    assert found.detail.startswith("1 events wait to be sent, the oldest for 30")
    assert "no relay leads" in found.detail


def test_a_relay_that_leads_and_does_not_send_is_named(own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("INSERT INTO outbox VALUES (now() - interval '5 minutes')")
        connection.execute("SELECT pg_advisory_lock(%s, 0)", [crc32(b"titan.relay.ml") - 2**31])
        found = only(bus.examine(own_database, "ml"), "ml outbox")
        assert f"pg_terminate_backend({connection.info.backend_pid})" in found.way_out


def test_the_lock_that_is_looked_for_is_the_relay_s(monkeypatch) -> None:
    source = (Path(__file__).parents[3] / "libs" / "event_bus" / "leadership.py").read_text()
    assert 'crc32(f"titan.relay.{settings.TITAN_CONTEXT}".encode()) - 2**31' in source


def test_a_database_that_was_never_migrated_is_found(postgres_url: str) -> None:
    assert not only(bus.examine(postgres_url, "ml"), "ml tables").ok


def test_events_that_are_parked_are_found(own_database: str) -> None:
    assert only(bus.examine(own_database, "ml"), "ml parked events").ok
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("INSERT INTO parked_event VALUES ('k', 'titan.ml.x.v1', E'ValueError: seven\\nmore')")
    found = only(bus.examine(own_database, "ml"), "ml parked events")
    assert found.detail == "1 of 1 keys, for example titan.ml.x.v1: ValueError: seven"
    assert "titan replay ml" in found.way_out
