"""An event is said if and only if its transaction commits."""

import pytest
from django.db import transaction

from event_bus.models import OutboxEvent
from event_bus.outbox import LONG, EventTooLarge, OutsideTransaction, append, append_all
from event_bus.registry import NotPublished
from event_bus.testing import said
from shared_models.clock import utc_now
from shared_models.events import billing, ml
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_rolled_back_transaction_says_nothing(started):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        append(started())
        raise ZeroDivisionError
    assert not OutboxEvent.objects.exists()


def test_appending_outside_a_transaction_is_refused(started):
    with pytest.raises(OutsideTransaction):
        append(started())


def test_an_event_that_publishes_py_does_not_list_is_refused():
    event = billing.HoldExpired(hold_id=new_id(), work_id=new_id(), payer_id=new_id())
    with pytest.raises(NotPublished), transaction.atomic():
        append(event)


@pytest.mark.parametrize("server", ["x" * 1_000_000, "é" * 500_000], ids=["long", "long in bytes"])
def test_an_event_that_kafka_would_refuse_is_refused_here(started, server):
    with pytest.raises(EventTooLarge), transaction.atomic():
        append(started(server=server))


def test_an_event_with_a_known_id_is_said_once(started):
    event, event_id = started(), new_id()
    for _ in range(2):
        with transaction.atomic():
            append(event, event_id=event_id)
    assert said(ml.WorkStarted) == [event]


def test_the_time_of_an_event_can_be_its_facts_time(started):
    then = utc_now()
    with transaction.atomic():
        append(started(), occurred_at=then)
    assert OutboxEvent.objects.get().occurred_at == then


def test_long_and_short_events_are_kept_in_the_order_they_were_said(started):
    events = [started(server=text) for text in ("a", "b" * 2 * LONG, 'quo"te\\' * LONG, "é", "%s" * LONG, "c")]
    with transaction.atomic():
        append_all([(event, None) for event in events])
    assert said(ml.WorkStarted) == events
    assert OutboxEvent.objects.get(key=events[1].key).headers == OutboxEvent.objects.get(key=events[0].key).headers


def test_a_long_event_with_a_known_id_is_said_once(started):
    event, event_id = started(server="x" * 2 * LONG), new_id()
    for _ in range(2):
        with transaction.atomic():
            append(event, event_id=event_id)
    assert said(ml.WorkStarted) == [event]
