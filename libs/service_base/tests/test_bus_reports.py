"""Workers tell the board where the bus stands; no trouble of the board's is theirs."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from structlog.testing import capture_logs

from event_bus import metrics
from service_base import bus_reports
from service_base.bus_reports import BusReporter, connect, reports
from shared_models.clock import utc_now
from shared_models.ids import new_id


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A report follows a report at once."""
    monkeypatch.setattr(bus_reports, "EVERY_SECONDS", 0.01)


@pytest.fixture
async def board(monkeypatch):
    """A board of the test's own: one Valkey serves the tests of several services at once."""
    monkeypatch.setattr(bus_reports, "BOARD", f"titan:test:{new_id()}:")
    found = connect()
    yield found
    await found.delete(bus_reports.BOARD + "billing")
    await found.aclose()


async def until(look):
    async with asyncio.timeout(10):
        while not (found := await look()):
            await asyncio.sleep(0.01)
    return found


async def reporting(reporter, look):
    """Let the reporter run until `look` finds something."""
    stop = asyncio.Event()
    running = asyncio.create_task(reporter.run(stop))
    try:
        return await until(look)
    finally:
        stop.set()
        await running


async def test_a_report_says_what_the_process_counts(board):
    metrics.lag.labels("titan.ml.v1").set(12)
    metrics.outbox_waiting.set(3)
    reporter = BusReporter("billing", parked=lambda: 5)
    [told] = await reporting(reporter, lambda: reports(board))
    assert (told.service, told.parked, told.outbox_waiting, told.lag["titan.ml.v1"]) == ("billing", 5, 3, 12)
    assert not told.has_ended


def test_rates_are_per_second_over_the_last_samples(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(bus_reports, "monotonic", lambda: now[0])
    reporter = BusReporter("billing", parked=int)
    counter = metrics.sent.labels("titan.probe.counted.v1")
    counter.inc(1000)
    assert reporter.report().sent["titan.probe.counted.v1"] == 0, "what came before the first look is no rate"
    for _ in range(10):
        now[0] += 2
        counter.inc(8)
        told = reporter.report()
    assert told.sent["titan.probe.counted.v1"] == 4.0


async def test_the_end_of_a_worker_is_the_last_thing_it_says(board):
    metrics.breaker_open.set(1)
    try:
        await reporting(BusReporter("billing", parked=int), lambda: reports(board))
    finally:
        metrics.breaker_open.set(0)
    [told] = await reports(board)
    assert (told.has_ended, told.breaker_open) == (True, True)


async def test_a_worker_that_is_cancelled_says_so_too(board):
    running = asyncio.create_task(BusReporter("billing", parked=int).run(asyncio.Event()))
    await until(lambda: reports(board))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [told.has_ended for told in await reports(board)] == [True]


async def test_a_cancellation_that_a_library_swallowed_ends_it_all_the_same(board, monkeypatch):
    tell = BusReporter._tell

    async def swallowing(self, board, **facts):
        await tell(self, board, **facts)
        if not looked.is_set():
            inside.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                looked.set()

    inside, looked = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(BusReporter, "_tell", swallowing)
    running = asyncio.create_task(BusReporter("billing", parked=int).run(asyncio.Event()))
    await asyncio.wait_for(inside.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await running
    assert looked.is_set()


async def test_a_board_that_is_away_is_said_once_and_holds_nothing_up(monkeypatch):
    monkeypatch.setattr(bus_reports.env(), "valkey_url", "redis://127.0.0.1:9/0", raising=True)
    looked = []
    with capture_logs() as lines:
        await reporting(BusReporter("billing", parked=lambda: looked.append(1) or 0), _more_than(looked, 3))
    assert [line["event"] for line in lines] == ["bus_report.board_away"]


def _more_than(found, count):
    async def look():
        return len(found) > count

    return look


async def test_a_database_that_is_away_leaves_the_last_known_number(board):
    from django.db import OperationalError

    answers = iter([7])

    def parked():
        for answer in answers:
            return answer
        raise OperationalError("the server closed the connection")

    seen = []

    async def look():
        seen.extend(told.at for told in await reports(board))
        return [told for told in await reports(board) if len(set(seen)) > 2]

    [told] = await reporting(BusReporter("billing", parked=parked), look)
    assert told.parked == 7


async def test_what_dead_processes_left_is_forgotten_after_an_hour(board):
    old = BusReporter("billing", parked=int, clock=lambda: utc_now() - timedelta(hours=2))
    billings = bus_reports.BOARD + "billing"
    await board.hset(billings, "gone:1", (await sync_to_async(old.report)()).model_dump_json())
    await board.hset(billings, "gone:2", "of another version")
    assert {name async for name in board.hscan_iter(billings, no_values=True)} == {b"gone:1", b"gone:2"}
    await reporting(BusReporter("billing", parked=int), lambda: board.hlen(billings))
    assert not {b"gone:1", b"gone:2"} & set(await board.hkeys(billings))
