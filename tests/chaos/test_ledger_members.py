"""Row i of the fault table: workers come and go, one wakes after its session ended, the broker goes away."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Sequence

import pytest
from harness.ledger import EXACT, LedgerWorld
from harness.report import Report
from harness.world import Member

STORM_SECONDS = float(os.environ.get("TITAN_CHAOS_LEDGER_STORM", "20"))
OUTAGE_SECONDS = float(os.environ.get("TITAN_CHAOS_LEDGER_OUTAGE", "10"))
MOST_WORKERS = 3
# What a worker says that finds its group, or its database session, gone on without it.
LOST_ITS_PLACE = re.compile(r"consumer\.(commit_failed|retry)")
SMALL = ["event_bus.consumer.LARGEST_BATCH=60"]
# The frozen worker's relay leads until the server ends its session: after 90 s, were it not for this.
IMPATIENT = [*SMALL, "event_bus.leadership.IDLE_SESSION_SECONDS=3"]


@pytest.mark.timeout(STORM_SECONDS + 400)
def test_workers_that_come_and_go_charge_each_usage_once(ledger_world: LedgerWorld, report: Report) -> None:
    came, went = storm(ledger_world, STORM_SECONDS)
    verdict, parked = ledger_world.verdict(), ledger_world.parked()
    report.say(
        "i", f"{came} workers came, {went} went: exact", **vars(verdict), usages=len(ledger_world.due), parked=parked
    )
    assert verdict == EXACT
    assert parked == 0


@pytest.mark.timeout(600)
def test_without_inbox_fence_and_keys_workers_that_come_and_go_charge_twice(
    ledger_world: LedgerWorld, report: Report
) -> None:
    """The control: some go with charges made and their place in the topic unsaid; whoever comes begins before them."""
    ledger_world.lift_keys()
    storm(ledger_world, STORM_SECONDS / 2, "inbox", "fence", "keys", at=["consumer.offsets:before:1:kill"])
    verdict = ledger_world.verdict()
    report.say("i", f"{verdict.doubled} charges too many are found", control=True, **vars(verdict))
    assert verdict.doubled > 0
    assert verdict.difference is not None


def storm(world: LedgerWorld, seconds: float, *without: str, at: Sequence[str] = ()) -> tuple[int, int]:
    """Workers come and go each second while usage is told; how many came, and how many went."""
    chance = random.Random(7)
    workers, came = [world.start("worker", tune=SMALL, without=without, at=at)], 1
    ends, seed = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        seed += 1
        world.tell(world.script(100, seed=seed))
        if len(workers) < 2 or (len(workers) < MOST_WORKERS and chance.random() < 0.5):
            workers.append(world.start("worker", tune=SMALL, without=without, at=at))
            came += 1
        else:
            workers.pop(chance.randrange(len(workers))).signal(chance.choice([signal.SIGTERM, signal.SIGKILL]))
        time.sleep(1)
    if at:
        world.keep("worker", tune=SMALL, without=without)
    world.until(world.drained, 300)
    return came, came - len(workers)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", ["ledger.write:after:2:stop", "consumer.commit:before:2:stop"])
def test_a_worker_that_wakes_after_its_session_ended_charges_nothing_twice(
    ledger_world: LedgerWorld, report: Report, moment: str
) -> None:
    sleep_and_wake(ledger_world, moment)
    verdict, parked = ledger_world.verdict(), ledger_world.parked()
    report.say("i", f"woke after {moment.rpartition(':')[0]}: exact", **vars(verdict), parked=parked)
    assert verdict == EXACT
    assert parked == 0


@pytest.mark.timeout(600)
def test_without_inbox_and_keys_a_worker_that_wakes_charges_twice(ledger_world: LedgerWorld, report: Report) -> None:
    """The control: it froze with records in its hands that another one has charged since."""
    ledger_world.lift_keys()
    sleep_and_wake(ledger_world, "consumer.poll:after:2:stop", "inbox", "keys")
    verdict = ledger_world.verdict()
    report.say("i", f"{verdict.doubled} charges too many are found", control=True, **vars(verdict))
    assert verdict.doubled > 0
    assert verdict.difference is not None


def sleep_and_wake(world: LedgerWorld, moment: str, *without: str) -> None:
    """A worker freezes, another one takes its work over, and then it goes on."""
    zombie = world.start("worker", at=[moment], tune=IMPATIENT, without=without)
    for seed in range(1, 60):
        world.tell(world.script(40, seed=seed))
        if zombie.frozen():
            break
        time.sleep(0.5)
    world.until(zombie.frozen, 120)
    world.keep("worker", tune=IMPATIENT, without=without)
    world.tell(world.script(200, seed=31))
    world.until(world.drained, 240)
    awake(world, zombie)


def awake(world: LedgerWorld, zombie: Member) -> None:
    """Let it go on, and wait until it has done whatever it is going to do."""
    zombie.signal(signal.SIGCONT)
    world.until(lambda: LOST_ITS_PLACE.search(zombie.output()) or not zombie.running, 120)
    world.tell(world.script(200, seed=32))
    world.until(world.drained, 240)


@pytest.mark.timeout(OUTAGE_SECONDS + 400)
def test_a_broker_that_is_away_holds_the_ledger_up_and_changes_nothing(
    ledger_world: LedgerWorld, report: Report
) -> None:
    worker = outage(ledger_world, OUTAGE_SECONDS)
    verdict, parked = ledger_world.verdict(), ledger_world.parked()
    report.say(
        "i", f"away for {OUTAGE_SECONDS:.0f} s: exact", **vars(verdict), usages=len(ledger_world.due), parked=parked,
        outage_seconds=OUTAGE_SECONDS,
    )  # fmt: skip
    assert verdict == EXACT
    assert parked == 0
    assert worker.running


@pytest.mark.timeout(600)
def test_without_inbox_fence_and_keys_a_broker_that_goes_away_has_usage_charged_twice(
    ledger_world: LedgerWorld, report: Report
) -> None:
    """The control: it goes when charges are made and it has not been told so."""
    ledger_world.lift_keys()
    outage(ledger_world, 2, "inbox", "fence", "keys", at=["consumer.offsets:before:1:stop"])
    verdict = ledger_world.verdict()
    report.say("i", f"{verdict.doubled} charges too many are found", control=True, **vars(verdict))
    assert verdict.doubled > 0
    assert verdict.difference is not None


def outage(world: LedgerWorld, seconds: float, *without: str, at: Sequence[str] = ()) -> Member:
    """The broker is killed while a worker is at work, or frozen at that step, and comes back; the worker."""
    world.tell(world.script(600))
    worker = world.start("worker", tune=SMALL, without=without, at=at)
    world.until(worker.frozen if at else lambda: world.number("SELECT count(*) FROM usage") > 100)
    world.broker.kill()
    worker.signal(signal.SIGCONT)
    time.sleep(seconds)
    world.broker.start()
    world.tell(world.script(300, seed=2))
    world.until(world.drained, 300)
    return worker
