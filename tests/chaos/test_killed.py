"""Row a of the fault table: relay and consumer are killed at every step, on both sides of it."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from harness import failpoints
from harness.report import Report
from harness.traffic import Duplicator, beside
from harness.world import World

EVENTS, KEYS = int(os.environ.get("TITAN_CHAOS_EVENTS", "40000")), 4_000
ONE_IN = 20
# Late enough that something is in flight, early enough that each process gets there.
PASSES = {"consumer.handler": 50, "relay.send": 3, "consumer.offsets": 1}


def deaths(steps: Iterable[str]) -> list[str]:
    """A kill before and after each of the steps."""
    return [f"{step}:{moment}:{PASSES.get(step, 2)}:kill" for step in steps for moment in ("before", "after")]


def run_through(world: World, plans: list[str], *, events: int, keys: int) -> int:
    """Write, send every twentieth event twice, and wait until all is handled and all planned deaths are died.

    How many records were sent twice.
    """
    duplicator = Duplicator(world.bootstrap, world.topic, one_in=ONE_IN)
    with beside(duplicator.run(events)):
        world.wrote(world.write(writers=4, events=events, keys=keys, pause=0.02))
        world.until(lambda: duplicator.seen >= events, 120)
    while set(plans) - set(world.reached()):
        world.wrote(world.write(events=200, keys=keys))
        world.until(world.drained)
    world.until(world.drained)
    return duplicator.sent


@pytest.mark.timeout(300)
def test_killed_before_and_after_each_step_every_event_has_its_effect_once_and_in_order(
    world: World, report: Report
) -> None:
    relay, consumer = deaths(failpoints.RELAY), deaths(failpoints.CONSUMER)
    for loop, plans in (("relay", relay), ("consumer", consumer)):
        world.keep(loop, at=plans[::2])
        world.keep(loop, at=plans[1::2])
    repeated = run_through(world, relay + consumer, events=EVENTS, keys=KEYS)
    verdict = world.verdict()
    effects = world.number("SELECT count(*) FROM effect")
    report.say(
        "a",
        f"{world.killed} kills: nothing lost, doubled or out of order",
        **vars(verdict), events=effects, keys=KEYS, kills=world.killed, sent_twice=repeated, records=world.records(),
    )  # fmt: skip
    assert vars(verdict) == {"lost": 0, "doubled": 0, "inverted": 0}
    assert sorted(world.reached()) == sorted(relay + consumer)
    assert repeated >= EVENTS // ONE_IN * 0.9
    assert world.crashed == []
