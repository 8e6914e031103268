"""Row b of the fault table: the broker is away for a minute, then there again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from harness.breakable import Breakable, breakable, broker_of_this_run
from harness.report import Report
from harness.watch import Cost, Watch
from harness.world import Member, World

from titan.testing import scratch_directory

OUTAGE = float(os.environ.get("TITAN_CHAOS_OUTAGE", "60"))
EVENTS, KEYS = 2_000, 200
# The Kafka client tries ten times a second at first; what gives up on it then waits longer each time.
MOST_CPU_PERCENT, MOST_ATTEMPTS_PER_SECOND = 10.0, 40.0
# Longer than the longest pause between two attempts, by the time a poor machine needs to start a broker.
BACK_SECONDS = 120.0


@pytest.fixture
def broker() -> Iterator[Breakable]:
    """A broker of this test's own."""
    with scratch_directory() as home, breakable(broker_of_this_run(), home) as made:
        yield made


@pytest.fixture
def world(make_world: Callable[..., World], broker: Breakable) -> World:
    """A world on that broker."""
    return make_world(bootstrap=broker.address)


def half_way(world: World) -> None:
    """Events have passed, the rest waits; the group has members with partitions."""
    world.wrote(world.write(events=EVENTS, keys=KEYS))
    world.until(world.drained)


def outage(world: World, members: list[Member], seconds: float) -> Cost:
    """Events are written while the broker is away; what relay and consumer cost, once they noticed."""
    ends = time.monotonic() + seconds
    world.wrote(world.write(events=EVENTS, keys=KEYS))
    watch = Watch(members)
    time.sleep(max(5.0, ends - time.monotonic()))
    return watch.cost()


def drained_after(world: World, back: float) -> float:
    """Seconds from the broker's return until nothing waits."""
    world.until(world.drained, BACK_SECONDS)
    return round(time.monotonic() - back, 1)


@pytest.mark.timeout(OUTAGE + 400)
def test_a_broker_that_is_silent_for_a_minute_loses_nothing_and_costs_nothing(
    world: World, broker: Breakable, report: Report
) -> None:
    """Its processes are frozen: connections stay open, nobody answers. The relay is replaced in the middle."""
    members = [world.start("relay"), world.start("consumer")]
    half_way(world)
    broker.freeze()
    cost = outage(world, members, OUTAGE)
    began = time.monotonic()
    members[0].stop()
    stopped = time.monotonic() - began
    world.start("relay")
    broker.thaw()
    back = drained_after(world, time.monotonic())
    verdict = world.verdict()
    report.say(
        "b", "nothing lost, lag drained, no hot loop", events=2 * EVENTS, outage_seconds=OUTAGE, **vars(cost),
        stop_seconds=round(stopped, 1), drained_after_seconds=back, **vars(verdict),
    )  # fmt: skip
    assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
    assert cost.cpu_percent < MOST_CPU_PERCENT
    assert cost.attempts_per_second < MOST_ATTEMPTS_PER_SECOND


def test_a_broker_killed_and_restarted_loses_nothing_and_is_found_again(
    world: World, broker: Breakable, report: Report
) -> None:
    """kill -9 while records flow, then nobody listens, then the same broker with its log."""
    members = [world.start("relay"), world.start("consumer")]
    half_way(world)
    writers = world.write(events=EVENTS, keys=KEYS, pause=0.02)
    time.sleep(0.5)
    broker.kill()
    world.wrote(writers)
    cost = outage(world, members, OUTAGE / 6)
    broker.start()
    back = drained_after(world, time.monotonic())
    verdict = world.verdict()
    report.say(
        "b", "nothing lost, lag drained, no hot loop", events=3 * EVENTS, outage_seconds=OUTAGE / 6, **vars(cost),
        drained_after_seconds=back, records=world.records(), **vars(verdict),
    )  # fmt: skip
    assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
    assert all(member.running for member in members)
    assert cost.cpu_percent < MOST_CPU_PERCENT
    assert cost.attempts_per_second < MOST_ATTEMPTS_PER_SECOND


def test_without_acknowledgements_a_killed_broker_loses_events(world: World, broker: Breakable, report: Report) -> None:
    """The control: rows are deleted once they are handed to the client, which dies with what it still held."""
    relay = world.start("relay", without=["acknowledgement"])
    world.start("consumer")
    half_way(world)
    relay.signal(signal.SIGSTOP)
    world.wrote(world.write(events=EVENTS, keys=KEYS))
    broker.kill()
    relay.signal(signal.SIGCONT)
    world.until(lambda: world.number("SELECT count(*) FROM outbox") == 0)
    relay.stop()
    broker.start()
    world.until(world.drained, BACK_SECONDS)
    verdict = world.verdict()
    report.say("b", "lost events are found", control=True, **vars(verdict))
    assert verdict.lost > 0
