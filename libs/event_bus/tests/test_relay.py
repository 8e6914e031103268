"""The relay: leaders of shards, partial acknowledgements, late commits."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from event_bus import metrics
from event_bus import relay as module
from event_bus.broker import BrokerUnavailable
from event_bus.leadership import Leadership
from event_bus.models import OutboxEvent, PublishedCount
from event_bus.outbox import append_all
from event_bus.relay import Relay
from event_bus.tests.memory import MemoryBroker
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


def say_many(events):
    with transaction.atomic():
        append_all([(event, None) for event in events])


async def test_two_shards_share_the_keys_and_lose_none(started):
    broker = MemoryBroker()
    await sync_to_async(say_many)([started() for _ in range(100)])
    first, second = Relay(broker, 0, 2), Relay(broker, 1, 2)
    await first.step()
    half = await OutboxEvent.objects.acount()
    await second.step()
    await asyncio.gather(first.close(), second.close())
    assert 20 < half < 80
    assert not await OutboxEvent.objects.aexists()


async def test_relays_told_different_numbers_of_shards_never_lead_the_same_keys(started):
    broker = MemoryBroker()
    await sync_to_async(say_many)([started() for _ in range(10)])
    whole, half = Relay(broker, 0, 1), Relay(broker, 1, 2)
    await whole.step()
    assert await half.step() == module.FOLLOWER_SECONDS
    await asyncio.gather(whole.close(), half.close())


def test_a_number_of_shards_that_does_not_divide_the_slots_is_refused():
    with pytest.raises(ValueError, match="shard 0 of 3"):
        Leadership(0, 3)


async def test_a_leader_whose_session_the_server_ended_leads_again(started):
    relay = Relay(MemoryBroker())
    await relay.step()
    await sync_to_async(end_other_sessions)()
    await sync_to_async(say_many)([started()])
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    async with asyncio.timeout(10):
        while await OutboxEvent.objects.aexists():
            await asyncio.sleep(0.02)
    stop.set()
    await running


def end_other_sessions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_what_a_half_dead_broker_took_is_not_sent_again(started):
    class HalfDead(MemoryBroker):
        async def producer(self):
            inner = await super().producer()

            class Half:
                close = inner.close

                async def send(self, messages):
                    await inner.send(messages[::2])
                    raise BrokerUnavailable("half the partitions have no leader", range(0, len(messages), 2))

            return Half()

    await sync_to_async(say_many)([started() for _ in range(10)])
    relay = Relay(HalfDead())
    with pytest.raises(BrokerUnavailable):
        await relay.step()
    await relay.close()
    assert await OutboxEvent.objects.acount() == 5
    assert (await PublishedCount.objects.aget()).count == 5


async def test_a_transaction_that_committed_late_is_sent_although_later_ones_went_before(started, monkeypatch):
    """Its rows have smaller numbers than what was read already; full batches keep coming all the while."""
    monkeypatch.setattr(module, "BATCH", 10)
    broker, relay = MemoryBroker(), None
    late = started()
    with_gap, others = asyncio.Event(), asyncio.Event()

    def commit_late():
        with transaction.atomic():
            append_all([(late, None)])
            loop.call_soon_threadsafe(with_gap.set)
            asyncio.run_coroutine_threadsafe(others.wait(), loop).result(20)

    loop = asyncio.get_running_loop()
    slow = loop.run_in_executor(None, lambda: (commit_late(), connection.close()))
    await with_gap.wait()
    await sync_to_async(say_many)([started() for _ in range(100)])
    relay = Relay(broker)
    for _ in range(3):
        await relay.step()
    others.set()
    await slow
    async with asyncio.timeout(20):
        while await OutboxEvent.objects.aexists():
            await relay.step()
    await relay.close()
    assert any(record.key == late.key.encode() for log in broker.logs.values() for record in log)


async def test_what_waited_for_a_late_transaction_is_not_sent_before_it(started, say, monkeypatch):
    """The late row's key is appended to again right after it committed, while reading goes on behind both."""
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "FROM_THE_FRONT_SECONDS", 3600)
    broker = MemoryBroker()
    relay = Relay(broker)
    late = started()
    appended, may_commit = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def commit_late():
        with transaction.atomic():
            append_all([(late, None)])
            loop.call_soon_threadsafe(appended.set)
            asyncio.run_coroutine_threadsafe(may_commit.wait(), loop).result(20)
        connection.close()

    slow = loop.run_in_executor(None, commit_late)
    await appended.wait()
    await sync_to_async(say_many)([started() for _ in range(20)])
    await relay.step()
    may_commit.set()
    await slow
    await sync_to_async(say)(late.model_copy(update={"attempt": 2}))
    await sync_to_async(say_many)([started() for _ in range(20)])
    async with asyncio.timeout(20):
        while await OutboxEvent.objects.aexists():
            await relay.step()
    await relay.close()
    ours = [r for log in broker.logs.values() for r in log if r.key == late.key.encode()]
    assert [json.loads(record.value)["attempt"] for record in ours] == [1, 2]


async def test_how_much_waits_is_counted(started, monkeypatch):
    monkeypatch.setattr(module, "DEPTH_EVERY_SECONDS", 0)
    await sync_to_async(say_many)([started() for _ in range(3)])
    relay = Relay(MemoryBroker())
    await relay.step()
    await relay.close()
    assert metrics.outbox_waiting._value.get() == 3


async def test_of_long_bodies_fewer_are_read_at_once_and_all_are_sent_in_order(started, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 50_000)
    key = new_id()
    await sync_to_async(say_many)([started(key=key, number=n, server="x" * 20_000) for n in range(5)])
    broker = MemoryBroker()
    relay, left = Relay(broker), []
    while await OutboxEvent.objects.aexists():
        await relay.step()
        left.append(await OutboxEvent.objects.acount())
    await relay.close()
    assert left == [3, 1, 0]
    [log] = [log for log in broker.logs.values() if log]
    assert [json.loads(record.value)["attempt"] for record in log] == [0, 1, 2, 3, 4]
