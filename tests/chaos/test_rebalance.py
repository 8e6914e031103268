"""Row d of the fault table: members come and go, and one that was thought dead wakes with work in its hands."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import pytest
from harness.report import Report
from harness.world import Member, World

STORM_SECONDS = float(os.environ.get("TITAN_CHAOS_STORM", "60"))
KEYS = 200
MOST_MEMBERS = 4
EXACT = {"lost": 0, "doubled": 0, "inverted": 0}


@pytest.mark.timeout(STORM_SECONDS + 240)
def test_members_that_come_and_go_each_second_lose_double_and_invert_nothing(world: World, report: Report) -> None:
    chance = random.Random(4)
    world.keep("relay")
    members, far, came = [world.start("consumer")], world.committed(), 1
    ends, steps_back, writers = time.monotonic() + STORM_SECONDS, 0, list[Member]()
    while time.monotonic() < ends:
        if len(members) < 2 or (len(members) < MOST_MEMBERS and chance.random() < 0.5):
            members.append(world.start("consumer"))
            came += 1
        else:
            gone = members.pop(chance.randrange(len(members)))
            world.until(lambda: "ready" in gone.output() or not gone.running)  # noqa: B023
            leave(gone, chance)
        writers += world.write(events=200, keys=KEYS)
        world.tend()
        now = world.committed()
        steps_back += sum(new < old for new, old in zip(now, far, strict=True))
        far = now
        time.sleep(max(0.0, 1 - time.monotonic() % 1))
    world.wrote(writers)
    world.until(world.drained)
    verdict, left = world.verdict(), came - len(members)
    report.say(
        "d",
        f"{came} members came, {left} went: exact",
        **vars(verdict), events=200 * len(writers), came=came, went=left, offsets_moved_back=steps_back,
    )  # fmt: skip
    assert vars(verdict) == EXACT
    assert steps_back == 0
    assert [m.code for m in world.members if m not in members and m.code not in (0, -signal.SIGKILL, None)] == []


def leave(member: Member, chance: random.Random) -> None:
    """Go: two of three in order, the third as if its machine had failed."""
    member.signal(signal.SIGTERM if chance.random() < 0.67 else signal.SIGKILL)


@pytest.mark.parametrize(
    "moment", ["consumer.poll:after:2:stop", "consumer.handler:after:50:stop", "consumer.commit:before:2:stop"]
)
def test_a_member_that_wakes_after_its_session_ended_has_no_second_effect(
    world: World, report: Report, moment: str
) -> None:
    world.keep("relay")
    zombie, before = sleep_past_its_session(world, moment)
    mark = world.number("SELECT max(id) FROM effect")
    wake(world, zombie)
    late = world.number(
        f"SELECT count(*) FROM effect WHERE id > {mark}"
        f" AND event_id IN (SELECT event_id FROM effect WHERE id <= {mark})"
    )
    verdict = world.verdict()
    after = world.committed()
    report.say("d", f"woke after {moment.rpartition(':')[0]}: no late effect", **vars(verdict), late_effects=late)
    assert vars(verdict) == EXACT
    assert late == 0
    assert all(new >= old for new, old in zip(after, before, strict=True))
    assert zombie.stop() == 0


def test_control_a_member_that_wakes_without_the_inbox_doubles_effects(world: World, report: Report) -> None:
    world.keep("relay")
    zombie, _ = sleep_past_its_session(world, "consumer.poll:after:2:stop", without=["inbox"])
    wake(world, zombie)
    doubled = world.verdict().doubled
    report.say("d", f"without the inbox: {doubled} effects doubled", control=True, doubled=doubled)
    assert doubled > 0


def sleep_past_its_session(world: World, moment: str, **options: object) -> tuple[Member, list[int]]:
    """A member that froze with records in its hands, and whose work another one has done since."""
    zombie = world.start("consumer", at=[moment], **options)  # type: ignore[arg-type]
    world.until(lambda: sum(world.committed()) or "ready" in zombie.output())
    for _ in range(20):
        world.wrote(world.write(events=200, keys=KEYS))
        if zombie.frozen():
            break
        time.sleep(0.3)
    world.until(zombie.frozen)
    world.keep("consumer", **options)
    world.wrote(world.write(events=400, keys=KEYS))
    world.until(world.drained)
    return zombie, world.committed()


def wake(world: World, zombie: Member) -> None:
    """Let it go on, and wait until it has done whatever it is going to do."""
    joined = zombie.output().count("Joined group")
    zombie.signal(signal.SIGCONT)
    world.until(lambda: zombie.output().count("Joined group") > joined)
    world.wrote(world.write(events=400, keys=KEYS))
    world.until(world.drained)


def test_a_relay_that_wakes_after_another_took_over_reorders_nothing(
    make_world: Callable[..., World], report: Report
) -> None:
    """The server ends its session after a while, so another leads; what it still sends are repetitions."""
    world = make_world()
    tuned = {"tune": ["event_bus.leadership.IDLE_SESSION_SECONDS=3"]}
    world.keep("consumer")
    sleeper = world.start("relay", at=["relay.send:before:1:stop"], **tuned)
    world.until(lambda: "ready" in sleeper.output())
    world.wrote(world.write(writers=2, events=2000, keys=KEYS))
    world.until(sleeper.frozen)
    world.keep("relay", **tuned)
    world.wrote(world.write(writers=2, events=2000, keys=KEYS))
    world.until(world.drained)
    sleeper.signal(signal.SIGCONT)
    world.wrote(world.write(writers=2, events=2000, keys=KEYS))
    world.until(lambda: "relay.database_unavailable" in sleeper.output())
    world.until(world.drained)
    verdict = world.verdict()
    again = world.records() - 6000
    report.say("d", "a relay slept through its leadership: exact", **vars(verdict), events=6000, sent_twice=again)
    assert vars(verdict) == EXACT
