"""What a worker does when its database is away, and what it says of itself over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from django.db import InterfaceError, OperationalError, connection

from event_bus.database_thread import DatabaseThread
from event_bus.watchdog import EXIT_STUCK
from service_base import env, worker, worker_http
from service_base.worker_http import WorkerHttp


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_WAIT", 0.0)


@pytest.fixture
async def thread() -> AsyncIterator[DatabaseThread]:
    made = DatabaseThread("test")
    yield made
    await made.close()


@pytest.mark.parametrize("error", [OperationalError("server closed"), InterfaceError("connection already closed")])
async def test_work_is_done_again_when_the_database_is_back(error: Exception, thread: DatabaseThread) -> None:
    answers = [error, error, None]

    def work() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    assert await worker.until_done(asyncio.Event(), work, thread)
    assert answers == []


async def test_a_worker_that_is_told_to_stop_waits_for_no_database(thread: DatabaseThread) -> None:
    stop = asyncio.Event()

    def work() -> None:
        stop.set()
        raise OperationalError("server closed")

    assert not await worker.until_done(stop, work, thread)


async def test_a_mistake_in_the_work_ends_the_loop_instead_of_being_repeated() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await worker.Every(1, work)(asyncio.Event())


async def sessions_of(seconds: float, *, killed_in: int = -1) -> list[int]:
    """PostgreSQL's numbers of the sessions that four rounds of a loop had; the one of a round may be killed in it."""
    stop, found = asyncio.Event(), list[int]()

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            found.append(cursor.fetchone()[0])
            if len(found) == 4:
                stop.set()
            if len(found) - 1 == killed_in:
                cursor.execute("SELECT pg_terminate_backend(%s)", [found[-1]])

    await worker.Every(seconds, work)(stop)
    return found


@pytest.mark.django_db(transaction=True)
async def test_work_that_comes_again_soon_keeps_its_session_and_other_work_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(set(await sessions_of(0.01))) == 1
    monkeypatch.setattr(worker, "SOON", 0.0)
    assert len(set(await sessions_of(0.01))) == 4


@pytest.mark.django_db(transaction=True)
async def test_a_session_that_was_kept_and_broke_is_replaced() -> None:
    before, *after = await sessions_of(0.01, killed_in=0)
    assert before not in after
    assert len(set(after)) == 1


def test_the_last_line_says_in_one_sentence_why_the_worker_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(breaks())

    async def breaks() -> None:
        raise ValueError("no such strategy")

    monkeypatch.setattr(worker, "prepare", lambda context: None)
    monkeypatch.setattr(worker, "_run", broken)
    with pytest.raises(SystemExit) as ended:
        worker.run("billing")
    assert ended.value.code == "titan: the worker of billing ended: ValueError: no such strategy"


DYING = """
import asyncio, time
from event_bus.watchdog import Watchdog
from service_base.worker import Parts
async def dies(): raise ValueError("no such strategy")
def waits_for_ever(): time.sleep(60)
async def main():
    watchdog = Watchdog(limit=0.3)
    watchdog.start()
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(tasks, watchdog)
        parts.add(asyncio.to_thread(waits_for_ever))
        parts.add(dies())
asyncio.run(main())
"""


def test_a_worker_of_which_a_part_died_ends_whatever_another_part_waits_for() -> None:
    ended = subprocess.run([sys.executable, "-c", DYING], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == EXIT_STUCK
    assert "the end after ValueError: no such strategy has not moved" in ended.stderr
    assert "waits_for_ever" in ended.stderr


@asynccontextmanager
async def served(http: WorkerHttp, port: int) -> AsyncIterator[httpx.AsyncClient]:
    stop = asyncio.Event()
    serving = asyncio.create_task(http.run(stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        while True:
            try:
                await client.get("/healthz")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.02)
        yield client
    stop.set()
    await asyncio.wait_for(serving, 5)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def all_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> list[str]:
        return []

    monkeypatch.setattr(worker_http, "_broker", nothing)
    monkeypatch.setattr(worker_http, "_database", list)


async def test_a_worker_is_ready_once_it_has_begun(all_well: None, port: int) -> None:
    http = WorkerHttp("billing", port=port)
    async with served(http, port) as client:
        before = await client.get("/readyz")
        http.has_begun = True
        after = await client.get("/readyz")
    assert (before.status_code, before.json()["missing"]) == (503, ["has not begun yet"])
    assert (after.status_code, after.json()["missing"]) == (200, [])


async def test_a_worker_without_a_broker_says_which_it_misses(
    all_well: None, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(worker_http, "_database", list)
    monkeypatch.setattr(env.env(), "kafka_bootstrap", "127.0.0.1:9")
    async with served(WorkerHttp("billing", port=port), port) as client:
        missing = (await client.get("/readyz")).json()["missing"]
    assert missing == ["no Kafka broker answers at 127.0.0.1:9"]


async def test_a_port_that_listens_but_does_not_speak_kafka_is_no_broker() -> None:
    silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(5), "127.0.0.1", 0)
    host, port = silent.sockets[0].getsockname()
    assert not await worker_http.broker_answers(f"{host}:{port}", seconds=0.2)
    silent.close()


async def test_a_real_broker_answers(kafka_bootstrap: str) -> None:
    assert await worker_http.broker_answers(f"127.0.0.1:9,{kafka_bootstrap}", seconds=30)


async def test_a_worker_shows_its_metrics(all_well: None, port: int) -> None:
    async with served(WorkerHttp("billing", port=port), port) as client:
        shown = (await client.get("/metrics")).text
        unknown = await client.get("/elsewhere")
    assert "titan_outbox_oldest_seconds" in shown
    assert unknown.status_code == 404
    assert json.loads(unknown.text)["detail"]


async def test_a_second_worker_takes_the_port_over_when_the_first_ends(
    all_well: None, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_http, "TAKEN_SECONDS", 0.05)
    async with served(WorkerHttp("billing", port=port), port):
        stop = asyncio.Event()
        second = asyncio.create_task(WorkerHttp("trading", port=port).run(stop))
        await asyncio.sleep(0.1)
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(100):
            try:
                answer = await client.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    stop.set()
    await second
    assert answer.json()["service"] == "trading"
