"""Row c of the fault table: PostgreSQL dies in a batch, the line breaks at COMMIT, the disk is full."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from harness.breakable import Breakable, breakable, durable_postgres
from harness.cut_line import AFTER, BEFORE, cut_line
from harness.full_disk import fill_up, make_room, small_disk
from harness.report import Report
from harness.world import World

from titan.testing import scratch_directory

# Several batches of the relay, which takes 2 000 at once.
EVENTS, KEYS = 4_500, 500
# Where each loop is frozen when its database is killed: the consumer with its effects uncommitted, the relay with
# records that are sent and not yet deleted.
IN_A_BATCH = {
    "consumer": ["consumer.claim:after:2:stop", "consumer.handler:after:1200:stop", "consumer.commit:before:4:stop"],
    "relay": ["relay.read:after:1:stop", "relay.ack:after:2:stop", "relay.delete:before:3:stop"],
}
# The statements by which each loop commits.
COMMITS = {"consumer": b"COMMIT", "relay": b"DELETE FROM outbox"}
DISK_MEGABYTES = 160


@pytest.fixture(scope="module")
def postgres() -> Iterator[Breakable]:
    """A durable PostgreSQL that only the tests here use; whoever killed it has started it again."""
    with scratch_directory() as home, breakable(durable_postgres, home) as made:
        yield made


@pytest.fixture
def filled(make_world: Callable[..., World], postgres: Breakable) -> World:
    """A world on that PostgreSQL whose outbox is full and whose loops have yet to start."""
    return _fill(make_world(server_url=postgres.address))


def _fill(world: World) -> World:
    world.wrote(world.write(events=EVENTS, keys=KEYS, batch=100))
    return world


@pytest.mark.parametrize("loop", IN_A_BATCH)
def test_a_database_killed_in_a_batch_leaves_nothing_half_done(
    loop: str, filled: World, postgres: Breakable, report: Report
) -> None:
    """kill -9 of the server while the loop is frozen in the middle of its work; three times, at different steps."""
    broken = filled.start(loop, at=IN_A_BATCH[loop])
    other = filled.start("relay" if loop == "consumer" else "consumer")
    for time_ in range(1, 1 + len(IN_A_BATCH[loop])):
        filled.until(lambda: broken.output().count("failpoint reached") == time_ and broken.frozen())  # noqa: B023
        postgres.kill()
        broken.signal(signal.SIGCONT)
        time.sleep(0.5)
        postgres.start()
    back = time.monotonic()
    filled.until(filled.drained)
    verdict = filled.verdict()
    report.say(
        "c", "exact", loop=loop, kills=len(IN_A_BATCH[loop]), events=EVENTS, records=filled.records(),
        drained_after_seconds=round(time.monotonic() - back, 1), **vars(verdict),
    )  # fmt: skip
    assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
    assert broken.running
    assert other.running


PLAN = [None, BEFORE, AFTER, AFTER, None, BEFORE, BEFORE, AFTER]


def _cut_at_commit(world: World, loop: str, *without: str) -> int:
    """Run the loops, one of them on a line that breaks at its commits; how often it broke."""
    _fill(world)
    with cut_line(world.database_url, PLAN, commits=COMMITS[loop]) as (line, url):
        world.start(loop, without=without, TITAN_DATABASE_URL=url)
        world.start("relay" if loop == "consumer" else "consumer", without=without)
        world.until(world.drained, 150)
        return len(line.cuts)


@pytest.mark.parametrize("loop", ["consumer", "relay"])
def test_a_line_cut_at_commit_changes_no_effect(loop: str, world: World, report: Report) -> None:
    """Cut before the server hears of it, and after it has committed but before its answer arrives."""
    cuts = _cut_at_commit(world, loop)
    verdict = world.verdict()
    report.say("c", "exact", loop=loop, cuts=cuts, events=EVENTS, records=world.records(), **vars(verdict))
    assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
    assert cuts >= 3


def test_without_the_inbox_a_line_cut_at_commit_doubles_effects(world: World, report: Report) -> None:
    """The control: what was sent and not known to be is sent again."""
    _cut_at_commit(world, "relay", "inbox")
    verdict = world.verdict()
    report.say("c", "doubled effects are found", control=True, **vars(verdict))
    assert verdict.doubled > 0


def test_a_full_disk_stops_work_and_loses_nothing(make_world: Callable[..., World], report: Report) -> None:
    """PostgreSQL's files are on a small file system that fills up under way and gets room again later."""
    with scratch_directory() as home, small_disk(home / "disk", megabytes=DISK_MEGABYTES) as disk:
        if disk is None:
            report.say("c", "SKIPPED: only root may mount the small file system that this test fills")
            pytest.skip(report.result)
        with breakable(durable_postgres, disk) as server:
            world = _fill(make_world(server_url=server.address))
            consumer = world.start("consumer", at=["consumer.commit:after:1:stop"])
            members = [world.start("relay"), consumer]
            world.until(consumer.frozen)
            ballast = fill_up(disk, members)
            world.until(lambda: any("No space left" in member.output() for member in members))
            before = _effects_or_none(world)
            make_room(ballast, world, server)
            back = time.monotonic()
            world.until(world.drained)
            verdict = world.verdict()
            report.say(
                "c", "exact", events=EVENTS, effects_when_full=before if before is not None else "server down",
                drained_after_seconds=round(time.monotonic() - back, 1), **vars(verdict),
            )  # fmt: skip
            assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
            assert all(member.running for member in members)
            world.end()


def _effects_or_none(world: World) -> int | None:
    try:
        return world.number("SELECT count(*) FROM effect")
    except psycopg.Error:
        return None
