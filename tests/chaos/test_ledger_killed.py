"""Row g of the fault table: billing's worker is killed at every step while usage comes twice and out of order."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from harness import failpoints
from harness.ledger import EXACT, LedgerWorld
from harness.report import Report

USAGES = int(os.environ.get("TITAN_CHAOS_USAGES", "6000"))
MOST_ROUNDS = 30
# The steps inside a page are the same on any broker.
PAGE = () if os.environ.get("TITAN_TEST_BROKER") == "apache" else failpoints.LEDGER
STEPS = (*failpoints.CONSUMER, *PAGE, *failpoints.RELAY)
# What nobody does in billing, or what its own loops do too at other times.
NOT_HERE = ("consumer.handler",)
PASSES = {"relay.send": 2, "consumer.offsets": 1, "consumer.begin": 12}


def deaths(steps: Iterable[str]) -> list[str]:
    """A kill before and after each of the steps."""
    known = [step for step in steps if step not in NOT_HERE]
    return [f"{step}:{moment}:{PASSES.get(step, 2)}:kill" for step in known for moment in ("before", "after")]


def run_through(world: LedgerWorld, plans: list[str], usages: int) -> int:
    """Tell the usages, and further ones until all planned deaths are died; how many events were told."""
    script = world.script(usages)
    world.tell(script)
    told = len(script.told)
    world.until(world.drained, 600)
    for seed in range(2, MOST_ROUNDS):
        if not set(plans) - set(world.reached()):
            break
        world.give_way()
        more = world.script(100, seed=seed)
        world.tell(more)
        told += len(more.told)
        world.until(world.drained)
    return told


@pytest.mark.timeout(1500)
def test_a_worker_killed_before_and_after_each_step_charges_each_usage_once(
    ledger_world: LedgerWorld, report: Report
) -> None:
    plans = deaths(STEPS)
    ledger_world.keep("worker", at=plans[::2])
    ledger_world.keep("worker", at=plans[1::2])
    told = run_through(ledger_world, plans, USAGES)
    verdict = ledger_world.verdict()
    report.say(
        "g", f"{ledger_world.killed} kills: each usage charged once, the ledger verifies", **vars(verdict),
        usages=len(ledger_world.due), events=told, kills=ledger_world.killed, parked=ledger_world.parked(),
    )  # fmt: skip
    assert verdict == EXACT
    assert ledger_world.parked() == 0
    assert sorted(set(ledger_world.reached())) == sorted(plans)
    assert ledger_world.crashed == []


def test_without_inbox_fence_and_keys_a_killed_worker_charges_twice(ledger_world: LedgerWorld, report: Report) -> None:
    """The control. Balances and sums agree all the same: only completeness shows it."""
    ledger_world.lift_keys()
    plans = deaths(["consumer.commit"])
    ledger_world.keep("worker", at=plans, without=["inbox", "fence", "keys"])
    # Told until both deaths are died: all may be in one page.
    told = run_through(ledger_world, plans, 600)
    verdict, checks = ledger_world.verdict(), ledger_world.verify()["checks"]
    report.say("g", f"{verdict.doubled} charges too many are found", control=True, **vars(verdict), events=told)
    assert verdict.doubled > 0
    assert verdict.difference is not None
    assert all(check["ok"] for check in checks if check["name"] in ("each currency sums to zero", "floors hold"))
