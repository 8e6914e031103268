"""Row a of the fault table: relay and consumer are killed at every step, on both sides of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

import pytest
from harness import failpoints
from harness.database import Verdict
from harness.report import Report
from harness.traffic import Duplicator, beside
from harness.world import World

EVENTS, KEYS = int(os.environ.get("TITAN_CHAOS_EVENTS", "40000")), 4_000
ONE_IN = 20
# Late enough that something is in flight, early enough that each process gets there.
# Where the machine was so fast that not all deaths were died in the first run, more events follow.
MOST_ROUNDS = 20
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
        world.wrote(world.write(writers=4, events=events, keys=keys, batch=100, pause=0.1), 240)
        world.until(lambda: duplicator.seen >= events, 240)
    world.until(world.drained, 240)
    asyncio.run(duplicator.repeat_late())
    for _ in range(MOST_ROUNDS):
        world.until(world.drained)
        if not set(plans) - set(world.reached()):
            break
        world.give_way()
        world.wrote(world.write(events=200, keys=keys))
    return duplicator.sent


@pytest.mark.timeout(600)
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


FEW_EVENTS, FEW_KEYS = 2_000, 200


def test_control_without_the_inbox_effects_double(world: World, report: Report) -> None:
    deaths_of_consumer = deaths(["consumer.commit"])
    world.keep("relay")
    world.keep("consumer", at=deaths_of_consumer, without=["inbox"])
    repeated = run_through(world, deaths_of_consumer, events=FEW_EVENTS, keys=FEW_KEYS)
    doubled = world.verdict().doubled
    report.say("a", f"without the inbox {doubled} effects doubled", control=True, sent_twice=repeated, doubled=doubled)
    assert doubled >= repeated // 3


def test_writers_that_meet_on_few_counters_keep_their_order(world: World, report: Report) -> None:
    verdict = crowded(world)
    report.say("a", "20 counters, 8 writers: in order", **vars(verdict), events=FEW_EVENTS)
    assert vars(verdict) == {"lost": 0, "doubled": 0, "inverted": 0}


def test_control_writers_that_append_before_they_lock_invert_events(world: World, report: Report) -> None:
    verdict = crowded(world, lock_late=True)
    report.say("a", f"append before lock: {verdict.inverted} events out of order", control=True, **vars(verdict))
    assert verdict.inverted > 0
    assert (verdict.lost, verdict.doubled) == (0, 0)


def crowded(world: World, **options: object) -> Verdict:
    """Eight writers that all want the same few counters, one event a transaction."""
    world.keep("relay")
    world.keep("consumer")
    world.wrote(world.write(writers=8, events=FEW_EVENTS, keys=20, batch=1, pause=0.01, **options))
    world.until(world.drained)
    return world.verdict()


def test_two_relays_send_each_event_once_between_them(world: World, report: Report) -> None:
    extra = sent_by_two_relays(world)
    report.say("a", "two relays: nothing sent twice", events=FEW_EVENTS, sent_twice=extra)
    assert extra == 0


def test_control_two_relays_without_the_leader_lock_send_events_twice(world: World, report: Report) -> None:
    """They only send twice: each sends a prefix of the outbox in order, so the inbox still saves the effects."""
    extra = sent_by_two_relays(world, without=["leader-lock"])
    report.say("a", f"two leaders: {extra} records too many", control=True, events=FEW_EVENTS, sent_twice=extra)
    assert extra > 0
    assert vars(world.verdict()) == {"lost": 0, "doubled": 0, "inverted": 0}


def sent_by_two_relays(world: World, **options: object) -> int:
    """How many records more than events two relays produced."""
    relays = [world.keep("relay", **options) for _ in range(2)]
    world.keep("consumer")
    world.until(lambda: all("ready" in relay.member.output() for relay in relays))
    world.wrote(world.write(writers=2, events=FEW_EVENTS, keys=FEW_KEYS))
    world.until(world.drained)
    return world.records() - FEW_EVENTS
