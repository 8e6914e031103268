"""Writes on the event loop's own connections: committed when their answer comes, and never before the work is done."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from service_base import links, reading
from service_base.env import env
from service_base.tests.test_request_path import end_all

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = "INSERT INTO published_count (type, count) VALUES (%s, 1) RETURNING type"
# As a usage is: said twice it is there once.
ONCE = "INSERT INTO published_count (type, count) VALUES (%s, 1) ON CONFLICT DO NOTHING RETURNING type"

# This database's alone: one server serves the tests of several services at once.
INSERTING = "(SELECT * FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'INSERT%') AS inserting"


@sync_to_async
def written():
    """How many rows somebody else sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM published_count")
        return cursor.fetchone()[0]


PROMISE = """
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF new.type = 'never' THEN RAISE check_violation; END IF; RETURN new; END $$;
CREATE CONSTRAINT TRIGGER never AFTER INSERT ON published_count DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION never();
"""


@pytest.fixture
async def promise():
    """A rule that is looked at when a transaction is committed: no row may be called `never`."""
    await sync_to_async(_do)(PROMISE)
    yield
    await sync_to_async(_do)("DROP TRIGGER never ON published_count; DROP FUNCTION never()")


def _do(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone() if cursor.description else None


def elsewhere(sql):
    """What somebody else is told while the event loop waits for it, once the server is at the insert."""

    def ask():
        begun = f"SELECT count(*) FROM {INSERTING} WHERE backend_xid IS NOT NULL"
        try:
            until = monotonic() + 8  # before the server itself ends a transaction that takes so long
            while not _do(begun)[0]:
                assert monotonic() < until, "the server has not begun"
                sleep(0.01)
            return _do(sql)[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


async def test_a_write_is_committed_when_its_answer_comes(on_the_loop):
    assert (await reading.write(INSERT, ["once"]))[0].type == "once"
    assert await written() == 1


async def test_a_write_with_work_is_committed_when_its_answer_comes(on_the_loop):
    found, done = await reading.write_during(lambda: "done", INSERT, ["once"])
    assert (found[0].type, done, await written()) == ("once", "done", 1)


async def test_it_is_the_same_on_djangos_connection():
    found, done = await reading.write_during(lambda: "done", INSERT, ["once"])
    assert (found[0].type, done, await written()) == ("once", "done", 1)


async def test_the_server_is_at_it_while_the_work_is_done(on_the_loop):
    begun = f"SELECT count(*) FROM {INSERTING}"
    assert (await reading.write_during(lambda: elsewhere(begun), INSERT, ["once"]))[1] == 1


@pytest.mark.parametrize("threads", [0, 8])
async def test_when_the_work_fails_nothing_is_written(on_the_loop, monkeypatch, threads):
    monkeypatch.setattr(env(), "web_threads", threads)

    def fail():
        raise ArithmeticError

    for _ in range(reading.MOST_WRITING + 1):
        with pytest.raises(ArithmeticError):
            await reading.write_during(fail, INSERT, ["never"])
    assert await written() == 0
    assert (await reading.write_during(lambda: "done", INSERT, ["then"]))[1] == "done"
    assert await written() == 1


async def test_a_process_that_is_gone_before_its_work_was_done_has_written_nothing(on_the_loop, monkeypatch):
    # What the server sees of `kill -9`: the connection ends before the synchronisation point.
    def gone():
        link.close()
        raise asyncio.CancelledError

    opened = []
    monkeypatch.setattr(links.Link, "__init__", _noted(links.Link.__init__, opened))
    await reading.write("SELECT 1")
    [link] = opened
    with pytest.raises(asyncio.CancelledError):
        await reading.write_during(gone, INSERT, ["never"])
    assert await written() == 0


def _noted(init, opened):
    def noted(self, *given):
        opened.append(self)
        init(self, *given)

    return noted


async def test_what_fails_to_be_written_is_an_error_and_the_work_is_done_once(on_the_loop):
    done = []
    with pytest.raises(psycopg.errors.UndefinedTable):
        await reading.write_during(lambda: done.append(1), "INSERT INTO no_such_table VALUES (1) RETURNING 1")
    assert done == [1]
    assert (await reading.write_during(lambda: "done", INSERT, ["then"]))[1] == "done"


@pytest.mark.parametrize("write", [reading.write, lambda *given: reading.write_during(lambda: "done", *given)])
async def test_what_fails_to_be_committed_is_an_error(on_the_loop, promise, write):
    with pytest.raises(psycopg.errors.CheckViolation):
        await write(INSERT, ["never"])
    assert (await reading.write_during(lambda: "done", INSERT, ["then"]))[1] == "done"
    assert await written() == 1


async def test_a_connection_that_the_server_ended_is_replaced_and_the_work_done_once(on_the_loop):
    done = []
    await reading.write("SELECT 1")
    await sync_to_async(end_all)()
    await reading.write_during(lambda: done.append(1), ONCE, ["once"])
    assert (done, await written()) == ([1], 1)


async def test_a_connection_that_ends_during_the_work_has_the_write_asked_again(on_the_loop):
    end = f"SELECT pg_terminate_backend(pid, 5000) FROM {INSERTING}"
    ended = []
    await reading.write_during(lambda: ended.append(elsewhere(end)), ONCE, ["once"])
    assert (ended, await written()) == ([True], 1)


async def test_whoever_breaks_off_a_write_leaves_nothing_half_and_nothing_to_others(on_the_loop):
    async def locked():
        return await reading.write_during(lambda: None, "SELECT pg_sleep(0.2), 1 AS number")

    for _ in range(reading.MOST_WRITING + 2):
        # Where the machine stood still for so long, the answer is there when it goes on, and nothing was broken off.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(locked(), 0.02)
    numbers = [
        (await reading.write_during(lambda: None, "SELECT %s::int AS number", [number]))[0][0].number
        for number in range(10)
    ]
    assert numbers == list(range(10))


async def test_a_long_parameter_arrives_whole(on_the_loop):
    found, _ = await reading.write_during(lambda: None, "SELECT length(%s::text) AS n", ["x" * 3_000_000])
    assert found[0].n == 3_000_000


async def test_a_long_answer_arrives_whole(on_the_loop):
    many = "SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 5000) n"
    found, _ = await reading.write_during(lambda: None, many)
    assert (len(found), found[-1].n) == (5000, 5000)


async def test_many_writes_at_once_are_all_committed(on_the_loop):
    await asyncio.gather(*(reading.write_during(lambda: None, INSERT, [str(n)]) for n in range(100)))
    assert await written() == 100


async def test_a_stopped_process_does_not_keep_its_rows_for_ever(on_the_loop):
    found = await reading.write("SHOW transaction_timeout")
    assert found[0][0] == f"{links.LONGEST_MILLISECONDS // 1000}s"
