"""The breaker opens when the fault is here, and stays closed while single events are at fault."""

from datetime import timedelta

import pytest

from event_bus import parking
from event_bus.apply import Applier
from event_bus.breaker import Breaker, BreakerOpen
from event_bus.models import InboxEntry, ParkedEvent
from event_bus.testing import record_of
from event_bus.tests.probe import handlers
from shared_models.clock import utc_now


def test_twenty_failures_in_a_row_are_borne_and_one_more_is_not():
    breaker = Breaker()
    breaker.judge([True] * 20)
    with pytest.raises(BreakerOpen, match="21 events in a row"):
        breaker.judge([True])


def test_a_success_between_begins_the_row_anew():
    Breaker().judge([*[True] * 20, *[False] * 900, *[True] * 20])


def test_after_a_restart_the_first_failure_is_enough_and_the_first_success_forgives():
    bad, good = Breaker(), Breaker()
    bad.remember(20)
    with pytest.raises(BreakerOpen):
        bad.judge([True])
    good.remember(37)
    good.judge([False, *[True] * 20])


@pytest.mark.django_db(transaction=True)
def test_only_what_was_parked_for_itself_lately_counts(started):
    handlers.trouble["bad"] = handlers.POISON
    first = started(server="bad")
    batch = [first, *(started(key=first.work_id) for _ in range(5)), started(server="bad")]
    Applier("titan.probe").apply([record_of(event, offset=n) for n, event in enumerate(batch)])
    assert parking.lately("titan.probe") == 2
    ParkedEvent.objects.update(parked_at=utc_now() - timedelta(hours=1))
    assert parking.lately("titan.probe") == 0


def test_one_in_a_hundred_is_borne_for_ever():
    Breaker().judge(([True] + [False] * 99) * 50)


def test_one_in_fifteen_is_not():
    with pytest.raises(BreakerOpen, match="of the last"):
        Breaker().judge(([True] + [False] * 14) * 50)


def test_what_failed_long_ago_is_forgotten():
    Breaker().judge([*([True] + [False] * 30) * 15, *[False] * 1000, *([True] + [False] * 30) * 15])


@pytest.mark.django_db(transaction=True)
def test_an_open_breaker_commits_nothing_of_what_opened_it(started):
    batch = [record_of(started(), offset=n) for n in range(30)]
    unreadable = [type(record)(record.topic, 0, record.offset, record.key, b"{", record.headers) for record in batch]
    with pytest.raises(BreakerOpen):
        Applier("titan.probe").apply(unreadable)
    assert not ParkedEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_events_that_only_wait_behind_their_key_do_not_open_it(started):
    handlers.trouble["bad"] = handlers.POISON
    first = started(server="bad")
    waiting = [started(key=first.work_id) for _ in range(60)]
    Applier("titan.probe").apply([record_of(event, offset=n) for n, event in enumerate([first, *waiting])])
    assert ParkedEvent.objects.count() == 61
    assert not InboxEntry.objects.exists()
