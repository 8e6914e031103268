"""From outbox to effect through a broker: the same promises on memory and on Kafka."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from event_bus.breaker import BreakerOpen
from event_bus.broker import BrokerUnavailable, Message
from event_bus.consumer import ConsumerLoop
from event_bus.kafka import KafkaBroker
from event_bus.models import OutboxEvent, PublishedCount
from event_bus.relay import Relay
from event_bus.tests.memory import MemoryBroker
from event_bus.tests.probe import handlers
from event_bus.tests.probe.models import Effect
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
TOPICS = ["titan.ml.v1"]


async def until(condition, seconds=30):
    async with asyncio.timeout(seconds):
        while not await sync_to_async(condition)():
            await asyncio.sleep(0.02)


@pytest.fixture
def flow(broker):
    """Relay and consumer running; a group of its own, so that a shared broker's past does not matter."""

    class Flow:
        async def __aenter__(self):
            self.stop = asyncio.Event()
            consumer = ConsumerLoop(broker, group=f"titan.probe.{new_id()}", topics=TOPICS)
            self.tasks = [
                asyncio.create_task(Relay(broker).run(self.stop)),
                asyncio.create_task(consumer.run(self.stop)),
            ]
            return self

        async def __aexit__(self, *error):
            self.stop.set()
            await asyncio.gather(*self.tasks)

    return Flow


async def test_what_was_committed_arrives_once_and_in_order(flow, started, say):
    keys = [new_id() for _ in range(5)]
    for number in range(40):
        for key in keys:
            await sync_to_async(say)(started(key=key, number=number))
    mine = [str(key) for key in keys]
    async with flow():
        await until(lambda: Effect.objects.filter(key__in=mine).count() == 200)
    for key in mine:
        got = await sync_to_async(list)(Effect.objects.filter(key=key).order_by("id").values_list("number", flat=True))
        assert got == list(range(40))


async def test_an_acknowledged_event_leaves_the_outbox_and_is_counted(flow, started, say):
    await sync_to_async(say)(started())
    async with flow():
        await until(lambda: not OutboxEvent.objects.exists())
    assert (await PublishedCount.objects.aget()).count == 1


async def test_the_same_records_sent_twice_have_one_effect(flow, broker, started, say, monkeypatch):
    """A relay that dies between acknowledgement and deletion sends again; here it always does so once."""
    from event_bus import relay

    forget, calls = relay._forget, []

    def die_first(rows):
        calls.append(len(rows))
        if len(calls) == 1:
            raise handlers.AWAY
        forget(rows)

    monkeypatch.setattr(relay, "_forget", die_first)
    event = started()
    await sync_to_async(say)(event)
    async with flow():
        await until(lambda: not OutboxEvent.objects.exists())
        await until(lambda: Effect.objects.filter(key=str(event.work_id)).exists())
        await asyncio.sleep(0.3)
    assert len(calls) == 2
    assert await Effect.objects.filter(key=str(event.work_id)).acount() == 1


async def test_a_broker_that_was_down_gets_everything_once_it_is_back(started, say):
    broker = MemoryBroker()
    broker.down = True
    relay, stop = Relay(broker), asyncio.Event()
    await sync_to_async(say)(started())
    running = asyncio.create_task(relay.run(stop))
    await asyncio.sleep(0.3)
    assert await OutboxEvent.objects.acount() == 1
    broker.down = False
    await until(lambda: not OutboxEvent.objects.exists())
    stop.set()
    await running
    assert sum(len(log) for log in broker.logs.values()) == 1


async def test_only_one_of_two_relays_leads(started, say):
    broker = MemoryBroker()
    first, second = Relay(broker), Relay(broker)
    await first.step()
    await sync_to_async(say)(started())
    assert await second.step() >= 1.0
    assert await OutboxEvent.objects.acount() == 1
    await first.close()
    async with asyncio.timeout(10):
        while await second.step() >= 1.0:  # the server frees the lock a moment after the connection has gone
            await asyncio.sleep(0.02)
    assert not await OutboxEvent.objects.aexists()
    await second.close()


async def test_a_deployment_that_parks_everything_stops_itself(started, say):
    handlers.trouble["bad"] = handlers.POISON
    broker = MemoryBroker()
    for _ in range(30):
        await sync_to_async(say)(started(server="bad"))
    relay = Relay(broker)
    await relay.step()
    await relay.close()
    with pytest.raises(BreakerOpen):
        await asyncio.wait_for(ConsumerLoop(broker, group="titan.breaker", topics=TOPICS).run(asyncio.Event()), 20)


async def test_a_broker_that_is_not_there_is_said_within_bounds(monkeypatch):
    monkeypatch.setattr("event_bus.kafka.START_SECONDS", 1)
    with pytest.raises(BrokerUnavailable):
        await KafkaBroker("127.0.0.1:9", client_id="titan-test").producer()


async def test_sending_is_bounded_when_the_broker_hangs(monkeypatch):
    monkeypatch.setattr("event_bus.kafka_producer.SEND_SECONDS", 0.2)
    from event_bus.kafka_producer import KafkaProducer

    class Hanging:
        async def partitions_for(self, topic):
            await asyncio.sleep(3600)

    with pytest.raises(BrokerUnavailable):
        await KafkaProducer(Hanging()).send([Message("t", b"k", b"v", [])])


async def test_the_leaders_lock_is_free_after_the_session_ends():
    relay = Relay(MemoryBroker())
    await relay.step()
    assert await sync_to_async(locks_held)() > 0
    await relay.close()
    await until(lambda: locks_held() == 0)  # the server frees them a moment after the connection has gone


def locks_held():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
        )
        return cursor.fetchone()[0]
