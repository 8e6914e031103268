"""Row f of the fault table: clocks jump, transactions stay open, sequence numbers go missing.

A day passes in each test, by jumps of the processes' wall clock; PostgreSQL's and Kafka's own clocks stay real.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.report import Report
from harness.world import World

EVENTS, KEYS = 4_000, 200
# Minutes in the wild; what matters is that many others commit before it. TITAN_CHAOS_HOLD=300 makes it five minutes.
HOLD_SECONDS = float(os.environ.get("TITAN_CHAOS_HOLD", "8"))
HOUR = 3600.0
EXACT = {"lost": 0, "doubled": 0, "inverted": 0}


@pytest.fixture
def world(make_world: Callable[..., World], tmp_path: Path) -> World:
    """A world whose processes' clocks a test can move."""
    return make_world(clock=tmp_path / "clock")


def test_a_day_of_clock_jumps_changes_neither_order_nor_number(world: World, report: Report) -> None:
    """Twenty-four hours forward in jumps of up to five, with every third jump an hour back."""
    world.keep("relay")
    world.keep("consumer")
    ahead, jumps = 0.0, 0
    while ahead < 24 * HOUR:
        ahead += -1 * HOUR if jumps % 3 == 2 else 5 * HOUR
        jumps += 1
        world.set_clock(ahead)
        world.wrote(world.write(writers=2, events=EVENTS // 10, keys=KEYS))
    world.until(world.drained)
    verdict = world.verdict()
    span = world.number("SELECT extract(epoch FROM max(at) - min(at)) / 3600 FROM effect")
    report.say("f", f"{jumps} jumps, {span} h: exact", **vars(verdict), jumps=jumps, hours=span)
    assert vars(verdict) == EXACT
    assert span >= 20
    assert world.crashed == []


def test_a_transaction_that_stays_open_holds_back_nobody_and_comes_in_order(world: World, report: Report) -> None:
    """It took its sequence numbers first and commits last, after thousands of others; a third of those roll back."""
    world.keep("relay")
    world.keep("consumer")
    (slow,) = world.write(events=10, keys=10, batch=10, hold=HOLD_SECONDS)
    world.until(lambda: world.number("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"))
    began = time.monotonic()
    others = world.write(writers=4, events=EVENTS, keys=KEYS, first=10, rollback=0.33)
    world.wrote(others)
    world.until(lambda: world.number("SELECT count(*) FROM effect") >= EVENTS, 60)
    passed_it = time.monotonic() - began
    still_open = slow.running
    world.wrote([slow], HOLD_SECONDS + 30)
    world.until(world.drained)
    verdict = world.verdict()
    report.say(
        "f",
        f"open for {HOLD_SECONDS:.0f} s: {EVENTS} others passed it, its own came in order",
        **vars(verdict), events=EVENTS, hold_seconds=HOLD_SECONDS, others_seconds=round(passed_it, 1),
    )  # fmt: skip
    assert still_open
    assert vars(verdict) == EXACT
