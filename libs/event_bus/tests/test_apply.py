"""Received events become effects exactly once, and poison holds back its own key only."""

import pytest

from event_bus.apply import apply_batch
from event_bus.broker import Record
from event_bus.models import InboxEntry, ParkedEvent
from event_bus.parking import BEHIND
from event_bus.replay import replay
from event_bus.testing import record_of
from event_bus.tests.probe import handlers
from event_bus.tests.probe.models import Effect
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
GROUP = "titan.probe"


def numbers(key):
    return list(Effect.objects.filter(key=str(key)).order_by("id").values_list("number", flat=True))


def records(*events):
    return [record_of(event, offset=i) for i, event in enumerate(events)]


def test_an_event_delivered_three_times_has_one_effect(started):
    record = record_of(started())
    apply_batch(GROUP, [record, record])
    apply_batch(GROUP, [record])
    assert Effect.objects.count() == 1


def test_the_order_within_a_key_is_kept(started):
    key = new_id()
    apply_batch(GROUP, records(*(started(key=key, number=n) for n in range(20))))
    assert numbers(key) == list(range(20))


def test_events_nobody_listens_to_are_skipped_and_leave_no_trace(started):
    record = record_of(started())
    headers = [(n, b"titan.moon.landed.v1" if n == "ce_type" else v) for n, v in record.headers]
    outcome = apply_batch(GROUP, [Record(record.topic, 0, 0, record.key, record.value, headers)])
    assert outcome.skipped == 1
    assert not InboxEntry.objects.exists()


@pytest.mark.parametrize("error", [handlers.POISON, handlers.ODD])
def test_poison_is_parked_with_its_reason_and_the_others_flow(started, error):
    handlers.trouble["bad"] = error
    key = new_id()
    apply_batch(GROUP, records(started(number=1), started(key=key, server="bad"), started(number=3)))
    assert Effect.objects.count() == 2
    assert str(error) in ParkedEvent.objects.get().error


def test_a_failed_handler_leaves_nothing_half_written(started):
    handlers.trouble["bad"] = handlers.POISON
    apply_batch(GROUP, records(started(server="bad")))
    assert not Effect.objects.exists()
    assert not InboxEntry.objects.exists()


def test_later_events_of_a_parked_key_wait_behind_it(started):
    handlers.trouble["bad"] = handlers.POISON
    key = new_id()
    apply_batch(GROUP, records(started(key=key, number=1, server="bad"), started(key=key, number=2), started()))
    later = [record_of(started(key=key, number=3), offset=9)]
    apply_batch(GROUP, later)
    assert numbers(key) == []
    assert [parked.error == BEHIND for parked in ParkedEvent.objects.order_by("id")] == [False, True, True]


def test_replay_handles_a_key_in_its_order_once_the_cause_is_gone(started):
    handlers.trouble["bad"] = handlers.POISON
    key = new_id()
    batch = records(*(started(key=key, number=n, server="bad" if n == 1 else "fine") for n in (1, 2, 3)))
    apply_batch(GROUP, batch)
    handlers.trouble.clear()
    assert replay(GROUP) == (3, 0)
    assert numbers(key) == [1, 2, 3]
    apply_batch(GROUP, batch)
    assert numbers(key) == [1, 2, 3]


def test_replay_of_what_still_fails_changes_only_its_attempts(started):
    handlers.trouble["bad"] = handlers.POISON
    apply_batch(GROUP, records(started(server="bad")))
    assert replay(GROUP) == (0, 1)
    assert ParkedEvent.objects.get().attempts == 2
    assert not Effect.objects.exists()


@pytest.mark.parametrize("value", [b"", b"{", b"\x00\xff", b"[]", b'{"work_id": 1}'])
def test_a_known_type_with_an_unreadable_body_is_parked(started, value):
    record = record_of(started())
    apply_batch(GROUP, [Record(record.topic, 0, 0, record.key, value, record.headers), record_of(started(), offset=1)])
    assert ParkedEvent.objects.count() == 1
    assert Effect.objects.count() == 1


def test_a_record_without_an_envelope_is_parked(started):
    apply_batch(GROUP, [Record("titan.ml.v1", 0, 0, b"k", b"{}", []), record_of(started(), offset=1)])
    assert "ce_" in ParkedEvent.objects.get().error
    assert Effect.objects.count() == 1


def test_a_database_that_is_away_parks_nothing(started):
    handlers.trouble["bad"] = handlers.AWAY
    with pytest.raises(type(handlers.AWAY)):
        apply_batch(GROUP, records(started(), started(server="bad")))
    assert not ParkedEvent.objects.exists()
    assert not Effect.objects.exists()


def test_without_the_inbox_the_same_delivery_would_count_twice(started, monkeypatch):
    """The control of the first test: remove the guard, and the effect doubles."""
    monkeypatch.setattr("event_bus.inbox.claim", lambda consumer, envelopes: {e.id for e in envelopes})
    record = record_of(started())
    apply_batch(GROUP, [record])
    apply_batch(GROUP, [record])
    assert Effect.objects.count() == 2
