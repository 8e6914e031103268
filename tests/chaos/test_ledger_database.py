"""Row h of the fault table: PostgreSQL dies in a page of the ledger, the line breaks at COMMIT, the disk is full."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from harness.breakable import Breakable, breakable, durable_postgres
from harness.cut_line import AFTER, BEFORE, cut_line
from harness.full_disk import fill_up, make_room, small_disk, takes_writes
from harness.ledger import APPLICATION, EXACT, LedgerWorld, as_user
from harness.report import Report
from harness.world import Member

from titan.testing import scratch_directory

USAGES = 800
# Small batches, so that there are many pages in which something can happen.
SMALL = ["event_bus.consumer.LARGEST_BATCH=60"]
IN_A_PAGE = ["ledger.lock:after:3:stop", "ledger.write:after:6:stop", "consumer.commit:before:9:stop"]
# Every statement that commits, whoever's of the worker it is.
PLAN = [None, None, BEFORE, None, AFTER, None, AFTER, BEFORE, None, AFTER] * 2
DISK_MEGABYTES = 260


@pytest.fixture(scope="module")
def postgres() -> Iterator[Breakable]:
    """A durable PostgreSQL that only the tests here use; whoever killed it has started it again."""
    with scratch_directory() as home, breakable(durable_postgres, home) as made:
        yield made


@pytest.mark.timeout(600)
def test_a_database_killed_in_a_page_leaves_no_half_of_it(
    make_ledger_world: Callable[..., LedgerWorld], postgres: Breakable, report: Report
) -> None:
    """kill -9 of the server while the worker is frozen with its people locked, its rows written, its COMMIT unsaid."""
    world = make_ledger_world(server_url=postgres.address)
    world.tell(world.script(USAGES))
    worker = world.start("worker", at=IN_A_PAGE, tune=SMALL)
    for time_ in range(1, 1 + len(IN_A_PAGE)):
        world.until(lambda: worker.output().count("failpoint reached") == time_ and worker.frozen())  # noqa: B023
        postgres.kill()
        worker.signal(signal.SIGCONT)
        time.sleep(0.5)
        postgres.start()
    world.until(lambda: takes_writes(world) and world.drained(), 300)
    say_exact(report, "h", world, f"{len(IN_A_PAGE)} kills of the server: exact", kills=len(IN_A_PAGE))
    assert worker.running


@pytest.mark.timeout(600)
def test_a_line_cut_at_commit_changes_no_charge(ledger_world: LedgerWorld, report: Report) -> None:
    """Cut before the server hears of it, and after it has committed but before its answer arrives."""
    cuts = cut_at_commit(ledger_world)
    say_exact(report, "h", ledger_world, f"{cuts} cuts at COMMIT: exact", cuts=cuts)
    assert cuts >= 6


@pytest.mark.timeout(600)
def test_without_inbox_fence_and_keys_a_line_cut_at_commit_charges_twice(
    ledger_world: LedgerWorld, report: Report
) -> None:
    """The control: what was committed and not known to be is done again."""
    ledger_world.lift_keys()
    cuts = cut_at_commit(ledger_world, "inbox", "fence", "keys")
    verdict = ledger_world.verdict()
    report.say("h", f"{verdict.doubled} charges too many are found", control=True, **vars(verdict), cuts=cuts)
    assert verdict.doubled > 0
    assert verdict.difference is not None


def cut_at_commit(world: LedgerWorld, *without: str) -> int:
    """Run a worker on a line that breaks at its commits; how often it broke."""
    world.tell(world.script(USAGES))
    with cut_line(as_user(world.database_url, APPLICATION), PLAN) as (line, url):
        world.start("worker", without=without, tune=SMALL, TITAN_DATABASE_URL=url)
        world.until(lambda: world.drained() and not world.number(WAITING), 300)
        return len(line.cuts)


WAITING = "SELECT count(*) FROM outbox"


@pytest.mark.timeout(600)
def test_a_full_disk_stops_the_ledger_and_loses_no_charge(
    make_ledger_world: Callable[..., LedgerWorld], report: Report
) -> None:
    at = ["consumer.commit:after:2:stop"]
    with full_and_room_again(make_ledger_world, report, at=at) as (world, worker):
        say_exact(report, "h", world, "full, then room again: exact")
        assert worker.running


@pytest.mark.timeout(600)
def test_without_one_transaction_a_full_disk_loses_charges(
    make_ledger_world: Callable[..., LedgerWorld], report: Report
) -> None:
    """The control: an event's arrival is noted, there is no room for its charge, and then it counts as done."""
    with full_and_room_again(make_ledger_world, report, "one-transaction", at=["ledger.write:before:4:stop"]) as (
        world,
        _,
    ):
        verdict = world.verdict()
        report.say("h", f"{verdict.lost} charges that are missing are found", control=True, **vars(verdict))
        assert verdict.lost > 0
        assert "has no journal" in str(verdict.difference)


@contextlib.contextmanager
def full_and_room_again(
    make_ledger_world: Callable[..., LedgerWorld], report: Report, *without: str, at: Sequence[str]
) -> Iterator[tuple[LedgerWorld, Member]]:
    """PostgreSQL's files are on a small file system that fills up at that step and gets room again."""
    with scratch_directory() as home, small_disk(home / "disk", megabytes=DISK_MEGABYTES) as disk:
        if disk is None:
            report.say("h", "SKIPPED: only root may mount the small file system that this test fills")
            pytest.skip(report.result)
        with breakable(durable_postgres, disk) as server:
            world = make_ledger_world(server_url=server.address)
            world.tell(world.script(USAGES))
            worker = world.start("worker", tune=SMALL, without=without, at=at)
            world.until(worker.frozen)
            ballast = fill_up(disk, [worker])
            world.until(lambda: "No space left" in worker.output())
            make_room(ballast, world, server)
            world.until(lambda: takes_writes(world) and world.drained(), 300)
            yield world, worker
            world.end()


def say_exact(report: Report, row: str, world: LedgerWorld, result: str, **figures: int) -> None:
    """Report what came of it, and fail unless it is exact and nothing was parked."""
    verdict, parked = world.verdict(), world.parked()
    report.say(row, result, **vars(verdict), usages=len(world.due), parked=parked, **figures)
    assert verdict == EXACT
    assert parked == 0
