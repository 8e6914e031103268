"""A consumer goes on where its own database's effects end, whatever the broker believes."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db.models import F, Value

from event_bus.apply import Outcome
from event_bus.consumer import ConsumerLoop
from event_bus.models import InboxEntry, OffsetFence
from event_bus.relay import Relay
from event_bus.tests.probe.models import Effect
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
TOPICS = ["titan.ml.v1"]


@pytest.fixture
def group():
    return f"titan.fence.{new_id()}"


@pytest.fixture
def consume(broker, group):
    """Consumes until the keys' effects are there, then commits everything and leaves."""

    async def until_handled(mine, number):
        loop = ConsumerLoop(broker, group=group, topics=TOPICS)
        handled = Outcome(1)
        async with asyncio.timeout(30):
            # Until nothing waits any more: other tests have left events on the topic too, and a slow broker may have
            # nothing to give out for a moment while some of them wait still.
            while (
                handled != Outcome()
                or await Effect.objects.filter(key__in=mine).acount() < number
                or sum((await loop._client.lag()).values())
            ):
                handled = await loop.step()
        await loop.close()

    return until_handled


@pytest.fixture
def send(broker, started, say):
    """Has ten events of ten keys acknowledged by the broker; their keys."""

    async def ten():
        events = [started(number=n) for n in range(10)]
        for event in events:
            await sync_to_async(say)(event)
        relay = Relay(broker)
        await relay.step()
        await relay.close()
        return [str(event.work_id) for event in events]

    return ten


@pytest.fixture
async def sent(send):
    """The keys of ten events that the broker has."""
    return await send()


def forget_everything():
    """As a database restored to before: no effects, no inbox."""
    InboxEntry.objects.all().delete()
    Effect.objects.all().delete()


async def test_a_database_restored_to_yesterday_gets_the_lost_day_again(send, consume, group):
    yesterday = await send()
    await consume(yesterday, 10)
    fences, inbox = await sync_to_async(backup)(group)
    today = await send()
    await consume(today, 10)
    await sync_to_async(restore)(group, fences, inbox, lost=today)
    await consume(today, 10)
    assert await Effect.objects.filter(key__in=today).acount() == 10
    assert await Effect.objects.filter(key__in=yesterday).acount() == 10


def backup(group):
    return list(OffsetFence.objects.filter(consumer=group)), list(InboxEntry.objects.all())


def restore(group, fences, inbox, *, lost):
    Effect.objects.filter(key__in=lost).delete()
    InboxEntry.objects.all().delete()
    InboxEntry.objects.bulk_create(inbox)
    OffsetFence.objects.filter(consumer=group).delete()
    OffsetFence.objects.bulk_create(fences)


async def test_without_its_fences_the_restored_database_would_stay_behind(sent, consume, group, broker):
    """The control: Kafka's own offsets say that everything was handled."""
    await consume(sent, 10)
    await sync_to_async(forget_everything)()
    await OffsetFence.objects.filter(consumer=group).adelete()
    loop = ConsumerLoop(broker, group=group, topics=TOPICS)
    for _ in range(4):
        await loop.step()
    await loop.close()
    assert not await Effect.objects.aexists()


@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
@pytest.mark.parametrize("next_offset", [Value(3), Value(10_000_000), F("next_offset") + 1], ids=["3", "far", "end"])
async def test_a_topic_made_anew_is_read_from_its_beginning(sent, consume, group, next_offset):
    """Also one that ends right before the fence, where no event lies by which to recognise it."""
    await consume(sent, 10)
    await sync_to_async(forget_everything)()
    # Another topic's fences: the event before them is not the one that lies there now.
    await OffsetFence.objects.filter(consumer=group).aupdate(next_offset=next_offset, event_id=new_id())
    await consume(sent, 10)
    assert await Effect.objects.filter(key__in=sent).acount() == 10


async def test_the_last_handled_event_is_not_handled_again(sent, consume, group, broker):
    await consume(sent, 10)
    loop = ConsumerLoop(broker, group=group, topics=TOPICS)
    outcomes = [await loop.step() for _ in range(3)]
    await loop.close()
    assert sum(outcome.handled for outcome in outcomes) == 0
