"""Reads on the event loop's own connections: the same answers as Django's, and no trouble that outlives a question."""

import asyncio
import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from asgiref.sync import SyncToAsync, sync_to_async

from event_bus.testing import deliver
from service_base import auth, reading
from service_base.env import env
from service_base.principals.models import Principal
from service_base.tests.test_auth import changed
from service_base.tests.test_request_path import end_all
from shared_models.events import identity
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
MANY_KINDS = """
    SELECT %s::uuid AS id, %s::numeric AS amount, %s::timestamptz AS at, %s::text AS name, %s::bigint AS number,
    %s::boolean AS yes, '{"a": [1]}'::jsonb AS facts, NULL::text AS nothing,
    ARRAY[1, 2] AS list, '\\x00ff'::bytea AS raw
"""
VALUES = [UUID(int=5), Decimal("1.00000001"), datetime(2031, 3, 3, 12, 0, 0, 123, tzinfo=UTC), "ä % $1", 2**40, True]


async def backend():
    return (await reading.row("SELECT pg_backend_pid() AS pid")).pid


async def test_both_ways_give_the_same_rows(on_the_loop, monkeypatch):
    found = await reading.rows(MANY_KINDS, VALUES)
    monkeypatch.setattr(env(), "web_threads", 0)
    assert [tuple(one) for one in found] == [tuple(one) for one in await reading.rows(MANY_KINDS, VALUES)]
    assert found[0]._fields[:3] == ("id", "amount", "at")


async def test_a_person_read_by_sql_is_the_person_the_orm_gives(on_the_loop):
    user_id = new_id()
    await sync_to_async(deliver)(changed(user_id, 3, is_staff=True, last_name="Łukasiewicz"))
    sql = f"SELECT {reading.columns_of(Principal)} FROM principal WHERE id = %s"
    read = reading.as_model(Principal, await reading.row(sql, [user_id]))
    kept = await Principal.objects.aget(pk=user_id)
    names = [field.attname for field in Principal._meta.concrete_fields]
    assert [getattr(read, name) for name in names] == [getattr(kept, name) for name in names]
    assert (read._state.adding, read._state.db) == (False, "default")


async def test_knowing_a_caller_takes_no_thread(on_the_loop, token_for, monkeypatch):
    user_id = new_id()
    await sync_to_async(deliver)(changed(user_id, 1))
    token = await sync_to_async(token_for)(sub=str(user_id))
    monkeypatch.setattr(SyncToAsync, "__call__", None)
    assert (await auth.caller_of(token)).id == user_id


async def test_somebody_unheard_of_is_met_just_in_time_once_by_many_requests(on_the_loop, token_for):
    user_id = new_id()
    token = await sync_to_async(token_for)(sub=str(user_id))
    callers = await asyncio.gather(*(auth.caller_of(token) for _ in range(10)))
    assert {caller.id for caller in callers} == {user_id}
    assert await Principal.objects.acount() == 1


async def test_the_request_after_a_deactivation_is_refused(on_the_loop, token_for):
    user_id = new_id()
    token = await sync_to_async(token_for)(sub=str(user_id))
    assert await auth.caller_of(token) is not None
    await sync_to_async(deliver)(changed(user_id, 2, is_active=False))
    assert await auth.caller_of(token) is None


async def test_the_request_after_a_key_was_retired_is_refused(on_the_loop, token_for, key):
    token = await sync_to_async(token_for)()
    assert await auth.caller_of(token) is not None
    retired = identity.SigningKeyPublished(kid="k1", jwk=dict(key.as_dict(private=False)), retired=True)
    await sync_to_async(deliver)(retired)
    assert await auth.caller_of(token) is None


async def test_a_connection_that_the_server_ended_is_replaced_without_an_error(on_the_loop):
    before = await backend()
    await sync_to_async(end_all)()
    assert await backend() != before


async def test_a_connection_that_ends_during_a_question_has_it_asked_again(on_the_loop):
    asked = [asyncio.create_task(reading.row("SELECT pg_sleep(0.3), 7 AS seven")) for _ in range(4)]
    await asyncio.sleep(0.1)
    await sync_to_async(end_all)()
    assert [row.seven for row in await asyncio.gather(*asked)] == [7] * 4


async def test_a_wrong_question_is_an_error_of_its_own_only(on_the_loop):
    with pytest.raises(psycopg.errors.UndefinedTable, match="no_such_table"):
        await reading.rows("SELECT * FROM no_such_table")
    assert (await reading.row("SELECT 1 AS one")).one == 1


async def test_an_answer_nobody_waited_for_is_never_given_to_another(on_the_loop):
    for _ in range(6):
        # Where the machine stood still for so long, the answer is there when it goes on, and nobody was left waiting.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reading.row("SELECT pg_sleep(0.2), 1 AS number"), 0.02)
    numbers = [(await reading.row("SELECT %s::int AS number", [number])).number for number in range(20)]
    assert numbers == list(range(20))


async def test_a_hundred_questions_at_once_take_turns_on_four_connections(on_the_loop):
    found = await asyncio.gather(
        *(reading.row("SELECT %s::int AS number, pg_backend_pid() AS pid", [number]) for number in range(100))
    )
    assert [row.number for row in found] == list(range(100))
    assert len({row.pid for row in found}) <= reading.MOST_CONNECTIONS


async def test_a_long_answer_arrives_whole(on_the_loop):
    found = await reading.rows("SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 5000) n")
    assert (len(found), found[-1].n, len(found[-1].text)) == (5000, 5000, 1000)


async def test_a_long_parameter_arrives_whole(on_the_loop):
    assert (await reading.row("SELECT length(%s::text) AS n", ["x" * 3_000_000])).n == 3_000_000
