"""Received events become effects exactly once, and poison holds back its own key only."""

from threading import Event as Flag
from threading import Thread

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from event_bus import inbox
from event_bus.apply import Outcome, apply_batch
from event_bus.broker import Record
from event_bus.dispatch import Delivery, in_groups
from event_bus.models import InboxEntry, ParkedEvent
from event_bus.parking import BEHIND
from event_bus.replay import replay
from event_bus.testing import record_of
from event_bus.tests.probe import handlers
from event_bus.tests.probe.models import Effect
from shared_models.clock import utc_now
from shared_models.events import Envelope, contract, ml
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
    outcome = apply_batch(GROUP, [record._replace(headers=headers)])
    assert outcome.skipped == 1
    assert not InboxEntry.objects.exists()


def retyped(record, type_):
    return record._replace(headers=[(n, type_.encode() if n == "ce_type" else v) for n, v in record.headers])


def test_a_version_newer_than_this_code_is_parked_because_its_reader_is_yet_to_be_deployed(started):
    apply_batch(GROUP, [retyped(record_of(started()), "titan.ml.work.started.v99")])
    assert "newer than this code" in ParkedEvent.objects.get().error


def test_a_version_this_code_knows_but_does_not_handle_is_left_alone(started, monkeypatch):
    monkeypatch.setitem(contract._contracts, "titan.ml.work.started.v2", ml.WorkStarted)
    assert apply_batch(GROUP, [retyped(record_of(started()), "titan.ml.work.started.v2")]).skipped == 1


def test_a_body_larger_than_any_that_can_be_said_is_parked(started):
    record = record_of(started())
    apply_batch(GROUP, [record._replace(value=record.value + b" " * 5_000_000), record_of(started(), offset=1)])
    assert "5000" in ParkedEvent.objects.get().error
    assert Effect.objects.count() == 1


def test_a_batch_handler_gets_its_events_together(failed):
    apply_batch(GROUP, records(*(failed(number=n) for n in range(50))))
    assert handlers.batches == [50]
    assert Effect.objects.count() == 50


def test_types_that_share_a_key_keep_its_order_and_still_come_together(started, failed):
    key = new_id()
    mixed = [failed(key=key, number=1), failed(number=0), started(key=key, number=2), failed(key=key, number=3)]
    apply_batch(GROUP, records(*mixed, *(failed() for _ in range(10))))
    assert numbers(key) == [1, 2, 3]
    assert len(handlers.batches) == 2


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "c"])), max_size=60))
def test_groups_hold_one_type_each_and_never_put_a_key_out_of_order(drawn):
    def delivery(number, key, type_):
        headers = Envelope(new_id(), type_, "", "", utc_now())
        return Delivery(Record("t", 0, number, str(key).encode(), b"", []), headers, None)

    groups = in_groups([delivery(n, key, type_) for n, (key, type_) in enumerate(drawn)])
    assert all(len({d.envelope.type for d in group}) == 1 for group in groups)
    flat = [d for group in groups for d in group]
    assert len(flat) == len(drawn)
    for key in range(4):
        offsets = [d.record.offset for d in flat if d.record.key == str(key).encode()]
        assert offsets == sorted(offsets)


def test_an_unreadable_event_costs_the_others_nothing(started, monkeypatch):
    calls = []
    claim = inbox.claim
    monkeypatch.setattr("event_bus.inbox.claim", lambda *a: calls.append(1) or claim(*a))
    batch = records(*(started() for _ in range(100)))
    batch[37] = batch[37]._replace(value=b"{")
    assert apply_batch(GROUP, batch).handled == 99
    assert len(calls) == 1


def test_one_failing_handler_is_found_by_halving(started, monkeypatch):
    handlers.trouble["bad"] = handlers.POISON
    calls = []
    claim = inbox.claim
    monkeypatch.setattr("event_bus.inbox.claim", lambda *a: calls.append(1) or claim(*a))
    outcome = apply_batch(GROUP, records(*(started(server="bad" if n == 77 else "fine") for n in range(256))))
    assert (outcome.handled, outcome.parked) == (255, 1)
    assert len(calls) <= 2 * 8 + 1


def test_duplicates_are_counted_apart(started):
    record = record_of(started())
    assert apply_batch(GROUP, [record, record]) == Outcome(handled=1, duplicates=1)


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


def test_an_event_that_comes_during_a_replay_neither_overtakes_nor_stays_behind(started, monkeypatch):
    handlers.trouble["bad"] = handlers.POISON
    key = new_id()
    apply_batch(GROUP, records(started(key=key, number=1, server="bad"), started(key=key, number=2)))
    handlers.trouble.clear()
    replaying, begun = Flag(), Flag()

    def slowly(consumer, row):
        replaying.set()
        begun.wait(5)
        handle(consumer, row)

    from event_bus import replay as module

    handle = module._handle
    monkeypatch.setattr(module, "_handle", slowly)

    def consume():
        replaying.wait(5)
        begun.set()
        apply_batch(GROUP, [record_of(started(key=key, number=3), offset=5)])
        connection.close()

    consumer = Thread(target=consume)
    consumer.start()
    module.replay(GROUP)
    consumer.join()
    module.replay(GROUP)
    assert numbers(key) == [1, 2, 3]
    assert not ParkedEvent.objects.exists()


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
