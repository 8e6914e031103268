"""Row b of the fault table: what a broker answers when it is in trouble, played by a mock cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from aiokafka.partitioner import murmur2
from harness import faulty_broker as faults
from harness.faulty_broker import FaultyBroker, faulty_broker
from harness.report import Report
from harness.watch import Watch
from harness.world import World

pytestmark = [
    pytest.mark.skipif(not faults.is_available(), reason="no librdkafka with a mock cluster here"),
    pytest.mark.skipif(
        os.environ.get("TITAN_TEST_BROKER") == "apache", reason="the mock cluster is tested in the embedded run"
    ),
]

BROKERS, PARTITIONS, KEYS = 3, 6, 120
WITHOUT_LEADER = (0, 2, 4)
LEADERLESS_SECONDS = min(25.0, float(os.environ.get("TITAN_CHAOS_OUTAGE", "60")))
MOST_CPU_PERCENT, MOST_REQUESTS_PER_SECOND = 10.0, 20.0


@pytest.fixture
def broker() -> Iterator[FaultyBroker]:
    """A cluster of three."""
    with faulty_broker(brokers=BROKERS) as made:
        yield made


@pytest.fixture
def world(make_world: Callable[..., World], broker: FaultyBroker) -> World:
    """A world on that cluster."""
    made = make_world(bootstrap=broker.bootstrap, topic=False)
    made.session_seconds = 3  # a member that was thrown out waits for its own ghost
    broker.make_topic(made.topic, partitions=PARTITIONS)
    return made


def partition_of(key: str) -> int:
    """Where Kafka's clients put this key."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS


def healthy(keys: int) -> list[str]:
    """The keys whose partitions keep their leader."""
    return [f"k{number}" for number in range(keys) if partition_of(f"k{number}") not in WITHOUT_LEADER]


def effects(world: World, keys: list[str]) -> int:
    """Effects of these keys."""
    return world.number("SELECT count(*) FROM effect WHERE key IN ('" + "', '".join(keys) + "')")


def committed(world: World, keys: list[str]) -> int:
    """Events of these keys that were committed by their writers."""
    return world.number("SELECT coalesce(sum(number), 0) FROM counter WHERE name IN ('" + "', '".join(keys) + "')")


@dataclass(frozen=True)
class Leaderless:
    """What happened while half of the partitions had no leader."""

    healthy_flowed_percent: int
    cpu_percent: float
    requests_per_second: float
    drained_after_seconds: float


def without_leaders(world: World, broker: FaultyBroker, *, events: int, without: tuple[str, ...] = ()) -> Leaderless:
    """Take half of the partitions' leaders away while events are written, and give them back."""
    members = [world.start("relay", without=without), world.start("consumer", without=without)]
    world.wrote(world.write(events=600, keys=KEYS))
    world.until(world.drained)
    for partition in WITHOUT_LEADER:
        broker.set_leader(world.topic, partition, faults.NOBODY)
    writer, watch, fine = world.write(events=events, keys=KEYS, batch=10, pause=0.05), Watch(members), healthy(KEYS)
    with broker.counting() as requests:
        world.wrote(writer)
        began = time.monotonic()
        while effects(world, fine) < committed(world, fine) and time.monotonic() - began < LEADERLESS_SECONDS:
            time.sleep(0.2)
        flowed = effects(world, fine) / committed(world, fine)
        cost, seconds = watch.cost(), watch.seconds
    for partition in WITHOUT_LEADER:
        broker.set_leader(world.topic, partition, 1 + partition % BROKERS)
    returned = time.monotonic()
    world.until(world.drained)
    asked = (requests[faults.PRODUCE] + requests[faults.METADATA]) / seconds
    return Leaderless(round(100 * flowed), cost.cpu_percent, round(asked, 1), round(time.monotonic() - returned, 1))


def test_partitions_without_leader_hold_back_their_own_events_only(
    world: World, broker: FaultyBroker, report: Report
) -> None:
    """Half of the partitions lose their leader and get one back; the others' events flow all the time."""
    found = without_leaders(world, broker, events=1_500)
    verdict = world.verdict()
    report.say(
        "b", "nothing lost, lag drained, no hot loop", events=2_100, records=world.records(), **vars(found),
        **vars(verdict),
    )  # fmt: skip
    assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
    assert found.cpu_percent < MOST_CPU_PERCENT
    assert found.requests_per_second < MOST_REQUESTS_PER_SECOND
    assert found.healthy_flowed_percent == 100


def test_without_pacing_partitions_without_leader_keep_a_core_busy(
    world: World, broker: FaultyBroker, report: Report
) -> None:
    """The control: the client asks for metadata as fast as it is answered."""
    found = without_leaders(world, broker, events=300, without=("pacing",))
    report.say("b", "the hot loop is found", control=True, **vars(found))
    assert found.requests_per_second > MOST_REQUESTS_PER_SECOND


def lost_answer(broker: FaultyBroker) -> None:
    """The records are appended, but the line is cut before the producer hears of it."""
    for number in range(1, BROKERS + 1):
        broker.answer_late(faults.PRODUCE, 2.0, broker=number)
    broker.wait_for(faults.PRODUCE, 30)
    broker.go_down()
    time.sleep(0.1)
    broker.come_up()


def slow(broker: FaultyBroker) -> None:
    """Each answer takes two seconds, for a while."""
    broker.be_slow(2)
    time.sleep(4)
    broker.be_slow(0)


FAULTS: dict[str, Callable[[FaultyBroker, World], None]] = {
    "not the leader": lambda b, w: b.fail(faults.PRODUCE, *[faults.NOT_LEADER] * 3),
    "request timed out": lambda b, w: b.fail(faults.PRODUCE, *[faults.REQUEST_TIMED_OUT] * 3),
    "out of order sequence": lambda b, w: b.fail(faults.PRODUCE, *[faults.OUT_OF_ORDER_SEQUENCE] * 2),
    "too large for the broker": lambda b, w: b.fail(faults.PRODUCE, faults.MESSAGE_TOO_LARGE),
    "connection lost at produce": lambda b, w: b.fail(faults.PRODUCE, *[faults.CONNECTION_LOST] * 3),
    "answer lost after append": lambda b, w: lost_answer(b),
    "connection lost at fetch": lambda b, w: b.fail(faults.FETCH, *[faults.CONNECTION_LOST] * 3),
    "commit while rebalancing": lambda b, w: b.fail(faults.OFFSET_COMMIT, *[faults.REBALANCE_IN_PROGRESS] * 2),
    "commit of an unknown member": lambda b, w: b.fail(faults.OFFSET_COMMIT, faults.UNKNOWN_MEMBER),
    "heartbeat of an unknown member": lambda b, w: b.fail(faults.HEARTBEAT, faults.UNKNOWN_MEMBER),
    "coordinator moved": lambda b, w: b.set_coordinator(w.group, 2),
    "leaders moved": lambda b, w: [b.set_leader(w.topic, p, 1 + (p + 1) % BROKERS) for p in range(PARTITIONS)],
    "two seconds slow": lambda b, w: slow(b),
}


def _is_writing(world: World, before: int) -> bool:
    return world.number("SELECT sum(number) FROM counter") > before


def test_each_error_a_broker_can_answer_is_survived_exactly(world: World, broker: FaultyBroker, report: Report) -> None:
    """One after the other, each while events flow; the figures say how many seconds each took until nothing waited."""
    members = [world.start("relay"), world.start("consumer")]
    world.wrote(world.write(events=200, keys=100))
    world.until(world.drained)
    took: dict[str, float] = {}
    for name, fault in FAULTS.items():
        writer = world.write(events=200, keys=100, batch=10, pause=0.1)
        world.until(partial(_is_writing, world, 200 * (1 + len(took))), every=0.02)
        began = time.monotonic()
        fault(broker, world)
        world.wrote(writer)
        world.until(world.drained)
        took[name] = round(time.monotonic() - began, 1)
        verdict = world.verdict()
        assert (name, verdict.lost, verdict.doubled, verdict.inverted) == (name, 0, 0, 0)
    report.say(
        "b", "each survived, exact", faults=len(took), events=200 * (1 + len(FAULTS)), records=world.records(),
        slowest_seconds=max(took.values()), **took,
    )  # fmt: skip
    assert all(member.running for member in members)
    # The answer that was lost made the producer repeat what was appended: the mock keeps both, the inbox one.
    assert world.records() > 200 * (1 + len(FAULTS))
