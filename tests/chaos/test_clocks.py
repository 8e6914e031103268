"""Row f of the fault table: clocks jump, transactions stay open, sequence numbers go missing.

A day passes in each test, by jumps of the processes' wall clock; PostgreSQL's and Kafka's own clocks stay real.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import traffic
from harness.database import Verdict
from harness.report import Report
from harness.traffic import Duplicator, beside
from harness.world import World

EVENTS, KEYS, BACKLOG = 4_000, 200, 10_000
# Minutes in the wild; what matters is that many others commit before it. TITAN_CHAOS_HOLD=300 makes it five minutes.
HOLD_SECONDS = float(os.environ.get("TITAN_CHAOS_HOLD", "5"))
HOUR = 3600.0
LATE = {"tune": ["event_bus.relay.BATCH=100", "event_bus.relay.FROM_THE_FRONT_SECONDS=60"]}
OPEN = "datname = current_database() AND state = 'idle in transaction'"
WAITS = "datname = current_database() AND wait_event_type = 'Lock'"
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
        # The day begins with an effect: a consumer that joins late would sleep through its first hours.
        world.until(lambda: world.number("SELECT count(*) FROM effect"))
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
    commit, began = world.home / "commit", time.monotonic()
    slow = world.write(events=10, keys=10, batch=10, hold_until=commit)
    world.until(lambda: world.number(f"SELECT count(*) FROM pg_stat_activity WHERE {OPEN}"))
    world.wrote(world.write(writers=4, events=EVENTS, keys=KEYS, first=10, rollback=0.33))
    world.until(lambda: world.number("SELECT count(*) FROM effect") == EVENTS)
    time.sleep(max(0.0, began + HOLD_SECONDS - time.monotonic()))
    held = round(time.monotonic() - began, 1)
    commit.touch()
    world.wrote(slow)
    world.until(world.drained)
    verdict = world.verdict()
    report.say(
        "f",
        f"open for {held} s: {EVENTS} others passed it, its own came in order",
        **vars(verdict), events=EVENTS + 10, held_seconds=held,
    )  # fmt: skip
    assert vars(verdict) == EXACT


def test_late_commits_of_smaller_numbers_come_before_what_follows_them(world: World, report: Report) -> None:
    verdict = behind_a_backlog(world)
    report.say("f", "late commits while a backlog drains: in order", **vars(verdict), events=BACKLOG + 10)
    assert vars(verdict) == EXACT


def test_control_a_relay_that_reads_on_without_a_horizon_inverts_late_commits(world: World, report: Report) -> None:
    verdict = behind_a_backlog(world, without=["horizon"])
    report.say("f", f"no horizon: {verdict.inverted} out of order", control=True, **vars(verdict))
    assert verdict.inverted > 0
    assert (verdict.lost, verdict.doubled) == (0, 0)


def behind_a_backlog(world: World, **options: object) -> Verdict:
    """A transaction commits after whole batches of newer events were read, and the next of its keys right after it."""
    commit = world.home / "commit"
    slow = world.write(events=5, keys=5, batch=5, hold_until=commit)
    world.until(lambda: world.number(f"SELECT count(*) FROM pg_stat_activity WHERE {OPEN}"))
    world.wrote(world.write(writers=2, events=BACKLOG, keys=KEYS, first=5, batch=100))
    next_of_its_keys = world.write(events=5, keys=5, batch=5)
    world.until(lambda: world.number(f"SELECT count(*) FROM pg_stat_activity WHERE {WAITS}"))
    world.keep("relay", **(LATE | options))
    world.until(lambda: world.number("SELECT count(*) FROM outbox") < BACKLOG * 0.9, every=0.01)
    commit.touch()
    world.wrote(slow + next_of_its_keys)
    world.keep("consumer")
    world.until(world.drained)
    return world.verdict()


def test_the_inbox_remembers_for_fourteen_days_and_forgets_on_the_sixteenth(world: World, report: Report) -> None:
    """Topics keep seven days: what comes again in twice that is recognised, yet the table does not grow for ever."""
    world.keep("relay")
    world.keep("consumer")
    duplicator = Duplicator(world.bootstrap, world.topic, one_in=1)
    with beside(duplicator.run(EVENTS // 10)):
        world.wrote(world.write(events=EVENTS // 10, keys=KEYS))
    world.until(world.drained)
    world.set_clock(14 * 24 * HOUR)
    early = int(world.run("harness.forget"))
    asyncio.run(duplicator.repeat_late())
    world.until(world.drained)
    verdict = world.verdict()
    world.set_clock(16 * 24 * HOUR)
    forgotten = int(world.run("harness.forget"))
    report.say(
        "f", "remembered for 14 days, forgotten on the 16th", **vars(verdict), sent_twice=duplicator.sent,
        forgotten_early=early, forgotten=forgotten,
    )  # fmt: skip
    assert duplicator.sent == EVENTS // 10
    assert (early, forgotten) == (0, EVENTS // 10)
    assert vars(verdict) == EXACT


def test_the_inbox_remembers_longer_than_apache_kafka_keeps_a_record(world: World, report: Report) -> None:
    if report.broker != "apache":
        report.say("f", "not there: this broker keeps every record, and fences keep old ones away")
        pytest.skip(report.result)
    days = traffic.retention_days(world.bootstrap, world.topic)
    remembered = world.run("harness.forget", "--days")
    report.say("f", f"topics keep {days:.0f} days, inboxes {remembered.strip()}", topic_days=days)
    assert days * 2 <= float(remembered)
