"""The event map: who says what to whom, how fast, what waits; a service that says nothing is shown as silent."""

from datetime import UTC, datetime, timedelta

from service_base.bus_reports import BusReport
from service_base.operations.event_map import event_map

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
CHANGED, ACTIVATED = "titan.billing.balances.changed.v1", "titan.billing.coupon.activated.v1"
SERVICES = ("identity", "billing")


def told(service, *, ago=1, instance="host:1", **changes):
    """A report of some seconds ago."""
    calm = {
        "started_at": NOW - timedelta(hours=1), "publishes": [], "listens_to": [], "sent": {}, "handled": {}, "lag": {},
        "lag_seconds": 0, "outbox_waiting": 0, "outbox_oldest_seconds": 0, "parked": 0, "breaker_open": False,
    }  # fmt: skip
    return BusReport(service=service, instance=instance, at=NOW - timedelta(seconds=ago), **calm | changes)


def drawn(*reports):
    return event_map(reports, services=SERVICES, now=NOW)


def place(found, service):
    return next(one for one in found.places if one.service == service)


def test_a_flow_leads_from_who_says_it_to_who_hears_it_with_its_rates_and_lag():
    found = drawn(
        told("billing", publishes=[CHANGED, ACTIVATED], sent={CHANGED: 4.0, ACTIVATED: 0.5}),
        told("identity", listens_to=[CHANGED], handled={CHANGED: 3.0}, lag={"titan.billing.v1": 7}),
    )
    activated, changed = sorted(found.flows, key=lambda flow: flow.sent)
    assert (changed.type, changed.topic, changed.producers, changed.sent) == (
        CHANGED,
        "titan.billing.v1",
        ("billing",),
        4,
    )
    [reader] = changed.readers
    assert (reader.service, reader.handled, reader.lag) == ("identity", 3.0, 7)
    assert (activated.type, activated.readers) == (ACTIVATED, ())
    assert found.between() == {("billing", "identity"): 3.0}


def test_several_workers_of_a_service_are_one_place():
    found = drawn(
        told("billing", handled={"x": 1.0}, lag={"t": 2}, parked=3, outbox_waiting=5),
        told("billing", instance="host:2", handled={"x": 2.0}, lag={"t": 4}, parked=3),
    )
    billing = place(found, "billing")
    assert (billing.instances, billing.handled, billing.lag, billing.parked, billing.outbox_waiting) == (2, 3, 6, 3, 5)


def test_a_service_whose_workers_say_nothing_is_silent_and_nothing_flows_there():
    found = drawn(told("billing", ago=30, publishes=[CHANGED], sent={CHANGED: 4.0}, parked=2))
    billing = place(found, "billing")
    assert (billing.state, billing.sent, billing.parked, billing.is_well) == ("silent", 0, 2, False)
    assert billing.heard_at == NOW - timedelta(seconds=30)
    assert found.flows[0].sent == 0


def test_a_service_nobody_ever_heard_of_has_a_place_too():
    identity = place(drawn(), "identity")
    assert (identity.state, identity.heard_at, identity.is_well) == ("unknown", None, False)


def test_a_worker_that_ended_is_not_counted_beside_its_successor():
    found = drawn(told("billing", has_ended=True, lag={"t": 9}), told("billing", instance="host:2", lag={"t": 1}))
    assert (place(found, "billing").instances, place(found, "billing").lag) == (1, 1)


def test_that_a_breaker_opened_is_still_said_after_the_worker_was_started_anew():
    found = drawn(told("billing", ago=20, breaker_open=True, has_ended=True), told("billing", instance="host:2"))
    billing = place(found, "billing")
    assert billing.breaker_opened_at == NOW - timedelta(seconds=20)
    assert (billing.state, billing.is_well) == ("reports", False)


def test_a_service_that_reports_and_parks_nothing_is_well():
    assert place(drawn(told("billing")), "billing").is_well


def test_a_rate_of_an_event_whose_publisher_does_not_list_it_is_left_out():
    assert drawn(told("billing", sent={CHANGED: 1.0})).flows == ()


def test_the_map_as_json_has_moments_as_text():
    found = drawn(told("billing", breaker_open=True, publishes=[CHANGED])).as_json()
    assert found["at"] == "2026-07-01T12:00:00Z"
    assert [one["heard_at"] for one in found["services"]] == [None, "2026-07-01T11:59:59Z"]
    assert found["events"][0]["producers"] == ("billing",)
